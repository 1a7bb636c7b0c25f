from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hangtag.contract import ColourOrder, Geometry, InputSpec, Kernel, TensorFormat
from hangtag.preprocess import (
    Preprocessor,
    preprocess,
    resized,
    source_rectangle,
    target_rectangle,
    tensor_table,
)

Draw = Callable[[int, int], np.ndarray]

FLOAT = TensorFormat()
BYTE_COPY = TensorFormat(dtype="uint8", scale=1 / 128, zero_point=127)


def spec_of(
    width: int = 16,
    height: int = 12,
    *,
    order: ColourOrder = ColourOrder.RGB,
    geometry: Geometry = Geometry.CENTRE_CROP,
    kernel: Kernel = Kernel.LINEAR_EXACT,
    tensor: TensorFormat = FLOAT,
    pad_value: int = 0,
    mean: float = 127.0,
    std: float = 128.0,
) -> InputSpec:
    channels = 1 if order is ColourOrder.GREY else 3
    return InputSpec(
        width_px=width,
        height_px=height,
        colour_order=order,
        geometry=geometry,
        kernel=kernel,
        pad_value=pad_value,
        mean=(mean,) * channels,
        std=(std,) * channels,
        tensor=tensor,
    )


# --- bytes to tensor values ------------------------------------------------------------------------------


def test_the_full_integer_table_is_the_identity() -> None:
    table = tensor_table(spec_of(tensor=BYTE_COPY))
    assert table.dtype == np.uint8
    assert table.shape == (1, 256, 3)
    assert (table[0] == np.arange(256)[:, None]).all()
    assert Preprocessor(spec_of(tensor=BYTE_COPY)).is_byte_copy


@pytest.mark.parametrize(
    "tensor",
    [
        FLOAT,
        TensorFormat(dtype="uint8", scale=1 / 128, zero_point=126),
        TensorFormat(dtype="uint8", scale=1 / 127, zero_point=127),
        TensorFormat(dtype="int8", scale=1 / 128, zero_point=-1),
    ],
)
def test_other_tables_are_not(tensor: TensorFormat) -> None:
    assert not Preprocessor(spec_of(tensor=tensor)).is_byte_copy


def test_float_table() -> None:
    spec = InputSpec(width_px=2, height_px=2, mean=(127.0, 0.0, 100.0), std=(128.0, 255.0, 50.0))
    table = tensor_table(spec)
    assert table.dtype == np.float32
    assert table[0, [0, 127, 255]].tolist() == [
        [np.float32(-127 / 128), 0.0, -2.0],
        [0.0, np.float32(127 / 255), np.float32(27 / 50)],
        [1.0, 1.0, np.float32(155 / 50)],
    ]


@pytest.mark.parametrize(
    ("tensor", "expected"),
    [
        # real values of bytes 0, 127, 128, 255 are -127/128, 0, 1/128, 1
        (TensorFormat(dtype="int8", scale=1 / 128, zero_point=-1), [-128, -1, 0, 127]),
        (TensorFormat(dtype="uint8", scale=1 / 64, zero_point=10), [0, 10, 10, 74]),  # 0.5 to even; clipped
        (TensorFormat(dtype="int8", scale=1 / 256, zero_point=0), [-128, 0, 2, 127]),  # clipped both ways
        (TensorFormat(dtype="int16", scale=1 / 32768, zero_point=0), [-32512, 0, 256, 32767]),
    ],
)
def test_integer_tables_round_half_to_even_and_clip(tensor: TensorFormat, expected: list[int]) -> None:
    table = tensor_table(spec_of(tensor=tensor))
    assert table.dtype == tensor.dtype
    assert table[0, [0, 127, 128, 255], 0].tolist() == expected


@given(
    st.sampled_from(
        [
            FLOAT,
            BYTE_COPY,
            TensorFormat(dtype="uint8", scale=0.02, zero_point=3),
            TensorFormat(dtype="int8", scale=1 / 128, zero_point=-1),
            TensorFormat(dtype="int16", scale=1e-4),
        ]
    ),
    st.sampled_from(ColourOrder),
    st.sampled_from(Geometry),
    st.sampled_from(Kernel),
    hnp.arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3))),
)
def test_a_tensor_is_its_pixels_looked_up_in_the_table(
    tensor: TensorFormat, order: ColourOrder, geometry: Geometry, kernel: Kernel, frame: np.ndarray
) -> None:
    spec = spec_of(8, 6, order=order, geometry=geometry, kernel=kernel, tensor=tensor, pad_value=9)
    result = preprocess(frame, spec)
    pixels = np.empty(spec.shape[1:], np.uint8)
    Preprocessor(spec).write_pixels(frame, pixels)
    expected = tensor_table(spec)[0][pixels, np.arange(spec.channels)]
    assert result.dtype == tensor.dtype
    assert result.shape == spec.shape
    np.testing.assert_array_equal(result[0], expected)


# --- colours ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (ColourOrder.RGB, [200, 100, 10]),
        (ColourOrder.BGR, [10, 100, 200]),
        (ColourOrder.GREY, [round(0.299 * 200 + 0.587 * 100 + 0.114 * 10)]),
    ],
)
def test_frames_are_bgr_and_the_tensor_has_the_contracts_order(
    order: ColourOrder, expected: list[int]
) -> None:
    frame = np.full((20, 30, 3), (10, 100, 200), np.uint8)
    result = preprocess(frame, spec_of(order=order, tensor=BYTE_COPY))
    assert (result == np.array(expected, np.uint8)).all()


# --- the exact bytes -------------------------------------------------------------------------------------

# SHA-256 of the tensor of the 61 x 47 synthetic frame for a 24 x 24 byte-copy input. A change of any of these
# changes what every deployed model sees: it is a new contract schema, not a refactoring.
GOLDEN = {
    (
        Geometry.CENTRE_CROP,
        ColourOrder.RGB,
    ): "99d1e959c9f3dbf1899a9ea4b999106b7f99f11d2de63e2ccb4bc9aed81ed7ed",
    (
        Geometry.CENTRE_CROP,
        ColourOrder.BGR,
    ): "16868c2ac5db51e5c1bd9c188c1428ca79031d370565567f278f42b6976d4c1b",
    (
        Geometry.CENTRE_CROP,
        ColourOrder.GREY,
    ): "2748b5fb5a5ac44a8abd39e2ddfa61c04d1d0e7bd3050ea6066f5df42ff5a031",
    (Geometry.STRETCH, ColourOrder.RGB): "ddc38d399dbcd01a5b8b04657f5d6889594d33c001e3d0c26a1b48d7ff3af034",
    (Geometry.LETTERBOX, ColourOrder.RGB): "0feed79beb17414e432414db0c86fe0f9736f806e711bc37a1345c0d055db569",
}


@pytest.mark.parametrize(("geometry", "order"), GOLDEN, ids=lambda member: member.value)
def test_golden_bytes(geometry: Geometry, order: ColourOrder, synthetic_frame: Draw) -> None:
    spec = spec_of(24, 24, geometry=geometry, order=order, tensor=BYTE_COPY, pad_value=77)
    tensor = preprocess(synthetic_frame(61, 47), spec)
    assert hashlib.sha256(tensor.tobytes()).hexdigest() == GOLDEN[geometry, order]


def test_golden_bytes_of_an_enlarged_frame(synthetic_frame: Draw) -> None:
    tensor = preprocess(synthetic_frame(13, 17), spec_of(32, 32, tensor=BYTE_COPY))
    assert (
        hashlib.sha256(tensor.tobytes()).hexdigest()
        == "095264e73b7c60f73147dd566e0f652ee7e83823eab9f8ec66ba22abce6e3b84"
    )


def test_swapped_channels_do_not_pass_for_the_right_ones(synthetic_frame: Draw) -> None:
    frame = synthetic_frame(61, 47)
    right, swapped = (preprocess(image, spec_of(24, 24)) for image in (frame, frame[..., ::-1]))
    assert not np.array_equal(right, swapped)
    np.testing.assert_array_equal(right[..., ::-1], swapped)


def test_a_frame_of_the_inputs_size_keeps_its_bytes(synthetic_frame: Draw) -> None:
    frame = synthetic_frame(16, 12)
    for geometry in Geometry:
        tensor = preprocess(frame, spec_of(geometry=geometry, tensor=BYTE_COPY))
        np.testing.assert_array_equal(tensor[0], frame[..., ::-1])


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


# --- frames as they come ---------------------------------------------------------------------------------


@pytest.mark.parametrize("geometry", Geometry)
@pytest.mark.parametrize(
    "view",
    [
        lambda frame: frame[::-1],
        lambda frame: frame[:, ::-1],
        lambda frame: frame[..., ::-1],
        lambda frame: frame[::2, ::3],
        lambda frame: frame[5:-3, 7:-2],
        lambda frame: frame.transpose(1, 0, 2),
        np.asfortranarray,
        lambda frame: np.broadcast_to(frame[:1, :1], (9, 11, 3)),
    ],
    ids=[
        "upside down",
        "mirrored",
        "channels",
        "every other",
        "inside",
        "transposed",
        "fortran",
        "broadcast",
    ],
)
def test_views_count_like_copies(
    view: Callable[[Any], Any], geometry: Geometry, synthetic_frame: Draw
) -> None:
    frame = view(synthetic_frame(61, 47))
    spec = spec_of(geometry=geometry)
    np.testing.assert_array_equal(preprocess(frame, spec), preprocess(np.ascontiguousarray(frame), spec))


def test_frames_are_not_written_to(synthetic_frame: Draw) -> None:
    frame = synthetic_frame(61, 47)
    before = frame.copy()
    frame.flags.writeable = False
    for geometry in Geometry:
        preprocess(frame, spec_of(geometry=geometry))
    np.testing.assert_array_equal(frame, before)


@pytest.mark.parametrize("geometry", Geometry)
@pytest.mark.parametrize("kernel", Kernel)
@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 4000, 3), (4000, 1, 3), (2, 1, 3), (3, 40_000, 3)])
def test_tiny_and_extreme_frames(shape: tuple[int, int, int], kernel: Kernel, geometry: Geometry) -> None:
    frame = np.full(shape, 50, np.uint8)
    tensor = preprocess(frame, spec_of(geometry=geometry, kernel=kernel, tensor=BYTE_COPY, pad_value=50))
    assert (tensor == 50).all()


@pytest.mark.parametrize(
    ("frame", "error"),
    [
        (np.zeros((4, 4, 3), np.float32), TypeError),
        (np.zeros((4, 4, 3), np.int8), TypeError),
        (np.zeros((4, 4, 3), np.uint16), TypeError),
        ([[[0, 0, 0]]], TypeError),
        (None, TypeError),
        (np.zeros((4, 4), np.uint8), ValueError),
        (np.zeros((4, 4, 1), np.uint8), ValueError),
        (np.zeros((4, 4, 4), np.uint8), ValueError),
        (np.zeros((1, 4, 4, 3), np.uint8), ValueError),
        (np.zeros((0, 4, 3), np.uint8), ValueError),
        (np.zeros((4, 0, 3), np.uint8), ValueError),
    ],
)
def test_what_is_no_frame_is_refused(frame: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="an image must") as caught:
        preprocess(frame, spec_of())
    assert ("cv2.imread" in str(caught.value)) == (frame is None)


# --- writing into the interpreter's memory ---------------------------------------------------------------


@pytest.mark.parametrize("tensor", [FLOAT, BYTE_COPY, TensorFormat(dtype="int8", scale=0.01)])
@pytest.mark.parametrize("order", ColourOrder)
@pytest.mark.parametrize("geometry", Geometry)
def test_write_fills_a_given_buffer_with_what_preprocess_returns(
    tensor: TensorFormat, order: ColourOrder, geometry: Geometry, synthetic_frame: Draw
) -> None:
    spec = spec_of(order=order, geometry=geometry, tensor=tensor)
    reused = Preprocessor(spec)
    memory = np.zeros(2 * int(np.prod(spec.shape)), spec.tensor.dtype)
    buffer = memory[: memory.size // 2].reshape(spec.shape)
    for size in ((61, 47), (20, 90), (16, 12), (1, 1)):
        reused.write(synthetic_frame(*size), buffer)
        np.testing.assert_array_equal(buffer, preprocess(synthetic_frame(*size), spec))
    assert np.shares_memory(buffer, memory)
    assert (memory[memory.size // 2 :] == 0).all()


def test_a_frame_is_read_before_a_tensor_is_asked_for(synthetic_frame: Draw) -> None:
    spec = spec_of(tensor=BYTE_COPY)
    reused = Preprocessor(spec)
    tensor = np.zeros(spec.shape, np.uint8)
    frame = synthetic_frame(61, 47)
    reused.read(frame)
    wanted = preprocess(frame, spec)
    frame[...] = 0  # as a camera does that has only one buffer
    reused.fill(tensor)
    np.testing.assert_array_equal(tensor, wanted)
    with pytest.raises(ValueError, match="an image must"):
        reused.read(frame[..., :1])


@pytest.mark.parametrize("geometry", Geometry)
def test_frames_of_changing_sizes_do_not_disturb_each_other(
    geometry: Geometry, synthetic_frame: Draw
) -> None:
    spec = spec_of(geometry=geometry)
    reused = Preprocessor(spec)
    tensor = np.empty(spec.shape, np.float32)
    for size in ((61, 47), (47, 61), (61, 47), (16, 12), (61, 48)):
        frame = synthetic_frame(*size)
        reused.write(frame, tensor)
        np.testing.assert_array_equal(tensor, preprocess(frame, spec))


def read_only(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    "buffer",
    [
        np.empty((12, 16, 3), np.float32),
        np.empty((1, 16, 12, 3), np.float32),
        np.empty((2, 12, 16, 3), np.float32),
        np.empty((1, 3, 12, 16), np.float32),
        np.empty((1, 12, 16, 3), np.float64),
        np.empty((1, 12, 16, 3), np.uint8),
        np.empty((1, 12, 16, 6), np.float32)[..., ::2],
        np.empty((1, 12, 32, 3), np.float32)[:, :, ::2],
        np.asfortranarray(np.empty((1, 12, 16, 3), np.float32)),
        read_only(np.empty((1, 12, 16, 3), np.float32)),
    ],
)
def test_a_buffer_that_cannot_be_filled_in_place_is_refused(
    buffer: np.ndarray, synthetic_frame: Draw
) -> None:
    with pytest.raises(ValueError, match="the tensor is"):
        Preprocessor(spec_of()).write(synthetic_frame(61, 47), buffer)


@pytest.mark.parametrize(
    "pixels",
    [np.empty((16, 12, 3), np.uint8), np.empty((12, 16, 3), np.float32), np.empty((12, 16), np.uint8)],
)
def test_pixels_that_cannot_be_filled_in_place_are_refused(pixels: np.ndarray, synthetic_frame: Draw) -> None:
    # OpenCV would silently write to memory of its own and leave these as they were.
    with pytest.raises(ValueError, match="wanted"):
        Preprocessor(spec_of()).write_pixels(synthetic_frame(61, 47), pixels)


@pytest.mark.parametrize(
    ("pixels", "values"),
    [
        (np.empty((12, 16, 3), np.uint8), np.empty((12, 16, 3), np.float64)),
        (np.empty((12, 16, 3), np.uint8), np.empty((1, 12, 16, 3), np.float32)),
        (np.empty((16, 12, 3), np.uint8), np.empty((12, 16, 3), np.float32)),
        (np.empty((12, 16, 3), np.int8), np.empty((12, 16, 3), np.float32)),
    ],
)
def test_values_that_do_not_fit_are_refused(pixels: np.ndarray, values: np.ndarray) -> None:
    with pytest.raises(ValueError, match="wanted"):
        Preprocessor(spec_of()).write_values(pixels, values)
