"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import glob
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hangtag.errors import OutputError


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path`` to write to; rename it to ``path`` when the block ends well.

    The temporary name keeps the suffix, because many writers choose their format by it. When the block
    raises, or the process is killed, what stood at ``path`` before is untouched.

    Raises:
        OutputError: the folder cannot be made or written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(
            prefix=f".{path.stem}.", suffix=f".part{path.suffix}", dir=path.parent
        )
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from None
    os.close(handle)
    temporary = Path(name)
    try:
        # mkstemp makes files private; the result should be as readable as any file the user makes.
        temporary.chmod(0o666 & ~_umask())
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from None
    finally:
        # A folder that takes no changes any more was said above, or kept the file that was renamed.
        with contextlib.suppress(OSError):
            temporary.unlink()


def drop_scraps(path: Path) -> None:
    """Remove what killed writers of ``path`` left beside it; only for who keeps all other writers away.

    Raises:
        OutputError: one of them cannot be removed.
    """
    try:
        for scrap in path.parent.glob(f".{glob.escape(path.stem)}.????????.part{glob.escape(path.suffix)}"):
            scrap.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"cannot tidy up {path.parent}: {error.strerror or error}") from None


def write_bytes(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path``, whole or not at all.

    Raises:
        OutputError: the folder cannot be made or written to.
    """
    with whole_file(path) as temporary:
        temporary.write_bytes(data)


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON with a final newline, whole or not at all.

    Raises:
        OutputError: the folder cannot be made or written to.
    """
    write_bytes(path, json_bytes(value))


def json_bytes(value: Any) -> bytes:
    """Return ``value`` as indented JSON with a final newline."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    # A path whose name is not UTF-8 holds surrogates; as \\udcXX escapes they are valid JSON and come back.
    return text.encode(errors="backslashreplace")


def write_all(files: Mapping[Path, bytes]) -> None:
    """Write several files, and none where there is not space for all.

    They get their names when the last of them is written, in the order given: what speaks of the others comes
    last.

    Raises:
        OutputError: a folder cannot be made or written to, or stands where a file should.
    """
    for path in files:
        if path.is_dir():
            raise OutputError(f"cannot write {path}: it is a folder")
    with contextlib.ExitStack() as names:
        # The stack names them from the last one entered to the first.
        for path, data in reversed(list(files.items())):
            names.enter_context(whole_file(path)).write_bytes(data)


def check_writable(path: Path) -> None:
    """Raise where files could not be written into ``path``, or it could not be made; nothing is left behind.

    Raises:
        OutputError: it is a file, or it or the folder that it would stand in cannot be written to.
    """
    try:
        there = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise OutputError(f"cannot write into {path}: {error.strerror or error}") from None


def make_folder(path: Path) -> Path:
    """Make ``path`` and its parents if missing, and make sure that files can be written into it.

    Raises:
        OutputError: it is a file, or cannot be written to.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise OutputError(f"cannot write into {path}: {error.strerror or error}") from None
    return path


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
