"""A float32 model becomes integers: plainly, or with more care where that loses too much."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hangtag.errors import ConversionError
from hangtag.interpreter import Interpreter
from hangtag.preprocess import Tensor
from hangtag.progress import Progress
from hangtag_convert.calibration_set import CalibrationSet
from hangtag_convert.chatter import chatter_kept
from hangtag_convert.formats import Format
from hangtag_convert.ranges import (
    RULES,
    Observed,
    RangeRule,
    chosen_ranges,
    extreme_photos,
    observe,
    with_ranges,
)
from hangtag_convert.weight_only import weight_int8

_OBSERVED = 1000
"""Photos that ranges are found on when plain calibration lost too much, at most."""
_COMPARED = 200
"""Photos that rules are compared on, at most."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way to make integers: float32 weights, and what their activations held on which photos.

    ``observed`` is by tensor number.
    """

    float32: bytes
    rule: RangeRule
    observed: dict[int, Observed]
    photos: CalibrationSet
    tuned: str = ""

    def how(self, kind: Format) -> str:
        """Return the way in words, as far as it concerns a format."""
        rule = self.rule if kind.is_int8 else RangeRule.MIN_MAX
        ranges = f"ranges by {rule.value} of {len(self.photos.photos)} photos"
        parts = [self.tuned, ranges if kind.is_calibrated else ""]
        return ", ".join(part for part in parts if part) or "plain"

    @property
    def ranged(self) -> bytes:
        """The model with the range of each activation by the rule."""
        ranges = chosen_ranges(self.observed, self.rule, self.photos.input_range)
        return with_ranges(self.float32, ranges)


class Integers:
    """The ways to make integer files of one float32 model, each worked out when it is first asked for.

    Args:
        float32: a bare float32 model.
        photos: to calibrate on; None where there are none, and then there is no way.
        more: a larger set, for the ways after the first, and to learn on.
        progress: where progress is shown.
    """

    def __init__(
        self, float32: bytes, photos: CalibrationSet | None, more: CalibrationSet | None, progress: Progress
    ) -> None:
        self._float32, self._photos, self._progress = float32, photos, progress
        self._more = more or photos
        self._found: dict[str, Way] = {}

    def ways(self, kind: Format) -> Iterator[Way]:
        """Give the plain way first, for formats with ranges, then those that try harder.

        Raises:
            ConversionError: there is no photo, or the network cannot be observed or quantized.
        """
        if self._photos is None or self._more is None:
            raise ConversionError("there is no photo to calibrate on")
        if kind.is_calibrated:
            yield self._plain(self._photos)
        if kind.is_int8:
            yield self._best_ranges(self._more.thinned(_OBSERVED))
        yield self._fine_tuned(self._more)

    def made(self, way: Way, kind: Format) -> bytes:
        """Return the bare model of one way in an integer format.

        Raises:
            ConversionError: TensorFlow cannot make it.
        """
        if kind is Format.WEIGHT_INT8:
            return weight_int8(way.float32)
        from hangtag_convert.export import int8_tflite, int16x8_tflite

        with chatter_kept(f"converting to {kind.value}"):
            if kind is Format.INT16X8:
                # TensorFlow observes once more, slowly: the few photos that span the ranges of all will do.
                few = way.photos.only(extreme_photos(way.observed.values()))
                return int16x8_tflite(way.float32, few.spanning())
            return int8_tflite(way.ranged, kind)

    def _plain(self, photos: CalibrationSet) -> Way:
        """Take the ranges of a few hundred photos as they are."""
        if "plain" not in self._found:
            observed = self._observed(self._float32, photos)
            self._found["plain"] = Way(self._float32, RangeRule.MIN_MAX, observed, photos)
        return self._found["plain"]

    def _best_ranges(self, photos: CalibrationSet) -> Way:
        """Try every rule on many photos and keep the one whose outputs come nearest to the float model's.

        They are compared on the photos that are calibrated on, without their labels: nothing is chosen on
        the photos that the gate measures with.
        """
        if "ranges" not in self._found:
            observed = self._observed(self._float32, photos)
            few = photos.thinned(_COMPARED)
            wanted = _outputs(self._float32, few)
            tried = []
            for rule in RULES:
                way = Way(self._float32, rule, observed, photos)
                found = _outputs(self.made(way, Format.INT8_FLOAT_IO), few)
                difference = float(np.abs(found - wanted).mean())
                self._progress.say(f"  ranges by {rule.value}: scores differ by {difference:.5f} on average")
                tried.append((difference, way))
            self._found["ranges"] = min(tried, key=lambda pair: pair[0])[1]
        return self._found["ranges"]

    def _fine_tuned(self, photos: CalibrationSet) -> Way:
        """Move the weights until they bear rounding, with the best ranges, and observe once more."""
        if "tuned" not in self._found:
            from hangtag_convert.fine_tuning import fine_tuned

            before = self._best_ranges(photos.thinned(_OBSERVED))
            ranges = chosen_ranges(before.observed, before.rule, photos.input_range)
            count = len(photos.photos)
            self._progress.say(f"  fine-tuning the weights for 8 bits on {count} photos")
            weights = fine_tuned(self._float32, ranges, photos, self._progress)
            observed = self._observed(weights, before.photos)
            tuned = f"weights fine-tuned for 8 bits on {count} photos"
            self._found["tuned"] = Way(weights, before.rule, observed, before.photos, tuned)
        return self._found["tuned"]

    def _observed(self, float32: bytes, photos: CalibrationSet) -> dict[int, Observed]:
        return observe(float32, photos.tensors, len(photos.photos), self._progress)


def _outputs(model: bytes, photos: CalibrationSet) -> Tensor:
    interpreter = Interpreter(model, threads=2)
    rows = []
    for tensor in photos.tensors():
        interpreter.input_view()[...] = tensor
        interpreter.invoke()
        rows.append(interpreter.output())
    return np.stack(rows)
