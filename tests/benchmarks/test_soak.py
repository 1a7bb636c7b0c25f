"""A minute in which everything goes wrong; ``python -m hangtag_benchmarks.camera.soak`` takes longer."""

from __future__ import annotations

import pytest

from hangtag import Classifier
from hangtag_benchmarks.camera.faulty_scene import FaultPlan
from hangtag_benchmarks.camera.soak import MOST_RECONNECT_S, soak


@pytest.mark.slow
def test_a_minute_of_faults_leaves_the_loop_as_it_was() -> None:
    report = soak(Classifier.bundled(), 60, fps=15, plan=FaultPlan(disconnect_every_s=13, break_every_s=5))
    assert report.wrong == 0
    assert len(report.reconnect_s) == 4
    assert max(report.reconnect_s) <= MOST_RECONNECT_S
    assert report.summary.counts.rejected > 20
    assert report.summary.counts.outages >= 4
    assert report.stale_reports >= 8
    failing = next(loss for loss in report.summary.losses if loss.name == "failing sink")
    assert failing.failed > 100
    # Within a minute the scene still makes its first visits; the half-hour run looks closer.
    assert report.growth_mb < 40
