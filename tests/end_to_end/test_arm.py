"""The same bytes and the same scores on emulated 64-bit ARM CPUs as here, by the source tree's code.

``make test-arm64`` prepares the emulated system and runs this. ``HANGTAG_TEST_MODEL`` names a model file to
test instead of the bundled one.
"""

from __future__ import annotations

import functools
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from arm64.system import named_system, plain_environment, why_none
from PIL import Image

from hangtag.device import usable_cores

_HERE = Path(__file__).resolve().parent
_RUNTIME = _HERE.parents[1] / "runtime"

_CPUS = ("cortex-a76", "cortex-a72")
"""A Raspberry Pi 5 and a Pi 4: with and without the dot-product instructions, so different kernels."""

_ORIENTATION_TAG = 0x0112

_EXACT_FAMILIES = (
    "uint8 identity",
    "uint8 bgr",
    "uint8 96x160",
    "uint8 imagenet",
    "int8",
    "int16 imagenet",
    "float32",
    "float32 imagenet",
    "halved",
    "halved 96x160",
    "grey uint8",
    "grey float32",
)
_OTHER_KERNELS = ("kernel linear", "kernel area")

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Reports:
    """What the probe said on this machine and in the emulated system."""

    here: dict[str, Any]
    arm: dict[str, Any]


Probe = Callable[[Sequence[str | Path]], Reports]
Started = Callable[[tuple[str | Path, ...]], dict[str, Future[dict[str, Any]]]]


@pytest.fixture(scope="module")
def started() -> Iterator[Started]:
    """Starts the probe here and on every emulated CPU, as many at once as there are cores; or skips."""
    arm_python = _arm_python()
    with ThreadPoolExecutor(usable_cores()) as pool:

        @functools.cache
        def start(arguments: tuple[str | Path, ...]) -> dict[str, Future[dict[str, Any]]]:
            here = pool.submit(_run_probe, sys.executable, arguments)
            arm = {cpu: pool.submit(_run_probe, arm_python, arguments, QEMU_CPU=cpu) for cpu in _CPUS}
            return {"here": here, **arm}

        yield start
        pool.shutdown(cancel_futures=True)


@pytest.fixture(scope="module", params=_CPUS)
def probe(request: pytest.FixtureRequest, started: Started) -> Probe:
    """Gives what the probe says of the given arguments here and on an emulated CPU."""

    def run(arguments: Sequence[str | Path]) -> Reports:
        reports = started(tuple(arguments))
        here, arm = reports["here"].result(), reports[request.param].result()
        assert (here["machine"], arm["machine"]) == (platform.machine(), "aarch64")
        assert here["versions"] == arm["versions"], "prepare the emulated system again: make test-arm64"
        return Reports(here, arm)

    return run


def _arm_python() -> Path:
    missing = why_none()
    if missing is not None:
        pytest.skip(missing)
    system = named_system()
    fault = system.fault()
    if fault is not None:
        pytest.fail(fault)
    return system.python


def _run_probe(python: str | Path, arguments: Sequence[str | Path], **environment: str) -> dict[str, Any]:
    done = subprocess.run(
        [python, _HERE / "arm_probe.py", *arguments],
        env=plain_environment() | {"PYTHONPATH": str(_RUNTIME), "PYTHONDONTWRITEBYTECODE": "1"} | environment,
        capture_output=True,
        check=False,
        text=True,
    )
    if done.returncode != 0:
        pytest.fail(f"the probe failed under {python} with status {done.returncode}:\n{done.stderr}")
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def _differing(here: dict[str, Any], arm: dict[str, Any]) -> list[str]:
    assert here.keys() == arm.keys()
    assert here
    return [name for name in here if here[name] != arm[name]]


@pytest.fixture(scope="module")
def prepared(probe: Probe) -> Reports:
    return probe(["tensors"])


def test_both_sides_start_from_the_same_frames(prepared: Reports) -> None:
    assert _differing(prepared.here["frames"], prepared.arm["frames"]) == []


def test_every_family_of_inputs_is_tested(prepared: Reports) -> None:
    assert set(prepared.here["tensors"]) == {*_EXACT_FAMILIES, *_OTHER_KERNELS}


@pytest.mark.parametrize("family", _EXACT_FAMILIES)
def test_frames_become_the_same_bytes(prepared: Reports, family: str) -> None:
    assert _differing(prepared.here["tensors"][family], prepared.arm["tensors"][family]) == []


@pytest.mark.parametrize("family", _OTHER_KERNELS)
def test_other_kernels_differ_as_the_contract_warns(
    prepared: Reports, family: str, record_property: Callable[[str, object], None]
) -> None:
    """Where they no longer do, what ``hangtag.contract.Kernel`` says of them wants correcting."""
    here = prepared.here["tensors"][family]
    different = _differing(here, prepared.arm["tensors"][family])
    record_property("different tensors", len(different))
    print(f"{family}: {len(different)} of {len(here)} tensors differ between {platform.machine()} and ARM")
    assert different


def _save_jpegs(folder: Path, picture: Image.Image) -> None:
    for subsampling in ("4:4:4", "4:2:2", "4:2:0"):
        for quality in (30, 75, 95):
            name = f"{subsampling.replace(':', '')}-{quality}.jpg"
            picture.save(folder / name, subsampling=subsampling, quality=quality)
    picture.save(folder / "progressive.jpg", progressive=True)
    picture.save(folder / "restarts.jpg", restart_marker_blocks=3)
    picture.convert("L").save(folder / "grey.jpg")
    picture.convert("CMYK").save(folder / "cmyk.jpg")
    rotated = Image.Exif()
    rotated[_ORIENTATION_TAG] = 6
    picture.save(folder / "rotated.jpg", exif=rotated)


def _save_others(folder: Path, picture: Image.Image) -> None:
    for suffix in ("png", "bmp", "tiff"):
        picture.save(folder / f"plain.{suffix}")
    for quality in (30, 90):
        picture.save(folder / f"lossy-{quality}.webp", quality=quality)
    picture.save(folder / "lossless.webp", lossless=True)
    picture.convert("P").save(folder / "palette.png")
    transparent = picture.copy()
    transparent.putalpha(picture.convert("L"))
    for name in ("transparent.png", "transparent.webp", "transparent.tiff"):
        transparent.save(folder / name)
    sixteen_bits = np.asarray(picture.convert("L"), np.uint16) * 257 + 100
    Image.fromarray(sixteen_bits).save(folder / "sixteen-bits.png")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """One picture, smooth and busy, of sides that no block size divides, as every kind of file."""
    folder = tmp_path_factory.mktemp("photos")
    y, x = np.mgrid[0:203, 0:301]
    channels = [x * 255 // 300, y * 255 // 202, (x * 7 + y * 13 + x * y // 3) % 256]
    picture = Image.fromarray(np.dstack(channels).astype(np.uint8))
    _save_jpegs(folder, picture)
    _save_others(folder, picture)
    return sorted(folder.iterdir())


def test_photos_are_decoded_to_the_same_bytes(probe: Probe, photos: list[Path]) -> None:
    reports = probe(["photos", *photos])
    assert len(reports.here["photos"]) == len(photos)
    assert _differing(reports.here["photos"], reports.arm["photos"]) == []


def test_real_photos_are_decoded_to_the_same_bytes(probe: Probe, real_photos: list[Path]) -> None:
    reports = probe(["photos", *real_photos])
    assert _differing(reports.here["photos"], reports.arm["photos"]) == []


@pytest.fixture(scope="module")
def scored(probe: Probe, photos: list[Path]) -> Reports:
    model = os.environ.get("HANGTAG_TEST_MODEL")
    return probe(["scores", *(["--model", model] if model else []), *photos])


def test_the_model_proves_itself_on_both_cpus(scored: Reports) -> None:
    for report in (scored.here, scored.arm):
        assert report["golden"]
        for case in report["golden"]:
            assert case["same_tensor"], case
            assert case["worst_difference"] <= case["tolerance"], case


def test_scores_agree(scored: Reports) -> None:
    """Integer kernels may round the last step otherwise; float ones get what the model itself allows."""
    step = scored.here["output_scale"] or scored.here["golden"][0]["tolerance"]
    for name, here in scored.here["scores"].items():
        np.testing.assert_allclose(scored.arm["scores"][name], here, rtol=0, atol=step * 1.001, err_msg=name)
