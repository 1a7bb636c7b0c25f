from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import hangtag
from hangtag.errors import MissingExtra, OutputError
from hangtag.extras import extra_needed
from hangtag.files import (
    check_writable,
    drop_scraps,
    make_folder,
    whole_file,
    write_all,
    write_bytes,
    write_json,
)


@pytest.fixture
def umask() -> Iterator[Callable[[int], None]]:
    before = os.umask(0o022)
    yield os.umask  # type: ignore[misc]
    os.umask(before)


def test_the_file_appears_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "model.keras"
    with whole_file(path) as temporary:
        temporary.write_bytes(b"half")
        assert not path.exists()
        assert temporary.parent == path.parent
        assert temporary.suffix == ".keras"
        assert temporary.name.startswith(".")
    assert path.read_bytes() == b"half"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, MemoryError])
def test_an_exception_leaves_the_old_file_and_nothing_else(
    error: type[BaseException], tmp_path: Path
) -> None:
    path = tmp_path / "metrics.json"
    path.write_text("old")
    with pytest.raises(error), whole_file(path) as temporary:  # noqa: PT012 - the block is the subject
        temporary.write_text("new and only ha")
        raise error
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failing_write_leaves_the_old_file_and_is_an_output_error(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    path.write_text("old")
    full = OSError(28, "No space left on device")
    expected = pytest.raises(OutputError, match=r"metrics\.json: No space left")
    with expected, whole_file(path) as temporary:
        temporary.write_text("new")
        raise full
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_goes_while_it_is_written_to_is_an_output_error(tmp_path: Path) -> None:
    folder = tmp_path / "stick"
    with (
        pytest.raises(OutputError, match=r"cannot write .*stick/clip\.webm"),
        whole_file(folder / "clip.webm"),
    ):
        _replace_by_a_file(folder)


def _replace_by_a_file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.touch()


def test_a_killed_process_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(b"old")
    script = f"""
        import os, signal
        from pathlib import Path
        from hangtag.files import whole_file
        with whole_file(Path({str(path)!r})) as temporary:
            temporary.write_bytes(b"new")
            os.kill(os.getpid(), signal.SIGKILL)
    """
    source = str(Path(hangtag.__file__).parents[1])
    killed = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], check=False, env={**os.environ, "PYTHONPATH": source}
    )
    assert killed.returncode == -signal.SIGKILL
    assert path.read_bytes() == b"old"


def test_a_writer_may_replace_the_temporary_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with whole_file(path) as temporary:
        temporary.unlink()
        temporary.write_text("by another hand")
    assert path.read_text() == "by another hand"


def test_a_writer_that_writes_nothing_elsewhere_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with pytest.raises(OutputError), whole_file(path) as temporary:
        temporary.unlink()
    assert not path.exists()


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("file/inside.json", "file as folder"),
        ("file/deeper/inside.json", "file as folder"),
        ("folder", "folder as file"),
        ("x" * 300, "name too long"),
        ("/proc/hangtag.json", "a file system that takes no files"),
    ],
)
def test_what_cannot_be_written_to_is_an_output_error(path: str, what: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "folder" / "inner").mkdir(parents=True)
    with pytest.raises(OutputError) as caught:
        write_bytes(tmp_path / path, b"data")
    assert str(tmp_path / path) in str(caught.value), what
    assert "\n" not in str(caught.value)
    assert (tmp_path / "file").read_text() == "in the way"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["file", "folder"]


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_the_mode_honours_the_umask(
    mask: int, mode: int, umask: Callable[[int], None], tmp_path: Path
) -> None:
    umask(mask)
    write_bytes(tmp_path / "a", b"")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == mode
    assert os.umask(mask) == mask


def test_json_is_indented_unicode_with_a_final_newline(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"b": [1], "a": "für"})
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == '{\n  "b": [\n    1\n  ],\n  "a": "für"\n}\n'


def test_json_holds_paths_that_are_not_utf8(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9")
    write_json(tmp_path / "a.json", {"data": name})
    assert json.loads((tmp_path / "a.json").read_bytes()) == {"data": name}


def test_json_without_numbers_is_not_written(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("old")
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "a.json", {"loss": float("nan")})
    assert (tmp_path / "a.json").read_text() == "old"


def test_make_folder(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    assert make_folder(folder) == folder
    assert make_folder(folder) == folder
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("path", ["file", "file/below", "/proc/hangtag"])
def test_make_folder_where_there_can_be_none(path: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="cannot write into"):
        make_folder(tmp_path / path)


# --- extras ------------------------------------------------------------------------------------------------


def test_a_missing_package_names_the_extra() -> None:
    with pytest.raises(MissingExtra) as caught, extra_needed("train", "hangtag train"):
        import no_such_package_at_all.inner  # noqa: F401
    assert str(caught.value) == (
        "hangtag train needs the package no_such_package_at_all, which is not installed: "
        'pip install "hangtag[train]"'
    )


def test_our_own_missing_modules_are_defects() -> None:
    with pytest.raises(ModuleNotFoundError), extra_needed("train", "hangtag train"):
        import hangtag.no_such_module  # noqa: F401


def test_other_errors_pass_through() -> None:
    with pytest.raises(ImportError, match="libGL"), extra_needed("train", "hangtag train"):
        raise ImportError("libGL.so.1: cannot open shared object file")


WRITES_AND_DIES = """
import os, signal, sys
from pathlib import Path
from hangtag.files import whole_file
with whole_file(Path(sys.argv[1])) as temporary:
    temporary.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("name", ["state.npz", "[a]*.json", "no_suffix"])
def test_scraps_of_killed_writers_can_be_dropped_and_nothing_else_is(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    kept = {
        name,
        "a.json",
        ".state.npz",
        ".state.part.npz",
        ".other.12345678.part.npz",
        ".state.12345678.npz",
    }
    for other in kept:
        (tmp_path / other).write_text("whole")
    for _ in range(2):
        subprocess.run([sys.executable, "-c", WRITES_AND_DIES, str(path)], check=False)
    assert len(list(tmp_path.iterdir())) == len(kept) + 2
    drop_scraps(path)
    assert {left.name for left in tmp_path.iterdir()} == kept


def test_a_scrap_that_cannot_be_dropped_is_one_line(tmp_path: Path) -> None:
    (tmp_path / ".state.12345678.part.npz").mkdir()
    with pytest.raises(OutputError, match="cannot tidy up"):
        drop_scraps(tmp_path / "state.npz")


def test_several_files_get_their_names_in_order_when_all_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named: list[str] = []
    rename = Path.replace
    monkeypatch.setattr(Path, "replace", lambda self, to: (named.append(to.name), rename(self, to))[1])
    write_all({tmp_path / name: name.encode() for name in ("a.bin", "b.bin", "record.json")})
    assert named == ["a.bin", "b.bin", "record.json"]
    assert [path.read_bytes() for path in sorted(tmp_path.iterdir())] == [b"a.bin", b"b.bin", b"record.json"]


def test_none_of_several_files_changes_where_one_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"old")
    (tmp_path / "b.bin").mkdir()
    with pytest.raises(OutputError, match=r"b\.bin: it is a folder"):
        write_all({tmp_path / "a.bin": b"new", tmp_path / "b.bin": b"new"})
    assert (tmp_path / "a.bin").read_bytes() == b"old"
    assert {path.name for path in tmp_path.iterdir()} == {"a.bin", "b.bin"}


def test_a_folder_is_looked_at_without_being_made(tmp_path: Path) -> None:
    check_writable(tmp_path / "new" / "deep")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "inside"):
        with pytest.raises(OutputError, match="cannot write into"):
            check_writable(path)
