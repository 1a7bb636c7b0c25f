"""Other engines on the same models: what they compute, what they refuse, and their threads."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from contract_examples import CONTRACT
from converting import float32_of

from hangtag.classifier import Classifier, Scores
from hangtag.contract import InputSpec
from hangtag.model_file import parse_model
from hangtag.preprocess import Image
from hangtag_benchmarks import frames
from hangtag_benchmarks.child import Outcome, run_job
from hangtag_benchmarks.engines.base import read_model
from hangtag_benchmarks.engines.litert_cpu import LiteRtCpu
from hangtag_benchmarks.engines.onnx_file import onnx_file
from hangtag_benchmarks.engines.opencv_dnn import OpenCvDnn
from hangtag_benchmarks.engines.peer_check import (
    FLOAT_TOLERANCE,
    INTEGER_TOLERANCE,
    golden_check,
    peer_check,
    peer_tolerance,
)
from hangtag_benchmarks.engines.registry import KINDS, why_missing
from hangtag_benchmarks.measurements import Measurement
from hangtag_benchmarks.plans import BlockPlan, Job
from hangtag_convert.golden_cases import drawn_frames, make_golden_cases
from hangtag_convert.metadata import embed

PLAN = BlockPlan(0.05, 5, 0.3, 5, 0.05, 4)


def _needs(name: str) -> pytest.MarkDecorator:
    reason = why_missing(KINDS[name])
    return pytest.mark.skipif(reason is not None, reason=f"{name}: {reason}")


PEERS = [pytest.param(name, marks=_needs(name)) for name in ("opencv", "opencv-onnx", "onnxruntime")]


@pytest.fixture
def frames_path(tmp_path: Path) -> Path:
    path = tmp_path / "frames.npy"
    frames.write_frames(path)
    return path


@pytest.fixture(scope="module")
def float_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small convolutional network with golden cases, as a float32 file."""
    keras = pytest.importorskip("keras", reason='needs Keras: pip install "hangtag[train]"')
    keras.utils.set_random_seed(3)
    layers = keras.layers
    network = keras.Sequential(
        [
            keras.Input((48, 48, 3)),
            layers.Conv2D(8, 5, strides=2, activation="relu", kernel_initializer="he_normal"),
            layers.DepthwiseConv2D(3, padding="same"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2, activation="softmax"),
        ]
    )
    folder = tmp_path_factory.mktemp("float")
    bare = float32_of(network, folder)
    contract = CONTRACT.replace(input=InputSpec(width_px=48, height_px=48))
    classifier = Classifier(parse_model(embed(bare, contract, None), contract.name))
    golden = make_golden_cases(classifier, 0.001, drawn_frames(classifier))
    path = folder / "float.tflite"
    path.write_bytes(embed(bare, contract, golden))
    return path


def _block(engine: str, model: Path | None, frames_path: Path, threads: int = 1) -> Outcome:
    return run_job(Job(engine, None if model is None else str(model), threads, str(frames_path), PLAN))


def _measured(outcome: Outcome) -> Measurement:
    assert outcome.measurement is not None, outcome.error
    return outcome.measurement


@pytest.mark.parametrize("engine", PEERS)
def test_floats_are_computed_as_the_interpreter_does(
    engine: str, frames_path: Path, float_model: Path
) -> None:
    measured = _measured(_block(engine, float_model, frames_path))
    check = measured.check
    assert (check.against, check.failed_cases) == ("the interpreter's scores", 0)
    assert check.cases > frames.COUNT
    assert check.worst_difference < 1e-5
    assert len(measured.timings.invoke_ms) >= PLAN.invoke_runs
    assert measured.timings.end_to_end_ms
    assert measured.versions


@_needs("onnxruntime")
def test_integers_are_computed_nearly_as_the_interpreter_does_and_converted_once(frames_path: Path) -> None:
    first = _measured(_block("onnxruntime", None, frames_path))
    assert first.check.failed_cases == 0
    assert 0 < first.check.worst_difference < INTEGER_TOLERANCE == first.check.tolerance
    assert set(first.versions) == {"onnxruntime", "tf2onnx"}
    # TensorFlow, which converts, is in none of the figures.
    assert first.imports_memory_mb is None or first.imports_memory_mb < 150
    (converted,) = frames_path.parent.glob("*.onnx")
    made = converted.stat().st_mtime_ns
    second = _measured(_block("onnxruntime", None, frames_path, threads=2))
    assert (converted.stat().st_mtime_ns, len(list(frames_path.parent.iterdir()))) == (made, 2)
    if first.busy_threads is not None and second.busy_threads is not None:
        assert first.busy_threads < 1.15
        assert second.busy_threads > 1.3


def test_opencv_takes_as_many_threads_as_it_is_told(float_model: Path) -> None:
    before = cv2.getNumThreads()
    try:
        for threads in (1, 2):
            OpenCvDnn(str(float_model), threads)
            assert cv2.getNumThreads() == threads
    finally:
        cv2.setNumThreads(before)


@pytest.mark.parametrize("engine", [param for param in PEERS if "opencv" in param.values[0]])
def test_opencv_refuses_integers_in_one_line(engine: str, frames_path: Path) -> None:
    outcome = _block(engine, None, frames_path)
    assert outcome.measurement is None
    assert outcome.error is not None
    assert outcome.error.startswith(f"OpenCV {cv2.__version__} cannot run the model (")
    assert outcome.error.endswith("it takes models of floats: float32, float16")


@_needs("onnxruntime")
def test_what_cannot_be_read_as_onnx_is_one_line(frames_path: Path) -> None:
    converted = frames_path.parent / f"{read_model(None).sha256}.onnx"
    converted.write_bytes(b"no model")
    outcome = _block("onnxruntime", None, frames_path)
    assert outcome.error is not None
    assert "refuses the converted model" in outcome.error


@pytest.mark.skipif(
    importlib.util.find_spec("tf2onnx") is None, reason="needs tf2onnx: pip install tf2onnx tensorflow"
)
def test_what_cannot_be_converted_is_one_line_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "tf2onnx").mkdir()
    (tmp_path / "tf2onnx" / "__init__.py").write_text("")
    (tmp_path / "tf2onnx" / "convert.py").write_text("raise ValueError('no such operator')")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with pytest.raises(Exception, match="tf2onnx cannot convert the model: ValueError: no such operator"):
        onnx_file(None, scratch)
    assert list(scratch.iterdir()) == []


class _Shifted(LiteRtCpu):
    """An engine that is wrong by so much in its first score."""

    by = 0.0

    def scores(self, image_bgr: Image) -> Scores:
        scores = super().scores(image_bgr).copy()
        scores[0] += self.by
        return scores


@pytest.mark.parametrize(
    ("by", "fails"), [(0.0, False), (INTEGER_TOLERANCE * 0.9, False), (INTEGER_TOLERANCE * 1.1, True)]
)
def test_scores_that_are_further_off_are_wrong(by: float, fails: bool, model_path: Path) -> None:
    engine, model = _Shifted(str(model_path), 1), read_model(str(model_path))
    engine.by = by
    assert model.golden is not None
    pictures: Sequence[Image] = [np.zeros((30, 40, 3), np.uint8)]
    for check, cases in (
        (peer_check(engine, model, pictures), len(model.golden.cases) + 1),
        (golden_check(engine.scores, model, INTEGER_TOLERANCE), len(model.golden.cases)),
    ):
        assert (check.cases, check.failed_cases) == (cases, cases if fails else 0)
        assert check.worst_difference == pytest.approx(by, abs=0.006)


def test_a_model_of_floats_must_be_met_closely(float_model: Path) -> None:
    assert peer_tolerance(read_model(str(float_model))) == FLOAT_TOLERANCE
    assert peer_tolerance(read_model(None)) == INTEGER_TOLERANCE
