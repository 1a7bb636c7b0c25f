from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from input_specs import BYTE_COPY, FLOAT, Draw, spec_of

from hangtag.contract import ColourOrder, Geometry, InputSpec, Kernel, TensorFormat
from hangtag.preprocess import (
    Preprocessor,
    preprocess,
    tensor_table,
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
