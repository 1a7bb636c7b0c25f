"""What stands still in the browser is what stands still in Python, frame by frame."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from web.node_process import NodePage, Thrown

from hangtag.classifier import Prediction, Scores, rank
from hangtag.contract import Calibration, InputSpec, ModelContract
from hangtag.decision import Decider
from hangtag.defaults import HOLD_S, SMOOTHING_S

_LABELS = ("dress", "unknown", "constructor", "__proto__")

Frame = tuple[float, list[float], bool]
"""When it belongs, its scores, and whether everything is forgotten before it."""


class _Ranker:
    """Ranks as a classifier does, without a model."""

    def __init__(self, threshold: float | None) -> None:
        self.contract = ModelContract(
            labels=_LABELS,
            input=InputSpec(width_px=8, height_px=8),
            calibration=Calibration(unknown_threshold=threshold),
        )

    def predict(self, scores: Scores, *, top: int, energy: float | None) -> Prediction:
        return rank(scores, self.contract, top, energy)


def _asked(page: NodePage, ranker: _Ranker, frames: list[Frame], **options: float) -> list[dict[str, Any]]:
    told = [{"time_s": time_s, "scores": scores, "reset": reset} for time_s, scores, reset in frames]
    plain = json.loads(ranker.contract.to_json())
    decisions: list[dict[str, Any]] = page.call("decide", contract=plain, options=options, frames=told)
    return decisions


def _expected(ranker: _Ranker, frames: list[Frame], **options: Any) -> list[dict[str, Any]]:
    decider, decisions = Decider(ranker, **options), []
    for time_s, scores, reset in frames:
        if reset:
            decider.reset()
        decision = decider.decide(np.array(scores), time_s)
        shown = decision.prediction
        decisions.append(
            {
                "label": shown.label,
                "score": pytest.approx(shown.score, abs=1e-12),
                "top": [[label, pytest.approx(score, abs=1e-12)] for label, score in shown.top],
                "unknown": shown.unknown,
                "changed": decision.changed,
                "since_s": decision.since_s,
            }
        )
    return decisions


def _first_difference(found: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> tuple[Any, ...] | None:
    """The first frame that is decided otherwise; None where there is none."""
    for number, (one, other) in enumerate(zip(found, wanted, strict=True)):
        if one != other:
            return number, one, other
    return None


_row = st.lists(st.integers(0, 100), min_size=len(_LABELS), max_size=len(_LABELS)).map(
    lambda row: [hundredths / 100 for hundredths in row]
)
# A camera's frames: some close together, some late, now and then a clip that begins again or a reset.
_gap = st.sampled_from([0.0, 1 / 60, 1 / 30, 0.05, 0.1, 0.2, 1.0, -0.5])


@st.composite
def _clips(draw: st.DrawFn) -> list[Frame]:
    frames, time_s = [], 0.0
    # Scores stay for a while, so that labels come to stand.
    for scores, times in draw(st.lists(st.tuples(_row, st.integers(1, 6)), min_size=1, max_size=6)):
        for _ in range(times):
            time_s = max(0.0, time_s + draw(_gap))
            frames.append((time_s, scores, draw(st.integers(0, 30)) == 0))
    return frames


@settings(deadline=None, max_examples=300)
@given(
    frames=_clips(),
    threshold=st.sampled_from([None, 0.3, 0.55, 0.9]),
    smoothing_s=st.sampled_from([0.0, 0.05, 0.3]),
    hold_s=st.sampled_from([0.0, 0.1, 0.4]),
    top=st.integers(1, 4),
)
def test_every_decision_is_pythons(
    node_page: NodePage,
    frames: list[Frame],
    threshold: float | None,
    smoothing_s: float,
    hold_s: float,
    top: int,
) -> None:
    options = {"smoothing_s": smoothing_s, "hold_s": hold_s, "top": top}
    ranker = _Ranker(threshold)
    found = _asked(node_page, ranker, frames, **options)
    assert _first_difference(found, _expected(ranker, frames, **options)) is None


def test_a_long_clip_with_the_default_times(node_page: NodePage) -> None:
    rng, frames = np.random.default_rng(4), []
    shown = rng.integers(0, len(_LABELS), 40).repeat(25)
    for number, label in enumerate(shown):
        scores = rng.dirichlet(np.where(np.arange(len(_LABELS)) == label, 4.0, 1.0))
        frames.append((number / 30, scores.tolist(), False))
    decisions = _asked(node_page, _Ranker(0.4), frames)
    assert _first_difference(decisions, _expected(_Ranker(0.4), frames)) is None
    assert 20 < sum(decision["changed"] for decision in decisions) < 200
    assert {decision["label"] for decision in decisions if not decision["unknown"]} == set(_LABELS)
    assert any(decision["unknown"] for decision in decisions)


def test_the_default_times_are_pythons(node_page: NodePage) -> None:
    assert node_page.call("defaults") == [SMOOTHING_S, HOLD_S]


@pytest.mark.parametrize("name", ["smoothing_s", "hold_s"])
@pytest.mark.parametrize("bad", [-0.1, "soon"])
def test_times_that_make_no_sense_are_refused(node_page: NodePage, name: str, bad: Any) -> None:
    with pytest.raises(Thrown, match=f"{name} is {bad}; wanted 0 or more seconds"):
        _asked(node_page, _Ranker(None), [], **{name: bad})
