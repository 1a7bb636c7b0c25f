"""Ranges of activations: observed on every value, chosen by rules, and true on residual networks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from tiny_run import QUIET

from hangtag.errors import ConversionError
from hangtag_convert.ranges import Observed, RangeRule, chosen_ranges, extreme_photos, observe

finite = st.floats(-1e6, 1e6, width=32)
tensors = npst.arrays(np.float32, st.integers(1, 50), elements=finite)


def _observed(*batches: Any) -> Observed:
    observed = Observed("layer")
    for number, values in enumerate(batches):
        observed.add(np.asarray(values, np.float32), number)
    return observed


@settings(deadline=None)
@given(st.lists(tensors, min_size=1, max_size=6))
def test_every_value_is_counted_and_lies_within(batches: list[np.ndarray]) -> None:
    observed = _observed(*batches)
    everything = np.concatenate(batches)
    assert (observed.low, observed.high) == (everything.min(), everything.max())
    assert batches[observed.lowest_photo].min() == everything.min()
    assert batches[observed.highest_photo].max() == everything.max()
    assert observed.counts.sum() == len(everything)  # none of these is large enough to be sampled
    assert max(abs(observed.low), abs(observed.high)) < observed.reach
    assert extreme_photos([observed]) == sorted({observed.lowest_photo, observed.highest_photo})


@settings(deadline=None)
@given(st.lists(tensors, min_size=1, max_size=6), st.sampled_from(RangeRule))
def test_a_range_holds_zero_and_is_no_wider_than_what_was_seen(
    batches: list[np.ndarray], rule: RangeRule
) -> None:
    observed = _observed(*batches)
    low, high = observed.chosen(rule)
    assert low <= 0 <= high
    assert low < high
    if observed.high > observed.low:
        assert low >= min(observed.low, 0)
        assert high <= max(observed.high, 0) or observed.low == observed.high == 0


def _error(values: np.ndarray, low: float, high: float) -> float:
    step = (high - low) / 255
    stored = np.clip(np.rint((values - low) / step), 0, 255) * step + low
    return float(((stored - values) ** 2).mean())


def test_rare_outliers_are_clipped_by_percentiles_and_not_by_the_plain_rule() -> None:
    rng = np.random.default_rng(0)
    values = rng.uniform(0, 1, 20_000).astype(np.float32)
    values[7] = 50.0
    observed = _observed(values)
    assert observed.chosen(RangeRule.MIN_MAX) == (0.0, 50.0)
    for rule in (RangeRule.PERCENTILE_99_99, RangeRule.PERCENTILE_99_9):
        assert observed.chosen(rule)[1] == pytest.approx(1.0, abs=0.05)


def test_large_tensors_are_sampled_from_all_their_channels() -> None:
    """Every n-th value would hit the same channels of each pixel again and again."""
    rng = np.random.default_rng(3)
    for channels in (96, 240, 480, 672):
        values = rng.uniform(0, 1, (1, 28, 28, channels)).astype(np.float32)
        values[..., ::2] *= 50
        high = _observed(values).chosen(RangeRule.PERCENTILE_99_9)[1]
        assert high == pytest.approx(np.quantile(values, 0.999), abs=0.5), channels


def test_the_least_squared_error_is_less_than_the_plain_ranges() -> None:
    values = np.random.default_rng(0).laplace(0, 1, 20_000).astype(np.float32)
    observed = _observed(values)
    plain, least = (_error(values, *observed.chosen(rule)) for rule in (RangeRule.MIN_MAX, RangeRule.MSE))
    assert least < plain


def test_values_without_outliers_are_not_clipped_for_their_error() -> None:
    values = np.linspace(-1, 1, 20_000, dtype=np.float32)
    low, high = _observed(values).chosen(RangeRule.MSE)
    assert (low, high) == pytest.approx((-1, 1), abs=0.06)


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_a_layer_that_computes_no_numbers_is_named(odd: float) -> None:
    with pytest.raises(ConversionError, match="layer computes values that are not finite"):
        _observed([1.0, odd])


def test_the_input_takes_all_bytes_whatever_the_photos_hold() -> None:
    observed = {3: _observed([0.1, 0.2]), 5: _observed([1.0, 2.0])}
    assert chosen_ranges(observed, RangeRule.MIN_MAX, (-1.0, 1.0)) == {3: (-1.0, 1.0), 5: (0.0, 2.0)}


def test_what_is_added_to_in_place_is_observed_as_it_was(tmp_path: Any) -> None:
    """An addition may overwrite what it adds to; whoever looks after the run sees the sum."""
    import keras
    from converting import float32_of

    keras.utils.set_random_seed(1)
    picture = keras.Input((8, 8, 3))
    stem = keras.layers.Conv2D(4, 1, activation="relu", name="stem")(picture)
    branch = keras.layers.Conv2D(4, 3, padding="same", name="branch")(stem)
    total = keras.layers.Add(name="total")([branch, stem])
    scores = keras.layers.Dense(3, activation="softmax")(keras.layers.GlobalAveragePooling2D()(total))
    model = keras.Model(picture, scores)
    tensors = [np.random.default_rng(n).uniform(-1, 1, (1, 8, 8, 3)).astype(np.float32) for n in range(5)]
    seen = observe(float32_of(model, tmp_path), lambda: tensors, len(tensors), QUIET)
    by_name = {one.name.split("/")[1].removesuffix("_1"): one for one in seen.values() if "/" in one.name}
    for name in ("stem", "branch", "total"):
        inside = keras.Model(picture, model.get_layer(name).output)
        wanted = np.concatenate([np.asarray(inside(tensor)) for tensor in tensors])
        assert (by_name[name].low, by_name[name].high) == pytest.approx(
            (wanted.min(), wanted.max()), rel=1e-4, abs=1e-5
        ), name


def test_nothing_to_observe_is_an_error(tmp_path: Any) -> None:
    import keras
    from converting import float32_of

    picture = keras.Input((8, 8, 3))
    model = keras.Model(picture, keras.layers.Dense(2)(keras.layers.Flatten()(picture)))
    with pytest.raises(ConversionError, match="no photo to calibrate on"):
        observe(float32_of(model, tmp_path), list, 0, QUIET)
