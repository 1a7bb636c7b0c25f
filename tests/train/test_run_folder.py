from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from hangtag.errors import OutputError, TrainingError
from hangtag_train.history import HistoryRow
from hangtag_train.run_folder import RunFolder, versions

HOLD = """
import sys
from pathlib import Path
from hangtag_train.run_folder import RunFolder
with RunFolder(Path(sys.argv[1])).locked():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_two_processes_do_not_write_into_one_folder(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        with pytest.raises(TrainingError, match="another training is writing into"), folder.locked():
            pytest.fail("two hold the lock")
        child.kill()  # as a crash would, without a chance to tidy up
        child.wait()
        with folder.locked():
            assert (tmp_path / ".lock").exists()


def test_the_lock_is_given_back(tmp_path: Path) -> None:
    for _ in range(2):
        with RunFolder(tmp_path).locked():
            pass


def test_a_lock_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / ".lock").mkdir()
    with pytest.raises(OutputError, match=r"cannot write .*\.lock"), RunFolder(tmp_path).locked():
        pytest.fail("nothing is locked")


@pytest.mark.parametrize(
    ("there", "resume", "overwrite", "message"),
    [
        ((), False, False, None),
        ((), True, False, "holds no interrupted run to resume"),
        ((), False, True, None),
        (("run.json",), False, False, "holds a finished run: choose another --out, or .* --overwrite"),
        (("run.json",), True, False, "holds a finished run"),
        (("run.json",), False, True, None),
        (("training_state.npz",), False, False, "holds an interrupted run: go on with --resume, or .*"),
        (("training_state.npz",), True, False, None),
        (("training_state.npz",), False, True, None),
        ((".lock",), True, False, None),
        ((".lock",), False, False, None),
    ],
)
def test_what_may_be_written_over(
    there: tuple[str, ...], resume: bool, overwrite: bool, message: str | None, tmp_path: Path
) -> None:
    for name in there:
        (tmp_path / name).write_text("kept")
    folder = RunFolder(tmp_path)
    if message is None:
        folder.prepare(resume=resume, overwrite=overwrite)
    else:
        with pytest.raises(TrainingError, match=message):
            folder.prepare(resume=resume, overwrite=overwrite)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(there), "nothing is touched yet"


def test_clearing_drops_what_no_longer_holds_and_nothing_else(tmp_path: Path) -> None:
    gone = (
        "run.json", "metrics.json", "contract.json", "training_state.npz", "history.csv", "curves.png",
        "report.html", "shapes-int8.tflite",
    )  # fmt: skip
    for name in (*gone, "notes.txt"):
        (tmp_path / name).write_text("x")
    (tmp_path / "tensorboard").mkdir()
    (tmp_path / "tensorboard" / "events").write_text("x")
    RunFolder(tmp_path).clear()
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_the_history_is_a_table(tmp_path: Path) -> None:
    row = HistoryRow("fine-tune", 1, 0.5, 0.6, 0.7, 0.8, 1.5, 0.1, 3e-4)
    folder = RunFolder(tmp_path)
    folder.write_history([row, row])
    with folder.history.open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2
    assert rows[0]["phase"] == "fine-tune"
    assert float(rows[0]["learning_rate"]) == 3e-4


def test_versions_name_what_shapes_a_model() -> None:
    found = versions()
    assert {"python", "tensorflow", "keras", "numpy"} <= set(found)
