"""Frames are split rightly however their bytes come in, and become the same pictures."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from piped_frames import FRAMES, jpeg_of, picture_of

from hangtag.errors import SourceError
from hangtag.sources.byte_stream import StdinSource
from hangtag.sources.frame_bytes import frame_bytes
from hangtag.sources.jpeg_splitter import JpegSplitter

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
    torn, later = FRAMES[name], [jpeg_of(seed, size_wh=(256, 256)) for seed in range(11, 37)]
    pictures = {jpeg: cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR) for jpeg in later}
    assert len(b"".join(later)) > 1 << 17  # twice what the longest segment can lead astray
    fewest = len(later)
    for length in (*range(0, 700, 2), *range(700, len(torn) - 1, 17)):
        got = _split(torn[:length] + b"".join(later))
        if got[0] == jpeg_of(99):
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
    frame = jpeg_of(1)
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
    image = picture_of(7)
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
