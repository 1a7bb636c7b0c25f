"""The range of values that each activation takes: observed on photos, then chosen.

A full-integer model stores an activation in 256 steps over a fixed range. Too wide a range wastes steps, too
narrow a one clips. TensorFlow's own calibration reads tensors after the run, when an addition in place may
have overwritten what it added to: on residual networks it finds ranges that are too wide. Here every tensor
keeps memory of its own while it is watched.
"""

from __future__ import annotations

import enum
import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from hangtag.errors import ConversionError
from hangtag.interpreter import TensorTap
from hangtag.preprocess import Tensor
from hangtag.progress import Progress
from hangtag_convert.tables import packed, unpacked

Range = tuple[float, float]
"""Lowest and highest value."""

_BINS = 4096
_MOST_COUNTED = 20_000
"""Values of one tensor of one photo that are counted; of more, so many drawn by a seed."""
_STEPS = 255
_SHRINKS = np.linspace(0.2, 1.0, 41)
_THREADS = 2


class RangeRule(str, enum.Enum):
    """How a range is chosen from what was observed."""

    MIN_MAX = "min-max"
    """From the lowest to the highest value seen: nothing seen is clipped."""
    MSE = "mse"
    """The range with the smallest mean squared error of the stored values."""
    PERCENTILE_99_99 = "percentile-99.99"
    """What is left when one value in 10,000 is clipped at either end."""
    PERCENTILE_99_9 = "percentile-99.9"
    """What is left when one value in 1,000 is clipped at either end."""


@functools.lru_cache(maxsize=256)
def _drawn(size: int) -> npt.NDArray[np.int64]:
    """Return places in a tensor of that size. Every n-th would always hit the same channels."""
    return np.random.default_rng(size).integers(size, size=_MOST_COUNTED)


@dataclass(slots=True)
class Observed:
    """What one tensor held over all photos.

    ``counts`` holds a histogram of :data:`_BINS` bins from ``-reach`` to ``reach``; ``lowest_photo`` and
    ``highest_photo`` are the numbers of the photos with the extreme values.
    """

    name: str
    low: float = np.inf
    high: float = -np.inf
    lowest_photo: int = 0
    highest_photo: int = 0
    reach: float = 2.0**-20
    counts: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(_BINS, np.int64))

    def add(self, values: Tensor, photo: int) -> None:
        """Take in what the tensor holds for one photo.

        Raises:
            ConversionError: a value is not finite.
        """
        low, high = float(values.min()), float(values.max())
        if not np.isfinite(low + high):
            raise ConversionError(
                f"the layer {self.name} computes values that are not finite numbers; train again"
            )
        if low < self.low:
            self.low, self.lowest_photo = low, photo
        if high > self.high:
            self.high, self.highest_photo = high, photo
        while max(-low, high) >= self.reach:
            # Twice the reach, half the resolution: neighbours are counted together, around the middle.
            pairs = self.counts.reshape(-1, 2).sum(axis=1)
            self.counts = np.zeros(_BINS, np.int64)
            self.counts[_BINS // 4 : -_BINS // 4] = pairs
            self.reach *= 2
        few = values.reshape(-1)
        if few.size > _MOST_COUNTED:
            few = few[_drawn(few.size)]
        places = ((few + self.reach) * (_BINS / 2 / self.reach)).astype(np.int64)
        self.counts += np.bincount(np.clip(places, 0, _BINS - 1), minlength=_BINS)

    def chosen(self, rule: RangeRule) -> Range:
        """Return the range by a rule; it always holds 0, which quantization must store exactly."""
        if rule is RangeRule.MIN_MAX:
            low, high = self.low, self.high
        elif rule is RangeRule.MSE:
            low, high = self._least_error()
        else:
            low, high = self._percentile(0.9999 if rule is RangeRule.PERCENTILE_99_99 else 0.999)
        low, high = min(low, 0.0), max(high, 0.0)
        return (low, high) if high > low else (0.0, 1.0)

    def _percentile(self, share: float) -> Range:
        below = np.cumsum(self.counts) / self.counts.sum()
        edges = np.linspace(-self.reach, self.reach, _BINS + 1)
        low = edges[np.searchsorted(below, 1 - share)]
        high = edges[min(int(np.searchsorted(below, share)) + 1, _BINS)]
        return max(float(low), self.low), min(float(high), self.high)

    def _least_error(self) -> Range:
        centres = np.linspace(-self.reach, self.reach, _BINS, endpoint=False) + self.reach / _BINS
        seen = np.flatnonzero(self.counts)
        values, weights = centres[seen], self.counts[seen]
        full = (min(self.low, 0.0), max(self.high, 0.0))
        candidates = [full]
        candidates += [(a * full[0], b * full[1]) for s in _SHRINKS for a, b in ((s, s), (s, 1), (1, s))]
        errors = [_squared_error(values, weights, low, high) for low, high in candidates]
        return candidates[int(np.argmin(errors))]


def _squared_error(
    values: npt.NDArray[np.float64], weights: npt.NDArray[np.int64], low: float, high: float
) -> float:
    if high <= low:
        return float("inf")
    step = (high - low) / _STEPS
    stored = np.clip(np.rint((values - low) / step), 0, _STEPS) * step + low
    return float((weights * (stored - values) ** 2).sum())


def observe(
    model: bytes, tensors: Callable[[], Iterable[Tensor]], count: int, progress: Progress
) -> dict[int, Observed]:
    """Run a float32 model on photos and return what each activation of its graph held, by tensor number.

    Args:
        model: a bare float32 TFLite model.
        tensors: gives input tensors, batch first.
        count: how many it gives.
        progress: where progress is shown.

    Raises:
        ConversionError: no photo, an activation that is not finite, or a model with branches or loops.
    """
    from ai_edge_litert import schema_py_generated as schema

    tables = unpacked(model)
    if len(tables.subgraphs) != 1:
        raise ConversionError(
            f"the network has {len(tables.subgraphs)} graphs (branches or loops); full-integer files are "
            "made of networks without: leave out the int8 formats"
        )
    graph = tables.subgraphs[0]
    watched = [*graph.inputs, *(index for operator in graph.operators for index in operator.outputs)]
    found = {
        int(index): Observed(graph.tensors[index].name.decode(errors="replace"))
        for index in watched
        if graph.tensors[index].type == schema.TensorType.FLOAT32
    }
    tap, photo = TensorTap(model, threads=_THREADS), -1
    with progress.bar("observing activations", count) as advance:
        for photo, tensor in enumerate(tensors()):
            tap.run(tensor)
            for index, observed in found.items():
                observed.add(tap.tensor(index), photo)
            advance()
    if photo < 0:
        raise ConversionError("there is no photo to calibrate on")
    return found


def extreme_photos(observed: Iterable[Observed]) -> list[int]:
    """Return the numbers of the photos that hold the extremes of any tensor: they span the same ranges."""
    return sorted({number for one in observed for number in (one.lowest_photo, one.highest_photo)})


def with_ranges(model: bytes, ranges: Mapping[int, Range]) -> bytes:
    """Return a float32 model that says of each tensor, by number, the range to quantize it with."""
    from ai_edge_litert import schema_py_generated as schema

    tables = unpacked(model)
    for index, (low, high) in ranges.items():
        quantization = schema.QuantizationParametersT()
        quantization.min, quantization.max = np.array([low], np.float32), np.array([high], np.float32)
        tables.subgraphs[0].tensors[index].quantization = quantization
    return packed(tables)


def chosen_ranges(observed: Mapping[int, Observed], rule: RangeRule, inputs: Range) -> dict[int, Range]:
    """Return a range for each tensor; the input's is ``inputs``: what bytes from 0 to 255 can become.

    The first tensor observed is the input. Photos need not hold black and white for a pixel's byte to be the
    tensor's byte.
    """
    ranges = {index: one.chosen(rule) for index, one in observed.items()}
    return {**ranges, next(iter(observed)): inputs}


RULES: Sequence[RangeRule] = tuple(RangeRule)
"""All rules, the plainest first."""
