"""The page says of every golden case whether the tensor is the same and how far scores are off."""

from __future__ import annotations

import base64
from typing import Any

import cv2
import numpy as np
import pytest
from mobile_contracts import CONTRACTS, model_of
from web.node_process import NodePage, Thrown

from hangtag.classifier import bundled_model
from hangtag.contract import Kernel
from hangtag.golden import GoldenCases
from hangtag.model_file import parse_model
from hangtag.preprocess import Image

_EXACT = [name for name, contract in CONTRACTS.items() if contract.input.kernel is not Kernel.LINEAR]


def _golden(data: bytes) -> GoldenCases:
    golden = parse_model(data, "model").golden
    assert golden is not None
    return golden


def _frame(image: Image) -> dict[str, Any]:
    """A picture as a browser would have decoded it."""
    rgba = cv2.cvtColor(image, cv2.COLOR_BGR2RGBA)
    return {
        "rgba": base64.b64encode(rgba.tobytes()).decode(),
        "width": rgba.shape[1],
        "height": rgba.shape[0],
    }


def _verified(page: NodePage, data: bytes, frames: list[Image], rows: list[list[float | None]]) -> Any:
    return page.call("verify", data, frames=[_frame(frame) for frame in frames], rows=rows)


def _as_it_should(golden: GoldenCases) -> tuple[list[Image], list[list[float | None]]]:
    return [case.image() for case in golden.cases], [list(case.scores) for case in golden.cases]


@pytest.mark.parametrize("case", ["clothing", *_EXACT])
def test_the_golden_tensors_are_the_trainers(node_page: NodePage, case: str) -> None:
    """The digests that Python wrote into the model, with its pixels and scores: everything agrees."""
    data = model_of(case)
    golden = _golden(data)
    wanted = [
        {
            "name": each.name,
            "sameTensor": True,
            "worstDifference": 0,
            "tolerance": golden.score_tolerance,
            "passed": True,
        }
        for each in golden.cases
    ]
    assert _verified(node_page, data, *_as_it_should(golden)) == {"passed": True, "cases": wanted}


def test_another_pixel_and_another_score_are_found(node_page: NodePage) -> None:
    data = bundled_model().data
    golden = _golden(data)
    frames, rows = _as_it_should(golden)
    height, width = frames[1].shape[:2]
    frames[1][height // 2, width // 2] ^= 255
    first, last = rows[0], rows[-1]
    assert first[3] is not None
    first[3] += 2 * golden.score_tolerance
    last[2] = None  # not a number
    found = _verified(node_page, data, frames, rows)
    assert not found["passed"]
    assert [case["passed"] for case in found["cases"]] == [False, False, True, True, False]
    assert [case["sameTensor"] for case in found["cases"]] == [True, False, True, True, True]
    off = [case["worstDifference"] for case in found["cases"]]
    assert off[:4] == [pytest.approx(2 * golden.score_tolerance), 0, 0, 0]
    assert off[4] is None  # JSON has no infinity


def test_scores_within_the_tolerance_pass(node_page: NodePage) -> None:
    data = bundled_model().data
    golden = _golden(data)
    frames, rows = _as_it_should(golden)
    near = [[(score or 0) - 0.9 * golden.score_tolerance for score in row] for row in rows]
    found = _verified(node_page, data, frames, near)
    assert found["passed"]
    worst = [case["worstDifference"] for case in found["cases"]]
    np.testing.assert_allclose(worst, 0.9 * golden.score_tolerance, rtol=1e-6)


def test_fewer_scores_do_not_pass(node_page: NodePage) -> None:
    data = bundled_model().data
    frames, rows = _as_it_should(_golden(data))
    found = _verified(node_page, data, frames, [row[:-1] for row in rows])
    assert not any(case["passed"] for case in found["cases"])


def test_a_kernel_that_cannot_be_exact_is_refused_before(node_page: NodePage) -> None:
    data = model_of("logits")
    with pytest.raises(Thrown, match="by the kernel linear, whose bytes differ"):
        _verified(node_page, data, *_as_it_should(_golden(data)))
