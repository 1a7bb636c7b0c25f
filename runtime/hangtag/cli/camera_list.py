"""The cameras that are here: ``hangtag camera --list``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hangtag import device
from hangtag.raspberry_pi.board import board
from hangtag.system import System

if TYPE_CHECKING:
    from hangtag.sources.pi_cameras import PiCamera
    from hangtag.sources.v4l2_formats import Device, FrameSize

_NONE = "plug one in, or try the simulated one: hangtag camera --source scene:"
_NO_PI_CAMERA = "check the cable and its direction, then restart"


def echo_cameras() -> None:
    """Print what cameras are here, what they deliver, how to name them, and what keeps them from use."""
    click.echo("USB and other V4L2 cameras:")
    devices = v4l2_devices()
    for one in devices:
        _echo_all(_device_lines(one))
    if not any(one.is_camera for one in devices):
        click.echo(f"  none: {_NONE}")
    click.echo("\nRaspberry Pi cameras:")
    _echo_all(_pi_lines())


def v4l2_devices(system: System | None = None) -> list[Device]:
    """Return the V4L2 devices that are here, by number, those that are no cameras with them."""
    from hangtag.sources.v4l2_formats import read_device

    machine = system or System()
    found = device.cameras(machine.path("/sys/class/video4linux"), machine.path("/dev"))
    return [read_device(path, found[path]) for path in sorted(found, key=_number)]


def _number(path: Path) -> tuple[int, str]:
    digits = path.name.removeprefix("video")
    return (int(digits) if digits.isdigit() else 10**6, path.name)


def _echo_all(lines: Iterator[str]) -> None:
    for line in lines:
        click.echo(f"  {line}")


def _device_lines(one: Device) -> Iterator[str]:
    from hangtag.sources.v4l2_formats import stable_link

    problem = f": {one.problem}" if one.problem else ""
    yield f"{one.path}  {one.name}{problem}"
    if one.fix:
        yield f"    -> {one.fix}"
    if not one.is_camera:
        return
    digits = one.path.name.removeprefix("video")
    link = stable_link(one.path)
    lasting = f" (or {link}, whatever its number)" if link else ""
    yield f"    --source {digits if digits.isdigit() else one.path}{lasting}"
    for pixel_format in one.formats:
        sizes = ", ".join(_size(size) for size in pixel_format.sizes) or "any size"
        between = " and sizes between" if pixel_format.any_size else ""
        yield f"    {pixel_format.fourcc:<5} {sizes}{between}"


def _size(size: FrameSize) -> str:
    rates = ""
    if size.fps:
        slowest, fastest = min(size.fps), max(size.fps)
        rates = f" at {fastest:g} fps" if slowest == fastest else f" at {slowest:g} to {fastest:g} fps"
    return f"{size.width}x{size.height}{rates}"


def _pi_lines() -> Iterator[str]:
    found, is_pi = _pi_cameras(), board(System()) is not None
    for camera in found or ():
        yield f"{camera.model}, {camera.size_wh[0]}x{camera.size_wh[1]} pixels"
        yield f"    --source {spelling(camera)}"
        modes = (
            f"{width}x{height}" + (f" at up to {fps:g} fps" if fps else "")
            for (width, height), fps in camera.modes
        )
        yield f"    {', '.join(modes)}; smaller sizes are made of these"
    if found is None:
        yield "rpicam-hello is not installed, or does not answer" + (f": {_apps_fix()}" if is_pi else "")
    elif not found:
        yield f"rpicam-hello sees none: {_NO_PI_CAMERA}"
    problem = _picamera2_problem()
    if problem is None:
        yield "picamera2 can be imported: picamera:// works"
    elif found or is_pi:
        yield problem


def spelling(camera: PiCamera) -> str:
    """Return how a Raspberry Pi's camera is named as a source."""
    return f"rpicam://{camera.number} or picamera://{camera.number}"


def _pi_cameras() -> tuple[PiCamera, ...] | None:
    from hangtag.sources.pi_cameras import pi_cameras

    return pi_cameras()


def _apps_fix() -> str:
    from hangtag.sources.rpicam import MISSING

    return MISSING


def _picamera2_problem() -> str | None:
    """Return why picamera2 cannot be imported, and what to do; None where it can."""
    from hangtag.errors import SourceError
    from hangtag.sources.picamera import import_picamera2

    try:
        import_picamera2("picamera://")
    except SourceError as error:
        return str(error)
    return None
