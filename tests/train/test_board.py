from __future__ import annotations

from pathlib import Path

import pytest

from hangtag_train.board import Board
from hangtag_train.history import HistoryRow

ROWS = [HistoryRow("fine-tune", epoch, 0.5, 0.6, 0.7, 0.8, 1.5) for epoch in (1, 2, 3)]


def steps_in(folder: Path) -> list[int]:
    import tensorflow as tf

    found = []
    for path in sorted(folder.iterdir()):
        for record in tf.data.TFRecordDataset(str(path)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            found += [event.step] if event.summary.value else []
    return found


def test_a_resumed_run_writes_on_after_what_was_written(tmp_path: Path) -> None:
    first = Board(tmp_path, resumed=False)
    first.write(ROWS[:1])
    first.write(ROWS[:2])
    Board(tmp_path, resumed=True).write(ROWS)
    assert steps_in(tmp_path) == [1, 2, 3]
    Board(tmp_path, resumed=True).write(ROWS[:2])
    assert steps_in(tmp_path) == [1, 2, 3], "what is written stays written"


def test_a_run_that_wrote_nothing_before_writes_all(tmp_path: Path) -> None:
    (tmp_path / "events.out.tfevents.1.machine").write_bytes(b"somebody else's")
    Board(tmp_path, resumed=True).write(ROWS)
    (tmp_path / "events.out.tfevents.1.machine").unlink()
    assert steps_in(tmp_path) == [1, 2, 3]


def test_a_run_that_begins_anew_does_not_look_at_others(tmp_path: Path) -> None:
    Board(tmp_path, resumed=False).write(ROWS[:2])
    Board(tmp_path, resumed=False).write(ROWS[:1])
    assert sorted(steps_in(tmp_path)) == [1, 1, 2]


@pytest.mark.parametrize("lost", [1, 30])
def test_half_an_event_of_a_killed_run_is_written_again(lost: int, tmp_path: Path) -> None:
    Board(tmp_path, resumed=False).write(ROWS[:2])
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-lost])
    Board(tmp_path, resumed=True).write(ROWS)
    path.unlink()
    assert steps_in(tmp_path) == [2, 3]
