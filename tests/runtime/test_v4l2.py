"""V4L2 cameras: recorded answers of the kernel, a stand-in for OpenCV's capture; no such device is here."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
import pytest
import v4l2_cameras as table

from hangtag.errors import SourceError
from hangtag.sources import v4l2, v4l2_formats
from hangtag.sources import v4l2_kernel as kernel
from hangtag.sources.v4l2 import CameraSource
from hangtag.sources.v4l2_formats import best_format, read_device, stable_link

pytestmark = pytest.mark.skipif(os.name != "posix", reason="V4L2 is Linux's")


@pytest.mark.skipif(
    shutil.which("gcc") is None or not Path("/usr/include/linux/videodev2.h").exists(),
    reason="needs a compiler and the kernel's headers: sudo apt install gcc linux-libc-dev libc6-dev",
)
def test_layouts_and_numbers_are_those_of_the_kernel(tmp_path: Path) -> None:
    expected = table.expected_of_header()
    prints = "".join(f'printf("%lu\\n", (unsigned long)({expression}));\n' for expression in expected)
    (tmp_path / "ask.c").write_text(
        "#include <stddef.h>\n#include <stdio.h>\n#include <linux/videodev2.h>\n"
        f"int main(void) {{\n{prints}}}\n"
    )
    subprocess.run(["gcc", "-o", str(tmp_path / "ask"), str(tmp_path / "ask.c")], check=True)  # noqa: S607
    said = subprocess.run([str(tmp_path / "ask")], capture_output=True, text=True, check=True).stdout
    assert dict(zip(expected, map(int, said.split()), strict=True)) == expected


@pytest.fixture
def node(tmp_path: Path) -> Path:
    path = tmp_path / "video0"
    path.touch()
    return path


def test_formats_sizes_and_rates_are_read(node: Path) -> None:
    device = read_device(node, "unnamed", table.c920())
    assert (device.name, device.driver, device.problem, device.is_camera) == (
        "HD Pro Webcam C920", "uvcvideo", "", True,
    )  # fmt: skip
    yuyv, mjpg = device.formats
    assert (yuyv.fourcc, yuyv.compressed) == ("YUYV", False)
    assert (mjpg.fourcc, mjpg.compressed, mjpg.description) == ("MJPG", True, "Motion-JPEG")
    assert [(size.width, size.height) for size in mjpg.sizes] == [(640, 480), (1280, 720), (1920, 1080)]
    assert yuyv.sizes[1].fps == (10, 7.5, 5)


def test_a_range_of_sizes_is_shown_by_its_usual_ones(node: Path) -> None:
    (only,) = read_device(node, "", table.loopback()).formats
    assert only.any_size
    assert [(size.width, size.height) for size in only.sizes] == [
        (2, 2), (640, 480), (1280, 720), (1920, 1080), (8192, 8192),
    ]  # fmt: skip
    assert {size.fps for size in only.sizes} == {(30.0,)}


@pytest.mark.parametrize(
    ("device", "problem", "is_camera"),
    [
        (table.metadata_node(), "delivers no pictures", False),
        (table.codec(), "a codec", False),
        (table.RecordedDevice("CODA", "coda", 0x04208003), "a codec", False),  # as older drivers say it
        (table.sensor(), "raw data", False),
        (table.c920(busy=True), "in use by another program", True),
        (table.RecordedDevice("x", "x", 0x04200001), "no pixel format", False),
    ],
)
def test_what_cannot_be_used_is_told_apart(
    node: Path, device: table.RecordedDevice, problem: str, is_camera: bool
) -> None:
    found = read_device(node, "", device)
    assert problem in found.problem
    assert found.is_camera == is_camera


@pytest.mark.parametrize(
    ("number", "problem", "fix"),
    [
        (errno.EACCES, "not yours to open", "usermod -aG video"),
        (errno.EBUSY, "in use by another program", "fuser"),
        (errno.ENODEV, "unplugged", "plug it in"),
        (errno.EIO, "cannot be opened: Input/output error", ""),
    ],
)
def test_what_cannot_be_opened_is_told_apart(
    node: Path, monkeypatch: pytest.MonkeyPatch, number: int, problem: str, fix: str
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "open", refuse)
    found = read_device(node, "Cam")
    assert problem in found.problem
    assert fix in found.fix


def test_the_real_kernel_says_that_a_file_is_no_camera(node: Path) -> None:
    assert read_device(node, "").problem == "no V4L2 device"


def test_a_driver_that_never_ends_its_list_is_not_asked_for_ever(node: Path) -> None:
    def endless(_: int, number: int, query: Any) -> int:
        if number == kernel.QUERYCAP:
            query.device_caps = query.capabilities = kernel.CAPTURE | kernel.DEVICE_CAPS
        if number == kernel.ENUM_FMT and query.index > 2:
            raise OSError(errno.EINVAL, "")
        query.type = kernel.DISCRETE
        return 0

    began = time.monotonic()
    read_device(node, "", endless)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("camera", "size_wh", "fps", "wanted"),
    [
        (table.c920, None, None, None),  # as fast without: no decoding
        (table.c920, (640, 480), 30, None),
        (table.c920, (1280, 720), None, "MJPG"),
        (table.c920, (1280, 720), 10, None),
        (table.c920, (1280, 720), 15, "MJPG"),
        (table.c920, (1920, 1080), 5, None),
        (table.c920, (1920, 1080), 30, "MJPG"),
        (table.c920, (800, 600), 30, None),  # not there: the driver says so
        (table.fast_camera, None, None, "MJPG"),
        (table.fast_camera, (640, 480), 30, None),
        (table.fast_camera, (640, 480), 60, "MJPG"),
        (table.loopback, (800, 600), 30, None),
    ],
)
def test_motion_jpeg_is_asked_for_where_it_is_faster(
    node: Path,
    camera: Callable[[], table.RecordedDevice],
    size_wh: tuple[int, int] | None,
    fps: float | None,
    wanted: str | None,
) -> None:
    assert best_format(read_device(node, "", camera()).formats, size_wh, fps) == wanted


def test_pixel_formats_have_readable_names() -> None:
    assert kernel.fourcc_text(table.code("MJPG")) == "MJPG"
    assert kernel.fourcc_text(table.code("Y16")) == "Y16"
    assert (
        kernel.fourcc_text(0x80000000 | table.code("Y16")) == "Y16"
    )  # big-endian variants set the highest bit
    assert kernel.fourcc_text(0x0000001B) == "????"


class _Capture:
    """cv2.VideoCapture of a V4L2 camera: takes what the recorded camera has, else its nearest."""

    opened: ClassVar[list[_Capture]] = []
    device: ClassVar[table.RecordedDevice]
    opens = True
    time_of_frame: ClassVar[Callable[[], float]] = staticmethod(lambda: 0.0)
    frames = 10**6

    def __init__(self, path: str, backend: int) -> None:
        assert backend == cv2.CAP_V4L2
        self.path, self.released = path, False
        self.values = {
            cv2.CAP_PROP_FOURCC: float(table.code(next(iter(self.device.formats)))),
            cv2.CAP_PROP_FRAME_WIDTH: 640.0,
            cv2.CAP_PROP_FRAME_HEIGHT: 480.0,
            cv2.CAP_PROP_FPS: 30.0,
            cv2.CAP_PROP_BUFFERSIZE: 4.0,
        }
        self.order: list[int] = []
        self.opened.append(self)

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        return self.opens

    def set(self, what: int, value: float) -> bool:
        self.order.append(what)
        self.values[what] = float(value)
        if what == cv2.CAP_PROP_FRAME_HEIGHT:
            sizes = self._sizes()
            asked = (int(self.values[cv2.CAP_PROP_FRAME_WIDTH]), int(value))
            if asked not in sizes:
                width, height = min(sizes, key=lambda wh: abs(wh[0] - asked[0]))
                self.values[cv2.CAP_PROP_FRAME_WIDTH], self.values[what] = width, height
        return True

    def _sizes(self) -> dict[tuple[int, int], tuple[float, ...]]:
        fourcc = kernel.fourcc_text(int(self.values[cv2.CAP_PROP_FOURCC]))
        return self.device.formats[fourcc][2]  # type: ignore[return-value]

    def get(self, what: int) -> float:
        if what == cv2.CAP_PROP_POS_MSEC:
            return 1000 * type(self).time_of_frame()
        if what == cv2.CAP_PROP_FPS:
            size = int(self.values[cv2.CAP_PROP_FRAME_WIDTH]), int(self.values[cv2.CAP_PROP_FRAME_HEIGHT])
            return min(self._sizes()[size], key=lambda fps: abs(fps - self.values[what]))
        return self.values.get(what, 0.0)

    def grab(self) -> bool:
        self.frames -= 1
        return self.frames >= 0

    def retrieve(self) -> tuple[bool, np.ndarray]:
        width, height = (
            int(self.values[side]) for side in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
        )
        return True, np.zeros((height, width, 3), np.uint8)

    def release(self) -> None:
        self.released = True


@pytest.fixture
def camera(monkeypatch: pytest.MonkeyPatch, node: Path) -> type[_Capture]:
    """The recorded C920 at ``node``; the class that stands for OpenCV's capture, of this test alone."""
    fresh = type("VideoCapture", (_Capture,), {"opened": [], "device": table.c920()})
    monkeypatch.setattr(cv2, "VideoCapture", fresh)
    monkeypatch.setattr(kernel, "kernel", lambda: fresh.device)
    monkeypatch.setattr(v4l2, "_links", {})
    monkeypatch.setattr(v4l2, "_said", set())
    return fresh


def test_format_size_rate_and_buffers_are_asked_for_in_an_order_that_works(
    camera: type[_Capture], node: Path
) -> None:
    source = CameraSource(str(node), (1280, 720), 30)
    (capture,) = camera.opened
    assert capture.order == [
        cv2.CAP_PROP_FOURCC, cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FPS,
        cv2.CAP_PROP_BUFFERSIZE,
    ]  # fmt: skip
    assert capture.values[cv2.CAP_PROP_FOURCC] == table.code("MJPG")
    assert capture.values[cv2.CAP_PROP_BUFFERSIZE] == 2
    assert source.fps == 30
    assert next(source.delivered()).image_bgr.shape == (720, 1280, 3)
    source.close()
    assert capture.released


def test_a_pixel_format_of_ones_own_is_honoured(camera: type[_Capture], node: Path) -> None:
    CameraSource(str(node), (1280, 720), None, "yuyv").close()
    assert camera.opened[0].values[cv2.CAP_PROP_FOURCC] == table.code("YUYV")


@pytest.mark.parametrize(
    ("size_wh", "pixel_format", "said"),
    [
        (None, "H264", "has no pixel format 'H264'; has YUYV, MJPG"),
        ((800, 600), "MJPG", "has no 800x600 in MJPG; has 640x480, 1280x720, 1920x1080"),
        ((1000, 700), None, "gives 1280x720, not 1000x700"),
    ],
)
def test_what_the_camera_does_not_have_is_an_error(
    camera: type[_Capture], node: Path, size_wh: tuple[int, int] | None, pixel_format: str | None, said: str
) -> None:
    with pytest.raises(SourceError, match=said) as caught:
        CameraSource(str(node), size_wh, None, pixel_format)
    assert "\n" not in str(caught.value)
    assert all(capture.released for capture in camera.opened)


def test_what_the_driver_answers_is_said_once(
    camera: type[_Capture], node: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "hangtag")
    for _ in range(2):
        source = CameraSource(str(node), (1280, 720), 60)
        assert source.fps == 30
        source.close()
    messages = [record.message for record in caplog.records]
    assert messages == [
        f"camera {node}: 1280x720 MJPG at 30 frames a second",
        f"camera {node} gives 30 frames a second, not 60: that is all there is at this size",
    ]


@pytest.mark.parametrize(
    ("device", "said"),
    [
        (table.c920(busy=True), "HD Pro Webcam C920.: in use by another program: end the program"),
        (table.metadata_node(), "delivers no pictures"),
        (table.sensor(), "use rpicam://0 or picamera://0"),
    ],
)
def test_a_device_that_cannot_be_used_is_one_line(
    camera: type[_Capture], node: Path, device: table.RecordedDevice, said: str
) -> None:
    camera.device = device
    with pytest.raises(SourceError, match=said) as caught:
        CameraSource(str(node))
    assert "\n" not in str(caught.value)
    assert not camera.opened


def test_what_opencv_cannot_open_is_an_error(camera: type[_Capture], node: Path) -> None:
    camera.opens = False
    with pytest.raises(SourceError, match="OpenCV knows none of its formats"):
        CameraSource(str(node))


@pytest.mark.parametrize(
    ("told_s_ago", "believed"), [(0.02, True), (0.4, True), (None, False), (-100.0, False), (99.0, False)]
)
def test_a_frame_is_as_old_as_its_driver_says(
    camera: type[_Capture], node: Path, told_s_ago: float | None, believed: bool
) -> None:
    before = time.monotonic()
    told = 0.0 if told_s_ago is None else before - told_s_ago
    camera.time_of_frame = staticmethod(lambda: told)
    frame = next(CameraSource(str(node)).delivered())
    if believed:
        assert frame.captured_s == pytest.approx(told, abs=1e-6)
    else:
        assert before <= frame.captured_s <= time.monotonic()
    assert frame.time_s >= 0
    assert time.time() - frame.wall_s == pytest.approx(time.monotonic() - frame.captured_s, abs=0.1)


def test_a_camera_that_is_gone_is_an_error(camera: type[_Capture], node: Path) -> None:
    camera.frames = 3
    with pytest.raises(SourceError, match=r"stopped delivering frames \(3 came\)"):
        list(CameraSource(str(node)).delivered())


NO_PICTURES = [
    None,
    np.zeros((0, 0, 3), np.uint8),
    np.zeros((480, 640), np.uint8),
    np.zeros((480, 640, 2), np.uint8),
]


@pytest.mark.parametrize("nothing", NO_PICTURES, ids=["None", "empty", "one channel", "two channels"])
def test_a_frame_that_cannot_be_decoded_is_missed_and_the_next_one_comes(
    camera: type[_Capture], node: Path, monkeypatch: pytest.MonkeyPatch, nothing: np.ndarray | None
) -> None:
    good = np.zeros((480, 640, 3), np.uint8)
    given = iter([(True, good), (True, nothing), (False, None), (True, good), *[(True, nothing)] * 10**3])
    monkeypatch.setattr(camera, "retrieve", lambda _: next(given))
    frames = CameraSource(str(node)).delivered()
    assert [next(frames).number for _ in range(2)] == [0, 1]
    with pytest.raises(SourceError, match=r"stopped delivering frames \(2 came\)"):
        next(frames)


@pytest.mark.parametrize("kind", ["by-id", "by-path"])
def test_a_camera_that_comes_back_under_another_number_is_found(
    camera: type[_Capture], node: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    links = tmp_path / "v4l"
    (links / kind).mkdir(parents=True)
    link = links / kind / "usb-046d_HD_Pro_Webcam_C920-video-index0"
    link.symlink_to(node)
    monkeypatch.setattr(v4l2, "stable_link", lambda path: stable_link(path, links))
    CameraSource(str(node)).close()
    # It is unplugged, another camera takes its number, and it comes back as the next one.
    link.unlink()
    with pytest.raises(SourceError, match=r"unplugged .*C920"):
        CameraSource(str(node))
    other = tmp_path / "video1"
    other.touch()
    link.symlink_to(other)
    CameraSource(str(node)).close()
    assert [Path(capture.path) for capture in camera.opened] == [node, other]


def test_there_need_be_no_links(tmp_path: Path, node: Path) -> None:
    assert stable_link(node, tmp_path / "v4l") is None


def test_the_module_names_every_state_on_one_line(node: Path) -> None:
    for device in (table.c920(), table.metadata_node(), table.codec(), table.sensor(), table.loopback()):
        found = v4l2_formats.read_device(node, "", device)
        assert "\n" not in found.problem + found.fix
