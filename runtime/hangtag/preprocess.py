"""The one function that turns a picture into the tensor a model was trained on.

Training, calibration, the camera, golden cases and benchmarks all come through here. A frame becomes pixels
(crop, resize, colour order: bytes all the way) and pixels become the tensor through a table of 256 entries
per channel, so that every float and integer model gets, on every CPU, exactly the same numbers. Where a
full-integer model's table is the identity (scale 1/128 and zero point 127 for mean 127 and std 128), the
pixel bytes are the tensor bytes and the table is skipped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from hangtag.contract import ColourOrder, Geometry, InputSpec, Kernel, TensorFormat
from hangtag.resize import Resampler

Image = npt.NDArray[np.uint8]
"""A picture: uint8, shape (height, width, 3), BGR channel order, upright."""

Tensor = npt.NDArray[Any]
"""A model's tensor: uint8, int8, int16 or float32, batch first."""

Rectangle = tuple[int, int, int, int]
"""x, y, width, height in pixels."""

_UINT8 = np.dtype(np.uint8)

_CV2_COLOURS = {ColourOrder.RGB: cv2.COLOR_BGR2RGB, ColourOrder.GREY: cv2.COLOR_BGR2GRAY}


def check_image(image_bgr: Image) -> None:
    """Raise unless ``image_bgr`` is a non-empty uint8 array of shape (height, width, 3).

    Raises:
        TypeError: not a NumPy array of uint8.
        ValueError: wrong shape or no pixels.
    """
    if not isinstance(image_bgr, np.ndarray) or image_bgr.dtype != _UINT8:
        got = getattr(image_bgr, "dtype", type(image_bgr).__name__)
        hint = "; cv2.imread gives None for what it cannot read" if image_bgr is None else ""
        raise TypeError(f"an image must be a uint8 NumPy array, got {got}{hint}")
    if image_bgr.ndim != 3 or image_bgr.shape[2] != 3 or image_bgr.size == 0:
        raise ValueError(f"an image must have shape (height, width, 3) and pixels, got {image_bgr.shape}")


def source_rectangle(image_wh: tuple[int, int], spec: InputSpec) -> Rectangle:
    """Return the part of a frame that the model sees, in whole pixels.

    For ``centre-crop`` it is the largest rectangle of the input's aspect, centred (an odd remainder leaves
    the extra pixel on the right or at the bottom), never smaller than one pixel; else the whole frame. It is
    also what a client that stretches, such as MediaPipe Tasks, must be given as its region of interest.
    """
    width, height = image_wh
    if spec.geometry is not Geometry.CENTRE_CROP:
        return (0, 0, width, height)
    # Integer arithmetic throughout: the same rectangle in every language that reimplements it.
    if width * spec.height_px > height * spec.width_px:
        crop_w, crop_h = max(1, height * spec.width_px // spec.height_px), height
    else:
        crop_w, crop_h = width, max(1, width * spec.height_px // spec.width_px)
    return ((width - crop_w) // 2, (height - crop_h) // 2, crop_w, crop_h)


def target_rectangle(image_wh: tuple[int, int], spec: InputSpec) -> Rectangle:
    """Return where in the input the picture lands: all of it, or between the bars of a letterbox."""
    if spec.geometry is not Geometry.LETTERBOX:
        return (0, 0, spec.width_px, spec.height_px)
    width, height = image_wh
    if width * spec.height_px > height * spec.width_px:
        inner_w = spec.width_px
        inner_h = max(1, (2 * height * spec.width_px + width) // (2 * width))
    else:
        inner_w = max(1, (2 * width * spec.height_px + height) // (2 * height))
        inner_h = spec.height_px
    return ((spec.width_px - inner_w) // 2, (spec.height_px - inner_h) // 2, inner_w, inner_h)


def resized(image_bgr: Image, source: Rectangle, size_wh: tuple[int, int], kernel: Kernel) -> Image:
    """Return ``source`` of a picture (uint8) as (height, width, 3), resampled by a contract's kernel."""
    return Resampler(source, size_wh, kernel)(image_bgr)


def tensor_table(spec: InputSpec) -> Tensor:
    """Return the value that each pixel byte becomes: shape (1, 256, channels), the input tensor's dtype.

    Computed in float64 from ``(byte - mean) / std``; integers are rounded half to even, then clipped to the
    range of their type.
    """
    bytes_ = np.arange(256, dtype=np.float64)[:, None]
    real = (bytes_ - np.array(spec.mean)) / np.array(spec.std)
    return _stored(real, spec.tensor)[None]


def _check_buffer(buffer: Tensor, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Raise unless OpenCV can write into ``buffer``: given another shape or type it would write elsewhere."""
    if buffer.shape == shape and buffer.dtype == dtype and buffer.flags.carray:
        return  # the usual case, in one look: a camera's every frame comes through here
    if buffer.shape != shape or buffer.dtype != dtype or not buffer.flags.c_contiguous:
        raise ValueError(
            f"the tensor is {buffer.dtype} {buffer.shape} with strides {buffer.strides}; "
            f"wanted contiguous {dtype} {shape}"
        )
    if not buffer.flags.writeable:
        raise ValueError("the tensor is read-only")


def _stored(real: npt.NDArray[np.float64], tensor: TensorFormat) -> Tensor:
    dtype = np.dtype(tensor.dtype)
    if tensor.scale is None:
        return np.asarray(real, dtype)
    limits = np.iinfo(dtype)
    quantized = np.rint(real / tensor.scale) + tensor.zero_point
    return np.asarray(np.clip(quantized, limits.min, limits.max), dtype)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What frames of one size need: how they are resampled and where that lands in the input.

    ``inside`` is None where the picture fills the input, else the part between the bars of a letterbox.
    """

    resample: Resampler
    inside: tuple[slice, slice] | None

    @classmethod
    def of(cls, image_wh: tuple[int, int], spec: InputSpec) -> _Plan:
        """Work it out from a frame's size."""
        left, top, inner_w, inner_h = target_rectangle(image_wh, spec)
        fills = (inner_w, inner_h) == (spec.width_px, spec.height_px)
        return cls(
            resample=Resampler(source_rectangle(image_wh, spec), (inner_w, inner_h), spec.kernel),
            inside=None if fills else (slice(top, top + inner_h), slice(left, left + inner_w)),
        )


class Preprocessor:
    """Writes frames into input tensors, with its buffers, table and the plan for frames of a size made once.

    Not thread-safe: it owns scratch buffers. Make one per thread; they are small.
    """

    def __init__(self, spec: InputSpec) -> None:
        self._spec = spec
        self._shape, self._dtype = spec.shape, np.dtype(spec.tensor.dtype)
        self._colour = _CV2_COLOURS.get(spec.colour_order)
        table = tensor_table(spec)
        identity = np.arange(256, dtype=np.uint8)[None, :, None]
        self._table = None if table.dtype == np.uint8 and bool((table == identity).all()) else table
        self._bgr: Image = np.empty((spec.height_px, spec.width_px, 3), np.uint8)
        self._pixels: Image = np.empty(spec.shape[1:], np.uint8)
        self._planned_shape: tuple[int, ...] = ()
        self._plan: _Plan | None = None

    @property
    def spec(self) -> InputSpec:
        """The input that frames are prepared for."""
        return self._spec

    @property
    def is_byte_copy(self) -> bool:
        """True when a pixel's byte is the tensor's byte and no arithmetic is needed."""
        return self._table is None

    def write(self, image_bgr: Image, tensor: Tensor) -> None:
        """Fill ``tensor`` (the input's shape and dtype, C-contiguous) from a BGR uint8 frame of any size.

        Raises:
            TypeError: the frame is not a uint8 array.
            ValueError: the frame or the tensor has another shape or dtype than it must.
        """
        self.read(image_bgr)
        self.fill(tensor)

    def read(self, image_bgr: Image) -> None:
        """Do the first half of :meth:`write`, which needs no tensor: cut and resize a frame into a buffer.

        Raises:
            TypeError: the frame is not a uint8 array.
            ValueError: the frame has no pixels or not three channels.
        """
        check_image(image_bgr)
        plan = self._plan
        if plan is None or image_bgr.shape != self._planned_shape:
            plan = self._plan = _Plan.of((image_bgr.shape[1], image_bgr.shape[0]), self._spec)
            self._planned_shape = image_bgr.shape
        if plan.inside is None:
            plan.resample(image_bgr, self._bgr)
        else:
            self._bgr[...] = self._spec.pad_value
            self._bgr[plan.inside] = plan.resample(image_bgr)

    def fill(self, tensor: Tensor) -> None:
        """Do the second half of :meth:`write`: fill ``tensor`` from the frame that was :meth:`read` last.

        Raises:
            ValueError: the tensor has another shape or dtype than it must.
        """
        _check_buffer(tensor, self._shape, self._dtype)
        if self._table is None:
            self._fill_pixels(tensor[0])
        else:
            self._fill_pixels(self._pixels)
            cv2.LUT(self._pixels, self._table, tensor[0])

    def write_pixels(self, image_bgr: Image, pixels: Image) -> None:
        """Fill ``pixels`` (uint8, (height, width, channels), the contract's colour order) from a frame."""
        self.read(image_bgr)
        _check_buffer(pixels, self._pixels.shape, _UINT8)
        self._fill_pixels(pixels)

    def write_values(self, pixels: Image, values: Tensor) -> None:
        """Fill ``values`` ((height, width, channels), the tensor's dtype) from prepared ``pixels``."""
        if pixels.shape != self._pixels.shape or pixels.dtype != np.uint8:
            raise ValueError(
                f"the pixels are {pixels.dtype} {pixels.shape}; wanted uint8 {self._pixels.shape}"
            )
        _check_buffer(values, self._pixels.shape, self._dtype)
        if self._table is None:
            values[...] = pixels
        else:
            cv2.LUT(pixels, self._table, dst=values)

    def _fill_pixels(self, pixels: Image) -> None:
        """Bring the colours of what was read into the contract's order."""
        if self._colour is None:
            pixels[...] = self._bgr
        else:
            cv2.cvtColor(self._bgr, self._colour, pixels)


def preprocess(image_bgr: Image, spec: InputSpec) -> Tensor:
    """Return the input tensor for one BGR uint8 frame of any size: the input's shape and dtype, batch of 1.

    Raises:
        TypeError: the frame is not a uint8 array.
        ValueError: the frame has no pixels or not three channels.
    """
    tensor = np.empty(spec.shape, spec.tensor.dtype)
    Preprocessor(spec).write(image_bgr, tensor)
    return tensor
