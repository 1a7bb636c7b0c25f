"""Clips for days: whole parts, ordered names, a quota, time that goes on through outages."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from camera_results import outage
from made_results import at, made_result

from hangtag.errors import OutputError
from hangtag.sinks import clips
from hangtag.sinks.clips import LEAST_QUOTA_BYTES, Clips

_PLENTY = 1_000_000_000


def _read(path: Path) -> list[np.ndarray]:
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    frames = []
    while True:
        read, image = capture.read()
        if not read:
            return frames
        frames.append(image)


def _whole(folder: Path) -> list[Path]:
    return sorted(folder.glob("camera-*.webm"))


def _play(sink: Clips, until_s: float, fps: float = 10, begin_s: float = 0.0) -> None:
    for number in range(round(begin_s * fps), round(until_s * fps)):
        sink.write(made_result(number=number, time_s=number / fps))


def test_a_long_recording_is_in_parts_and_every_finished_one_is_whole(tmp_path: Path) -> None:
    sink = Clips(tmp_path, _PLENTY, 10, live=True, part_s=2.0)
    _play(sink, 5.0)
    assert [len(_read(path)) for path in _whole(tmp_path)] == [20, 20], (
        "parts that are done are there at once"
    )
    sink.close()
    assert [len(_read(path)) for path in _whole(tmp_path)] == [20, 20, 10]
    assert all(re.fullmatch(r"camera-\d{8}-\d{6}(_\d{6})?\.webm", path.name) for path in tmp_path.iterdir())


def test_files_are_in_parts_too_and_lose_no_frame(tmp_path: Path) -> None:
    sink = Clips(tmp_path, _PLENTY, 10, live=False, part_s=2.0)
    for number in range(45):
        sink.write(made_result(number=number, time_s=0.0))
    sink.close()
    assert [len(_read(path)) for path in _whole(tmp_path)] == [20, 20, 5]


def test_two_that_start_in_the_same_second_have_names_of_their_own(tmp_path: Path) -> None:
    both = [Clips(tmp_path, _PLENTY, 10, live=True) for _ in range(2)]
    for sink in both:
        sink.write(made_result())
    again = Clips(tmp_path, _PLENTY, 10, live=True)
    again.write(made_result(wall_s=0.0))  # a clock that has not been set
    for sink in [*both, again]:
        sink.close()
    assert len(_whole(tmp_path)) == 3


def test_another_size_begins_a_part_of_a_live_source(tmp_path: Path) -> None:
    sink = Clips(tmp_path, _PLENTY, 10, live=True)
    for number, size_hw in enumerate([(48, 64)] * 5 + [(96, 128)] * 5):
        sink.write(made_result(number=number, time_s=number / 10, image=np.zeros((*size_hw, 3), np.uint8)))
    sink.close()
    assert [_read(path)[0].shape[:2] for path in _whole(tmp_path)] == [(48, 64), (96, 128)]


def test_time_goes_on_in_an_outage_and_it_shows(tmp_path: Path) -> None:
    bright = np.full((480, 640, 3), 200, np.uint8)
    sink = Clips(tmp_path, _PLENTY, 10, live=True)
    sink.write(made_result(image=bright))
    for time_s in (1.0, 2.0, 3.0):
        sink.missing(dataclasses.replace(outage(), time_s=time_s))
    sink.write(made_result(time_s=3.5, image=bright))
    sink.close()
    (clip,) = _whole(tmp_path)
    frames = _read(clip)
    assert len(frames) == 36
    levels = [float(frame[:100].mean()) for frame in frames]
    assert min(levels[:9]) > 150, "the last picture stands until the outage is known"
    assert max(levels[11:34]) < 100, "and cannot be taken for a new one from then on"
    assert levels[-1] > 150


def test_an_outage_before_the_first_frame_leaves_nothing(tmp_path: Path) -> None:
    sink = Clips(tmp_path, _PLENTY, 10, live=True)
    sink.missing(outage())
    sink.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("to_s", [1000.0, -50.0])
def test_a_jump_in_time_begins_a_part_and_is_not_filled(tmp_path: Path, to_s: float) -> None:
    sink = Clips(tmp_path, _PLENTY, 10, live=True)
    _play(sink, 1.0)
    for number in range(10):
        sink.write(at(made_result(), to_s + number / 10))
    sink.close()
    assert [len(_read(path)) for path in _whole(tmp_path)] == [10, 10]


def test_large_live_frames_are_made_smaller(tmp_path: Path) -> None:
    sink = Clips(tmp_path, _PLENTY, 30, live=True)
    sink.write(made_result(image=np.zeros((1080, 1920, 3), np.uint8)))
    sink.close()
    assert _read(_whole(tmp_path)[0])[0].shape == (540, 960, 3)


def test_the_oldest_go_by_the_quota_and_scraps_of_killed_runs_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scrap = tmp_path / ".camera-20200101-000000.abcdefgh.part.webm"
    scrap.write_bytes(b"x" * 1_000_000)
    for day in range(10, 20):
        (tmp_path / f"camera-202001{day}-000000.webm").write_bytes(b"x" * 3_000_000)
    (tmp_path / "camera-mine.webm").write_bytes(b"x" * 3_000_000)
    sink = Clips(tmp_path, LEAST_QUOTA_BYTES, 10, live=True, part_s=1.0)
    _play(sink, 3.0)
    sink.close()
    kept = sum(path.stat().st_size for path in tmp_path.iterdir()) - 3_000_000
    assert kept <= LEAST_QUOTA_BYTES
    assert not scrap.exists()
    assert not (tmp_path / "camera-20200110-000000.webm").exists()
    assert (tmp_path / "camera-20200119-000000.webm").exists()
    assert (tmp_path / "camera-mine.webm").exists()
    assert len(_whole(tmp_path)[-4:-1]) == 3
    assert all(len(_read(path)) == 10 for path in _whole(tmp_path)[-4:-1])


def test_a_part_ends_before_it_takes_the_whole_quota(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The encoder holds back five seconds or 5 MB: at two frames a second that is little, and so is the quota.
    quota_bytes = 1_600_000
    monkeypatch.setattr(clips, "LEAST_QUOTA_BYTES", quota_bytes)
    noise = np.random.default_rng(0).integers(0, 256, (6, 480, 640, 3), np.uint8)
    sink = Clips(tmp_path, quota_bytes, 2, live=False)
    for number in range(24):
        sink.write(made_result(number=number, image=noise[number % 6]))
        used = sum(path.stat().st_size for path in tmp_path.iterdir())
        assert used <= quota_bytes
    sink.close()
    assert len(_whole(tmp_path)) > 1
    assert all(_read(path) for path in _whole(tmp_path))


def test_a_quota_too_small_for_clips_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="at least 32 MB"):
        Clips(tmp_path, 1_000_000, 10, live=True)


def test_an_encoder_that_is_too_slow_gets_fewer_frames(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its time is told by a clock of the test's: this machine's speed does not matter."""
    monkeypatch.setattr("hangtag.sinks.clips._JUDGED_AFTER_S", 0.0)
    sink = Clips(tmp_path, _PLENTY, 10, live=True)
    rates = []
    for number in range(60):
        sink.write(made_result(number=number, time_s=number / 10))
        assert sink._part is not None
        sink._part.file.encoding_s = 0.4 * sink._part.file.frames  # 0.4 s a frame
        rates.append(sink._part.file.fps)
        time.sleep(0.01)
    sink.close()
    assert rates[0] == 10
    assert rates[-1] == pytest.approx(clips._MOST_LOAD / 0.4, rel=0.01)


def test_closing_is_quick(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    sink = Clips(tmp_path, _PLENTY, 10, live=True)
    for number in range(10):
        image = rng.integers(0, 256, (480, 640, 3), np.uint8)
        sink.write(made_result(number=number, time_s=number / 10, image=image))
    begun = time.monotonic()
    sink.close()
    assert time.monotonic() - begun < 3, "not frame by frame again"


_LIMITED = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from hangtag.errors import OutputError
from hangtag.sinks.video_file import VideoFile

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
rng = np.random.default_rng(0)
file = VideoFile(Path(sys.argv[1]), 10, (320, 240))
for number in range(80):
    file.write(rng.integers(0, 256, (240, 320, 3), np.uint8), number / 10)
try:
    file.close()
except OutputError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on how large files may grow: POSIX")
def test_a_clip_that_lacks_its_end_is_kept_and_an_error(tmp_path: Path) -> None:
    path = tmp_path / "clip.webm"
    command = [sys.executable, "-c", _LIMITED, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert done.stderr == "", "what FFmpeg has to say at every frame is said once"
    found = re.fullmatch(rf"{re.escape(str(path))} holds only the first (\d+) of 80 .*full\?\n", done.stdout)
    assert found, done.stdout
    assert 0 < int(found[1]) < 80
    # A last frame that is torn counts where its beginning can be shown.
    assert int(found[1]) - 1 <= len(_read(path)) <= int(found[1])


def test_a_part_that_was_taken_away_is_an_error_and_the_next_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = Clips(tmp_path, _PLENTY, 10, live=False)
    sink.write(made_result())
    for path in tmp_path.iterdir():
        path.unlink()
    with pytest.raises(OutputError, match="cannot write"):
        sink.write(made_result())
    later = time.monotonic() + 60
    monkeypatch.setattr("time.monotonic", lambda: later)
    sink.write(made_result())
    sink.close()
    assert [len(_read(path)) for path in _whole(tmp_path)] == [1]
