"""Frames that come through a pipe: read to the end, with the times of their arrival, by the real command."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from piped_frames import FRAMES, jpeg_of, picture_of

from hangtag.errors import SourceError
from hangtag.sources.byte_stream import StdinSource
from hangtag.sources.frame_bytes import frame_bytes


@pytest.fixture
def piped(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Standard input as a pipe; what is written to this end is read from it."""
    reading, writing = os.pipe()
    with os.fdopen(reading) as stdin:
        monkeypatch.setattr(sys, "__stdin__", stdin)
        yield writing


def _write(descriptor: int, data: bytes) -> None:
    with os.fdopen(descriptor, "wb") as pipe:
        pipe.write(data)


def test_frames_have_the_time_of_their_arrival_and_are_upright(piped: int) -> None:
    data = cv2.imencode(".jpg", picture_of(1))[1]
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"  # turn it by 90 degrees
    turned = data.tobytes()[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + data.tobytes()[2:]
    source = StdinSource()
    frames = source.delivered()
    before = time.monotonic()
    os.write(piped, turned)
    frame = next(frames)
    assert before <= frame.captured_s <= time.monotonic()
    assert frame.image_bgr.shape == (48, 32, 3)
    os.close(piped)
    assert list(frames) == []


def test_a_slow_reader_gets_the_newest_frame_or_every_frame(piped: int) -> None:
    jpegs = [jpeg_of(seed) for seed in range(40)]
    source = StdinSource()
    source.every_frame = True
    writer = threading.Thread(target=_write, args=(piped, b"".join(jpegs)))
    writer.start()
    numbers = [frame.number for frame in source.delivered()]
    writer.join()
    assert numbers == list(range(40))


def test_what_nobody_takes_gives_way_and_leaves_a_gap(piped: int) -> None:
    source = StdinSource()
    frames = source.delivered()
    os.write(piped, jpeg_of(0))
    assert next(frames).number == 0
    for seed in range(1, 10):
        os.write(piped, jpeg_of(seed))
        time.sleep(0.02)
    os.close(piped)
    rest = list(frames)
    assert [frame.number for frame in rest] == [9]
    decoded = cv2.imdecode(np.frombuffer(jpeg_of(9), np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(rest[0].image_bgr, decoded)


def test_frames_that_cannot_be_decoded_are_left_out_and_said_once(
    piped: int, caplog: pytest.LogCaptureFixture
) -> None:
    unreadable = bytearray(jpeg_of(1))
    sizes = unreadable.index(b"\xff\xc0")
    unreadable[sizes + 5 : sizes + 9] = b"\0\0\0\0"  # 0 x 0 pixels
    source = StdinSource()
    source.every_frame = True
    _write(piped, bytes(unreadable) * 2 + jpeg_of(2))
    assert [frame.number for frame in source.delivered()] == [0]
    assert len([record for record in caplog.records if "left out" in record.message]) == 1


@pytest.mark.parametrize("data", [b"", b"neither this nor that", FRAMES["plain"][:-5]])
def test_an_input_without_a_whole_frame_is_an_error(piped: int, data: bytes) -> None:
    source = StdinSource()
    _write(piped, data)
    with pytest.raises(SourceError, match="no whole frame; wanted JPEG") as caught:
        list(source.delivered())
    assert "\n" not in str(caught.value)


def test_a_rate_that_is_asked_for_is_kept(piped: int) -> None:
    source = StdinSource(fps=5)
    source.every_frame = True

    def write() -> None:
        for seed in range(20):
            os.write(piped, jpeg_of(seed))
            time.sleep(0.05)
        os.close(piped)

    writer = threading.Thread(target=write)
    writer.start()
    frames = list(source.delivered())
    writer.join()
    assert 4 <= len(frames) <= 6
    assert [frame.number for frame in frames] == list(range(len(frames)))  # thinned ones are not "dropped"


_COMMAND = [sys.executable, "-m", "hangtag", "camera", "--source", "-", "--headless", "--json"]
ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs FFmpeg: sudo apt install ffmpeg")
_SCENE = "testsrc2=size=320x240:rate=25:duration=4"


def _camera(ffmpeg_output: list[str], *options: str, tmp_path: Path) -> list[dict[str, object]]:
    """Run FFmpeg into the real command; return its JSON lines."""
    producer = subprocess.Popen(
        ["ffmpeg", "-loglevel", "error", "-re", "-f", "lavfi", "-i", _SCENE, *ffmpeg_output, "-"],  # noqa: S607
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        done = subprocess.run(
            [*_COMMAND, *options],
            stdin=producer.stdout,
            capture_output=True,
            text=True,
            timeout=90,
            cwd=tmp_path,
            check=False,
        )
    finally:
        assert producer.stdout is not None
        producer.stdout.close()
        producer.kill()
        producer.wait()
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@ffmpeg
@pytest.mark.parametrize(
    ("output", "options"),
    [
        pytest.param(["-f", "mjpeg"], [], id="mjpeg"),
        pytest.param(["-f", "mpjpeg"], [], id="multipart mjpeg"),
        pytest.param(
            ["-f", "rawvideo", "-pix_fmt", "bgr24"],
            ["--pixel-format", "bgr24", "--size", "320x240"],
            id="raw bgr24",
        ),
        pytest.param(
            ["-f", "rawvideo", "-pix_fmt", "yuv420p"],
            ["--pixel-format", "yuv420p", "--size", "320x240"],
            id="raw yuv420p",
        ),
    ],
)
def test_what_ffmpeg_pipes_in_is_classified(output: list[str], options: list[str], tmp_path: Path) -> None:
    lines = _camera(output, *options, "--max-frames", "20", tmp_path=tmp_path)
    results = [line for line in lines if "label" in line and not line.get("stale")]
    assert len(results) == 20
    ages = sorted(float(str(line["age_ms"])) for line in results)
    assert ages[10] < 500  # the machine may be busy; frames that wait in a pipe would be seconds old
    assert {line["source"] for line in results} == {"standard input"}


def test_every_frame_of_a_recording_is_classified_where_that_is_asked_for(tmp_path: Path) -> None:
    recording = b"".join(jpeg_of(seed, size_wh=(320, 240)) for seed in range(60))
    done = subprocess.run(
        [*_COMMAND, "--every-frame"],
        input=recording,
        capture_output=True,
        timeout=90,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 60


@pytest.mark.skipif(os.name != "posix", reason="needs a POSIX system: signals")
def test_a_silent_input_is_stale_and_does_not_keep_the_command_from_ending(tmp_path: Path) -> None:
    with subprocess.Popen(
        _COMMAND,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=tmp_path,
    ) as command:
        assert command.stdout is not None
        assert json.loads(command.stdout.readline())["stale"]
        began = time.monotonic()
        command.terminate()
        command.wait(timeout=20)
        assert time.monotonic() - began < 3  # one second where the machine is not busy


@ffmpeg
@pytest.mark.parametrize("pixel_format", ["bgr24", "rgb24", "gray", "yuv420p"])
def test_raw_frames_are_what_ffmpeg_means_by_them(pixel_format: str) -> None:
    def made(name: str) -> bytes:
        return subprocess.run(
            f"ffmpeg -loglevel error -f lavfi -i {_SCENE} -frames:v 1 -f rawvideo -pix_fmt {name} -".split(),
            capture_output=True,
            check=True,
        ).stdout

    wanted = np.frombuffer(made("bgr24"), np.uint8).reshape(240, 320, 3).astype(int)
    (frame,) = frame_bytes(pixel_format, (320, 240)).split(made(pixel_format))
    got = frame_bytes(pixel_format, (320, 240)).picture(frame).astype(int)
    if pixel_format == "gray":
        wanted = np.repeat(cv2.cvtColor(wanted.astype(np.uint8), cv2.COLOR_BGR2GRAY)[..., None], 3, axis=2)
    assert np.abs(got - wanted).mean() < (0.01 if "24" in pixel_format else 3)
