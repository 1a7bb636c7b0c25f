"""Pages of training runs that nobody trained: what tests of those pages share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hangtag.metrics import evaluate
from hangtag.stress_report import StressReport, StressRow
from hangtag_train.history import HistoryRow
from hangtag_train.mistakes import Mistake
from hangtag_train.run_page import RunPage

HOSTILE = (
    "<script>alert(1)</script>",
    "$x_1$",
    '"><img src=x onerror=alert(1)>',
    "</style><b>",
    "帽子 \u202e&amp;",
)


def history(*phases: str, waiting: float = 0.0) -> list[HistoryRow]:
    """Return a history of one epoch per phase named, each a little better than the one before."""
    return [
        HistoryRow(phase, number + 1, 1 / (number + 1), 0.8, 0.9, 0.7 + 0.01 * number, 90.0, waiting, 1e-3)
        for number, phase in enumerate(phases)
    ]


def a_page(labels: Sequence[str], mistakes: Sequence[Mistake] | None = (), **changes: object) -> RunPage:
    """Return the page of a run with three validation photos of each label, the first of them called wrong."""
    count = len(labels)
    scores = np.full((3 * count, count), 0.01)
    scores[np.arange(3 * count), np.arange(3 * count) % count] = 1 - 0.01 * (count - 1)
    targets = np.arange(3 * count) % count
    targets[0] = 1
    stress = StressReport(3 * count, 0, 0.9, (StressRow("tilt 15°", "tilt", "15°", 1, 0.8),))
    values = {
        "settings": {
            "data": "/photos/of mine",
            "dataset_sha256": "ab" * 32,
            "photos": {"train": 18, "validation": 3 * count},
            "skipped": ["train/a/bad.jpg is empty (0 bytes)"],
            "source": {"kind": "folder"},
            "versions": {"python": "3.11.7"},
            "recipe": {
                "name": "tiny", "model_name": "shapes", "backbone": "small-cnn", "size_px": 28,
                "stop_at_top1": None, "augmentation": {"flip": 0.5},
            },
        },
        "history": history("head", "fine-tune", "fine-tune", "fine-tune", waiting=0.25),
        "evaluations": {"validation": evaluate(scores, targets, labels, resamples=20)},
        "mistakes": mistakes,
        "stress": stress,
    }  # fmt: skip
    return RunPage(**{**values, **changes})
