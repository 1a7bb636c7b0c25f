from __future__ import annotations

import csv
import fcntl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hangtag.errors import OutputError, TrainingError
from hangtag.versions import versions
from hangtag_convert.formats import Format
from hangtag_train.history import HistoryRow
from hangtag_train.run_folder import RunFolder

HOLD = """
import sys
from pathlib import Path
from hangtag.versions import versions
from hangtag_train.run_folder import RunFolder
with RunFolder(Path(sys.argv[1])).locked():
    print("held", flush=True)
    sys.stdin.read()
"""


FOREIGN = ("package.json", "holiday.png", "index.html")


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
    """Where it were kept, the second would be refused; while it is held, it is."""
    held = 0
    for _ in range(2):
        with RunFolder(tmp_path).locked():
            held += 1
            with pytest.raises(TrainingError, match="writing into"), RunFolder(tmp_path).locked():
                pytest.fail("two hold the lock")
    assert held == 2


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
        (FOREIGN, False, True, "holds other files and no run: name a folder of its own with --out"),
        (FOREIGN, False, False, "holds other files and no run"),
        ((*FOREIGN, "run.json"), False, True, None),
        (("tuning",), False, True, None),
        (("lr_sweep.csv",), False, True, None),
        ((".lock",), False, True, None),
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
        with pytest.raises(TrainingError, match=message) as caught:
            folder.prepare(resume=resume, overwrite=overwrite)
        assert "\n" not in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(there), "nothing is touched yet"


def test_a_run_that_could_not_begin_leaves_no_folder_behind(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "runs" / "a")
    with pytest.raises(KeyError), folder.opened(resume=False, overwrite=False):
        raise KeyError
    assert not folder.path.exists()
    with folder.opened(resume=False, overwrite=False):
        (folder.path / "run.json").touch()
    assert [path.name for path in folder.path.iterdir()] == ["run.json"]


def test_clearing_drops_what_no_longer_holds_and_nothing_else(tmp_path: Path) -> None:
    gone = (
        "run.json", "metrics.json", "training_state.npz", "history.csv", "curves.png", "report.html",
        "evaluation.json", "conversion.json", "mistakes.json", "mistakes_validation.png", "stress_test.png",
        "confusion_validation.png", "confusion_test_validation.png",
        *(f"shapes-{kind.value}.tflite" for kind in Format),
    )  # fmt: skip
    kept = {
        *FOREIGN, "notes.txt", "shapes.tflite", "clothing-int8.tflite", "shapes-mine.tflite", "lr_sweep.png",
        "confusion_mine.png", "my_confusion_test.png", "dataset.json", "benchmark.json",
    }  # fmt: skip
    for name in (*gone, *kept):
        (tmp_path / name).write_text("x")
    (tmp_path / "contract.json").write_text('{"name": "shapes"}')
    events = tmp_path / "tensorboard" / "events.out.tfevents.1.hangtag"
    events.parent.mkdir()
    events.touch()
    RunFolder(tmp_path).clear()
    assert {path.name for path in tmp_path.iterdir()} == kept


def test_clearing_keeps_the_events_of_others(tmp_path: Path) -> None:
    board = tmp_path / "tensorboard"
    board.mkdir()
    for name in ("events.out.tfevents.1.hangtag", "events.out.tfevents.1.machine"):
        (board / name).touch()
    RunFolder(tmp_path).clear()
    assert [path.name for path in board.iterdir()] == ["events.out.tfevents.1.machine"]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"name": 3}', '{"name": "../shapes"}', "[" * 100_000])
def test_a_damaged_contract_is_cleared_and_names_no_file(content: str, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    for path in (tmp_path / "shapes-int8.tflite", run / "shapes-int8.tflite"):
        path.touch()
    (run / "contract.json").write_text(content)
    RunFolder(run).clear()
    assert [path.name for path in run.iterdir()] == ["shapes-int8.tflite"]
    assert (tmp_path / "shapes-int8.tflite").exists()


def test_what_cannot_be_cleared_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "report.html").mkdir()
    with pytest.raises(OutputError, match="cannot clear"):
        RunFolder(tmp_path).clear()


@pytest.fixture
def before_locking(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
    """Gives what makes something happen between the look at a folder and its lock, once."""

    def arrange(happens: Callable[[], None]) -> None:
        original, left = fcntl.flock, [happens]

        def flock(file: object, operation: int) -> None:
            if left:
                left.pop()()
            original(file, operation)

        monkeypatch.setattr(fcntl, "flock", flock)

    return arrange


def test_a_run_that_ends_while_another_waits_for_the_lock_is_kept(tmp_path: Path, before_locking) -> None:
    folder = RunFolder(tmp_path)
    before_locking(lambda: folder.seal.write_text("finished"))
    with (
        pytest.raises(TrainingError, match="holds a finished run"),
        folder.opened(resume=False, overwrite=False),
    ):
        pytest.fail("it was opened")
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_a_lock_that_was_taken_away_is_not_held(tmp_path: Path, before_locking) -> None:
    before_locking((tmp_path / ".lock").unlink)
    with (
        RunFolder(tmp_path).locked(),
        (tmp_path / ".lock").open() as other,
        pytest.raises(BlockingIOError),
    ):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_scraps_of_a_killed_run_are_dropped_by_the_next(tmp_path: Path) -> None:
    (tmp_path / "tuning").mkdir()
    scraps = (
        ".training_state.abcd1234.part.npz",
        ".model.abcd_123.part.keras",
        "tuning/.trials.abcd1234.part.csv",
    )
    kept = (".notes.abcd1234.part.txt", "training_state.npz")
    for name in (*scraps, *kept):
        (tmp_path / name).touch()
    with RunFolder(tmp_path).opened(resume=True, overwrite=False):
        found = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert found == {".lock", *kept}


def test_scraps_of_a_run_that_writes_now_are_left_alone(tmp_path: Path) -> None:
    scrap = tmp_path / ".training_state.abcd1234.part.npz"
    folder = RunFolder(tmp_path)
    with folder.locked():
        scrap.touch()
        with (
            pytest.raises(TrainingError, match="another training"),
            folder.opened(resume=False, overwrite=False),
        ):
            pytest.fail("it was opened")
        assert scrap.exists()


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
