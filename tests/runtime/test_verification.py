"""What is said about golden cases that fail: what differs, how far, what to do."""

from __future__ import annotations

import importlib.metadata

import cv2
import pytest

from hangtag.verification import CaseResult, failure

_LITERT = f"ai-edge-litert {importlib.metadata.version('ai-edge-litert')}"
_TOLERANCE = 0.25


def _case(difference: float, *, same_tensor: bool = True, tolerance: float = _TOLERANCE) -> CaseResult:
    return CaseResult("golden", same_tensor, difference, tolerance)


@pytest.mark.parametrize("results", [[], [_case(0.0), _case(_TOLERANCE)]], ids=["none", "all passed"])
def test_nothing_is_said_where_nothing_failed(results: list[CaseResult]) -> None:
    assert failure(results, "litert") is None


@pytest.mark.parametrize(
    ("results", "engine", "said"),
    [
        (
            [_case(0.5), _case(0.0), _case(0.75)],
            "litert",
            (_LITERT, "2 of 3", "up to 0.750000", "0.250000 is allowed (3.0 times", "hangtag doctor"),
        ),
        ([_case(0.5)], "tflite-runtime", ("tflite-runtime", "1 of 1", "(2.0 times", "--engine litert")),
        (
            [_case(0.5, tolerance=0.0)],
            "litert",
            (
                _LITERT,
                "0.500000 where 0.000000 is allowed;",
            ),
        ),
        (
            [_case(0.5), _case(0.0, same_tensor=False)],
            "litert",
            ("does not prepare what the trainer did", "2 of 2", f"OpenCV {cv2.__version__}", "other pixels"),
        ),
    ],
    ids=["other scores", "an engine that need not be", "no tolerance", "other pixels"],
)
def test_one_line_says_what_differs_how_far_and_what_to_do(
    results: list[CaseResult], engine: str, said: tuple[str, ...]
) -> None:
    line = failure(results, engine)
    assert line is not None
    assert "\n" not in line
    assert [phrase for phrase in said if phrase not in line] == []
