"""The page of a conversion is whole, safe whatever it is made of, and says what the record says."""

from __future__ import annotations

import html.parser
from pathlib import Path

import numpy as np
import pytest

from hangtag.comparison import compare
from hangtag.contract import Calibration, InputSpec, ModelContract
from hangtag.labelled_folder import LabelledFolder, LabelledPhoto
from hangtag_convert.formats import Format
from hangtag_convert.gate import Judged
from hangtag_convert.layers import LayerError
from hangtag_convert.page import render
from hangtag_convert.record import Attempt, Conversion, Outcome
from hangtag_convert.yardstick import Yardstick

HOSTILE = "<script>alert(1)</script>"
LABELS = (HOSTILE, 'b" onclick="x', "hat & scarf")


class _Tags(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not [name for name, _ in attrs if name.startswith("on")]
        self.seen.add(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def _conversion(*, passed: bool, photos: int = 6) -> Conversion:
    contract = ModelContract(
        name="net",
        labels=LABELS,
        input=InputSpec(width_px=8, height_px=8),
        calibration=Calibration(unknown_threshold=0.4),
    )
    targets = np.arange(photos) % 3
    before = np.eye(3)[targets] * 0.8 + 0.1
    after = before if passed else np.roll(before, 1, axis=0)
    folder = LabelledFolder(
        Path("data/validation"),
        LABELS,
        tuple(LabelledPhoto(Path(f"data/validation/{HOSTILE}/{n}.jpg"), n % 3) for n in range(photos)),
    )
    compared = compare(before, after, targets, LABELS)
    outcome = Outcome(
        judged=Judged(Format.INT8, b"", contract, compared, 0.5),
        data=bytes(1_500_000),
        calibration="ranges by mse of 9 photos",
        attempts=(Attempt("plain", 4.0), Attempt("ranges by mse of 9 photos", None)),
        layers=(LayerError(f"odd {HOSTILE}", "CONV_2D", 0.5, 0.25),),
    )
    return Conversion(contract, Yardstick(folder), 1.0, 0.5, (outcome,), {"python": "3"})


@pytest.mark.parametrize("passed", [True, False])
def test_a_page_is_whole_and_runs_nothing(passed: bool) -> None:
    page = render(_conversion(passed=passed), report="report.html")
    tags = _Tags()
    tags.feed(page)
    assert tags.open == []
    assert not tags.seen & {"script", "iframe", "object", "link", "form", "a", "img"}
    assert HOSTILE not in page
    assert "report.html" in page


def test_it_says_what_was_lost_where_and_what_was_tried() -> None:
    page = render(_conversion(passed=False))
    for said in (
        "Kept back: int8 loses 100.00 points of top-1 (1.0000 to 0.0000 on 6 photos)",
        "6 pictures change their label",
        "plain: 4.00 points lost; ranges by mse of 9 photos: nothing measured",
        "1.50",
        "25.0\N{NO-BREAK SPACE}%",
    ):
        assert said in page, said


def test_what_kept_every_label_says_so() -> None:
    page = render(_conversion(passed=True))
    assert "Every picture keeps its label." in page
    assert "Kept back" not in page


def test_without_photos_nothing_is_said_about_accuracy() -> None:
    result = _conversion(passed=True)
    frames = Yardstick(frames=(np.zeros((4, 4, 3), np.uint8),) * 6)
    scores = np.eye(3)[np.arange(6) % 3]
    judged = Judged(Format.INT8, b"", result.contract, compare(scores, scores, None, LABELS), 0.5)
    outcome = Outcome(judged, b"", None, (Attempt("plain", None),), ())
    page = render(Conversion(result.contract, frames, None, 0.5, (outcome,), {}))
    assert "6 rendered garments: there are no photos" in page
    assert "By label" not in page
