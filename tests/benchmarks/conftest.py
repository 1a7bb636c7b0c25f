"""What the tests of the benchmarks share: a real model, and a measuring process that only pretends."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from hangtag.classifier import bundled_model
from hangtag.errors import ModelFileError
from hangtag_benchmarks.child import Outcome
from hangtag_benchmarks.records import Job, Measurement, ModelIdentity, OutputCheck, Timings

GPU_LOG = "Selected adapter: {}, arch=turing, vendor=nvidia, backend=Vulkan, adapterType={}\n"


@pytest.fixture(scope="session")
def model_bytes() -> bytes:
    """A self-describing model: the bundled one, or that named by ``HANGTAG_TEST_MODEL``."""
    named = os.environ.get("HANGTAG_TEST_MODEL")
    if named is not None:
        return Path(named).read_bytes()
    try:
        return bundled_model().data
    except ModelFileError as error:
        pytest.skip(f"needs a model: set HANGTAG_TEST_MODEL to a .tflite file ({error})")


@pytest.fixture
def model_path(tmp_path: Path, model_bytes: bytes) -> Path:
    """That model as a file of its own."""
    path = tmp_path / "model.tflite"
    path.write_bytes(model_bytes)
    return path


@pytest.fixture
def identity() -> Callable[[str], ModelIdentity]:
    """Gives model identities that differ by file name and digest."""

    def make(file_name: str, digest: str = "") -> ModelIdentity:
        return ModelIdentity(file_name, 4_000_000, (digest or file_name).ljust(64, "0"), "clothing", "uint8")

    return make


@pytest.fixture
def measurement() -> Callable[..., Measurement]:
    """Gives measurements in which everything but what is named is plain."""

    def make(invoke_ms: Sequence[float] = (4.0, 4.0), **changes: Any) -> Measurement:
        latencies = tuple(invoke_ms)
        values: dict[str, Any] = {
            "import_ms": 100.0,
            "load_ms": 20.0,
            "first_run_ms": 8.0,
            "timings": Timings(latencies, tuple(0.25 for _ in latencies), tuple(5.0 for _ in latencies)),
            "imports_memory_mb": 60.0,
            "peak_memory_mb": 80.0,
            "check": OutputCheck("golden cases", 3, 0, 0.0, 0.01),
        }
        return Measurement(**{**values, **changes})

    return make


class FakeChildren:
    """Stands in for ``run_job``: remembers the jobs; ``answer`` is, or gives, their outcomes."""

    def __init__(self, answer: Outcome | Callable[[Job], Outcome]) -> None:
        self.answer = answer
        self.jobs: list[Job] = []

    def __call__(self, job: Job, *, timeout_s: float | None = None) -> Outcome:
        # Opening a model must never wait for ever; measuring takes as long as it takes.
        assert (timeout_s is not None) == (job.rounds == 0)
        self.jobs.append(job)
        return self.answer if isinstance(self.answer, Outcome) else self.answer(job)


@pytest.fixture
def fake_children() -> type[FakeChildren]:
    return FakeChildren


@pytest.fixture
def gpu_log() -> Callable[[str, str], str]:
    """Gives what LiteRT logs about an adapter of a name and kind."""
    return GPU_LOG.format
