"""The cameras of a Raspberry Pi's camera connector, as its own program lists them."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass

PROGRAMS = ("rpicam-hello", "libcamera-hello")
"""The program, and what it was called before Raspberry Pi OS 12."""

_PATIENCE_S = 15
_CAMERA = re.compile(r"^\s*(\d+) : (\S+) \[(\d+)x(\d+)")
# A mode's size, and its rate; the size of its crop, which follows, is none.
_MODE = re.compile(r"(\d+)x(\d+)(?:\s*[\[(]([\d.]+|nan) fps(?:[^\]]*crop\])?)?")


@dataclass(frozen=True, slots=True)
class PiCamera:
    """A camera.

    Args:
        number: what ``rpicam://`` and ``picamera://`` call it.
        model: of its sensor (``imx708``).
        size_wh: of its sensor in pixels.
        modes: sizes in pixels that the sensor gives, each with its highest rate, None where that is not said.
            Other sizes are made of these.
    """

    number: int
    model: str
    size_wh: tuple[int, int]
    modes: tuple[tuple[tuple[int, int], float | None], ...] = ()


def listed_cameras(text: str) -> tuple[PiCamera, ...]:
    """Return the cameras in what ``rpicam-hello --list-cameras`` prints, in any of its versions."""
    cameras: list[PiCamera] = []
    modes: dict[tuple[int, int], float | None] = {}

    def finish() -> None:
        if cameras:
            last = cameras[-1]
            cameras[-1] = PiCamera(last.number, last.model, last.size_wh, tuple(sorted(modes.items())))
        modes.clear()

    for line in text.splitlines():
        found = _CAMERA.match(line)
        if found:
            finish()
            cameras.append(PiCamera(int(found[1]), found[2], (int(found[3]), int(found[4]))))
        elif cameras and line.startswith("   ") and "controls" not in line:
            for width, height, rate in _MODE.findall(line):
                size, fps = (int(width), int(height)), float(rate) if rate not in {"", "nan"} else None
                modes[size] = max(modes.get(size) or 0.0, fps or 0.0) or None
    finish()
    return tuple(cameras)


def pi_cameras() -> tuple[PiCamera, ...] | None:
    """Return the cameras of this Raspberry Pi; None where its program is missing or does not answer."""
    program = next((path for name in PROGRAMS if (path := shutil.which(name))), None)
    if program is None:
        return None
    try:
        done = subprocess.run(
            [program, "--list-cameras"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,  # where older versions write the list
            timeout=_PATIENCE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return listed_cameras(done.stdout.decode("utf-8", "replace"))
