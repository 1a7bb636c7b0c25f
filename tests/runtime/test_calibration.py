"""Thresholds under which a frame is unknown."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hangtag.calibration import refitted_threshold, unknown_threshold


@pytest.mark.parametrize(("best", "threshold"), [(0.99998, 0.5), (0.5, 0.5), (0.45678, 0.4567), (0.3, 0.3)])
def test_a_threshold_is_rounded_down_and_never_above_a_half(best: float, threshold: float) -> None:
    scores = np.array([[best, *[(1 - best) / 9] * 9]] * 9)
    assert unknown_threshold(scores) == pytest.approx(threshold, abs=1e-9)
    assert unknown_threshold(scores) <= best


def _scores(best: list[float]) -> np.ndarray:
    return np.array([[value, 1 - value] if value >= 0.5 else [value, value / 2] for value in best])


bests = st.lists(st.floats(0.05, 0.99), min_size=1, max_size=40)


@given(bests, st.integers(0, 100))
def test_a_model_that_is_the_same_keeps_its_threshold(best: list[float], per_cent: int) -> None:
    assert refitted_threshold(per_cent / 100, _scores(best), _scores(best)) == per_cent / 100


@given(
    st.lists(st.tuples(st.floats(0.3, 0.9), st.integers(77, 230)), min_size=1, max_size=40), st.floats(0, 1)
)
def test_as_many_photos_are_unknown_as_before_or_as_nearly_as_equal_scores_allow(
    pairs: list[tuple[float, int]], threshold: float
) -> None:
    before, after = _scores([was for was, _ in pairs]), _scores([now / 256 for _, now in pairs])
    refused = (before.max(axis=1) < threshold).sum()
    fitted = refitted_threshold(threshold, before, after)
    highest = max(threshold, 0.5)
    assert 0 <= fitted <= highest
    levels = [*(level / 512 for level in range(513) if level / 512 <= highest), highest]
    possible = [(after.max(axis=1) < level).sum() for level in levels]
    assert abs((after.max(axis=1) < fitted).sum() - refused) == min(
        abs(count - refused) for count in possible
    )


def test_the_threshold_moves_with_the_scores() -> None:
    before = _scores([0.31, 0.42, 0.58, 0.97])
    assert refitted_threshold(0.5, before, before - 0.1) == pytest.approx(0.4, abs=0.01)
    # 0.5 lies between 0.32 and 0.48 no more: what was refused stays refused, what passed passes.
    lower = _scores([0.21, 0.32, 0.48, 0.87])
    assert 0.32 < refitted_threshold(0.5, before, lower) <= 0.48
