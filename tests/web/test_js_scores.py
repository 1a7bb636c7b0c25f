"""Scores and their ranking in the browser are those of hangtag.classifier."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from web.node_process import NodePage, Thrown

from hangtag.classifier import rank, to_scores
from hangtag.contract import Calibration, InputSpec, ModelContract, OutputKind, OutputSpec, TensorFormat

_TENSORS = (
    TensorFormat(),
    TensorFormat(dtype="uint8", scale=1 / 256),
    TensorFormat(dtype="uint8", scale=0.0173, zero_point=101),
    TensorFormat(dtype="int8", scale=1 / 256, zero_point=-128),
    TensorFormat(dtype="int16", scale=1 / 32768),
)


def _contract(labels: int, threshold: float | None = None, energy: float | None = None) -> ModelContract:
    return ModelContract(
        labels=tuple(f"label {number}" for number in range(labels)),
        input=InputSpec(width_px=8, height_px=8),
        calibration=Calibration(unknown_threshold=threshold, energy_threshold=energy),
    )


def _plain(contract: ModelContract) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(contract.to_json())
    return plain


def _scores(page: NodePage, output: npt.NDArray[Any], spec: OutputSpec) -> list[float]:
    found: list[float] = page.call("scores", output.tobytes(), spec=dataclasses.asdict(spec))
    return found


def _outputs(tensor: TensorFormat, units: int) -> st.SearchStrategy[npt.NDArray[Any]]:
    if tensor.scale is None:
        numbers: st.SearchStrategy[Any] = st.floats(-2000, 2000, width=32)
    else:
        limits = np.iinfo(tensor.dtype)
        numbers = st.integers(int(limits.min), int(limits.max))
    return st.lists(numbers, min_size=units, max_size=units).map(lambda row: np.array(row, tensor.dtype))


@pytest.mark.parametrize("kind", [OutputKind.SOFTMAX, OutputKind.SIGMOID])
@pytest.mark.parametrize("tensor", _TENSORS, ids=lambda tensor: f"{tensor.dtype}-{tensor.zero_point}")
@settings(deadline=None, max_examples=50)
@given(data=st.data())
def test_stored_scores_stand_for_the_same_numbers(
    node_page: NodePage, kind: OutputKind, tensor: TensorFormat, data: st.DataObject
) -> None:
    spec = OutputSpec(kind=kind, tensor=tensor)
    output = data.draw(_outputs(tensor, 1 if kind is OutputKind.SIGMOID else 5))
    assert _scores(node_page, output, spec) == to_scores(output, spec).tolist()


@pytest.mark.parametrize("tensor", _TENSORS, ids=lambda tensor: f"{tensor.dtype}-{tensor.zero_point}")
@settings(deadline=None, max_examples=50)
@given(data=st.data())
def test_logits_become_the_same_probabilities(
    node_page: NodePage, tensor: TensorFormat, data: st.DataObject
) -> None:
    spec = OutputSpec(kind=OutputKind.LOGITS, tensor=tensor)
    output = data.draw(_outputs(tensor, 5))
    np.testing.assert_allclose(_scores(node_page, output, spec), to_scores(output, spec), rtol=1e-12)


@pytest.mark.parametrize("kind", OutputKind)
@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_scores_that_are_no_numbers_are_refused(node_page: NodePage, kind: OutputKind, number: float) -> None:
    output = np.array([0.25, number] if kind is not OutputKind.SIGMOID else [number], np.float32)
    with pytest.raises(Thrown, match="not finite numbers") as caught:
        _scores(node_page, output, OutputSpec(kind=kind))
    assert caught.value.kind == "ModelError"


def test_a_sigmoid_of_two_numbers_is_refused(node_page: NodePage) -> None:
    with pytest.raises(Thrown, match="computes 2 numbers"):
        _scores(node_page, np.zeros(2, np.float32), OutputSpec(kind=OutputKind.SIGMOID))


def _same_rank(page: NodePage, scores: list[float], contract: ModelContract, top: int) -> None:
    found = page.call("rank", scores=scores, contract=_plain(contract), top=top)
    # The page goes by the score where Python, which sees the logits, would go by the energy.
    by_score = contract.replace(
        calibration=Calibration(unknown_threshold=contract.calibration.unknown_threshold)
    )
    wanted = rank(np.array(scores), by_score, top)
    assert found == {
        "label": wanted.label,
        "score": wanted.score,
        "top": [list(pair) for pair in wanted.top],
        "unknown": wanted.unknown,
    }


@settings(deadline=None, max_examples=200)
@given(
    # Few different scores, so that many are equal.
    scores=st.lists(st.integers(0, 8).map(lambda eighths: eighths / 8), min_size=1, max_size=12),
    top=st.integers(1, 14),
    threshold=st.none() | st.integers(0, 8).map(lambda eighths: eighths / 8),
    energy=st.none() | st.floats(-5, 5),
)
def test_labels_are_ranked_and_doubted_as_in_python(
    node_page: NodePage, scores: list[float], top: int, threshold: float | None, energy: float | None
) -> None:
    _same_rank(node_page, scores, _contract(len(scores), threshold, energy), top)


def test_as_many_labels_as_a_model_may_have(node_page: NodePage) -> None:
    rng = np.random.default_rng(3)
    _same_rank(node_page, (rng.integers(0, 500, 100_000) / 500).tolist(), _contract(100_000), 5)


@pytest.mark.parametrize("count", [0, 2, 4])
def test_another_number_of_scores_is_refused(node_page: NodePage, count: int) -> None:
    with pytest.raises(Thrown, match=f"computes {count} scores; the contract has 3 labels") as caught:
        node_page.call("rank", scores=[0.5] * count, contract=_plain(_contract(3)), top=1)
    assert caught.value.kind == "ModelError"


@pytest.mark.parametrize("top", [0, -1, None])
def test_a_ranking_of_nothing_is_refused(node_page: NodePage, top: int | None) -> None:
    with pytest.raises(Thrown, match="wanted 1 or more"):
        node_page.call("rank", scores=[0.5], contract=_plain(_contract(1)), top=top)
