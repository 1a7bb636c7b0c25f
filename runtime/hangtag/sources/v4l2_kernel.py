"""The part of the kernel's V4L2 interface that tells what a camera can do: structures, numbers, flags.

Source: ``linux/videodev2.h``, against which a test checks every layout and number here.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator

_u32 = ctypes.c_uint32

Ioctl = Callable[[int, int, ctypes.Structure], object]


class Capability(ctypes.Structure):
    """struct v4l2_capability."""

    _fields_ = (
        ("driver", ctypes.c_char * 16), ("card", ctypes.c_char * 32), ("bus_info", ctypes.c_char * 32),
        ("version", _u32), ("capabilities", _u32), ("device_caps", _u32), ("reserved", _u32 * 3),
    )  # fmt: skip


class FormatDescription(ctypes.Structure):
    """struct v4l2_fmtdesc."""

    _fields_ = (
        ("index", _u32), ("type", _u32), ("flags", _u32), ("description", ctypes.c_char * 32),
        ("pixelformat", _u32), ("mbus_code", _u32), ("reserved", _u32 * 3),
    )  # fmt: skip


class FrameSizeRange(ctypes.Structure):
    """struct v4l2_frmsize_stepwise; a discrete size is its first and second number."""

    _fields_ = tuple(
        (name, _u32)
        for name in ("min_width", "max_width", "step_width", "min_height", "max_height", "step_height")
    )


class FrameSizeQuery(ctypes.Structure):
    """struct v4l2_frmsizeenum."""

    _fields_ = (
        ("index", _u32), ("pixel_format", _u32), ("type", _u32), ("size", FrameSizeRange),
        ("reserved", _u32 * 2),
    )  # fmt: skip


class FrameIntervalQuery(ctypes.Structure):
    """struct v4l2_frmivalenum; of a range, the shortest interval comes first."""

    _fields_ = (
        ("index", _u32), ("pixel_format", _u32), ("width", _u32), ("height", _u32), ("type", _u32),
        ("numerator", _u32), ("denominator", _u32), ("others", _u32 * 4), ("reserved", _u32 * 2),
    )  # fmt: skip


class BuffersRequest(ctypes.Structure):
    """struct v4l2_requestbuffers."""

    _fields_ = (
        ("count", _u32), ("type", _u32), ("memory", _u32), ("capabilities", _u32),
        ("flags", ctypes.c_uint8), ("reserved", ctypes.c_uint8 * 3),
    )  # fmt: skip


def _number(direction: int, number: int, structure: type[ctypes.Structure]) -> int:
    """Return an ioctl's number, as the kernel puts it together on x86 and ARM."""
    return direction << 30 | ctypes.sizeof(structure) << 16 | ord("V") << 8 | number


_READ, _BOTH = 2, 3
QUERYCAP = _number(_READ, 0, Capability)
ENUM_FMT = _number(_BOTH, 2, FormatDescription)
REQBUFS = _number(_BOTH, 8, BuffersRequest)
ENUM_FRAMESIZES = _number(_BOTH, 74, FrameSizeQuery)
ENUM_FRAMEINTERVALS = _number(_BOTH, 75, FrameIntervalQuery)

CAPTURE, CAPTURE_PLANES = 0x1, 0x1000
CODEC = 0x4000 | 0x8000
DEVICE_CAPS = 0x80000000
BUFFER_CAPTURE, BUFFER_CAPTURE_PLANES = 1, 9
MEMORY_MMAP = 1
COMPRESSED, EMULATED = 0x1, 0x2
DISCRETE = 1
_MOST_ANSWERS = 128
"""A driver that never says that it is done must not be asked without end."""


def kernel() -> Ioctl:
    """Return what asks the kernel."""
    import fcntl  # not on every platform

    return fcntl.ioctl


def answers(descriptor: int, number: int, query: ctypes.Structure, ioctl: Ioctl) -> Iterator[None]:
    """Fill ``query`` with one answer after another, until the driver has no more."""
    for index in range(_MOST_ANSWERS):
        query.index = index
        try:
            ioctl(descriptor, number, query)
        except OSError:
            return
        yield


def fourcc_text(code: int) -> str:
    """Return the four letters of a pixel format's number; what cannot be printed becomes a question mark."""
    letters = (code & 0x7FFFFFFF).to_bytes(4, "little").decode("latin-1")
    return "".join(letter if " " <= letter <= "~" else "?" for letter in letters).rstrip()
