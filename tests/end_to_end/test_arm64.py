"""Hangtag on a 64-bit Raspberry Pi's processors, emulated: the wheel is installed, and its commands are run.

``make test-arm64`` prepares the emulated system and runs this. What is compared, is with this machine.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from arm64.comparing import Agreement, compared, seen_here, seen_there
from arm64.cpus import CPUS
from arm64.system import ArmSystem, Ran, named_system, run_watched, why_none

from hangtag.classifier import Classifier
from hangtag.device import usable_cores
from hangtag.scene import GARMENTS, render_garment

pytestmark = pytest.mark.slow

_CPU_NAMES = [cpu.name for cpu in CPUS]

_OLDER = ("cortex-a72", "cortex-a53")
"""Without atomic instructions, which LiteRT's compiled models want: they take their process down there."""

_LIGHT = frozenset({
    "ai_edge_litert", "backports", "click", "cv2", "flatbuffers", "google", "hangtag", "hangtag_benchmarks",
    "ml_dtypes", "numpy", "tqdm", "typing_extensions",
})  # fmt: skip
"""What commands on a device may load: Hangtag, the light install, and what LiteRT itself wants."""

_MOST_MB = 200.0

_FRAMES = 50

_PHOTOS_PER_LABEL = 1

_QUICK = ("benchmark", "--quick", "--rounds", "1", "--json", "--report", "report")
"""An emulated second is long, and its numbers are nobody's: one round shows what six would."""

_COMMANDS: dict[str, tuple[str, ...]] = {
    "benchmark": _QUICK,
    "benchmark, compiled": (*_QUICK, "--engine", "litert-compiled"),
    "benchmark, gpu": (*_QUICK, "--device", "gpu"),
    "camera": ("camera", "--source", "scene:", "--headless", "--max-frames", str(_FRAMES), "--json"),
    "doctor": ("doctor",),
    "predict": ("predict", "--json", "--top", "10"),
    "verify": ("verify",),
    "verify, two threads": ("verify", "--threads", "2"),
}
"""As a person types them, the longest first; ``predict`` gets the pictures."""

_WATCHED = ("benchmark", "camera", "doctor", "predict", "verify")
"""Those whose memory and packages are looked at."""


@pytest.fixture(scope="module")
def system() -> ArmSystem:
    """The prepared system; skips, saying what to do, where there is none."""
    missing = why_none()
    if missing is not None:
        pytest.skip(missing)
    named = named_system()
    fault = named.fault()
    if fault is not None:
        pytest.fail(fault)
    return named


@pytest.fixture(scope="module")
def pictures(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A rendered garment of each kind; and test photos of each label, where they are."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(5)
    for label in GARMENTS:
        picture, matte = render_garment(label, rng, 301)
        alpha = matte[..., None] / 255
        on_floor = (picture * alpha + 180 * (1 - alpha)).astype(np.uint8)
        assert cv2.imwrite(str(folder / f"{label}.png"), on_floor)
    try:
        data: Path = request.getfixturevalue("clothing_dataset")
    except pytest.skip.Exception:
        labels = []
    else:
        labels = sorted(path for path in (data / "test").iterdir() if path.is_dir())
    photos = [photo for label in labels for photo in sorted(label.iterdir())[:_PHOTOS_PER_LABEL]]
    return [*sorted(folder.iterdir()), *photos]


@dataclass(frozen=True, slots=True)
class Runs:
    """Commands that were started on emulated CPUs, by the CPU's name and the command's."""

    started: dict[tuple[str, str], Future[Ran]]

    def __call__(self, cpu: str, command: str) -> Ran:
        """Return how a command ended, when it has."""
        return self.started[cpu, command].result()

    def passed(self, cpu: str, command: str) -> Ran:
        """Return how a command ended that must have succeeded."""
        ran = self(cpu, command)
        assert ran.status == 0, f"{command} on {cpu}: status {ran.status}\n{ran.output}\n{ran.errors}"
        return ran


@pytest.fixture(scope="module")
def runs(system: ArmSystem, pictures: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """Starts every command on every CPU, as many at once as there are cores."""
    notes = tmp_path_factory.mktemp("arm64")
    with ThreadPoolExecutor(usable_cores()) as pool:
        started = {
            (cpu, name): pool.submit(
                run_watched,
                [system.hangtag, *command, *(pictures if name == "predict" else ())],
                notes / f"{cpu}, {name}",
                {"QEMU_CPU": cpu},
            )
            for name, command in _COMMANDS.items()
            for cpu in _CPU_NAMES
        }
        yield Runs(started)
        pool.shutdown(cancel_futures=True)


@pytest.fixture(scope="module")
def here(pictures: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Ran]:
    """Runs a command on this machine, from the source tree, once."""
    known: dict[str, Ran] = {}

    def run(name: str) -> Ran:
        if name not in known:
            command = [sys.executable, "-m", "hangtag", *_COMMANDS[name]]
            command += map(str, pictures if name == "predict" else ())
            known[name] = run_watched(command, tmp_path_factory.mktemp("here") / "notes", {})
            assert known[name].status == 0, known[name].errors
        return known[name]

    return run


def _records(ran: Ran) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ran.output.splitlines()]


@pytest.mark.parametrize("cpu", _CPU_NAMES)
@pytest.mark.parametrize("command", ["verify", "verify, two threads"])
def test_the_model_proves_itself(runs: Runs, cpu: str, command: str) -> None:
    ran = runs.passed(cpu, command)
    cases = Classifier.bundled().model.golden
    assert cases is not None
    lines = ran.output.splitlines()
    assert len(lines) == len(cases.cases)
    for line in lines:
        assert "tensor identical" in line
        assert "within" in line


@pytest.fixture(scope="module")
def agreements(system: ArmSystem, pictures: list[Path]) -> Callable[[str], Agreement]:
    """Compares this machine with a CPU on all pictures, by the installed wheel; each once."""
    known: dict[str, Agreement] = {}
    ours = seen_here(pictures)

    def agreement(cpu: str) -> Agreement:
        if cpu not in known:
            known[cpu] = compared(ours, seen_there(system, cpu, pictures))
        return known[cpu]

    return agreement


@pytest.mark.parametrize("cpu", _CPU_NAMES)
def test_pictures_become_the_same_tensors_and_labels(
    agreements: Callable[[str], Agreement], cpu: str
) -> None:
    agreement = agreements(cpu)
    assert agreement.photos >= len(GARMENTS)
    assert agreement.other_tensors == ()
    assert agreement.other_labels == ()


@pytest.mark.parametrize("cpu", _CPU_NAMES)
def test_outputs_agree_to_one_step(agreements: Callable[[str], Agreement], cpu: str) -> None:
    agreement = agreements(cpu)
    assert agreement.worst_lsb <= 1
    # One in some thousand was seen: were it every tenth, another kernel would be at work.
    assert agreement.differing_outputs <= agreement.outputs / 10


@pytest.mark.parametrize("cpu", _CPU_NAMES)
def test_predict_says_what_it_says_here(runs: Runs, here: Callable[[str], Ran], cpu: str) -> None:
    step = Classifier.bundled().contract.output.tensor.scale
    assert step is not None
    there, ours = _records(runs.passed(cpu, "predict")), _records(here("predict"))
    assert [record["name"] for record in there] == [record["name"] for record in ours]
    for one, other in zip(there, ours, strict=True):
        assert (one["label"], one["unknown"]) == (other["label"], other["unknown"]), one["name"]
        scores, expected = dict(one["top"]), dict(other["top"])
        assert scores.keys() == expected.keys()
        for label, score in expected.items():
            # Both are printed with four digits.
            assert scores[label] == pytest.approx(score, abs=step + 1e-4), one["name"]


@pytest.mark.parametrize("cpu", _CPU_NAMES)
def test_the_camera_names_what_the_scene_shows(runs: Runs, here: Callable[[str], Ran], cpu: str) -> None:
    there, ours = _records(runs.passed(cpu, "camera")), _records(here("camera"))
    assert len(there) == _FRAMES
    for field in ("frame", "stale", "true_label"):
        assert [record.get(field) for record in there] == [record.get(field) for record in ours]
    assert all(record["infer_ms"] > 0 for record in there)
    # The scene is drawn anew, by arithmetic that may round otherwise there.
    same = sum(one["label"] == other["label"] for one, other in zip(there, ours, strict=True))
    assert same >= 0.9 * _FRAMES


def _result(ran: Ran) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(ran.output)
    return result


@pytest.mark.parametrize("cpu", _CPU_NAMES)
def test_a_quick_benchmark_has_a_row_and_says_why_there_is_no_gpu(runs: Runs, cpu: str) -> None:
    result = _result(runs.passed(cpu, "benchmark"))
    (row,) = result["rows"]
    assert row["engine"] == "litert"
    assert row["check"]["failed_cases"] == 0
    missing = {one["engine"]: one["reason"] for one in result["missing"]}
    assert set(missing) == {"litert-gpu"}
    if cpu in _OLDER:
        assert "was killed by" in missing["litert-gpu"]


@pytest.mark.parametrize("cpu", _CPU_NAMES)
def test_asking_for_a_gpu_ends_with_one_line(runs: Runs, cpu: str) -> None:
    ran = runs(cpu, "benchmark, gpu")
    assert ran.status == 1
    assert ran.output == ""
    assert "Traceback" not in ran.errors
    (said,) = [line for line in ran.errors.splitlines() if line.startswith("Error: ")]
    assert "wanted a graphics adapter with a Vulkan driver" in said


@pytest.mark.parametrize("cpu", _CPU_NAMES)
def test_a_compiled_model_that_crashes_is_a_row_with_a_reason(runs: Runs, cpu: str) -> None:
    ran = runs(cpu, "benchmark, compiled")
    assert "Traceback" not in ran.errors
    result = _result(ran)
    if cpu in _OLDER:
        assert ran.status == 1
        assert result["rows"] == []
        (missing,) = result["missing"]
        assert missing["engine"] == "litert-compiled"
        assert "was killed by" in missing["reason"]
    else:
        assert ran.status == 0
        (row,) = result["rows"]
        assert row["engine"] == "litert-compiled"
        assert row["check"]["failed_cases"] == 0


@pytest.mark.parametrize("cpu", CPUS, ids=lambda cpu: cpu.name)
def test_the_doctor_looks_at_the_device(runs: Runs, cpu: Any) -> None:
    ran = runs(cpu.name, "doctor")
    assert "Traceback" not in ran.errors
    assert "aarch64" in ran.output
    assert cpu.board in ran.output
    assert "golden cases pass on this device" in ran.output
    wrong = [line for line in ran.output.splitlines() if line.startswith("wrong")]
    assert ran.status == (1 if wrong else 0)
    assert wrong == []


@pytest.mark.parametrize("cpu", _CPU_NAMES)
@pytest.mark.parametrize("command", _WATCHED)
def test_memory_stays_small(runs: Runs, cpu: str, command: str) -> None:
    """Each process by itself, with what the emulator needs, but for translated code: see arm64.memory."""
    testimonies = runs(cpu, command).testimonies
    assert testimonies
    for testimony in testimonies:
        assert 50 < testimony.peak_mb < _MOST_MB, testimony.command


@pytest.mark.parametrize("command", _WATCHED)
def test_nothing_heavy_is_loaded_on_the_device(runs: Runs, command: str) -> None:
    for cpu in _CPU_NAMES:
        for testimony in runs(cpu, command).testimonies:
            assert testimony.packages <= _LIGHT, testimony.command


@pytest.mark.parametrize("command", ["camera", "doctor", "predict", "verify"])
def test_nothing_heavy_is_loaded_where_it_is_installed(here: Callable[[str], Ran], command: str) -> None:
    """On the device it is not there to be loaded; here all is. (A benchmark draws plots where it can.)"""
    testimonies = here(command).testimonies
    assert testimonies
    for testimony in testimonies:
        assert testimony.packages <= _LIGHT, testimony.command
