"""The history of a run as TensorBoard reads it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hangtag_train.history import HistoryRow


class Board:
    """Writes event files: one scalar a figure, over the epochs of both phases."""

    def __init__(self, folder: Path) -> None:
        import tensorflow as tf

        self._scalar = tf.summary.scalar
        self._writer = tf.summary.create_file_writer(str(folder))
        self._written = 0

    def write(self, history: Sequence[HistoryRow]) -> None:
        """Write the epochs that were not written yet."""
        with self._writer.as_default():
            for step in range(self._written, len(history)):
                row = history[step]
                self._scalar("loss/training", row.train_loss, step + 1)
                self._scalar("loss/validation", row.validation_loss, step + 1)
                self._scalar("top-1/training", row.train_top1, step + 1)
                self._scalar("top-1/validation", row.validation_top1, step + 1)
                self._scalar("learning rate", row.learning_rate, step + 1)
                self._scalar("share of time waiting for photos", row.waiting_share, step + 1)
        self._written = len(history)
        self._writer.flush()
