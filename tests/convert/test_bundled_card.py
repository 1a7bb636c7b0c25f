"""The bundled model's card says what was measured."""

from __future__ import annotations

import re

import numpy as np
import pytest

from hangtag.calibration import measure_rejection
from hangtag.camera_stress import STRESSES
from hangtag.contract import Calibration, InputSpec, ModelContract, Provenance
from hangtag.errors import GateFailed
from hangtag.metrics import evaluate
from hangtag.stress_report import StressReport, StressRow
from hangtag_convert.bundled import _card, _check, _Measured
from hangtag_convert.formats import Format

LABELS = ("hat", "scarf")


def _measured(right: int) -> _Measured:
    """Forty photos, so many of them right."""
    targets = np.arange(40) % 2
    called = np.where(np.arange(40) < right, targets, 1 - targets)
    evaluation = evaluate(np.eye(2)[called], targets, LABELS, resamples=5)
    return _Measured(evaluation, evaluation, evaluation)


@pytest.fixture
def report() -> StressReport:
    """A report whose figures fall from row to row."""
    rows = [
        StressRow(stress.name, stress.group, stress.level, stress.step, 0.9 - number / 100)
        for number, stress in enumerate(STRESSES[1:], 1)
    ]
    return StressReport(40, 0, 0.9, tuple(rows))


def test_the_card_has_a_row_for_every_stress_and_both_averages(report: StressReport) -> None:
    contract = ModelContract(
        name="clothing",
        labels=LABELS,
        input=InputSpec(width_px=16, height_px=16),
        provenance=Provenance(backbone="small"),
    )
    measured = {Format.FLOAT32: _measured(36), Format.INT8: _measured(36)}
    card = _card(4_000_000, contract, "80 photos", measured, report, rejection=None)
    assert not re.search(r"[{}]", card)
    assert "| int8 | 0.9000 | 0.9000 | 0.9000 |" in card
    for number, row in enumerate(report.rows, 1):
        level = {0: "-", 1: "moderate", 2: "hard", 3: "beyond"}[row.step]
        assert f"| {row.name} | {level} | {0.9 - number / 100:.3f} | {number:.1f} |" in card
    assert f"Moderate level: {report.mean_top1(1):.3f} on average" in card
    assert f"Hard level: {report.mean_top1(2):.3f} on average" in card
    assert f"worst is {report.worst(2).name}" in card


def test_the_card_says_when_the_model_says_unknown(report: StressReport) -> None:
    contract = ModelContract(
        name="clothing",
        labels=LABELS,
        input=InputSpec(width_px=16, height_px=16),
        calibration=Calibration(unknown_threshold=0.5, energy_threshold=2.25),
        provenance=Provenance(backbone="small"),
    )
    measured = {Format.FLOAT32: _measured(36), Format.INT8: _measured(36)}
    assert "was not measured" in _card(1, contract, "80 photos", measured, report, rejection=None)
    known, unknown = np.linspace(2, 6, 40), np.linspace(0, 3, 20)
    rejection = [measure_rejection(known, unknown, at, resamples=20) for at in (2.25, 2.0)]
    card = _card(1, contract, "80 photos", measured, report, rejection=rejection)
    assert "by energy below 2.25, fitted on validation photos" in card
    assert "best score below 0.5" in card
    assert "Of 20 natural pictures without clothes that nothing was chosen on, and 40 test photos" in card
    assert re.search(r"\| 2\.25 \| 92\.5% \(.*\) \| 25\.0% \(.*\) \|\n  \| 2 \| 100\.0%", card)
    assert "was not measured" not in card


@pytest.mark.parametrize(("size_bytes", "right"), [(4_200_001, 36), (4_000_000, 35)])
def test_too_large_or_too_much_lost_is_not_bundled(size_bytes: int, right: int) -> None:
    _check(4_200_000, {Format.FLOAT32: _measured(36), Format.INT8: _measured(36)})
    with pytest.raises(GateFailed, match="at most"):
        _check(size_bytes, {Format.FLOAT32: _measured(36), Format.INT8: _measured(right)})
