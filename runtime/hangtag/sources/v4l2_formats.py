"""What V4L2 cameras are there and what they can deliver, asked of the kernel itself, not of a program."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hangtag.sources import v4l2_kernel as kernel

_USUAL_SIZES = ((640, 480), (1280, 720), (1920, 1080))
"""Of a camera that takes any size in a range, the ones worth asking the rates of."""
_RAW_SENSORS = frozenset({"unicam", "bcm2835-unicam", "rp1-cfe"})
"""Drivers of a Raspberry Pi that give what comes from the sensor, which is no picture yet."""


@dataclass(frozen=True, slots=True)
class FrameSize:
    """A size in pixels, and its frame rates, fastest first; none where the driver says none."""

    width: int
    height: int
    fps: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """A pixel format of a camera.

    Args:
        fourcc: its four letters (``MJPG``, ``YUYV``).
        description: in the driver's words.
        compressed: it must be decoded.
        sizes: what it comes in; of a range of sizes, the usual ones, the smallest and the largest.
        any_size: the sizes are of a range.
    """

    fourcc: str
    description: str
    compressed: bool
    sizes: tuple[FrameSize, ...]
    any_size: bool = False


@dataclass(frozen=True, slots=True)
class Device:
    """A V4L2 device.

    Args:
        path: ``/dev/video0``.
        name: in the driver's words.
        driver: the driver's name; empty where the device could not be asked.
        formats: empty for what is no camera.
        problem: why it cannot be used, one line; empty where it can.
        fix: what to do about it, where that is known.
        is_camera: False for what delivers no pictures: metadata, codecs.
    """

    path: Path
    name: str
    driver: str = ""
    formats: tuple[PixelFormat, ...] = ()
    problem: str = ""
    fix: str = ""
    is_camera: bool = True


def read_device(path: Path, name: str, ioctl: kernel.Ioctl | None = None) -> Device:
    """Return what a device is and can do; whatever is wrong with it is its ``problem``."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    except OSError as error:
        return _closed_device(path, name, error)
    try:
        return _opened_device(path, name, descriptor, ioctl or kernel.kernel())
    finally:
        os.close(descriptor)


def _closed_device(path: Path, name: str, error: OSError) -> Device:
    if error.errno in {errno.EACCES, errno.EPERM}:
        fix = "sudo usermod -aG video $USER, then log in again"
        return Device(path, name, problem="not yours to open", fix=fix)
    if error.errno == errno.EBUSY:
        return _busy(path, name)
    if error.errno in {errno.ENODEV, errno.ENXIO, errno.ENOENT}:
        return Device(path, name, problem="unplugged", fix="plug it in again")
    return Device(path, name, problem=f"cannot be opened: {error.strerror}")


def _busy(path: Path, name: str, driver: str = "", formats: tuple[PixelFormat, ...] = ()) -> Device:
    fix = f"end the program that uses it (fuser -v {path} names it)"
    return Device(path, name, driver, formats, problem="in use by another program", fix=fix)


def _opened_device(path: Path, name: str, descriptor: int, ioctl: kernel.Ioctl) -> Device:
    capability = kernel.Capability()
    try:
        ioctl(descriptor, kernel.QUERYCAP, capability)
    except OSError as error:
        if error.errno == errno.ENODEV:
            return _closed_device(path, name, error)
        return Device(path, name, problem="no V4L2 device", is_camera=False)
    return _told_device(path, name, descriptor, capability, ioctl)


def _told_device(
    path: Path, name: str, descriptor: int, capability: kernel.Capability, ioctl: kernel.Ioctl
) -> Device:
    driver, name = _text(capability.driver), _text(capability.card) or name
    # The flags of this very node: those of the whole device are the same for all of its nodes.
    flags = (
        capability.device_caps if capability.capabilities & kernel.DEVICE_CAPS else capability.capabilities
    )
    if flags & kernel.CODEC or not flags & (kernel.CAPTURE | kernel.CAPTURE_PLANES):
        what = "a codec" if flags & kernel.CODEC else "delivers no pictures (metadata, or an output)"
        return Device(path, name, driver, problem=what, is_camera=False)
    if driver in _RAW_SENSORS:
        return Device(
            path, name, driver, problem="raw data of a Raspberry Pi's camera",
            fix="use rpicam://0 or picamera://0", is_camera=False,
        )  # fmt: skip
    kind = kernel.BUFFER_CAPTURE if flags & kernel.CAPTURE else kernel.BUFFER_CAPTURE_PLANES
    formats = tuple(_formats(descriptor, kind, ioctl))
    if _is_in_use(descriptor, kind, ioctl):
        return _busy(path, name, driver, formats)
    if not formats:
        return Device(path, name, driver, problem="has no pixel format", is_camera=False)
    return Device(path, name, driver, formats)


def _is_in_use(descriptor: int, kind: int, ioctl: kernel.Ioctl) -> bool:
    """Ask for no buffers, which changes nothing and is refused while another program has some."""
    try:
        ioctl(
            descriptor, kernel.REQBUFS, kernel.BuffersRequest(count=0, type=kind, memory=kernel.MEMORY_MMAP)
        )
    except OSError as error:
        return error.errno == errno.EBUSY
    return False


def _formats(descriptor: int, kind: int, ioctl: kernel.Ioctl) -> Iterator[PixelFormat]:
    query = kernel.FormatDescription(type=kind)
    for _ in kernel.answers(descriptor, kernel.ENUM_FMT, query, ioctl):
        if query.flags & kernel.EMULATED:
            continue  # made of another one by a library
        sizes, any_size = _sizes(descriptor, query.pixelformat, ioctl)
        yield PixelFormat(
            kernel.fourcc_text(query.pixelformat),
            _text(query.description),
            bool(query.flags & kernel.COMPRESSED),
            sizes,
            any_size,
        )


def _sizes(descriptor: int, pixel_format: int, ioctl: kernel.Ioctl) -> tuple[tuple[FrameSize, ...], bool]:
    query = kernel.FrameSizeQuery(pixel_format=pixel_format)
    found: list[tuple[int, int]] = []
    any_size = False
    for _ in kernel.answers(descriptor, kernel.ENUM_FRAMESIZES, query, ioctl):
        size = query.size
        if query.type == kernel.DISCRETE:
            found.append((size.min_width, size.max_width))  # where width and height of a single size are
            continue
        any_size = True
        found += _of_range(size)
        break
    return tuple(FrameSize(*wh, _rates(descriptor, pixel_format, wh, ioctl)) for wh in found), any_size


def _of_range(size: kernel.FrameSizeRange) -> list[tuple[int, int]]:
    smallest, largest = (size.min_width, size.min_height), (size.max_width, size.max_height)
    inside = [
        wh for wh in _USUAL_SIZES if all(a <= b <= c for a, b, c in zip(smallest, wh, largest, strict=True))
    ]
    return list(dict.fromkeys([smallest, *inside, largest]))


def _rates(descriptor: int, pixel_format: int, wh: tuple[int, int], ioctl: kernel.Ioctl) -> tuple[float, ...]:
    query = kernel.FrameIntervalQuery(pixel_format=pixel_format, width=wh[0], height=wh[1])
    rates = set()
    for _ in kernel.answers(descriptor, kernel.ENUM_FRAMEINTERVALS, query, ioctl):
        if query.numerator:
            rates.add(round(query.denominator / query.numerator, 2))
        if query.type != kernel.DISCRETE:
            break
    return tuple(sorted(rates, reverse=True))


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace").strip()


def best_format(
    formats: tuple[PixelFormat, ...], size_wh: tuple[int, int] | None, fps: float | None
) -> str | None:
    """Return the four letters of the pixel format to ask for, None where it makes no difference.

    USB has no room for many uncompressed pixels, so that a camera has rates in MJPG that it has not without;
    where both have the rate, uncompressed ones spare the decoding and its artefacts.

    Args:
        formats: what the camera has.
        size_wh: the size that is wanted; None means 640x480.
        fps: the rate that is wanted; None means the fastest.
    """
    wanted = size_wh or (640, 480)
    plain = max((_fastest(one, wanted) for one in formats if not one.compressed), default=0.0)
    motion_jpeg = max((_fastest(one, wanted) for one in formats if one.fourcc == "MJPG"), default=0.0)
    enough = fps if fps is not None else float("inf")
    return "MJPG" if min(motion_jpeg, enough) > min(plain, enough) else None


def _fastest(one: PixelFormat, wanted_wh: tuple[int, int]) -> float:
    """Return the highest rate at a size; in a range, that of the next larger size that was asked."""
    for size in sorted(one.sizes, key=lambda size: size.width * size.height):
        fits = size.width >= wanted_wh[0] and size.height >= wanted_wh[1]
        if (size.width, size.height) == wanted_wh or (one.any_size and fits):
            return max(size.fps, default=0.0)
    return 0.0


def stable_link(path: Path, folder: Path = Path("/dev/v4l")) -> Path | None:
    """Return the name that a camera keeps when it is plugged in again: by its serial number or its port."""
    for kind in ("by-id", "by-path"):
        with contextlib.suppress(OSError):
            for link in sorted((folder / kind).iterdir()):
                if link.resolve() == path.resolve():
                    return link
    return None
