"""A folder with a quota: the oldest of ours goes first, and nothing else is ever touched."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hangtag.errors import OutputError
from hangtag.files import whole_file
from hangtag.quota import Quota

_OURS = r"shot-\d{4}(\.jpg)?"


def _file(folder: Path, name: str, size_bytes: int) -> Path:
    path = folder / name
    path.write_bytes(b"x" * size_bytes)
    return path


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_oldest_make_room(tmp_path: Path) -> None:
    for number in (3, 1, 4, 2):
        _file(tmp_path, f"shot-{number:04d}.jpg", 100)
    quota = Quota(tmp_path, 400, _OURS)
    assert quota.usage_bytes() == 400
    assert quota.names() == [f"shot-{number:04d}.jpg" for number in (1, 2, 3, 4)]
    quota.make_room(150)
    assert _names(tmp_path) == ["shot-0003.jpg", "shot-0004.jpg"]


def test_nothing_is_removed_while_there_is_room(tmp_path: Path) -> None:
    _file(tmp_path, "shot-0001.jpg", 100)
    Quota(tmp_path, 400, _OURS).make_room(300)
    assert _names(tmp_path) == ["shot-0001.jpg"]


def test_folders_count_with_all_they_hold_and_go_as_one(tmp_path: Path) -> None:
    inner = tmp_path / "shot-0001" / "deeper"
    inner.mkdir(parents=True)
    _file(inner, "anything", 200)
    _file(tmp_path, "shot-0002.jpg", 100)
    quota = Quota(tmp_path, 350, _OURS)
    assert quota.usage_bytes() == 300
    quota.make_room(60)
    assert _names(tmp_path) == ["shot-0002.jpg"]


@pytest.mark.parametrize(
    "name", ["holiday.jpg", "shot-1.jpg", "Shot-0001.jpg", "shot-0001.jpg.bak", "shot-0001.jpg\n", ".shot"]
)
def test_what_others_put_there_is_neither_counted_nor_touched(tmp_path: Path, name: str) -> None:
    _file(tmp_path, name, 1000)
    _file(tmp_path, "shot-0001.jpg", 100)
    quota = Quota(tmp_path, 150, _OURS)
    assert quota.usage_bytes() == 100
    quota.make_room(150)
    assert _names(tmp_path) == [name]


def test_links_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    precious = _file(outside, "precious", 500)
    folder = tmp_path / "folder"
    (folder / "shot-0003").mkdir(parents=True)
    (folder / "shot-0001").symlink_to(outside)
    (folder / "shot-0002.jpg").symlink_to(precious)
    (folder / "shot-0003" / "link").symlink_to(outside)
    _file(folder / "shot-0003", "own", 50)
    quota = Quota(folder, 200, _OURS)
    assert quota.usage_bytes() < 150, "the link itself has a few bytes, what it points at is not ours"
    quota.make_room(200)
    assert precious.read_bytes() == b"x" * 500
    assert _names(folder) == ["shot-0001", "shot-0002.jpg"]


def test_what_a_killed_program_left_counts_and_goes(tmp_path: Path) -> None:
    killed = whole_file(tmp_path / "shot-0001.jpg")
    killed.__enter__().write_bytes(b"x" * 100)
    _file(tmp_path, "shot-0002.jpg", 100)
    quota = Quota(tmp_path, 250, _OURS)
    assert quota.usage_bytes() == 200
    assert quota.names() == ["shot-0001.jpg", "shot-0002.jpg"]
    quota.make_room(100)
    assert _names(tmp_path) == ["shot-0002.jpg"]


def test_what_is_being_written_is_kept(tmp_path: Path) -> None:
    with whole_file(tmp_path / "shot-0001.jpg") as growing:
        growing.write_bytes(b"x" * 100)
        _file(tmp_path, "shot-0002.jpg", 100)
        quota = Quota(tmp_path, 250, _OURS)
        quota.make_room(100, keep=growing)
        assert _names(tmp_path) == [growing.name]
        with pytest.raises(OutputError, match="do not fit"):
            quota.make_room(200, keep=growing)
    assert _names(tmp_path) == ["shot-0001.jpg"]


def test_what_is_larger_than_the_quota_is_refused_and_nothing_is_removed(tmp_path: Path) -> None:
    _file(tmp_path, "shot-0001.jpg", 100)
    with pytest.raises(OutputError, match=r"more than the quota"):
        Quota(tmp_path, 1_000_000, _OURS).make_room(1_000_001)
    assert _names(tmp_path) == ["shot-0001.jpg"]


def test_a_folder_that_is_not_there_yet_is_empty(tmp_path: Path) -> None:
    quota = Quota(tmp_path / "later", 100, _OURS)
    assert quota.usage_bytes() == 0
    quota.make_room(100)


def test_a_folder_that_can_be_asked_nothing_any_more_is_an_output_error(tmp_path: Path) -> None:
    quota = Quota(tmp_path / "stick" / "shots", 1000, "shot")
    quota.make_room(10)
    (tmp_path / "stick").symlink_to("x" * 300)  # longer than a name may be: the system refuses to look
    with pytest.raises(OutputError, match=r"cannot look into .*shots"):
        quota.make_room(10)


def test_a_quota_of_nothing_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="most_bytes"):
        Quota(tmp_path, 0, _OURS)


def test_announced_but_not_written_costs_nothing_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    _file(tmp_path, "shot-0001.jpg", 100)
    quota = Quota(tmp_path, 400, _OURS)
    for _ in range(20):
        quota.make_room(200)
        now += 1
    assert _names(tmp_path) == ["shot-0001.jpg"]


@settings(max_examples=60, deadline=None)
@given(
    before=st.lists(st.integers(0, 120), max_size=8),
    sizes=st.lists(st.integers(0, 130), max_size=30),
    every=st.integers(1, 5),
)
def test_it_never_holds_more_and_the_newest_stay(
    tmp_path_factory: pytest.TempPathFactory, before: list[int], sizes: list[int], every: int
) -> None:
    folder = tmp_path_factory.mktemp("quota")
    for number, size_bytes in enumerate(before):
        _file(folder, f"shot-{number:04d}.jpg", size_bytes)
    quota = Quota(folder, 300, _OURS)
    written = dict(enumerate(before))
    for number, size_bytes in enumerate(sizes, start=len(before)):
        if number % every == 0:
            quota = Quota(folder, 300, _OURS)  # restarted
        quota.make_room(size_bytes)
        _file(folder, f"shot-{number:04d}.jpg", size_bytes)
        written[number] = size_bytes
        kept = [int(path.stem[-4:]) for path in folder.iterdir()]
        assert sum(written[one] for one in kept) <= 300
        assert sorted(kept) == list(range(min(kept), number + 1)), "no gaps: only the oldest went"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MB, of which a twentieth is to stay free."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)],  # noqa: S607 - wherever it is
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"needs to mount a tmpfs (root): {mounted.stderr.decode().strip()}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)  # noqa: S607


def test_a_disk_is_never_filled(small_disk: Path, caplog: pytest.LogCaptureFixture) -> None:
    quota = Quota(small_disk, 100_000_000, _OURS)
    for number in range(200):
        quota.make_room(100_000)
        _file(small_disk, f"shot-{number:04d}.jpg", 100_000)
    assert 3_300_000 < quota.usage_bytes() < 3_900_000, "nearly all is used, though not the last 5 %"
    assert "shot-0199.jpg" in _names(small_disk), "the newest are there"
    assert "shot-0000.jpg" not in _names(small_disk)
    assert len(caplog.records) == 1, "that the disk is nearly full is said once"


def test_a_disk_that_others_filled_is_left_alone(small_disk: Path) -> None:
    _file(small_disk, "others", 4_100_000)
    with pytest.raises(OutputError, match="nearly full"):
        Quota(small_disk, 1_000_000, _OURS).make_room(10_000)
    assert _names(small_disk) == ["others"]
