"""The cameras of a Raspberry Pi's camera connector, as its own program lists them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hangtag.system import System

PROGRAMS = ("rpicam-hello", "libcamera-hello")
"""The program, and what it was called before Raspberry Pi OS 12."""

_PATIENCE_S = 15
_BUSY = "in use by another process"
"""libcamera's words for a camera that another program has."""
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


@dataclass(frozen=True, slots=True)
class Listing:
    """What the program for cameras answers.

    Args:
        program: its name; None where it is not installed.
        cameras: what it lists; None where it does not answer.
        is_busy: another program has a camera of the list.
    """

    program: str | None
    cameras: tuple[PiCamera, ...] | None
    is_busy: bool = False


def listing(system: System | None = None) -> Listing:
    """Ask the program for the cameras of this Raspberry Pi."""
    machine = system or System()
    program = machine.has_program(*PROGRAMS)
    if program is None:
        return Listing(None, None)
    # Older versions write the list to standard error.
    answer = machine.ask(program, "--list-cameras", patience_s=_PATIENCE_S)
    if answer is None:
        return Listing(program, None)
    return Listing(program, listed_cameras(answer.text), _BUSY in answer.text)


def pi_cameras() -> tuple[PiCamera, ...] | None:
    """Return the cameras of this Raspberry Pi; None where its program is missing or does not answer."""
    return listing().cameras
