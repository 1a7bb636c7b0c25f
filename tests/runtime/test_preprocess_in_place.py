"""A frame is written straight into the interpreter's memory, or the memory is refused."""

from __future__ import annotations

import numpy as np
import pytest
from input_specs import BYTE_COPY, FLOAT, Draw, spec_of

from hangtag.contract import ColourOrder, Geometry, TensorFormat
from hangtag.preprocess import (
    Preprocessor,
    preprocess,
)


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
