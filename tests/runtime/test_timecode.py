"""Stamps in pictures: read back exactly or not at all, whatever coding, scaling and noise did to them."""

from __future__ import annotations

import time

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hangtag.scene.timecode import MOST_MS, age_ms, draw, read

Image = npt.NDArray[np.uint8]


def busy_picture(width: int, height: int, seed: int = 0) -> Image:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


def stamped(ms: int, width: int = 640, height: int = 480) -> Image:
    image = busy_picture(width, height)
    draw(image, ms)
    return image


@pytest.mark.parametrize("ms", [0, 1, 59_000_123, 2**32, MOST_MS])
@pytest.mark.parametrize("size_wh", [(96, 48), (101, 77), (640, 480), (1280, 720), (1920, 1080)])
def test_what_is_drawn_is_read(ms: int, size_wh: tuple[int, int]) -> None:
    assert read(stamped(ms, *size_wh)) == ms


@pytest.mark.parametrize("quality", [95, 50, 20, 5])
def test_it_survives_jpeg(quality: int) -> None:
    coded = cv2.imencode(".jpg", stamped(123_456_789), [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    assert read(cv2.imdecode(coded, cv2.IMREAD_COLOR)) == 123_456_789


@pytest.mark.parametrize("size_wh", [(1920, 1080), (320, 240), (333, 187), (160, 120)])
@pytest.mark.parametrize("kernel", [cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_AREA, cv2.INTER_CUBIC])
def test_it_survives_scaling(size_wh: tuple[int, int], kernel: int) -> None:
    assert read(cv2.resize(stamped(987_654_321), size_wh, interpolation=kernel)) == 987_654_321


def test_it_survives_video_levels_and_the_noise_of_a_sensor() -> None:
    dim = 16 + stamped(55_555_555).astype(np.float64) * 219 / 255
    noisy = dim + np.random.default_rng(1).normal(0, 30, dim.shape)
    assert read(np.clip(noisy, 0, 255).astype(np.uint8)) == 55_555_555


def test_only_the_top_tenth_is_drawn_over() -> None:
    assert np.array_equal(stamped(5)[48:], busy_picture(640, 480)[48:])


@given(
    ms=st.integers(0, MOST_MS),
    sigma=st.floats(0, 400),
    levels=st.integers(2, 64),
    scale=st.floats(0.05, 2),
    quality=st.integers(1, 100),
    seed=st.integers(0, 2**32),
)
@settings(max_examples=150, deadline=None)
def test_damage_makes_it_unreadable_and_never_wrong(
    ms: int, sigma: float, levels: int, scale: float, quality: int, seed: int
) -> None:
    image = stamped(ms, 320, 240)
    noisy = image + np.random.default_rng(seed).normal(0, sigma, image.shape)
    coarse = (np.clip(noisy, 0, 255) // (256 / levels) * (255 / (levels - 1))).clip(0, 255).astype(np.uint8)
    scaled = cv2.resize(coarse, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    coded = cv2.imencode(".jpg", scaled, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    assert read(cv2.imdecode(coded, cv2.IMREAD_COLOR)) in {ms, None}


@given(cells=st.lists(st.booleans(), min_size=72, max_size=72))
def test_cells_that_nobody_stamped_mean_nothing(cells: list[bool]) -> None:
    pattern = 255 * np.array(cells, np.uint8).reshape(3, 24)
    strip = cv2.resize(pattern, (480, 30), interpolation=cv2.INTER_NEAREST)
    image = np.zeros((300, 480, 3), np.uint8)
    image[:30] = strip[..., None]
    assert read(image) is None


@pytest.mark.parametrize("value", [0, 90, 128, 255])
def test_a_picture_without_a_stamp_has_no_moment(value: int) -> None:
    assert read(np.full((480, 640, 3), value, np.uint8)) is None
    assert read(busy_picture(640, 480)) is None
    assert read(np.zeros((10, 10, 3), np.uint8)) is None


def test_two_stamps_blended_half_and_half_are_not_a_third() -> None:
    one, other = stamped(1_000_000).astype(int), stamped(1_000_031).astype(int)
    assert read(((one + other) // 2).astype(np.uint8)) is None


def test_an_age_is_never_told_too_low() -> None:
    now_s = time.monotonic()
    image = stamped(int(1000 * now_s))
    age = age_ms(image, now_s + 0.25)
    assert age is not None
    assert 250 <= age + 1e-6 < 251.001
    assert age_ms(busy_picture(640, 480), now_s) is None


@pytest.mark.parametrize(("size_wh", "ms"), [((95, 480), 1), ((640, 47), 1), ((640, 480), -1)])
def test_what_cannot_be_drawn_is_refused(size_wh: tuple[int, int], ms: int) -> None:
    with pytest.raises(ValueError, match=r"ms|picture"):
        draw(np.zeros((size_wh[1], size_wh[0], 3), np.uint8), ms)
