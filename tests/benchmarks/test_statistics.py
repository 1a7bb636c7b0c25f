"""Intervals and ratios: exact where tables are published, right in simulation elsewhere."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hangtag.metrics import Interval
from hangtag_benchmarks import statistics
from hangtag_benchmarks.statistics import (
    LEAST_PAIRS,
    Ratio,
    paired_ratio,
    percentile_interval,
    unpaired_ratio,
)

# Largest totals of the rarer ranks that still reject at 5 %, two-sided (Wilcoxon 1945 and later tables).
_SIGNED_RANK_CRITICAL = {
    6: 0,
    7: 2,
    8: 3,
    9: 5,
    10: 8,
    11: 10,
    12: 13,
    13: 17,
    14: 21,
    15: 25,
    16: 29,
    17: 34,
    18: 40,
    19: 46,
    20: 52,
}
# Mann and Whitney's U at 5 %, two-sided.
_RANK_SUM_CRITICAL = {(4, 4): 0, (5, 5): 2, (6, 6): 5, (7, 7): 8, (8, 8): 13, (10, 10): 23, (20, 20): 127}
_RANK_SUM_CRITICAL |= {(5, 8): 6, (6, 10): 11, (8, 12): 22}

latencies = st.floats(0.01, 1e4)
pairs = st.integers(1, 12).flatmap(
    lambda count: st.tuples(*[st.lists(latencies, min_size=count, max_size=count)] * 2)
)


@pytest.mark.parametrize(("count", "critical"), _SIGNED_RANK_CRITICAL.items())
def test_signed_ranks_are_those_of_published_tables(count: int, critical: int) -> None:
    assert statistics._signed_rank_outside(count) == critical + 1


@pytest.mark.parametrize(("counts", "critical"), _RANK_SUM_CRITICAL.items())
def test_rank_sums_are_those_of_published_tables(counts: tuple[int, int], critical: int) -> None:
    assert statistics._rank_sum_outside(*counts) == critical + 1
    assert statistics._rank_sum_outside(*reversed(counts)) == critical + 1


@pytest.mark.parametrize("at_once", [1, 3])
@pytest.mark.parametrize("count", range(1, 12))
def test_signed_ranks_are_those_of_counting_all_signs(count: int, at_once: int) -> None:
    totals = sorted(
        sum(rank for rank, sign in enumerate(signs, start=1) if sign)
        for signs in itertools.product((False, True), repeat=count)
    )
    most = 0.025 / at_once * len(totals)
    rejected = [total for total in set(totals) if sum(one <= total for one in totals) <= most]
    assert statistics._signed_rank_outside(count, at_once) == (max(rejected) + 1 if rejected else None)


@pytest.mark.parametrize("counts", [(1, 1), (2, 9), (3, 5), (4, 6), (6, 3)])
def test_rank_sums_are_those_of_counting_all_orders(counts: tuple[int, int]) -> None:
    first, second = counts
    totals = [
        sum(place - number for number, place in enumerate(places))
        for places in itertools.combinations(range(first + second), first)
    ]
    rejected = [total for total in set(totals) if sum(one <= total for one in totals) <= 0.025 * len(totals)]
    assert statistics._rank_sum_outside(first, second) == (max(rejected) + 1 if rejected else None)


@given(pairs)
def test_a_ratio_lies_in_its_interval_and_turns_around_with_its_parts(
    sides: tuple[list[float], list[float]],
) -> None:
    above, below = sides
    ratio, inverse = paired_ratio(above, below), paired_ratio(below, above)
    assert inverse.value == pytest.approx(1 / ratio.value)
    assert (ratio.interval is None) == (len(above) < LEAST_PAIRS)
    assert inverse.is_different is ratio.is_different
    if ratio.interval is not None and inverse.interval is not None:
        assert ratio.interval.low <= ratio.value * (1 + 1e-12)
        assert ratio.value <= ratio.interval.high * (1 + 1e-12)
        assert inverse.interval.low == pytest.approx(1 / ratio.interval.high)
        assert inverse.interval.high == pytest.approx(1 / ratio.interval.low)


@given(pairs, st.floats(0.1, 10))
def test_a_ratio_scales_with_what_is_above(sides: tuple[list[float], list[float]], scale: float) -> None:
    above, below = sides
    for compare in (paired_ratio, unpaired_ratio):
        plain, scaled = compare(above, below), compare([scale * value for value in above], below)
        assert scaled.value == pytest.approx(scale * plain.value)
        if plain.interval is not None and scaled.interval is not None:
            assert scaled.interval.high == pytest.approx(scale * plain.interval.high)


@given(st.lists(latencies, min_size=4, max_size=12), st.lists(latencies, min_size=4, max_size=12))
def test_an_unpaired_ratio_lies_in_its_interval_and_turns_around(
    above: list[float], below: list[float]
) -> None:
    ratio, inverse = unpaired_ratio(above, below), unpaired_ratio(below, above)
    assert ratio.interval is not None
    assert inverse.interval is not None
    assert ratio.interval.low <= ratio.value * (1 + 1e-12)
    assert ratio.value <= ratio.interval.high * (1 + 1e-12)
    assert inverse.interval.low == pytest.approx(1 / ratio.interval.high)


def test_equal_blocks_are_not_different_and_clear_ones_are() -> None:
    assert paired_ratio([4.0] * 6, [4.0] * 6) == Ratio(1.0, Interval(1.0, 1.0), 6)
    assert not paired_ratio([4.0] * 6, [4.0] * 6).is_different
    clear = paired_ratio([4.0, 4.1, 4.2, 4.0, 4.1, 4.2], [2.0] * 6)
    assert clear.is_different
    assert clear.interval == Interval(pytest.approx(2.0), pytest.approx(2.1))


def test_one_block_far_off_does_not_carry_a_ratio_away() -> None:
    below = [4.0, 4.02, 3.98, 4.01, 3.99, 4.0, 4.03, 4.0]
    ratio = paired_ratio([*(value * 1.1 for value in below[:-1]), 4000.0], below)
    assert ratio.value == pytest.approx(1.1, rel=0.01)


@pytest.mark.parametrize(
    ("above", "below"),
    [([], []), ([1.0], []), ([1.0, 2.0], [1.0]), ([0.0], [1.0]), ([math.nan], [1.0]), ([1.0], [math.inf])],
)
def test_what_has_no_ratio_is_refused(above: list[float], below: list[float]) -> None:
    with pytest.raises(ValueError, match="wanted"):
        paired_ratio(above, below)


def test_what_has_no_unpaired_ratio_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one of each"):
        unpaired_ratio([], [1.0])
    assert unpaired_ratio([2.0], [1.0, 1.0]) == Ratio(pytest.approx(2.0), None, 1)


@given(
    st.lists(st.lists(latencies, min_size=1, max_size=9), min_size=LEAST_PAIRS, max_size=12),
    st.sampled_from([0, 5, 50, 95, 100]),
)
@settings(deadline=None, max_examples=60)
def test_percentiles_of_draws_are_those_of_the_runs_themselves(
    blocks: list[list[float]], percentile: float
) -> None:
    times = statistics._times_drawn(len(blocks), 0)[:10]
    arrays = [np.sort(np.asarray(block)) for block in blocks]
    wanted = [
        np.percentile(
            np.concatenate([np.repeat(array, int(often)) for array, often in zip(arrays, row, strict=True)]),
            percentile,
        )
        for row in times
    ]
    np.testing.assert_allclose(statistics._pooled_percentiles(arrays, times, percentile), wanted, rtol=1e-9)


@given(
    st.lists(st.lists(latencies, min_size=1, max_size=30), min_size=1, max_size=12),
    st.sampled_from([50, 95]),
    st.floats(0.1, 10),
)
@settings(deadline=None, max_examples=60)
def test_an_interval_holds_the_percentile_scales_with_it_and_needs_blocks(
    blocks: list[list[float]], percentile: float, scale: float
) -> None:
    interval = percentile_interval(blocks, percentile)
    assert (interval is None) == (len(blocks) < LEAST_PAIRS)
    if interval is None:
        return
    assert interval.low <= np.percentile(np.concatenate(blocks), percentile) <= interval.high
    scaled = percentile_interval([[scale * value for value in block] for block in blocks], percentile)
    assert scaled is not None
    assert (scaled.low, scaled.high) == pytest.approx((scale * interval.low, scale * interval.high))


@pytest.mark.parametrize("blocks", [[], [[1.0], []]])
def test_blocks_without_a_run_are_refused(blocks: list[list[float]]) -> None:
    with pytest.raises(ValueError, match="at least one run"):
        percentile_interval(blocks, 50)


def test_blocks_of_very_many_runs_take_no_time_and_lose_nothing_that_counts() -> None:
    rng = np.random.default_rng(0)
    levels = rng.normal(4, 0.1, 8)
    blocks = [level + rng.exponential(0.2, 30_000 if number else 3) for number, level in enumerate(levels)]
    thin = [np.sort(block)[::10] for block in blocks]
    exact, thinned = percentile_interval(blocks, 50), percentile_interval(thin, 50)
    assert exact is not None
    assert thinned is not None
    assert (exact.low, exact.high) == pytest.approx((thinned.low, thinned.high), rel=2e-3)


@pytest.mark.parametrize(("count", "least"), [(6, 0.88), (10, 0.89), (20, 0.90)])
def test_an_interval_of_blocks_with_luck_covers_the_truth(count: int, least: float) -> None:
    rng = np.random.default_rng(count)
    covered = 0
    for _ in range(200):
        blocks = np.exp(rng.normal(0, 0.02, (count, 1)) + rng.normal(0, 0.01, (count, 40)))
        interval = percentile_interval(blocks.tolist(), 50)
        assert interval is not None
        covered += interval.low <= 1.0 <= interval.high
    assert covered / 200 >= least


@pytest.mark.parametrize(
    ("freedom", "point"), [(3, 3.1824), (5, 2.5706), (9, 2.2622), (19, 2.0930), (1000, 1.9623)]
)
def test_students_points_are_those_of_published_tables(freedom: float, point: float) -> None:
    assert statistics._student_z(freedom) == pytest.approx(point, rel=2e-3)
