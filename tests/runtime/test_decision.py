"""A label stands still until another one has been ahead for a while; time counts, not frames."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hangtag.classifier import Prediction, Scores, rank
from hangtag.contract import Calibration, InputSpec, ModelContract
from hangtag.decision import Decider

LABELS = ("dress", "hat", "shirt")


class _Ranker:
    """Ranks as a classifier does, without a model."""

    def __init__(self, threshold: float | None = None, energy_threshold: float | None = None) -> None:
        self.contract = ModelContract(
            labels=LABELS,
            input=InputSpec(width_px=8, height_px=8),
            calibration=Calibration(unknown_threshold=threshold, energy_threshold=energy_threshold),
        )

    def predict(self, scores: Scores, *, top: int, energy: float | None) -> Prediction:
        return rank(scores, self.contract, top, energy)


def sure_of(label: str | None) -> Scores:
    """Scores of a frame that clearly shows a label, or nothing that is known."""
    if label is None:
        return np.full(3, 1 / 3)
    return np.array([0.9 if label == known else 0.05 for known in LABELS])


def shown(decider: Decider, seen: list[tuple[float, str | None]]) -> list[str]:
    return [decider.decide(sure_of(label), time_s).prediction.shown for time_s, label in seen]


def test_without_smoothing_each_frame_stands_for_itself() -> None:
    decider = Decider(_Ranker(0.5), smoothing_s=0, hold_s=0)
    seen: list[tuple[float, str | None]] = [(0, "hat"), (0.1, "dress"), (0.2, None), (0.3, "hat")]
    assert shown(decider, seen) == ["hat", "dress", "unknown", "hat"]


def test_a_single_odd_frame_changes_nothing() -> None:
    decider = Decider(_Ranker(), smoothing_s=0, hold_s=0.1)
    seen: list[tuple[float, str | None]] = [(n / 30, "dress" if n == 15 else "hat") for n in range(30)]
    assert set(shown(decider, seen)) == {"hat"}


@pytest.mark.parametrize("fps", [5, 10, 30, 120])
def test_a_change_is_shown_after_the_hold_whatever_the_frame_rate(fps: int) -> None:
    decider = Decider(_Ranker(), smoothing_s=0, hold_s=0.3)
    decisions = [decider.decide(sure_of("hat" if n < fps else "dress"), n / fps) for n in range(3 * fps)]
    (change,) = [n for n, decision in enumerate(decisions) if decision.changed and n > 0]
    assert 0.3 <= change / fps - 1 < 0.3 + 1 / fps + 1e-9
    assert decisions[change].since_s == change / fps
    assert decisions[-1].prediction.label == "dress"
    assert decisions[-1].since_s == change / fps


def test_two_labels_that_take_turns_do_not_add_up() -> None:
    decider = Decider(_Ranker(), smoothing_s=0, hold_s=0.2)
    turns = ("dress", "shirt")
    seen: list[tuple[float, str | None]] = [(0, "hat"), *((n / 30, turns[n % 2]) for n in range(1, 30))]
    assert set(shown(decider, seen)) == {"hat"}


def test_the_smoothing_is_a_low_pass_of_the_given_time_constant() -> None:
    decider = Decider(_Ranker(), smoothing_s=0.5, hold_s=0)
    decider.decide(np.array([0.0, 1.0, 0.0]), 0.0)
    after = decider.decide(np.array([1.0, 0.0, 0.0]), 0.5).prediction
    assert after.label == "dress"
    assert after.score == pytest.approx(1 - math.exp(-1))
    assert dict(after.top)["hat"] == pytest.approx(math.exp(-1))


@given(st.lists(st.floats(0.001, 1), min_size=1, max_size=20), st.floats(0.01, 5))
def test_how_often_is_looked_makes_no_difference_to_the_smoothing(gaps: list[float], tau: float) -> None:
    often, once = (Decider(_Ranker(), smoothing_s=tau, hold_s=0) for _ in range(2))
    for decider in (often, once):
        decider.decide(sure_of("hat"), 0.0)
    time_s = 0.0
    for gap in gaps:
        time_s += gap
        last = often.decide(sure_of("dress"), time_s)
    np.testing.assert_allclose(
        [score for _, score in sorted(last.prediction.top)],
        [score for _, score in sorted(once.decide(sure_of("dress"), time_s).prediction.top)],
        atol=1e-9,
    )


def test_what_stands_keeps_its_own_score_while_another_is_ahead() -> None:
    decider = Decider(_Ranker(), smoothing_s=0, hold_s=1)
    decider.decide(sure_of("hat"), 0)
    prediction = decider.decide(sure_of("dress"), 0.1).prediction
    assert (prediction.label, prediction.score) == ("hat", 0.05)
    assert prediction.top[0] == ("dress", 0.9)


def test_unknown_is_held_like_any_label() -> None:
    decider = Decider(_Ranker(0.5), smoothing_s=0, hold_s=0.2)
    seen: list[tuple[float, str | None]] = [(0, None), (0.1, "hat"), (0.2, "hat"), (0.35, "hat"), (0.4, None)]
    assert shown(decider, seen) == ["unknown", "unknown", "unknown", "hat", "hat"]


def test_what_is_unknown_is_decided_by_the_energy_smoothed_as_the_scores_are() -> None:
    decider = Decider(_Ranker(0.99, energy_threshold=2.0), smoothing_s=0.5, hold_s=0)
    first = decider.decide(sure_of("hat"), 0.0, 4.0).prediction
    assert (first.shown, first.energy) == ("hat", 4.0)
    # One frame without a garment weighs as much as the low-pass lets it: 4 - 0.18 * 4.
    second = decider.decide(sure_of(None), 0.1, 0.0).prediction
    assert second.energy == pytest.approx(4 * math.exp(-0.2))
    assert second.shown == "hat"
    for frame in range(2, 5):
        last = decider.decide(sure_of("hat"), frame / 10, 0.0).prediction
    assert last.energy == pytest.approx(4 * math.exp(-0.8))
    assert last.shown == "unknown"


def test_without_smoothing_the_energy_is_the_frames_own() -> None:
    decider = Decider(_Ranker(energy_threshold=2.0), smoothing_s=0, hold_s=0)
    shown = [decider.decide(sure_of("hat"), n / 10, energy).prediction for n, energy in enumerate((3.0, 1.0))]
    assert [(one.shown, one.energy) for one in shown] == [("hat", 3.0), ("unknown", 1.0)]


def test_after_a_reset_the_energy_begins_anew() -> None:
    decider = Decider(_Ranker(energy_threshold=2.0), smoothing_s=5, hold_s=0)
    decider.decide(sure_of("hat"), 0, 9.0)
    decider.reset()
    assert decider.decide(sure_of("hat"), 0.1, 1.0).prediction.unknown


def test_scores_without_the_energy_that_decides_are_refused() -> None:
    with pytest.raises(ValueError, match="decides by the energy"):
        Decider(_Ranker(0.5, energy_threshold=2.0)).decide(sure_of("hat"), 0)


def test_a_label_called_unknown_is_a_label() -> None:
    ranker = _Ranker(0.5)
    ranker.contract = ranker.contract.replace(labels=("unknown", "hat", "shirt"))
    decider = Decider(ranker, smoothing_s=0, hold_s=0)
    assert decider.decide(sure_of("hat"), 0).prediction.label == "hat"


def test_after_a_reset_the_next_frame_stands_at_once() -> None:
    decider = Decider(_Ranker(), smoothing_s=5, hold_s=5)
    decider.decide(sure_of("hat"), 0)
    decider.reset()
    decision = decider.decide(sure_of("dress"), 0.1)
    assert (decision.prediction.label, decision.prediction.score) == ("dress", 0.9)
    assert decision.changed


def test_a_clip_that_begins_again_begins_anew() -> None:
    decider = Decider(_Ranker(), smoothing_s=5, hold_s=5)
    assert shown(decider, [(0, "hat"), (9, "hat"), (0, "dress")])[-1] == "dress"


@given(
    st.lists(
        st.tuples(st.floats(0, 0.5), st.lists(st.floats(0, 1), min_size=3, max_size=3)),
        min_size=1,
        max_size=30,
    ),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_what_stands_was_ahead_for_the_hold(
    frames: list[tuple[float, list[float]]], tau: float, hold_s: float
) -> None:
    """Whatever comes: a change needs the new leader ahead all through the hold, and the same input again
    gives the same decisions."""
    ranker = _Ranker(0.5)
    decider, again = (Decider(ranker, smoothing_s=tau, hold_s=hold_s) for _ in range(2))
    time_s, leaders = 0.0, []
    for gap, row in frames:
        time_s += gap
        scores = np.array(row)
        decision = decider.decide(scores, time_s)
        assert decision == again.decide(scores, time_s)
        leading = Prediction(*decision.prediction.top[0], decision.prediction.top, unknown=False)
        leaders.append((time_s, None if leading.score < 0.5 else leading.label))
        if decision.changed and len(leaders) > 1:
            stands = None if decision.prediction.unknown else decision.prediction.label
            held = [leader for when, leader in leaders if when > time_s - hold_s + 1e-9]
            assert {*held, leaders[-1][1]} == {stands}


@pytest.mark.parametrize("bad", [-0.1, math.inf, math.nan])
def test_times_that_make_no_sense_are_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="smoothing_s"):
        Decider(_Ranker(), smoothing_s=bad)
    with pytest.raises(ValueError, match="hold_s"):
        Decider(_Ranker(), hold_s=bad)
