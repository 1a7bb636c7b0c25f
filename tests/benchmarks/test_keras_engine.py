"""A training run's Keras model as an engine: in processes of its own, as a benchmark runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from small_run import contract_of, write_run

from hangtag.errors import BenchmarkError, RunError
from hangtag_benchmarks import frames
from hangtag_benchmarks.child import run_job
from hangtag_benchmarks.engines.keras_run import with_runs_opened
from hangtag_benchmarks.engines.registry import KINDS
from hangtag_benchmarks.identity import identify
from hangtag_benchmarks.model_runs import Asked, identified, worker_targets
from hangtag_benchmarks.plans import BlockPlan, Job
from hangtag_benchmarks.targets import WorkerRunner

SHORT = BlockPlan(warmup_s=0.0, warmup_runs=2, invoke_s=0.0, invoke_runs=5, pipeline_s=0.0, pipeline_runs=3)
LABELS = ("dress", "hat", "shoe")

COUNT_THREADS = """
import sys
import numpy as np
from hangtag_benchmarks.machine.busy_threads import BusyThreads
from hangtag_benchmarks.engines.keras_tensorflow import KerasCpu
engine = KerasCpu(sys.argv[1], int(sys.argv[2]))
engine.prepare(np.zeros((96, 96, 3), np.uint8))
engine.write_input()
for _ in range(3):
    engine.invoke()
busy = BusyThreads()
for _ in range(30):
    engine.invoke()
print(busy.count())
"""


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run whose network is wide enough for several threads to share a layer."""
    import keras

    network = keras.Sequential(
        [
            keras.Input((96, 96, 3)),
            keras.layers.Conv2D(64, 3, activation="relu"),
            keras.layers.Conv2D(64, 3, activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(len(LABELS), activation="softmax"),
        ]
    )
    return write_run(tmp_path_factory.mktemp("runs") / "small", network, contract_of(network, LABELS))


@pytest.fixture(scope="session")
def frames_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("frames") / "frames.npy"
    frames.write_frames(path)
    return path


def job(model: Path, frames_path: Path, engine: str = "keras") -> Job:
    return Job(engine, str(model), 1, str(frames_path), SHORT)


def test_a_block_is_measured_and_its_scores_are_those_of_the_network_without_a_graph(
    run: Path, frames_path: Path
) -> None:
    outcome = run_job(job(run / "model.keras", frames_path))

    assert outcome.error is None, outcome.log
    found = outcome.measurement
    assert found is not None
    assert len(found.timings.invoke_ms) == 5
    assert len(found.timings.end_to_end_ms) == 3
    assert set(found.timings.stages_ms) == {"preprocess", "write_input", "read_output", "postprocess"}
    assert (found.check.cases, found.check.failed_cases) == (frames.COUNT, 0)
    assert found.check.worst_difference < 1e-5
    assert "layer by layer" in found.check.against
    assert {"tensorflow", "keras"} <= found.versions.keys()


@pytest.mark.alone
@pytest.mark.parametrize(("threads", "least", "most"), [(1, 0.8, 1.15), (2, 1.3, 2.3)])
def test_as_many_threads_work_as_were_asked_for(run: Path, threads: int, least: float, most: float) -> None:
    done = subprocess.run(
        [sys.executable, "-c", COUNT_THREADS, str(run / "model.keras"), str(threads)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    if done.stdout.strip() == "None":
        pytest.skip("needs a kernel that counts how long threads ran (/proc/self/task/*/schedstat)")
    assert least < float(done.stdout) < most


def test_without_a_gpu_the_row_says_why(run: Path, frames_path: Path) -> None:
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):
        pytest.skip("needs a machine on which TensorFlow sees no GPU")
    reason = WorkerRunner(KINDS["keras-gpu"], run / "model.keras", 1, frames_path).missing()

    assert reason is not None
    assert "TensorFlow sees no GPU" in reason
    assert "tensorflow[and-cuda]" in reason


@pytest.mark.slow
def test_on_a_gpu_everything_runs_there_and_the_scores_are_the_cpus(run: Path, frames_path: Path) -> None:
    import tensorflow as tf

    if not tf.config.list_physical_devices("GPU"):
        pytest.skip("needs an NVIDIA GPU and a TensorFlow that sees it")
    runner = WorkerRunner(KINDS["keras-gpu"], run / "model.keras", 1, frames_path)
    assert runner.missing() is None
    outcome = runner.block(SHORT)

    assert outcome.error is None, outcome.log
    assert outcome.measurement is not None
    assert outcome.measurement.check.failed_cases == 0
    accelerator = runner.accelerator(outcome.log)
    assert accelerator is not None
    assert not accelerator.is_software


def test_it_is_identified_by_its_file_and_its_contract(run: Path) -> None:
    model = identify(run / "model.keras")

    assert (model.file_name, model.input_dtype, model.input_wh) == ("model.keras", "float32", (96, 96))
    assert model.size_bytes == (run / "model.keras").stat().st_size


def test_a_run_stands_for_its_model_and_what_was_made_of_it(
    run: Path, tmp_path: Path, model_bytes: bytes
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    for file in run.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "made.tflite").write_bytes(model_bytes)

    opened = with_runs_opened([folder, folder / "made.tflite"])
    assert opened == [folder / "model.keras", folder / "made.tflite"]
    targets = worker_targets(
        Asked(identified([folder]), ("litert", "litert-gpu", "keras"), threads=(1, 2)),
        tmp_path / "frames.npy",
    )
    assert [(target.model.file_name, target.engine, target.threads) for target in targets] == [
        ("model.keras", "keras", 1),
        ("model.keras", "keras", 2),
        ("made.tflite", "litert", 1),
        ("made.tflite", "litert", 2),
        ("made.tflite", "litert-gpu", None),
    ]


def test_a_file_that_no_engine_takes_is_refused(run: Path, model_path: Path, tmp_path: Path) -> None:
    for path, engine, wanted in ((run, "litert", "keras, keras-gpu"), (model_path, "keras", "litert")):
        with pytest.raises(BenchmarkError, match=f"cannot run; wanted with it some of --engine {wanted}"):
            worker_targets(Asked(identified([path]), (engine,)), tmp_path / "frames.npy")


def test_a_keras_file_by_itself_is_refused(run: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone.keras"
    alone.write_bytes((run / "model.keras").read_bytes())

    with pytest.raises(BenchmarkError, match="says nothing of labels and pixels"):
        identify(alone)
    with pytest.raises(BenchmarkError, match="there is no file"):
        identify(tmp_path / "model.keras")


def test_a_model_that_was_changed_after_training_is_refused(run: Path, tmp_path: Path) -> None:
    for file in run.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    with (tmp_path / "model.keras").open("ab") as model:
        model.write(b"x")

    with pytest.raises(RunError, match="was changed after training"):
        identify(tmp_path / "model.keras")


def test_scores_that_are_no_numbers_end_the_block(tmp_path: Path, frames_path: Path) -> None:
    import keras

    network = keras.Sequential(
        [keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(3, activation="softmax")]
    )
    network.layers[-1].set_weights([np.full((192, 3), np.nan), np.zeros(3)])
    run = write_run(tmp_path / "run", network, contract_of(network, LABELS))
    outcome = run_job(job(run / "model.keras", frames_path))

    assert outcome.measurement is None
    assert outcome.error is not None
    assert "not finite" in outcome.error
