"""What the kernel answers about some cameras, for tests of machines without one.

The tables hold typical values of such cameras, written down from their documentation; they are no dumps.
"""

from __future__ import annotations

import ctypes
import errno
from dataclasses import dataclass, field
from typing import Any

from hangtag.sources import v4l2_kernel as kernel

Sizes = dict[tuple[int, int], tuple[float, ...]]
Range = tuple[tuple[int, int], tuple[int, int]]


@dataclass
class RecordedDevice:
    """Answers ioctls from a table, with the errors that the kernel has for what is not in it."""

    card: str
    driver: str
    device_caps: int
    formats: dict[str, tuple[str, int, Sizes | Range]] = field(default_factory=dict)
    busy: bool = False
    asked: list[int] = field(default_factory=list)

    def __call__(self, _: int, number: int, query: Any) -> int:
        self.asked.append(number)
        answer = {
            kernel.QUERYCAP: self._capability,
            kernel.ENUM_FMT: self._format,
            kernel.ENUM_FRAMESIZES: self._size,
            kernel.ENUM_FRAMEINTERVALS: self._interval,
            kernel.REQBUFS: self._buffers,
        }.get(number)
        if answer is None:
            raise OSError(errno.ENOTTY, "Inappropriate ioctl for device")
        try:
            answer(query)
        except (IndexError, KeyError):
            raise OSError(errno.EINVAL, "Invalid argument") from None
        return 0

    def _capability(self, query: kernel.Capability) -> None:
        query.driver, query.card = self.driver.encode(), self.card.encode()
        query.device_caps = self.device_caps
        query.capabilities = kernel.DEVICE_CAPS | 0x04A00001  # of all nodes of a webcam

    def _format(self, query: kernel.FormatDescription) -> None:
        if not query.type:
            raise IndexError
        fourcc = list(self.formats)[query.index]
        query.pixelformat = code(fourcc)
        query.description, query.flags = self.formats[fourcc][0].encode(), self.formats[fourcc][1]

    def _sizes(self, pixel_format: int) -> Sizes | Range:
        return {code(fourcc): sizes for fourcc, (_, _, sizes) in self.formats.items()}[pixel_format]

    def _size(self, query: kernel.FrameSizeQuery) -> None:
        sizes = self._sizes(query.pixel_format)
        if isinstance(sizes, dict):
            query.type = kernel.DISCRETE
            query.size.min_width, query.size.max_width = list(sizes)[query.index]
            return
        if query.index:
            raise IndexError
        (low_width, low_height), (high_width, high_height) = sizes
        query.type = 3
        query.size = kernel.FrameSizeRange(low_width, high_width, 2, low_height, high_height, 2)

    def _interval(self, query: kernel.FrameIntervalQuery) -> None:
        sizes = self._sizes(query.pixel_format)
        if isinstance(sizes, dict):
            query.type = kernel.DISCRETE
            fps = sizes[query.width, query.height][query.index]
            query.numerator, query.denominator = 10, round(10 * fps)
            return
        if query.index:
            raise IndexError
        query.type, query.numerator, query.denominator = 2, 1, 30  # from 30 frames a second down
        query.others[0], query.others[1] = 1, 1

    def _buffers(self, query: kernel.BuffersRequest) -> None:
        assert query.count == 0, "only asked for none: a real request would change something"
        if self.busy:
            raise OSError(errno.EBUSY, "Device or resource busy")


def code(fourcc: str) -> int:
    """Return a pixel format's number."""
    return int.from_bytes(fourcc.ljust(4).encode(), "little")


def c920(**changes: Any) -> RecordedDevice:
    """A Logitech HD Pro Webcam C920."""
    slow, fast = (30, 24, 20, 15, 10, 7.5, 5), (30, 24, 20, 15, 10, 7.5, 5)
    return RecordedDevice(
        "HD Pro Webcam C920",
        "uvcvideo",
        0x04200001,
        {
            "YUYV": ("YUYV 4:2:2", 0, {(640, 480): slow, (1280, 720): (10, 7.5, 5), (1920, 1080): (5,)}),
            "MJPG": ("Motion-JPEG", 1, {(640, 480): fast, (1280, 720): fast, (1920, 1080): fast}),
        },
        **changes,
    )


def fast_camera() -> RecordedDevice:
    """An ELP camera with 120 frames a second."""
    return RecordedDevice(
        "HD USB Camera",
        "uvcvideo",
        0x04200001,
        {
            "MJPG": ("Motion-JPEG", 1, {(1920, 1080): (30,), (1280, 720): (60,), (640, 480): (120.1,)}),
            "YUYV": ("YUYV 4:2:2", 0, {(1920, 1080): (6,), (1280, 720): (9,), (640, 480): (30,)}),
        },
    )


def metadata_node() -> RecordedDevice:
    """The second node of a USB camera, which carries no pictures."""
    return RecordedDevice("HD Pro Webcam C920", "uvcvideo", 0x04A00000)


def codec() -> RecordedDevice:
    """A Raspberry Pi's hardware decoder."""
    return RecordedDevice("bcm2835-codec-decode", "bcm2835-codec", 0x04204000)


def sensor() -> RecordedDevice:
    """A Raspberry Pi's camera, before libcamera has made pictures of what it gives."""
    return RecordedDevice(
        "unicam",
        "unicam",
        0x04200001,
        {"pBAA": ("10-bit Bayer BGBG/GRGR Packed", 0, ((16, 16), (16376, 16376)))},
    )


def loopback() -> RecordedDevice:
    """v4l2loopback while something is written to it: any size in a range."""
    return RecordedDevice(
        "Dummy video device",
        "v4l2 loopback",
        0x05200003,
        {"YU12": ("Planar YUV 4:2:0", 0, ((2, 2), (8192, 8192)))},
    )


_STRUCTURES = {
    "v4l2_capability": kernel.Capability,
    "v4l2_fmtdesc": kernel.FormatDescription,
    "v4l2_frmsizeenum": kernel.FrameSizeQuery,
    "v4l2_frmivalenum": kernel.FrameIntervalQuery,
    "v4l2_requestbuffers": kernel.BuffersRequest,
}
_OFFSETS = {
    "v4l2_capability": {"driver", "card", "bus_info", "version", "capabilities", "device_caps"},
    "v4l2_fmtdesc": {"index", "type", "flags", "description", "pixelformat"},
    "v4l2_frmsizeenum": {"index", "pixel_format", "type"},
    "v4l2_frmivalenum": {"index", "pixel_format", "width", "height", "type"},
    "v4l2_requestbuffers": {"count", "type", "memory", "capabilities"},
}
_ELSEWHERE = {  # what the header calls a member of a union
    ("v4l2_frmsizeenum", "discrete.width"): ("size", "min_width"),
    ("v4l2_frmsizeenum", "discrete.height"): ("size", "max_width"),
    ("v4l2_frmsizeenum", "stepwise.min_width"): ("size", "min_width"),
    ("v4l2_frmsizeenum", "stepwise.max_height"): ("size", "max_height"),
    ("v4l2_frmivalenum", "discrete.numerator"): ("numerator",),
    ("v4l2_frmivalenum", "discrete.denominator"): ("denominator",),
    ("v4l2_frmivalenum", "stepwise.min.numerator"): ("numerator",),
}
_NUMBERS = {
    "VIDIOC_QUERYCAP": kernel.QUERYCAP,
    "VIDIOC_ENUM_FMT": kernel.ENUM_FMT,
    "VIDIOC_REQBUFS": kernel.REQBUFS,
    "VIDIOC_ENUM_FRAMESIZES": kernel.ENUM_FRAMESIZES,
    "VIDIOC_ENUM_FRAMEINTERVALS": kernel.ENUM_FRAMEINTERVALS,
    "V4L2_CAP_VIDEO_CAPTURE": kernel.CAPTURE,
    "V4L2_CAP_VIDEO_CAPTURE_MPLANE": kernel.CAPTURE_PLANES,
    "V4L2_CAP_VIDEO_M2M | V4L2_CAP_VIDEO_M2M_MPLANE": kernel.CODEC,
    "V4L2_CAP_DEVICE_CAPS": kernel.DEVICE_CAPS,
    "V4L2_BUF_TYPE_VIDEO_CAPTURE": kernel.BUFFER_CAPTURE,
    "V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE": kernel.BUFFER_CAPTURE_PLANES,
    "V4L2_MEMORY_MMAP": kernel.MEMORY_MMAP,
    "V4L2_FMT_FLAG_COMPRESSED": kernel.COMPRESSED,
    "V4L2_FMT_FLAG_EMULATED": kernel.EMULATED,
    "V4L2_FRMSIZE_TYPE_DISCRETE": kernel.DISCRETE,
    "V4L2_FRMIVAL_TYPE_DISCRETE": kernel.DISCRETE,
}


def expected_of_header() -> dict[str, int]:
    """Return C expressions about ``linux/videodev2.h`` and what they must be for the runtime to be right."""
    expected = dict(_NUMBERS)
    for name, structure in _STRUCTURES.items():
        expected[f"sizeof(struct {name})"] = ctypes.sizeof(structure)
        for member in _OFFSETS[name]:
            expected[f"offsetof(struct {name}, {member})"] = getattr(structure, member).offset
    for (name, member), path in _ELSEWHERE.items():
        offset, structure = 0, _STRUCTURES[name]
        for part in path:
            offset += getattr(structure, part).offset
            structure = dict(structure._fields_)[part]  # type: ignore[assignment,misc]
        expected[f"offsetof(struct {name}, {member})"] = offset
    return expected
