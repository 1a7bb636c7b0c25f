"""A picture of each change: names that are safe and sort by time, a quota, and nothing lost to the loop."""

from __future__ import annotations

import json
import re
from pathlib import Path

import cv2
import pytest
from camera_results import outage
from hypothesis import example, given
from hypothesis import strategies as st
from made_results import made_result

from hangtag.errors import OutputError
from hangtag.sinks.snapshots import Snapshots, as_word
from hangtag.stamps import STAMP, Stamps

_PLENTY = 100_000_000


def _pictures(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.jpg"))


def test_each_change_leaves_a_picture_and_its_record(tmp_path: Path) -> None:
    sink = Snapshots(tmp_path, _PLENTY)
    for number, label in enumerate(["dress", "dress", "hat", "hat", "dress"]):
        sink.write(made_result(label, number=number))
    assert [name.rpartition("-")[2] for name in _pictures(tmp_path)] == ["dress.jpg", "hat.jpg", "dress.jpg"]
    for name, number in zip(_pictures(tmp_path), (0, 2, 4), strict=True):
        picture = cv2.imread(str(tmp_path / name))
        assert picture is not None
        assert picture.shape == (48, 64, 3)
        record = json.loads((tmp_path / name).with_suffix(".json").read_bytes())
        assert (record["frame"], record["stale"]) == (number, False)


def test_unknown_is_one_state_whatever_led(tmp_path: Path) -> None:
    sink = Snapshots(tmp_path, _PLENTY)
    for label, unknown in (("dress", False), ("dress", True), ("hat", True), ("hat", False)):
        sink.write(made_result(label, unknown=unknown))
    assert [name.rpartition("-")[2] for name in _pictures(tmp_path)] == [
        "dress.jpg",
        "unknown.jpg",
        "hat.jpg",
    ]


def test_an_outage_has_no_picture_and_what_comes_after_it_has(tmp_path: Path) -> None:
    sink = Snapshots(tmp_path, _PLENTY)
    sink.missing(outage())
    assert list(tmp_path.iterdir()) == []
    sink.write(made_result())
    sink.missing(outage())
    sink.write(made_result())
    assert len(_pictures(tmp_path)) == 2


@pytest.mark.parametrize(
    "label", ["../../etc/passwd", "a/b\\c", "two\nlines", "x" * 300, "", "衣服", ".", "é\0"]
)
def test_a_label_cannot_leave_the_folder(tmp_path: Path, label: str) -> None:
    folder = tmp_path / "inner" / "pictures"
    sink = Snapshots(folder, _PLENTY)
    sink.write(made_result(label))
    (name,) = _pictures(folder)
    assert re.fullmatch(rf"snapshot-{STAMP}-[a-z0-9-]+\.jpg", name)
    assert len(list(folder.iterdir())) == 2
    assert [path.name for path in folder.parent.iterdir()] == ["pictures"]
    record = json.loads((folder / name).with_suffix(".json").read_bytes())
    assert record["label"] == label, "the record tells what the name cannot"
    assert Snapshots(folder, _PLENTY)._quota.names(), "and the quota knows its own by their names"


@given(st.text())
@example("-" * 50)
@example("a" * 39 + " b")
def test_any_label_becomes_a_word(label: str) -> None:
    assert re.fullmatch(r"[a-z0-9-]{1,40}", as_word(label))


@given(st.lists(st.one_of(st.floats(-1e12, 1e12), st.floats(0, 3)), min_size=2), st.integers(0, 10))
@example([1e9, 0.0, 1e9 - 1, 5e9, 0.0], 2)
def test_stamps_ascend_whatever_the_clock_says(clock: list[float], restarts: int) -> None:
    stamps, given_so_far = Stamps(), []
    for count, wall_s in enumerate(clock):
        if restarts and count % restarts == 0:
            stamps = Stamps(f"snapshot-{stamp}-hat.jpg" for stamp in given_so_far)
        given_so_far.append(stamps.next(wall_s))
    assert all(re.fullmatch(STAMP, stamp) for stamp in given_so_far)
    for ending in ("-hat.jpg", ".webm"):
        names = [stamp + ending for stamp in given_so_far]
        assert names == sorted(set(names))


def test_stamps_go_on_where_their_counter_ends() -> None:
    stamps = Stamps(["x-20261121-235959_999999-y"])
    assert "20261121-235959_999999" < stamps.next(0) < stamps.next(0)


def test_pictures_go_by_the_quota_and_the_newest_stay(tmp_path: Path) -> None:
    Snapshots(tmp_path, _PLENTY).write(made_result("hat"))
    (tmp_path / "holiday.jpg").write_bytes(b"x" * 50_000)
    each_bytes = sum(path.stat().st_size for path in tmp_path.glob("snapshot-*"))
    sink = Snapshots(tmp_path, 5 * each_bytes)
    for number in range(20):
        sink.write(made_result(f"label {number}", number=number))
        used = sum(path.stat().st_size for path in tmp_path.glob("snapshot-*"))
        assert used <= 5 * each_bytes
    assert _pictures(tmp_path)[-1].endswith("label-19.jpg")
    assert (tmp_path / "holiday.jpg").exists()


def test_a_folder_that_cannot_be_written_to_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="file"):
        Snapshots(tmp_path / "file", _PLENTY)


def test_a_failure_is_tried_again_later_and_then_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    sink = Snapshots(tmp_path, 100)
    for _ in range(3):
        with pytest.raises(OutputError, match="quota"):
            sink.write(made_result("dress"))
    sink._quota._most_bytes = _PLENTY
    with pytest.raises(OutputError, match="quota"):
        sink.write(made_result("dress"))
    now = 60.0
    sink.write(made_result("dress"))
    sink.write(made_result("dress"))
    assert len(_pictures(tmp_path)) == 1
