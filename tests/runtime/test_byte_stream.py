"""Frames that come as bytes: split rightly however they come in, and read to the end by the real command."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hangtag.errors import SourceError
from hangtag.sources.byte_stream import StdinSource
from hangtag.sources.frame_bytes import frame_bytes
from hangtag.sources.jpeg_splitter import JpegSplitter


def _picture(seed: int, width: int = 48, height: int = 32) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 6, 3), np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def _jpeg(seed: int, *options: int, size_wh: tuple[int, int] = (48, 32)) -> bytes:
    done, data = cv2.imencode(".jpg", _picture(seed, *size_wh), [cv2.IMWRITE_JPEG_QUALITY, 80, *options])
    assert done
    return data.tobytes()


def _with_thumbnail(jpeg: bytes) -> bytes:
    """A JPEG with another one in its EXIF segment, as cameras write them."""
    body = b"Exif\0\0" + _jpeg(99)
    return jpeg[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + jpeg[2:]


def _with_fill_bytes(jpeg: bytes) -> bytes:
    return jpeg[:2] + b"\xff\xff\xff" + jpeg[2:-2] + b"\xff" + jpeg[-2:]


FRAMES = {
    "plain": _jpeg(1),
    "restart markers": _jpeg(2, cv2.IMWRITE_JPEG_RST_INTERVAL, 2),
    "progressive": _jpeg(3, cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    "thumbnail": _with_thumbnail(_jpeg(4)),
    "fill bytes": _with_fill_bytes(_jpeg(5)),
}
MULTIPART = b"\r\n--frame\r\nContent-Type: image/jpeg\r\nContent-Length: 123\r\n\r\n"
BETWEEN = [b"", b"\n", b"\0" * 7, MULTIPART, b"\xff", b"\xff\xd8", b"\xff\xd9", b"noise \xff\x00\xff\xd0"]


def _split(data: bytes, cuts: list[int] | None = None, **limits: int) -> list[bytes]:
    splitter = JpegSplitter(**limits)
    edges = [0, *sorted(cuts or []), len(data)]
    return [frame for a, b in itertools.pairwise(edges) for frame in splitter.feed(data[a:b])]


def test_the_test_frames_hold_what_makes_splitting_hard() -> None:
    assert b"\xff\x00" in FRAMES["plain"]
    assert b"\xff\xd0" in FRAMES["restart markers"]
    assert FRAMES["progressive"].count(b"\xff\xda") > 1
    assert FRAMES["thumbnail"].count(b"\xff\xd9") == 2


@pytest.mark.parametrize("name", FRAMES)
@pytest.mark.parametrize("between", BETWEEN)
def test_every_frame_comes_out_as_it_went_in(name: str, between: bytes) -> None:
    frame = FRAMES[name]
    stream = between + (frame + between) * 3
    assert _split(stream) == [frame] * 3
    assert _split(stream, list(range(len(stream)))) == [frame] * 3


@given(
    parts=st.lists(
        st.one_of(
            st.sampled_from(sorted(FRAMES.values())),
            st.binary(max_size=40),
            st.builds(
                lambda frame, share: frame[: int(share * len(frame))],
                st.sampled_from(sorted(FRAMES.values())),
                st.floats(0, 1),
            ),
        ),
        max_size=6,
    ),
    data=st.data(),
)
@settings(max_examples=150, deadline=None)
def test_how_the_bytes_are_cut_makes_no_difference(parts: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(parts)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=12))
    assert _split(stream, cuts) == _split(stream)
    # A limit that bites must bite at the same place, too.
    assert _split(stream, cuts, most_bytes=700) == _split(stream, most_bytes=700)


@pytest.mark.parametrize("name", FRAMES)
def test_a_torn_frame_is_never_delivered_and_harms_no_later_one(name: str) -> None:
    torn, later = FRAMES[name], [_jpeg(seed, size_wh=(256, 256)) for seed in range(11, 37)]
    pictures = {jpeg: cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR) for jpeg in later}
    assert len(b"".join(later)) > 1 << 17  # twice what the longest segment can lead astray
    fewest = len(later)
    for length in (*range(0, 700, 2), *range(700, len(torn) - 1, 17)):
        got = _split(torn[:length] + b"".join(later))
        if got[0] == _jpeg(99):
            got.pop(0)  # the thumbnail of a torn header: of another size, which is checked further on
        fewest = min(fewest, len(got))
        assert got[-1] == later[-1]
        if got[0] not in pictures:
            # The headers of two frames fitted together by chance: it cannot be decoded, or is the second one.
            first = cv2.imdecode(np.frombuffer(got.pop(0), np.uint8), cv2.IMREAD_COLOR)
            assert first is None or np.array_equal(first, pictures[later[-len(got) - 1]])
        assert got == later[-len(got) :]
    assert fewest >= len(later) - 1  # parts that fit together by chance may cost one frame more


def test_a_frame_that_never_ends_is_let_go() -> None:
    splitter = JpegSplitter(most_bytes=10_000)
    head = FRAMES["plain"][:-2]
    assert splitter.feed(head) == []
    for _ in range(100):
        assert splitter.feed(bytes(1000)) == []
        assert len(splitter._bytes) <= 11_000
    assert splitter.torn == 1
    assert splitter.feed(FRAMES["plain"]) == [FRAMES["plain"]]


def _many_starts_of_one_bad_frame() -> bytes:
    """A header segment full of beginnings that each lead past its end, to the same long pixels."""
    starts = b"".join(
        b"\xff\xd8\xff\xe0" + (65_528 - 8 * number - 4).to_bytes(2, "big") + b"xx" for number in range(8_190)
    )
    frame = _jpeg(1)
    size = frame.index(b"\xff\xc0")
    pixels = frame.index(b"\xff\xda")
    head = frame[size : size + 19] + frame[pixels : pixels + 14]
    return b"\xff\xd8\xff\xe1\xff\xfa" + starts.ljust(65_528, b"x") + head + b"\x55" * 8_000_000 + b"\xff\x02"


@pytest.mark.parametrize(
    "hostile",
    [
        pytest.param(b"\xff\xd8\xff\xe0\xff\xf0" * 175_000, id="each start leads 64 kB ahead"),
        pytest.param(b"\xff\xd8" * 500_000, id="nothing but starts"),
        pytest.param(b"\xff" * 1_000_000, id="nothing but fill bytes"),
        pytest.param(b"\xff\xd8\xff\xe0\x00\x02" * 175_000, id="empty segments"),
        pytest.param(_many_starts_of_one_bad_frame(), id="many starts whose pixels share one bad end"),
    ],
)
def test_hostile_streams_cost_no_more_than_their_length(hostile: bytes) -> None:
    began = time.process_time()
    _split(hostile, list(range(0, len(hostile), 1 << 16)))
    assert time.process_time() - began < 10  # about 1 s where it is slow; what is quadratic takes hours


@pytest.mark.parametrize(
    ("pixel_format", "raw", "channel"),
    [
        ("bgr24", lambda image: image, None),
        ("RGB24", lambda image: image[..., ::-1], None),
        ("yuv420p", lambda image: cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420), None),
        ("gray", lambda image: image[..., 1], 1),
    ],
)
def test_raw_frames_become_the_same_picture(
    pixel_format: str, raw: Callable[[np.ndarray], np.ndarray], channel: int | None
) -> None:
    image = _picture(7)
    data = np.ascontiguousarray(raw(image)).tobytes()
    frames = frame_bytes(pixel_format, (48, 32))
    assert frames.split(data[:1000]) == []
    (first, second) = frames.split(data[1000:] + data + data[:5])
    assert first == second == data
    wanted = image if channel is None else np.repeat(image[..., channel : channel + 1], 3, axis=2)
    tolerance = 10 if "yuv" in pixel_format else 0  # chroma has a quarter of the resolution
    assert np.abs(frames.picture(first).astype(int) - wanted).mean() <= tolerance
    frames.picture(first)[:] = 0  # may be drawn on


@pytest.mark.parametrize(
    ("pixel_format", "size_wh", "said"),
    [
        ("bgr24", None, "--size"),
        ("yuv420p", (641, 480), "even"),
        ("YUYV", None, "'YUYV'; wanted one of jpeg"),
        ("bgr42", None, "did you mean bgr24"),
    ],
)
def test_formats_that_cannot_be_are_refused_in_one_line(
    pixel_format: str, size_wh: tuple[int, int] | None, said: str
) -> None:
    with pytest.raises(SourceError, match=said) as caught:
        StdinSource(size_wh, None, pixel_format)
    assert "\n" not in str(caught.value)


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
    data = cv2.imencode(".jpg", _picture(1))[1]
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
    jpegs = [_jpeg(seed) for seed in range(40)]
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
    os.write(piped, _jpeg(0))
    assert next(frames).number == 0
    for seed in range(1, 10):
        os.write(piped, _jpeg(seed))
        time.sleep(0.02)
    os.close(piped)
    rest = list(frames)
    assert [frame.number for frame in rest] == [9]
    decoded = cv2.imdecode(np.frombuffer(_jpeg(9), np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(rest[0].image_bgr, decoded)


def test_frames_that_cannot_be_decoded_are_left_out_and_said_once(
    piped: int, caplog: pytest.LogCaptureFixture
) -> None:
    unreadable = bytearray(_jpeg(1))
    sizes = unreadable.index(b"\xff\xc0")
    unreadable[sizes + 5 : sizes + 9] = b"\0\0\0\0"  # 0 x 0 pixels
    source = StdinSource()
    source.every_frame = True
    _write(piped, bytes(unreadable) * 2 + _jpeg(2))
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
            os.write(piped, _jpeg(seed))
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
    recording = b"".join(_jpeg(seed, size_wh=(320, 240)) for seed in range(60))
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
