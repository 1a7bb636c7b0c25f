"""The page's input tensors equal hangtag.preprocess to the byte, for any RGBA picture."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from input_specs import BYTE_COPY, FLOAT, spec_of
from web.node_process import NodePage, Thrown, unpacked

from hangtag.contract import ColourOrder, Geometry, InputSpec, Kernel, TensorFormat
from hangtag.photos import decode_photo
from hangtag.preprocess import Image, preprocess, source_rectangle, target_rectangle

Rgba = npt.NDArray[np.uint8]

_EXACT = (Kernel.LINEAR_EXACT, Kernel.HALVED)
_TENSORS = (
    FLOAT,
    BYTE_COPY,
    TensorFormat(dtype="uint8", scale=0.0173, zero_point=101),
    TensorFormat(dtype="int8", scale=1 / 128, zero_point=-1),
    TensorFormat(dtype="int16", scale=0.0001),
)


def _noise(rng: np.random.Generator, width: int, height: int) -> Rgba:
    """An opaque picture in which every byte counts."""
    rgba = rng.integers(0, 256, (height, width, 4)).astype(np.uint8)
    rgba[..., 3] = 255
    return rgba


def _as_python_sees(rgba: Rgba) -> Image:
    """The same picture as Python has it: BGR, what is transparent over white, by way of a PNG file."""
    written, png = cv2.imencode(".png", cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGRA))
    assert written
    return decode_photo(png.tobytes(), "picture.png")


def _asked(page: NodePage, spec: InputSpec, pictures: Sequence[Rgba], **more: Any) -> list[bytes]:
    """The tensors that one preprocessor of the page's makes of pictures, in turn."""
    sizes = [(picture.shape[1], picture.shape[0]) for picture in pictures]
    data = b"".join(picture.tobytes() for picture in pictures)
    plain = dataclasses.asdict(spec)
    return [unpacked(text) for text in page.call("prepare", data, spec=plain, sizes=sizes, **more)]


def _wanted(spec: InputSpec, pictures: Sequence[Rgba]) -> list[bytes]:
    return [preprocess(_as_python_sees(picture), spec).tobytes() for picture in pictures]


@pytest.mark.parametrize("geometry", Geometry)
@pytest.mark.parametrize("order", ColourOrder)
@pytest.mark.parametrize("kernel", _EXACT)
@pytest.mark.parametrize("tensor", _TENSORS, ids=lambda tensor: f"{tensor.dtype}-{tensor.zero_point}")
def test_every_byte_is_that_of_training(
    node_page: NodePage, geometry: Geometry, order: ColourOrder, kernel: Kernel, tensor: TensorFormat
) -> None:
    """One preprocessor for frames of all sizes, so that nothing of one may be left in the next."""
    rng = np.random.default_rng(7)
    spec = spec_of(
        23,
        17,
        order=order,
        geometry=geometry,
        kernel=kernel,
        tensor=tensor,
        pad_value=37,
        mean=111.3,
        std=61.7,
    )
    sizes = [
        *[(1, 1), (1, 2), (2, 1), (1, 90), (90, 1), (23, 17), (24, 18), (46, 34), (47, 35), (45, 33)],
        *[(92, 68), (95, 71), (17, 23), (300, 41), (41, 300), (160, 120), (161, 121), (23, 17)],
    ]
    pictures = [_noise(rng, *size) for size in sizes]
    asked = _asked(node_page, spec, pictures)
    differing = [
        size for size, got, wanted in zip(sizes, asked, _wanted(spec, pictures), strict=True) if got != wanted
    ]
    assert not differing


@pytest.mark.parametrize(
    ("size", "side"), [((49, 103), (256, 3)), ((5, 49), (7, 256)), ((211, 393), (256, 256))]
)
def test_sizes_at_which_the_order_of_arithmetic_shows(
    node_page: NodePage, size: tuple[int, int], side: tuple[int, int]
) -> None:
    """Here source / target rounds otherwise than 1 / (target / source), which is what OpenCV computes."""
    spec = spec_of(*side, geometry=Geometry.STRETCH, tensor=BYTE_COPY)
    frames = [_noise(np.random.default_rng(seed), *size) for seed in range(5)]
    assert _asked(node_page, spec, frames) == _wanted(spec, frames)


@pytest.mark.parametrize("kernel", _EXACT)
@pytest.mark.parametrize("size", [(640, 480), (480, 640), (1280, 720), (1920, 1080), (223, 500), (449, 448)])
def test_camera_frames_become_the_tensor_of_training(
    node_page: NodePage, size: tuple[int, int], kernel: Kernel
) -> None:
    spec = spec_of(224, 224, kernel=kernel, tensor=BYTE_COPY)
    frame = _noise(np.random.default_rng(8), *size)
    assert _asked(node_page, spec, [frame]) == _wanted(spec, [frame])


_side = st.integers(1, 70)
_number = st.floats(-300, 300).map(lambda number: round(number, 3))


@st.composite
def _specs(draw: st.DrawFn) -> InputSpec:
    order = draw(st.sampled_from(ColourOrder))
    channels = 1 if order is ColourOrder.GREY else 3
    numbers = st.lists(_number, min_size=channels, max_size=channels)
    return InputSpec(
        width_px=draw(_side),
        height_px=draw(_side),
        colour_order=order,
        geometry=draw(st.sampled_from(Geometry)),
        kernel=draw(st.sampled_from(_EXACT)),
        pad_value=draw(st.integers(0, 255)),
        mean=tuple(draw(numbers)),
        std=tuple(max(abs(number), 0.01) for number in draw(numbers)),
        tensor=draw(st.sampled_from(_TENSORS)),
    )


@settings(deadline=None, max_examples=300)
@given(
    spec=_specs(),
    sizes=st.lists(st.tuples(st.integers(1, 200), st.integers(1, 200)), min_size=1, max_size=3),
    seed=st.integers(0, 99),
    offset=st.integers(0, 7),
)
def test_any_input_and_any_frame(
    node_page: NodePage, spec: InputSpec, sizes: list[tuple[int, int]], seed: int, offset: int
) -> None:
    """Wherever the frame's bytes lie in memory, too: ``offset`` bytes behind the beginning of a buffer."""
    rng = np.random.default_rng(seed)
    pictures = [_noise(rng, *size) for size in sizes]
    assert _asked(node_page, spec, pictures, offset=offset) == _wanted(spec, pictures)


@pytest.mark.parametrize("kernel", _EXACT)
@pytest.mark.parametrize("order", ColourOrder)
def test_what_is_transparent_is_laid_over_white_as_photos_are(
    node_page: NodePage, kernel: Kernel, order: ColourOrder
) -> None:
    rng = np.random.default_rng(9)
    everywhere = rng.integers(0, 256, (150, 120, 4)).astype(np.uint8)
    one_pixel = _noise(rng, 120, 150)
    one_pixel[71, 63, 3] = 254
    columns = [_noise(rng, 120, 150) for _ in range(8)]
    for number, picture in enumerate(columns):
        picture[:, 60 + number, 3] = 254
    outside = _noise(rng, 120, 150)
    outside[0, :, 3] = 0  # the square does not reach it
    gone = np.zeros((5, 4, 4), np.uint8)
    pictures = [everywhere, _noise(rng, 120, 150), one_pixel, *columns, outside, gone]
    spec = spec_of(31, 31, order=order, kernel=kernel, tensor=BYTE_COPY)
    assert _asked(node_page, spec, pictures) == _wanted(spec, pictures)


def test_every_alpha_of_every_colour(node_page: NodePage) -> None:
    colours, alphas = np.meshgrid(np.arange(256), np.arange(256))
    picture = np.dstack([colours, 255 - colours, colours // 2, alphas]).astype(np.uint8)
    spec = spec_of(256, 256, tensor=BYTE_COPY)
    assert _asked(node_page, spec, [picture]) == _wanted(spec, [picture])


@pytest.mark.parametrize("geometry", Geometry)
@pytest.mark.parametrize("side", [(224, 224), (320, 240), (3, 4096), (4096, 1)])
def test_the_rectangles_are_pythons(node_page: NodePage, geometry: Geometry, side: tuple[int, int]) -> None:
    rng = np.random.default_rng(10)
    drawn = [(int(width), int(height)) for width, height in rng.integers(1, 9000, (200, 2))]
    sizes = [*drawn, (1, 1), (1, 60_000), (60_000, 1), (639, 480), (12_000, 9000)]
    spec = spec_of(*side, geometry=geometry)
    found = node_page.call("rectangles", spec=dataclasses.asdict(spec), sizes=sizes)
    assert [tuple(map(tuple, pair)) for pair in found] == [
        (source_rectangle(size, spec), target_rectangle(size, spec)) for size in sizes
    ]


@pytest.mark.parametrize("kernel", [Kernel.LINEAR, Kernel.AREA])
def test_kernels_that_differ_between_processors_are_refused(node_page: NodePage, kernel: Kernel) -> None:
    with pytest.raises(Thrown, match=f"by the kernel {kernel.value}, whose bytes differ") as caught:
        _asked(node_page, spec_of(kernel=kernel), [_noise(np.random.default_rng(1), 4, 4)])
    assert caught.value.kind == "ModelError"


@pytest.mark.parametrize(("width", "height"), [(0, 4), (4, 0), (-4, -4), (4, 5), (3, 4), (1.5, 4), (None, 4)])
def test_pictures_that_are_not_of_their_size_are_refused(
    node_page: NodePage, width: float | None, height: int
) -> None:
    spec = dataclasses.asdict(spec_of())
    with pytest.raises(Thrown, match="wanted 4 per pixel") as caught:
        node_page.call("prepareOnce", bytes(64), spec=spec, width=width, height=height)
    assert caught.value.kind == "RangeError"


@pytest.mark.parametrize(
    ("tensor", "kind"),
    [
        (FLOAT, "Float32Array"),
        (BYTE_COPY, "Uint8Array"),
        (_TENSORS[3], "Int8Array"),
        (_TENSORS[4], "Int16Array"),
    ],
)
def test_the_tensor_is_an_array_of_the_contracts_type(
    node_page: NodePage, tensor: TensorFormat, kind: str
) -> None:
    spec = dataclasses.asdict(spec_of(tensor=tensor))
    assert node_page.call("prepareOnce", bytes(64), spec=spec, width=4, height=4) == kind
