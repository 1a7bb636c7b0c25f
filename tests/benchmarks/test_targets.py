"""What proves an accelerator: the log of a process that opened the model; such processes only pretend."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hangtag.errors import BenchmarkError
from hangtag_benchmarks import targets
from hangtag_benchmarks.child import Outcome
from hangtag_benchmarks.engines.registry import KINDS, EngineKind
from hangtag_benchmarks.plans import Job
from hangtag_benchmarks.targets import Accelerator, WorkerRunner

Log = Callable[[str, str], str]
REAL = ("NVIDIA H100 PCIe", "Discrete GPU")
SOFTWARE = ("SwiftShader Device (Subzero)", "CPU / Software")
FALLEN_BACK = "3 operations will run on the GPU, and the remaining 1 operations will run on the CPU.\n"
NO_GPU = "; wanted a graphics adapter with a Vulkan driver"


@pytest.fixture
def runner_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., WorkerRunner]:
    """Gives a runner on the GPU whose processes end as they are told."""

    def make(outcome: Outcome, **options: Any) -> WorkerRunner:
        def run_job(job: Job, *, timeout_s: float, python: str | None) -> Outcome:
            # Opening a model must not wait for ever, and nothing is measured before it is known to open.
            assert (job.engine, job.plan, timeout_s, python) == ("litert-gpu", None, 180.0, None)
            return outcome

        monkeypatch.setattr(targets, "run_job", run_job)
        return WorkerRunner(KINDS["litert-gpu"], tmp_path / "m.tflite", 1, tmp_path / "frames.npy", **options)

    return make


@pytest.mark.parametrize(
    ("adapter", "error", "expected"),
    [
        (REAL, None, None),
        (
            SOFTWARE,
            None,
            f"only a software adapter ({SOFTWARE[0]}): software, for testing only (--device gpu",
        ),
        (("Virtio-GPU Venus", "Other"), None, "LiteRT cannot say whether Virtio-GPU Venus is hardware"),
        (None, "the measuring process was killed by SIGILL (signal 4)", f"by SIGILL (signal 4){NO_GPU}"),
        (None, "the measuring process did not answer within 180 s", f"answer within 180 s{NO_GPU}"),
        (None, None, f"LiteRT does not say which adapter it uses{NO_GPU}"),
    ],
)
def test_without_hardware_there_is_a_reason_and_a_way_out(
    adapter: tuple[str, str] | None,
    error: str | None,
    expected: str | None,
    runner_of: Callable[..., WorkerRunner],
    gpu_log: Log,
) -> None:
    log = gpu_log(*adapter) if adapter else "INFO: nothing\n"
    reason = runner_of(Outcome(None, error, log)).missing()
    assert (reason is None) == (expected is None)
    assert expected is None or expected in (reason or "")


@pytest.mark.parametrize("adapter", [REAL, SOFTWARE])
@pytest.mark.parametrize(
    ("more_log", "error", "expected"),
    [
        ("", "was killed by SIGSEGV", "was killed by SIGSEGV"),
        (FALLEN_BACK, "LiteRT cannot put it there", "1 of its 4 operations do not run on the GPU"),
    ],
)
def test_an_adapter_that_refuses_the_model_fails_its_row(
    more_log: str,
    error: str,
    expected: str,
    adapter: tuple[str, str],
    runner_of: Callable[..., WorkerRunner],
    gpu_log: Log,
) -> None:
    runner = runner_of(Outcome(None, error, gpu_log(*adapter) + more_log), software_too=True)
    with pytest.raises(BenchmarkError) as raised:
        runner.missing()
    assert str(raised.value) == f"{adapter[0]}: {expected}"


@pytest.mark.parametrize(
    ("adapter", "more_log", "software_too", "expected"),
    [
        (REAL, "", False, Accelerator(REAL[0], is_software=False)),
        (SOFTWARE, "", True, Accelerator(SOFTWARE[0], is_software=True)),
        (SOFTWARE, "", False, "only a software adapter (SwiftShader Device (Subzero))"),
        (("Some", "Other"), "", True, "LiteRT cannot say whether Some is hardware (adapterType=Other)"),
        (REAL, FALLEN_BACK, False, "NVIDIA H100 PCIe: 1 of its 4 operations do not run on the GPU"),
        (None, "", True, "LiteRT does not say which adapter it uses"),
    ],
)
def test_every_block_must_prove_its_adapter_again(
    adapter: tuple[str, str] | None,
    more_log: str,
    expected: Accelerator | str,
    *,
    software_too: bool,
    runner_of: Callable[..., WorkerRunner],
    gpu_log: Log,
) -> None:
    runner = runner_of(Outcome(None, None, ""), software_too=software_too)
    log = (gpu_log(*adapter) if adapter else "") + more_log
    if isinstance(expected, Accelerator):
        assert runner.accelerator(log) == expected
        return
    with pytest.raises(BenchmarkError) as raised:
        runner.accelerator(log)
    assert str(raised.value) == expected


def test_the_cpu_has_no_accelerator_and_is_not_tried_beforehand(tmp_path: Path) -> None:
    runner = WorkerRunner(KINDS["litert"], None, 1, tmp_path / "no frames")
    assert runner.missing() is None
    assert runner.accelerator("Selected adapter: x") is None


def test_an_engine_that_is_not_installed_says_how_to_get_it(tmp_path: Path) -> None:
    kind = EngineKind("other", "Other", "no.module:Engine", "pip install other", modules=("no_such_module",))
    reason = WorkerRunner(kind, None, 1, tmp_path / "no frames").missing()
    assert reason == "not installed (no_such_module); pip install other"
