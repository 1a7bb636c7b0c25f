"""Measures a model in a browser: each block is a fresh Chromium that runs the phone page's own classifier."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from hangtag.errors import BenchmarkError, HangtagError
from hangtag.labelled_folder import digest, read_split
from hangtag.metrics import wilson_interval
from hangtag_benchmarks.browser import chromium
from hangtag_benchmarks.browser.chromium import RunningBrowser, browser_version, found_browser
from hangtag_benchmarks.browser.page_jobs import PageAnswer, PageJob, run_page, site_of
from hangtag_benchmarks.child import JOB_TIMEOUT_S, Outcome, one_line
from hangtag_benchmarks.engines.base import read_model
from hangtag_benchmarks.engines.registry import EngineKind
from hangtag_benchmarks.machine.busy_threads import BusyThreads
from hangtag_benchmarks.machine.energy import RaplMeter
from hangtag_benchmarks.machine.memory import peak_memory_mb, resident_mb
from hangtag_benchmarks.measurements import Accuracy, Measurement, OutputCheck, Timings
from hangtag_benchmarks.plans import BlockPlan
from hangtag_benchmarks.targets import PHOTO_TIMEOUT_S, PROBE_TIMEOUT_S, SOFTWARE_ONLY, Accelerator

ENGINES = ("browser-wasm", "browser-webgpu")

GPU_TOLERANCE = 0.05
"""How far a score may be from the golden one on a GPU: see ``SCORE_TOLERANCE`` of LiteRT's compiled model."""

CAN_TIME = "timed by the browser's own clock, in steps of {:.0f} us"
ITS_MEMORY = "memory is that of the page's process, which is one of the browser's"


@dataclass(slots=True)
class BrowserRunner:
    """A :class:`~hangtag_benchmarks.targets.Runner`.

    Args:
        kind: the engine, one of :data:`ENGINES`.
        path: the model's file; None is the bundled one.
        threads: CPU threads; no more than one without wasm.
        frames_path: see :class:`~hangtag_benchmarks.plans.Job`.
        browser: the program that the user named; None is the first that is found.
        software_too: measure on a software adapter where there is no GPU: for testing only.
    """

    kind: EngineKind
    path: Path | None
    threads: int
    frames_path: Path
    browser: Path | None = None
    software_too: bool = False
    _program: Path | None = None
    _version: str = ""
    _flags: tuple[str, ...] = chromium.CPU_FLAGS
    _accelerator: Accelerator | None = None
    _files: Mapping[str, bytes] = field(default_factory=dict)

    def missing(self) -> str | None:
        """Look for the browser and the page's files; and, for a GPU, open the model once.

        Raises:
            BenchmarkError: all is there, and the model does not run.
        """
        program = found_browser(self.browser)
        if program is None:
            name = "chromium" if self.browser is None else self.browser.name
            return f"there is no browser {name}; {self.kind.how}"
        reason = self._why_no_site()
        if reason is not None:
            return reason
        self._program, self._version = program, browser_version(program)
        return None if self.kind.device == "cpu" else self._why_no_gpu()

    def block(self, plan: BlockPlan) -> Outcome:
        """Measure one block."""
        watch = _Watch()
        frames = np.load(self.frames_path, allow_pickle=False)
        count, height, width, _ = frames.shape
        pixels = b"".join(cv2.cvtColor(frame, cv2.COLOR_BGR2RGBA).tobytes() for frame in frames)
        values = {
            "kind": "measure",
            "plan": dataclasses.asdict(plan),
            "frames": {"count": count, "width": width, "height": height},
        }
        job = self._job(values, {"frames.rgba": pixels})
        answer = run_page(job, on_mark=watch.mark, timeout_s=JOB_TIMEOUT_S)
        if answer.values is None:
            return _failed(answer)
        try:
            return Outcome(self._measurement(answer.values, watch), None, answer.log)
        except BenchmarkError as error:
            return Outcome(None, one_line(str(error)), answer.log)
        except (KeyError, TypeError, ValueError) as error:
            return Outcome(None, f"the page gave an answer that cannot be read ({error!r})", answer.log)

    def accuracy(self, photos: tuple[str, str]) -> Outcome | None:
        """Let the browser decode and name every photo of a split."""
        try:
            labels = read_model(None if self.path is None else str(self.path)).contract.labels
            folder = read_split(Path(photos[0]), photos[1], labels)
        except HangtagError as error:
            return Outcome(None, one_line(str(error)), "")
        answer = self.named([photo.path for photo in folder.photos])
        if answer.values is None:
            return _failed(answer)
        named = [
            (photo, best["label"])
            for photo, best in zip(folder.photos, answer.values["best"], strict=True)
            if best is not None
        ]
        count, right = len(named), sum(label == photo.label for photo, label in named)
        if not count:
            return Outcome(None, f"the browser can read none of the {len(folder.photos)} photos", answer.log)
        read = dataclasses.replace(folder, photos=tuple(photo for photo, _ in named))
        accuracy = Accuracy(photos[1], count, right, wilson_interval(right, count), digest([read]))
        return Outcome(None, None, answer.log, accuracy)

    def named(self, photos: Sequence[Path]) -> PageAnswer:
        """Let the browser decode photos and name them: ``best`` holds a label's index and score for each."""
        job = self._job({"kind": "score", "photos": len(photos)}, photos=photos)
        return run_page(job, timeout_s=JOB_TIMEOUT_S + PHOTO_TIMEOUT_S * len(photos))

    def accelerator(self, log: str) -> Accelerator | None:
        """Return the adapter that the page's last block named; None on the CPU."""
        del log
        return self._accelerator

    def _why_no_site(self) -> str | None:
        """Return why the page's files are not there; a model that no browser takes is a BenchmarkError."""
        from hangtag.web.assets import MissingAssets

        try:
            self._files = site_of(self.path)
        except MissingAssets as error:
            return str(error)
        except HangtagError as error:
            raise BenchmarkError(str(error)) from None
        return None

    def _why_no_gpu(self) -> str | None:
        reason = self._tried(chromium.GPU_FLAGS)
        if reason is not None and self._accelerator is None and self.software_too:
            reason = self._tried(chromium.SOFTWARE_GPU_FLAGS)
        adapter = self._accelerator
        if adapter is None:
            return f"{reason or 'the browser does not say which adapter it uses'}; wanted {self.kind.how}"
        if adapter.is_software and not self.software_too:
            return f"only a software adapter ({adapter.name}): {SOFTWARE_ONLY}"
        return None

    def _tried(self, flags: tuple[str, ...]) -> str | None:
        """Open the model with a browser of such flags; return why there is no GPU, None where there is.

        Raises:
            BenchmarkError: there is a GPU, and the model does not run on it.
        """
        self._flags = flags
        answer = run_page(self._job({"kind": "open"}), timeout_s=PROBE_TIMEOUT_S)
        if answer.values is not None:
            self._keep_adapter(answer.values["device"])
            return None
        error = one_line(answer.error or "")
        if not error.startswith("no GPU"):
            raise BenchmarkError(error)
        return error

    def _keep_adapter(self, device: Mapping[str, Any]) -> None:
        if device["kind"] == "gpu":
            self._accelerator = Accelerator(str(device["adapter"]), bool(device["isSoftware"]))

    def _job(
        self,
        values: dict[str, Any],
        more_files: Mapping[str, bytes] | None = None,
        photos: Sequence[Path] = (),
    ) -> PageJob:
        if self._program is None:
            raise RuntimeError("missing() comes first")
        is_gpu = self.kind.device == "gpu"
        options = {"device": "gpu"} if is_gpu else {"device": "cpu", "threads": self.threads}
        values = {**values, "options": options}
        return PageJob(values, self._program, self._flags, self._files, more_files or {}, photos)

    def _measurement(self, values: Mapping[str, Any], watch: _Watch) -> Measurement:
        device = values["device"]
        self._keep_adapter(device)
        if not values["is_isolated"]:
            raise BenchmarkError("the page was not cross-origin isolated: its clock is too coarse")
        timings = values["timings"]
        return Measurement(
            import_ms=values["import_ms"],
            load_ms=values["load_ms"],
            first_run_ms=values["first_run_ms"],
            warmup_runs=values["warmup_runs"],
            timings=Timings(
                tuple(timings["invoke_ms"]),
                tuple(timings["end_to_end_ms"]),
                {name: tuple(latencies) for name, latencies in timings["stages_ms"].items()},
            ),
            imports_memory_mb=None,
            peak_memory_mb=watch.peak_memory_mb,
            steady_memory_mb=watch.steady_memory_mb,
            energy_j=watch.energy_j,
            check=_check(values["verification"], is_gpu=device["kind"] == "gpu"),
            versions=self._versions(),
            notes=(
                f"LiteRT.js's {device['build']} build",
                CAN_TIME.format(values["clock_step_us"]),
                ITS_MEMORY,
            ),
            busy_threads=watch.busy_threads,
        )

    def _versions(self) -> dict[str, str]:
        from hangtag.web.assets import pins

        name, _, number = self._version.rpartition(" ")
        return {name: number, **pins().packages}


def browser_runner(
    kind: EngineKind,
    path: Path | None,
    threads: int,
    frames_path: Path,
    browser: Path | None,
    *,
    software_too: bool,
) -> BrowserRunner | None:
    """Return what runs blocks in a browser; None for an engine that is none."""
    if kind.name not in ENGINES:
        return None
    return BrowserRunner(kind, path, threads, frames_path, browser, software_too=software_too)


class _Watch:
    """Looks at the page's process from outside, when the page says what it has come to."""

    def __init__(self) -> None:
        self.busy_threads: float | None = None
        self.energy_j: float | None = None
        self.peak_memory_mb: float | None = None
        self.steady_memory_mb: float | None = None
        self._threads: BusyThreads | None = None
        self._meter: RaplMeter | None = None

    def mark(self, name: str, browser: RunningBrowser) -> None:
        """Take a mark: ``begins`` and ``ended`` of the invocations, ``timed`` when all is."""
        if name == "begins":
            pid = browser.page_pid()
            self._threads = None if pid is None else BusyThreads(Path(f"/proc/{pid}/task"))
            self._meter = RaplMeter()
        elif name == "ended":
            self.energy_j = None if self._meter is None else self._meter.joules()
            self.busy_threads = None if self._threads is None else self._threads.count()
        elif name == "timed":
            pid = browser.page_pid()
            if pid is not None:
                status = Path(f"/proc/{pid}/status")
                self.peak_memory_mb, self.steady_memory_mb = peak_memory_mb(status), resident_mb(status)


def _check(verification: Mapping[str, Any], *, is_gpu: bool) -> OutputCheck:
    cases = verification["cases"]
    least = GPU_TOLERANCE if is_gpu else 0.0
    tolerance = max([least, *(case["tolerance"] for case in cases)]) if cases else 0.0
    # JSON has no infinity; the page's becomes null.
    differences = [
        float("inf") if case["worstDifference"] is None else float(case["worstDifference"]) for case in cases
    ]
    return OutputCheck(
        against="golden cases" if cases else "the model carries no golden cases",
        cases=len(cases),
        failed_cases=sum(
            not case["sameTensor"] or difference > tolerance
            for case, difference in zip(cases, differences, strict=True)
        ),
        worst_difference=max(differences, default=0.0),
        tolerance=tolerance,
    )


def _failed(answer: PageAnswer) -> Outcome:
    return Outcome(None, one_line(answer.error or "the page measured nothing"), answer.log)
