"""The history of a run as TensorBoard reads it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hangtag.files import make_folder

if TYPE_CHECKING:
    from hangtag_train.history import HistoryRow

EVENTS = "events.out.tfevents.*.hangtag"
"""The files' names: TensorBoard asks for their beginning, the end says whose they are."""


class Board:
    """Writes an event file: one scalar a figure, over the epochs of both phases.

    An event file is a TFRecord of Event messages; TensorFlow writes it, and only to look at it TensorBoard
    must be installed.
    """

    def __init__(self, folder: Path, *, resumed: bool) -> None:
        """Begin a file; where the run is resumed, after the epochs that the files before it hold."""
        import tensorflow as tf

        make_folder(folder)
        self._written = _last_step(folder) if resumed else 0
        self._event, self._summary = tf.compat.v1.Event, tf.compat.v1.Summary
        self._writer = tf.io.TFRecordWriter(str(folder / EVENTS.replace("*", str(time.time_ns()))))
        self._writer.write(
            self._event(wall_time=time.time(), file_version="brain.Event:2").SerializeToString()
        )

    def write(self, history: Sequence[HistoryRow]) -> None:
        """Write the epochs that were not written yet."""
        for step in range(self._written, len(history)):
            values = [
                self._summary.Value(tag=tag, simple_value=value)
                for tag, value in _figures(history[step]).items()
            ]
            event = self._event(wall_time=time.time(), step=step + 1, summary=self._summary(value=values))
            self._writer.write(event.SerializeToString())
        self._written = max(self._written, len(history))
        self._writer.flush()


def _last_step(folder: Path) -> int:
    """Return the last epoch that event files of ours hold, 0 where there are none."""
    return max((step for path in folder.glob(EVENTS) for step in _steps(path)), default=0)


def _steps(path: Path) -> Iterator[int]:
    import tensorflow as tf

    # A killed run may leave half an event at the end.
    with contextlib.suppress(tf.errors.DataLossError):
        for record in tf.data.TFRecordDataset(str(path)):
            yield int(tf.compat.v1.Event.FromString(record.numpy()).step)


def _figures(row: HistoryRow) -> Mapping[str, float]:
    return {
        "loss/training": row.train_loss,
        "loss/validation": row.validation_loss,
        "top-1/training": row.train_top1,
        "top-1/validation": row.validation_top1,
        "learning rate": row.learning_rate,
        "share of time waiting for photos": row.waiting_share,
    }
