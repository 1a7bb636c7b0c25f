"""What part of a frame becomes the model's input, and how large ones are made smaller."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from input_specs import BYTE_COPY, Draw, spec_of

from hangtag.contract import ColourOrder, Geometry, Kernel
from hangtag.preprocess import (
    Preprocessor,
    preprocess,
    resized,
    source_rectangle,
    target_rectangle,
)

# --- geometry --------------------------------------------------------------------------------------------

sides = st.integers(1, 6000)
targets = st.integers(1, 400)


@given(sides, sides, targets, targets)
def test_centre_crop_is_the_largest_centred_rectangle_of_the_inputs_aspect(
    width: int, height: int, to_width: int, to_height: int
) -> None:
    x, y, crop_w, crop_h = source_rectangle((width, height), spec_of(to_width, to_height))
    assert all(isinstance(value, int) for value in (x, y, crop_w, crop_h))
    assert x >= 0
    assert y >= 0
    assert crop_w >= 1
    assert crop_h >= 1
    assert x + crop_w <= width
    assert y + crop_h <= height
    # centred, to the pixel: an odd remainder is on the right or at the bottom
    assert width - crop_w - 2 * x in {0, 1}
    assert height - crop_h - 2 * y in {0, 1}
    # the largest: it touches two sides of the frame, and one pixel more would leave the aspect
    assert crop_w == width or crop_h == height
    if crop_w < width:
        assert (crop_w + 1) * to_height > height * to_width
    if crop_h < height:
        assert (crop_h + 1) * to_width > width * to_height
    # the aspect, within a pixel (a strip thinner than a pixel is made one wide)
    exact_w = crop_h * to_width / to_height
    exact_h = crop_w * to_height / to_width
    assert abs(crop_w - exact_w) <= 1 or abs(crop_h - exact_h) <= 1


@given(sides, sides, targets, targets)
def test_stretch_and_letterbox_see_the_whole_frame(
    width: int, height: int, to_width: int, to_height: int
) -> None:
    for geometry in (Geometry.STRETCH, Geometry.LETTERBOX):
        spec = spec_of(to_width, to_height, geometry=geometry)
        assert source_rectangle((width, height), spec) == (0, 0, width, height)


@given(sides, sides, targets, targets)
def test_letterbox_fits_the_frame_between_equal_bars(
    width: int, height: int, to_width: int, to_height: int
) -> None:
    spec = spec_of(to_width, to_height, geometry=Geometry.LETTERBOX)
    left, top, inner_w, inner_h = target_rectangle((width, height), spec)
    assert inner_w >= 1
    assert inner_h >= 1
    assert left >= 0
    assert top >= 0
    assert to_width - inner_w - 2 * left in {0, 1}
    assert to_height - inner_h - 2 * top in {0, 1}
    assert inner_w == to_width or inner_h == to_height
    exact = min(to_width / width, to_height / height)
    assert inner_w == 1 or abs(inner_w - width * exact) <= 0.5 + 1e-6
    assert inner_h == 1 or abs(inner_h - height * exact) <= 0.5 + 1e-6


@pytest.mark.parametrize(
    ("frame_wh", "rectangle"),
    [
        ((640, 480), (80, 0, 480, 480)),
        ((480, 640), (0, 80, 480, 480)),
        ((1920, 1080), (420, 0, 1080, 1080)),
        ((7, 4), (1, 0, 4, 4)),
        ((4, 7), (0, 1, 4, 4)),
        ((1, 1), (0, 0, 1, 1)),
        ((5000, 1), (2499, 0, 1, 1)),
    ],
)
def test_centre_square(frame_wh: tuple[int, int], rectangle: tuple[int, int, int, int]) -> None:
    assert source_rectangle(frame_wh, spec_of(224, 224)) == rectangle


def test_centre_crop_shows_the_middle_and_nothing_else() -> None:
    frame = np.zeros((10, 30, 3), np.uint8)
    frame[:, 10:20] = 255
    assert (preprocess(frame, spec_of(10, 10, tensor=BYTE_COPY)) == 255).all()


def test_letterbox_bars_hold_the_pad_value() -> None:
    frame = np.full((10, 30, 3), 255, np.uint8)
    spec = spec_of(12, 12, geometry=Geometry.LETTERBOX, tensor=BYTE_COPY, pad_value=77)
    tensor = preprocess(frame, spec)[0]
    assert (tensor[:4] == 77).all()
    assert (tensor[4:8] == 255).all()
    assert (tensor[8:] == 77).all()


def test_letterbox_bars_are_drawn_again_for_every_frame() -> None:
    spec = spec_of(12, 12, geometry=Geometry.LETTERBOX, tensor=BYTE_COPY, pad_value=7)
    reused = Preprocessor(spec)
    tensor = np.empty(spec.shape, np.uint8)
    for shape in ((12, 12, 3), (4, 12, 3), (12, 4, 3)):
        frame = np.full(shape, 200, np.uint8)
        reused.write(frame, tensor)
        np.testing.assert_array_equal(tensor, preprocess(frame, spec))


@pytest.mark.parametrize("kernel", [Kernel.LINEAR_EXACT, Kernel.LINEAR, Kernel.AREA])
def test_stretch_is_one_resize_of_the_whole_frame(kernel: Kernel, synthetic_frame: Draw) -> None:
    frame = synthetic_frame(50, 21)
    flag = {
        Kernel.LINEAR_EXACT: cv2.INTER_LINEAR_EXACT,
        Kernel.LINEAR: cv2.INTER_LINEAR,
        Kernel.AREA: cv2.INTER_AREA,
    }[kernel]
    spec = spec_of(geometry=Geometry.STRETCH, kernel=kernel, order=ColourOrder.BGR, tensor=BYTE_COPY)
    np.testing.assert_array_equal(preprocess(frame, spec)[0], cv2.resize(frame, (16, 12), interpolation=flag))


def means_of_four(picture: np.ndarray) -> np.ndarray:
    wide = picture.astype(int)
    return ((wide[::2, ::2] + wide[1::2, ::2] + wide[::2, 1::2] + wide[1::2, 1::2] + 2) >> 2).astype(np.uint8)


@pytest.mark.parametrize(
    ("size_wh", "rows", "columns"),
    [
        # of a 16 x 12 input: less than twice its size, nothing is halved
        ((31, 24), None, None),
        ((32, 23), None, None),
        # two and three times: neighbouring rows
        ((32, 24), slice(0, 24, 1), slice(0, 32)),
        ((49, 39), slice(0, 38, 1), slice(0, 48)),
        ((51, 42), slice(0, 42, 1), slice(0, 50)),
        # four and five times: rows two apart
        ((64, 48), slice(0, 48, 2), slice(0, 64)),
        ((67, 51), slice(1, 49, 2), slice(0, 66)),
        # six times: three apart, from the second on
        ((96, 72), slice(1, 72, 3), slice(0, 96)),
        # as often as the tighter side allows
        ((320, 48), slice(0, 48, 2), slice(0, 320)),
    ],
)
def test_large_frames_are_halved_before_they_are_resized(
    size_wh: tuple[int, int], rows: slice | None, columns: slice | None, synthetic_frame: Draw
) -> None:
    frame = synthetic_frame(*size_wh)
    spec = spec_of(geometry=Geometry.STRETCH, kernel=Kernel.HALVED, order=ColourOrder.BGR, tensor=BYTE_COPY)
    part = frame if rows is None else means_of_four(frame[rows, columns])
    wanted = cv2.resize(part, (16, 12), interpolation=cv2.INTER_LINEAR_EXACT)
    np.testing.assert_array_equal(preprocess(frame, spec)[0], wanted)
    np.testing.assert_array_equal(resized(frame, (0, 0, *size_wh), (16, 12), Kernel.HALVED), wanted)


@given(st.integers(1, 400), st.integers(1, 400), st.integers(1, 40), st.integers(1, 40))
def test_halves_are_never_smaller_than_the_input_and_lie_in_the_middle(
    width: int, height: int, to_width: int, to_height: int
) -> None:
    # A ramp down and a ramp to the right tell which rows and columns were looked at.
    frame = np.zeros((height, width, 3), np.uint8)
    frame[..., 0] = np.linspace(0, 255, height).astype(np.uint8)[:, None]
    frame[..., 1] = np.linspace(0, 255, width).astype(np.uint8)
    spec = spec_of(to_width, to_height, geometry=Geometry.STRETCH, order=ColourOrder.BGR, tensor=BYTE_COPY)
    plain = preprocess(frame, spec)[0].astype(int)
    halved = preprocess(frame, dataclasses.replace(spec, kernel=Kernel.HALVED))[0].astype(int)
    assert np.abs(halved[..., 0] - plain[..., 0]).max() <= 2 + 255 * 2 / min(height, to_height)
    assert np.abs(halved[..., 1] - plain[..., 1]).max() <= 2 + 255 * 2 / min(width, to_width)


def test_noise_of_large_frames_is_averaged() -> None:
    noise = np.random.default_rng(0).normal(128, 30, (1080, 1920, 3)).clip(0, 255).astype(np.uint8)
    left = {
        kernel: preprocess(noise, spec_of(224, 224, kernel=kernel, tensor=BYTE_COPY)).std()
        for kernel in (Kernel.LINEAR_EXACT, Kernel.HALVED, Kernel.AREA)
    }
    assert left[Kernel.AREA] < left[Kernel.HALVED] < 0.55 * left[Kernel.LINEAR_EXACT]
