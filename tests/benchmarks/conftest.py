"""What the tests of the benchmarks share: a real model, and runners that only pretend to measure."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from made_benchmarks import made_accuracy, made_model, tiny_contract
from tiny_models import whole_model

from hangtag.classifier import bundled_model
from hangtag.errors import BenchmarkError, ModelFileError
from hangtag.web.assets import MissingAssets, engine_files
from hangtag_benchmarks.browser import chromium
from hangtag_benchmarks.browser.browser_runner import BrowserRunner
from hangtag_benchmarks.child import Outcome
from hangtag_benchmarks.engines.registry import KINDS
from hangtag_benchmarks.frames import write_frames
from hangtag_benchmarks.measurements import Measurement, OutputCheck, Timings
from hangtag_benchmarks.plans import BlockPlan
from hangtag_benchmarks.targets import Accelerator, Target

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
def measurement() -> Callable[..., Measurement]:
    """Gives what a block found, in which everything but what is named is plain."""

    def make(invoke_ms: Sequence[float] = (4.0, 4.0), **changes: Any) -> Measurement:
        latencies = tuple(invoke_ms)
        values: dict[str, Any] = {
            "import_ms": 100.0,
            "load_ms": 20.0,
            "first_run_ms": 8.0,
            "warmup_runs": 50,
            "timings": Timings(latencies, tuple(5.0 for _ in latencies), {"preprocess": (0.25,)}),
            "imports_memory_mb": 60.0,
            "peak_memory_mb": 80.0,
            "steady_memory_mb": 75.0,
            "energy_j": None,
            "check": OutputCheck("golden cases", 3, 0, 0.0, 0.01),
            "versions": {"ai-edge-litert": "2.3.0"},
        }
        return Measurement(**{**values, **changes})

    return make


class PretendRunner:
    """Answers at once, with what ``answers`` hold in turn (the last for ever); ``diary`` is who was asked."""

    def __init__(self, name: str, diary: list[str], answers: Sequence[Outcome | BaseException]) -> None:
        self._name, self._diary, self._answers = name, diary, list(answers)
        self.why_missing: str | BenchmarkError | None = None
        self.scored: Outcome | None = Outcome(None, None, "", made_accuracy(0.9))
        self.adapter: Accelerator | BenchmarkError | None = None

    def missing(self) -> str | None:
        if isinstance(self.why_missing, BenchmarkError):
            raise self.why_missing
        return self.why_missing

    def block(self, plan: BlockPlan) -> Outcome:
        del plan
        self._diary.append(self._name)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def accuracy(self, photos: tuple[str, str]) -> Outcome | None:
        self._diary.append(f"{self._name} scores {photos[1]}")
        return self.scored

    def accelerator(self, log: str) -> Accelerator | None:
        del log
        if isinstance(self.adapter, BenchmarkError):
            raise self.adapter
        return self.adapter


@pytest.fixture
def pretending(measurement: Callable[..., Measurement]) -> Callable[..., tuple[Target, PretendRunner]]:
    """Gives a target with a runner that pretends; its answers are outcomes, exceptions or latencies."""

    def make(
        name: str,
        diary: list[str],
        *answers: Outcome | BaseException | Sequence[float],
        threads: int | None = 1,
        engine: str = "litert",
    ) -> tuple[Target, PretendRunner]:
        outcomes = [
            answer if isinstance(answer, Outcome | BaseException) else Outcome(measurement(answer), None, "")
            for answer in answers or ((4.0, 4.0),)
        ]
        runner = PretendRunner(f"{name}{threads or ''}", diary, outcomes)
        return Target(made_model(name), engine, threads, runner), runner

    return make


@pytest.fixture
def gpu_log() -> Callable[[str, str], str]:
    """Gives what LiteRT logs about an adapter of a name and kind."""
    return GPU_LOG.format


@pytest.fixture
def nothing_left(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Fails a test that leaves a browser's profile or one of its processes behind."""
    tmp_path_factory.getbasetemp()  # which is to outlive the folder below
    with tempfile.TemporaryDirectory(prefix="t-") as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield
        assert list(Path(folder).glob("hangtag-browser-*")) == []
        assert [pid for pid in chromium.all_processes() if f"HOME={folder}/" in chromium.variables(pid)] == []


@pytest.fixture
def browser_program() -> Path:
    """The browser; skips, saying how to get it, where there is none, or no page to run in it."""
    found = chromium.found_browser()
    if found is None:
        pytest.skip(f"needs a browser: {chromium.HOW}")
    try:
        engine_files()
    except MissingAssets as error:
        pytest.skip(str(error))
    return found


@pytest.fixture
def browser_frames(tmp_path: Path) -> Path:
    """The frames that every engine is timed on."""
    path = tmp_path / "frames.npy"
    write_frames(path)
    return path


@pytest.fixture
def browser_runner(browser_program: Path, browser_frames: Path) -> Callable[..., BrowserRunner]:
    """Makes runners of the browser's engines."""

    def make(
        engine: str = "browser-wasm", path: Path | None = None, threads: int = 1, **changes: Any
    ) -> BrowserRunner:
        return BrowserRunner(KINDS[engine], path, threads, browser_frames, **changes)

    return make


@pytest.fixture
def tiny_float_model(tmp_path: Path) -> Path:
    """A model in 32-bit floats that carries golden cases."""
    path = tmp_path / "float32.tflite"
    path.write_bytes(whole_model(tiny_contract()))
    return path
