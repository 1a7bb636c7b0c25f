"""Every kind of source that can be had without hardware, real files included."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from hangtag.address import without_secrets
from hangtag.errors import HangtagError, SourceError
from hangtag.sources import Frame, Source, open_source
from hangtag.sources.live import LiveSource
from hangtag.sources.pace import PacedSource


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A real video of twelve frames that brighten one after another."""
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 12.0, (64, 48))
    for number in range(12):
        writer.write(np.full((48, 64, 3), 20 * number, np.uint8))
    writer.release()
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, name in enumerate(("b.png", "a.jpg", "deep/c.png")):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.full((30, 40, 3), 60 * number, np.uint8))
    (tmp_path / "photos" / "notes.txt").write_text("not a photo")
    return tmp_path / "photos"


def test_a_video_gives_every_frame_in_order(clip: Path) -> None:
    with open_source(str(clip)) as source:
        frames = list(source)
    assert [frame.number for frame in frames] == list(range(12))
    assert [round(frame.time_s, 3) for frame in frames] == [round(n / 12, 3) for n in range(12)]
    brightness = [float(frame.image_bgr.mean()) for frame in frames]
    assert brightness == sorted(brightness)
    assert frames[0].image_bgr.shape == (48, 64, 3)
    assert source.fps == pytest.approx(12.0)


def test_a_folder_gives_its_photos_sorted(folder: Path) -> None:
    with open_source(str(folder)) as source:
        names = [Path(frame.name or "").name for frame in source]
    assert names == ["a.jpg", "b.png", "c.png"]


def test_one_photo_is_a_source(folder: Path) -> None:
    with open_source(str(folder / "b.png")) as source:
        assert [frame.image_bgr.shape for frame in source] == [(30, 40, 3)]


def test_the_scene_obeys_size_rate_and_seed() -> None:
    def first(seed: int) -> Frame:
        with open_source("scene:", size_wh=(320, 240), fps=10, seed=seed) as source:
            assert source.fps == 10
            return next(iter(source))

    one = first(1)
    assert one.image_bgr.shape == (240, 320, 3)
    np.testing.assert_array_equal(one.image_bgr, first(1).image_bgr)
    assert (one.image_bgr != first(2).image_bgr).any()


@pytest.mark.parametrize(
    ("spelling", "said"),
    [
        ("93", "no camera /dev/video93"),
        ("", "no source was named"),
        (" ", "no source was named"),
        ("/dev/video93", "no camera /dev/video93"),
        ("nothing.mp4", "no source 'nothing.mp4'"),
        ("picamera", "no source 'picamera'"),
        ("scene:nowhere/at/all", "nowhere"),
        ("rtsp://user:secret@127.0.0.1:9/stream", "rtsp://127.0.0.1:9/stream"),
    ],
)
def test_what_cannot_be_opened_is_said_in_one_line(spelling: str, said: str) -> None:
    with pytest.raises(HangtagError) as caught, open_source(spelling) as source:
        next(iter(source))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_files_that_are_no_video_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "text.mp4"
    path.write_text("not a video")
    with pytest.raises(SourceError, match="video"):
        open_source(str(path))


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HangtagError, match="no image"):
        open_source(str(tmp_path))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtsp://me:pw@cam/live?token=1", "rtsp://cam/live"),
        ("rtsp://me:p@w@cam:554/live", "rtsp://cam:554/live"),
        ("http://cam", "http://cam"),
    ],
)
def test_credentials_never_show(url: str, shown: str) -> None:
    assert without_secrets(url) == shown


class _LiveSource(LiveSource):
    """Delivers frames as a camera does: whether they are read or not."""

    def __init__(self, frames: int, error: Exception | None = None) -> None:
        self._frames = frames
        self._error = error
        self.all_read = threading.Event()

    def delivered(self) -> Iterator[Frame]:
        for number in range(self._frames):
            yield Frame(np.full((4, 4, 3), number, np.uint8), number, 0.0, time.monotonic())
        self.all_read.set()
        if self._error is not None:
            raise self._error


def test_a_slow_reader_of_a_live_source_gets_the_newest_frame() -> None:
    source = _LiveSource(50)
    frames = iter(source)
    first = next(frames)
    assert source.all_read.wait(5)
    rest = [frame.number for frame in frames]
    # Whatever was late is gone; what remains is the last frame, unless the first one was it already.
    assert rest == ([49] if first.number < 49 else [])


def test_a_live_source_that_fails_says_so_after_its_last_frame() -> None:
    with pytest.raises(SourceError, match="unplugged"):
        list(_LiveSource(1, SourceError("unplugged")))


class _SlowScene(Source):
    """Frames that take far longer to make than there is time."""

    fps: float | None = 100.0
    shown = "slow"

    def __iter__(self) -> Iterator[Frame]:
        for number in range(40):
            time.sleep(0.03)
            yield Frame(np.zeros((4, 4, 3), np.uint8), number, number / 100, 0.0)


class _WithoutRate(_SlowScene):
    """A clip that does not say how fast it is to be shown."""

    fps = None


def test_real_time_is_kept_and_what_comes_late_is_left_out(clip: Path) -> None:
    with open_source(str(clip), real_time=True) as source:
        assert source.live
        begun = time.monotonic()
        frames = list(source.delivered())  # type: ignore[attr-defined]
        assert time.monotonic() - begun >= 11 / 12
    assert [frame.number for frame in frames] == sorted({frame.number for frame in frames})
    assert all(frame.time_s >= frame.number / 12 - 1e-3 for frame in frames)


def test_frames_that_all_come_late_are_not_all_left_out() -> None:
    numbers = [frame.number for frame in PacedSource(_SlowScene()).delivered()]
    assert 10 <= len(numbers) < 40
    assert max(np.diff(numbers)) <= 3


def test_what_has_no_frame_rate_has_no_real_time() -> None:
    with pytest.raises(SourceError, match=r"no frame rate.*--pace fast"):
        PacedSource(_WithoutRate())


def test_photos_wait_where_clips_keep_real_time(folder: Path) -> None:
    with open_source(str(folder), real_time=True) as source:
        assert not source.live
        assert len(list(source)) == 3


def test_photos_can_be_had_at_a_rate(folder: Path) -> None:
    with open_source(str(folder), fps=20) as source:
        times_s = [frame.captured_s for frame in source]
    assert source.fps == 20
    assert min(np.diff(times_s)) >= 1 / 20


def test_a_clip_can_be_played_again_and_again(clip: Path) -> None:
    with open_source(str(clip), loop=True) as source:
        frames = [frame for frame, _ in zip(source, range(30), strict=False)]
    assert [frame.number for frame in frames] == list(range(30))
    assert [round(frame.time_s * 12) for frame in frames] == list(range(30))
    np.testing.assert_array_equal(frames[3].image_bgr, frames[27].image_bgr)


def test_a_clip_repeats_also_where_a_round_of_it_is_shorter_than_the_interval(clip: Path) -> None:
    with open_source(str(clip), loop=True, fps=0.4) as source:
        frames = [frame for frame, _ in zip(source, range(3), strict=False)]
    assert [round(frame.time_s * 0.4) for frame in frames] == [0, 1, 2]


def test_a_frame_that_cannot_be_decoded_leaves_a_gap_and_does_not_end_the_clip(
    clip: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = bytearray(clip.read_bytes())
    starts = [match.start() for match in re.finditer(rb"\xff\xd8\xff", data)]
    assert len(starts) == 12
    data[starts[5] : starts[6] - 8] = bytes(starts[6] - 8 - starts[5])
    clip.write_bytes(data)
    with open_source(str(clip)) as source:
        frames = list(source)
    left = [0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11]
    assert [round(float(frame.image_bgr.mean()) / 20) for frame in frames] == left
    assert [round(frame.time_s * 12) for frame in frames] == left
    assert "clip.avi is damaged" in caplog.text


@pytest.mark.parametrize(("fps", "count"), [(12, 12), (6, 6), (4, 4), (100, 12)])
def test_a_lower_rate_thins_a_clip_by_its_own_time(clip: Path, fps: float, count: int) -> None:
    with open_source(str(clip), fps=fps) as source:
        frames = list(source)
    assert [frame.number for frame in frames] == list(range(count))
    assert frames[-1].time_s == pytest.approx((12 - 12 / count) / 12)


def test_patterns_give_the_photos_that_they_name(folder: Path) -> None:
    with open_source(str(folder / "*.jpg")) as source:
        assert [Path(frame.name or "").name for frame in source] == ["a.jpg"]
    with open_source(str(folder / "**/*.png")) as source:
        assert [Path(frame.name or "").name for frame in source] == ["b.png", "c.png"]
    with pytest.raises(SourceError, match="no source"):
        open_source(str(folder / "*.tif"))
