"""The Raspberry Pi's camera through picamera2.

A stand-in has the names, arguments and answers of picamera2 0.3: neither camera nor package can be here.
"""

from __future__ import annotations

import concurrent.futures
import sys
import time
import types
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from hangtag.errors import SourceError
from hangtag.sources import open_source
from hangtag.sources.picamera import PicameraSource, exposed_s


class _Request:
    def __init__(self, camera: _Camera) -> None:
        self._camera = camera
        camera.held += 1

    def get_metadata(self) -> dict[str, Any]:
        return self._camera.metadata()

    def make_array(self, name: str) -> np.ndarray:
        assert name == "main"
        width, height = self._camera.main["size"]
        image = np.zeros((height, width, 3), np.uint8)
        image[..., 0] = 200  # blue comes first in what is called RGB888
        return image

    def release(self) -> None:
        self._camera.held -= 1


class _Camera:
    """Picamera2, as far as it is used."""

    here: ClassVar[list[dict[str, Any]]] = [{"Model": "imx219", "Num": 0}, {"Model": "imx708", "Num": 1}]
    made: ClassVar[list[_Camera]] = []
    error_at: ClassVar[dict[str, Exception]] = {}
    takes_size: tuple[int, int] | None = None
    frames = 10**6
    age_s = 0.04

    def __init__(self, camera_num: int = 0) -> None:
        self._fail("open")
        self.number = camera_num
        self.main: dict[str, Any] = {}
        self.asked: dict[str, Any] = {}
        self.state: list[str] = []
        self.held = 0
        type(self).made.append(self)

    def _fail(self, step: str) -> None:
        if step in self.error_at:
            raise self.error_at[step]

    @classmethod
    def global_camera_info(cls) -> list[dict[str, Any]]:
        return cls.here

    def create_video_configuration(
        self, main: dict[str, Any], controls: dict[str, Any], buffer_count: int
    ) -> dict[str, Any]:
        return {
            "main": {"format": "XBGR8888", "size": (1280, 720), **main},
            "controls": controls,
            "buffer_count": buffer_count,
        }

    def configure(self, configuration: dict[str, Any]) -> None:
        self._fail("configure")
        self.asked = configuration
        self.main = {**configuration["main"], "size": self.takes_size or configuration["main"]["size"]}

    def camera_configuration(self) -> dict[str, Any]:
        return {"main": self.main}

    def start(self) -> None:
        self._fail("start")
        self.state.append("started")

    def capture_request(self, wait: float) -> _Request:
        assert wait > 0
        self._fail("capture")
        if not self.frames:
            raise concurrent.futures.TimeoutError
        self.frames -= 1
        return _Request(self)

    def metadata(self) -> dict[str, Any]:
        return {"SensorTimestamp": time.clock_gettime_ns(time.CLOCK_BOOTTIME) - int(self.age_s * 1e9)}

    def stop(self) -> None:
        self.state.append("stopped")

    def close(self) -> None:
        self.state.append("closed")


@pytest.fixture
def camera(monkeypatch: pytest.MonkeyPatch) -> type[_Camera]:
    """The class that stands for Picamera2, of this test alone."""
    fresh = type("Picamera2", (_Camera,), {"made": [], "error_at": {}})
    module = types.ModuleType("picamera2")
    module.Picamera2 = fresh  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "picamera2", module)
    return fresh


def test_frames_are_bgr_copies_with_the_time_of_their_exposure(camera: type[_Camera]) -> None:
    with open_source("picamera://1", size_wh=(640, 480)) as source:
        frames = source.delivered()  # type: ignore[attr-defined]
        first, second = next(frames), next(frames)
        frames.close()
    assert first.image_bgr.shape == (480, 640, 3)
    assert first.image_bgr[0, 0].tolist() == [200, 0, 0]
    assert (first.number, second.number) == (0, 1)
    assert 0.04 <= time.monotonic() - first.captured_s < 1
    assert 0.03 <= time.time() - first.wall_s < 1
    (made,) = camera.made
    assert made.number == 1
    assert made.held == 0  # every buffer went back
    assert made.state == ["started", "stopped", "closed"]
    assert source.live
    assert source.shown == "picamera://1"


def test_size_rate_and_format_are_asked_for(camera: type[_Camera]) -> None:
    PicameraSource("0", (640, 480), 25).close()
    asked = camera.made[0].asked
    assert asked["main"] == {"format": "RGB888", "size": (640, 480)}
    assert asked["controls"] == {"FrameDurationLimits": (40_000, 40_000)}
    assert asked["buffer_count"] <= 4


def test_what_is_not_asked_for_is_left_to_the_camera(camera: type[_Camera]) -> None:
    PicameraSource("0").close()
    assert camera.made[0].asked["main"] == {"format": "RGB888", "size": (1280, 720)}
    assert camera.made[0].asked["controls"] == {}


@pytest.mark.parametrize(
    ("step", "error", "said"),
    [
        (
            "open",
            RuntimeError("Camera __init__ sequence did not complete."),
            "another program has it, or Camera",
        ),
        ("configure", RuntimeError("Failed to\nconfigure"), "cannot be set up: Failed to configure"),
    ],
)
def test_what_picamera2_refuses_is_one_line(
    camera: type[_Camera], step: str, error: Exception, said: str
) -> None:
    camera.error_at[step] = error
    with pytest.raises(SourceError) as caught:
        PicameraSource("0")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert [made.state for made in camera.made] == ([] if step == "open" else [["stopped", "closed"]])


def test_a_camera_that_takes_another_size_is_refused_and_let_go(camera: type[_Camera]) -> None:
    camera.takes_size = (648, 480)
    with pytest.raises(SourceError, match="gives 648x480 RGB888, not 641x480 RGB888"):
        PicameraSource("0", (641, 480))
    assert camera.made[0].state[-1] == "closed"


def test_cameras_that_are_not_there_are_said(camera: type[_Camera]) -> None:
    with pytest.raises(SourceError, match=r"picamera://0 \(imx219\), picamera://1 \(imx708\)"):
        PicameraSource("2")
    camera.here = []
    with pytest.raises(SourceError, match="here: none"):
        PicameraSource("0")
    with pytest.raises(SourceError, match="has a number"):
        PicameraSource("front")


@pytest.mark.parametrize("error", [None, RuntimeError("Camera frontend has timed out!")])
def test_a_camera_that_goes_silent_is_an_error(camera: type[_Camera], error: Exception | None) -> None:
    source = PicameraSource("0")
    frames = source.delivered()
    next(frames)
    if error is None:
        camera.made[0].frames = 0
    else:
        camera.error_at["capture"] = error
    with pytest.raises(SourceError, match=r"stopped delivering|failed after 1 frames: Camera frontend"):
        next(frames)
    source.close()
    assert camera.made[0].held == 0


@pytest.mark.parametrize(
    ("timestamp_s_ago", "age_s"),
    [(0.033, 0.033), (1.5, 1.5), (-0.5, 0.0), (3600.0, 0.0), (None, 0.0)],
)
def test_a_time_that_cannot_be_is_not_believed(timestamp_s_ago: float | None, age_s: float) -> None:
    stamp = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    now = time.monotonic()
    taken = None if timestamp_s_ago is None else stamp - int(timestamp_s_ago * 1e9)
    assert now - exposed_s(taken, now) == pytest.approx(age_s, abs=0.005)


_ABI = (
    "numpy.dtype size changed, may indicate binary incompatibility. "
    "Expected 96 from C header, got 88 from PyObject"
)


@pytest.mark.parametrize(
    ("module", "said"),
    [
        (None, "comes from apt.*sudo apt install python3-picamera2.*--system-site-packages"),
        ("import libcamera", "apt's libcamera.*only the system's own Python"),
        (
            f"raise ValueError({_ABI!r})",
            "compiled for another NumPy: pip install --force-reinstall --no-deps simplejpeg",
        ),
        ("raise ImportError('libcamera.so.0.5: cannot open shared object file')", "libcamera.so.0.5"),
    ],
)
def test_an_import_that_fails_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str | None, said: str
) -> None:
    monkeypatch.delitem(sys.modules, "picamera2", raising=False)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    if module is not None:
        (tmp_path / "picamera2.py").write_text(module)
    with pytest.raises(SourceError, match=said) as caught:
        open_source("picamera://0")
    assert "\n" not in str(caught.value)
    assert "rpicam://0" in str(caught.value)
