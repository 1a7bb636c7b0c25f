"""Zip and tar archives, unpacked as if they came from an enemy."""

from __future__ import annotations

import bz2
import gzip
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, cast

from hangtag.errors import DatasetError, shortened
from hangtag.progress import Progress
from hangtag_train.datasets.building import whole_folder
from hangtag_train.datasets.source import SPLIT_NAMES, file_sha256

ARCHIVE_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2")
"""Endings, in lower case, of what is unpacked."""

_CHUNK_BYTES = 1 << 20
_HEADER_BYTES = 1 << 22
"""What a tar may hold between two files (long names and attributes are read into memory)."""
_DAMAGE = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, gzip.BadGzipFile,
    struct.error, NotImplementedError, RuntimeError, ValueError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Limits:
    """What an archive may become.

    ``ratio`` is bytes unpacked for each byte of the archive; it counts after ``ratio_free_bytes``, because
    small files of few colours compress a thousandfold without malice.
    """

    members: int = 200_000
    total_bytes: int = 50 * 10**9
    ratio: float = 100.0
    ratio_free_bytes: int = 64 * 2**20


def is_archive(path: Path) -> bool:
    """True when the file's name ends as an archive's does."""
    return path.name.lower().endswith(ARCHIVE_SUFFIXES)


def archive_stem(path: Path) -> str:
    """Return an archive's name without its ending: ``photos`` for ``photos.tar.gz``."""
    ending = max((end for end in ARCHIVE_SUFFIXES if path.name.lower().endswith(end)), key=len, default="")
    return path.name[: len(path.name) - len(ending)] or path.name


def unpack_in_cache(archive: Path, cache: Path, progress: Progress, limits: Limits | None = None) -> Path:
    """Unpack an archive below the cache, once for each content, and return the folder that holds its photos.

    A single folder at the top (``photos/`` in ``photos.zip``) is stepped into.

    Raises:
        DatasetError: not an archive, damaged, beyond the limits, or with members that no honest archive of
            photos has: paths that lead outside, links, devices.
        OutputError: the cache cannot be written to.
    """
    folder = cache / "unpacked" / f"{archive_stem(archive)[:60]}-{file_sha256(archive)[:16]}"
    if not folder.is_dir():
        progress.say(f"unpacking {archive}")
        with whole_folder(folder) as temporary:
            unpack(archive, temporary, limits or Limits())
    return top_folder(folder)


def unpack(archive: Path, folder: Path, limits: Limits) -> None:
    """Unpack an archive's files into an empty folder. Hidden files and macOS's resource forks are left out.

    Raises:
        DatasetError: as for :func:`unpack_in_cache`; the folder then holds a part and must not be used.
        OSError: the folder cannot be written to.
    """
    members = _zip_members if archive.name.lower().endswith(".zip") else _tar_members
    counter = _Counter(archive, limits)
    written: set[PurePosixPath] = set()
    try:
        for name, content in members(archive, counter, limits):
            path = _safe_path(name, archive)
            if any(part.startswith(".") or part == "__MACOSX" for part in path.parts):
                continue
            if path in written:
                raise DatasetError(f"{archive} holds {shortened(name)} twice; it is not unpacked")
            written.add(path)
            with _made(folder, path, archive).open("xb") as file:
                while chunk := content.read(_CHUNK_BYTES):
                    counter.count(len(chunk))
                    file.write(chunk)
    except _DAMAGE as error:
        raise DatasetError(_damaged(archive, error)) from None
    except OSError as error:
        if error.errno is not None:
            raise
        raise DatasetError(_damaged(archive, error)) from None  # bz2 and gzip report damage so


def _damaged(archive: Path, error: Exception) -> str:
    return f"{archive} cannot be unpacked, it is damaged or no archive: {str(error) or type(error).__name__}"


def top_folder(folder: Path) -> Path:
    """Return the folder that holds the data: a lone folder is stepped into unless it is a split."""
    inside = list(folder.iterdir())
    lone = len(inside) == 1 and inside[0].is_dir() and inside[0].name.lower() not in SPLIT_NAMES
    # A lone folder of photos is a label, not a wrapping.
    if lone and any(child.is_dir() for child in inside[0].iterdir()):
        return inside[0]
    return folder


class _Counter:
    """Counts what really comes out of an archive and stops it at the limits."""

    def __init__(self, archive: Path, limits: Limits) -> None:
        self._archive = archive
        by_ratio = max(limits.ratio_free_bytes, int(archive.stat().st_size * limits.ratio))
        self._bytes_left = self._bytes_allowed = min(limits.total_bytes, by_ratio)
        self._members_left = limits.members

    def count_member(self) -> None:
        self._members_left -= 1
        if self._members_left < 0:
            raise DatasetError(f"{self._archive} holds too many members; it is not unpacked")

    def count(self, size: int) -> None:
        self._bytes_left -= size
        if self._bytes_left < 0:
            raise DatasetError(
                f"{self._archive} unpacks to more than {self._bytes_allowed / 1e6:.0f} MB, too much for its "
                "size (a bomb?); if you trust it, unpack it yourself and give the folder"
            )


def _safe_path(name: str, archive: Path) -> PurePosixPath:
    """Return a member's name as a path that stays inside the folder."""
    path = PurePosixPath(name.replace("\\", "/"))
    windows = PureWindowsPath(name)
    if path.is_absolute() or windows.drive or windows.root or ".." in path.parts or "\0" in name:
        raise DatasetError(
            f"{archive} holds {shortened(name)}, which leads outside of it; it is not unpacked"
        )
    if not path.parts:
        raise DatasetError(f"{archive} holds a member without a name; it is not unpacked")
    return path


def _made(folder: Path, path: PurePosixPath, archive: Path) -> Path:
    """Return where a member goes, with the folders above it made."""
    place = folder / path
    clash = f"{archive} holds {shortened(str(path))} as a file and as a folder; it is not unpacked"
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise DatasetError(clash) from None
    if place.is_dir():
        raise DatasetError(clash)
    return place


def _not_a_file(archive: Path, name: str) -> str:
    return f"{archive} holds {shortened(name)}, a link or device and no file; it is not unpacked"


def _zip_members(archive: Path, counter: _Counter, limits: Limits) -> Iterator[tuple[str, IO[bytes]]]:
    del limits
    with zipfile.ZipFile(archive) as opened:
        for member in opened.infolist():
            counter.count_member()
            if stat.S_IFMT(member.external_attr >> 16) not in {0, stat.S_IFREG, stat.S_IFDIR}:
                raise DatasetError(_not_a_file(archive, member.filename))
            if member.flag_bits & 1:
                raise DatasetError(f"{archive} is encrypted; unpack it yourself and give the folder")
            if not member.is_dir():
                with opened.open(member) as content:
                    yield member.filename, content


def _tar_members(archive: Path, counter: _Counter, limits: Limits) -> Iterator[tuple[str, IO[bytes]]]:
    # A stream is read once from front to end, so that everything that comes out passes a counter of its own:
    # names and attributes never arrive as a member's content.
    with _decompressed(archive) as plain:
        stream = _TarStream(plain, _Counter(archive, limits), archive)
        with tarfile.open(fileobj=cast("IO[bytes]", stream), mode="r|") as opened:
            while (member := stream.next_member(opened)) is not None:
                counter.count_member()
                if member.isdir():
                    continue
                content = opened.extractfile(member) if member.isreg() else None
                if content is None:
                    raise DatasetError(_not_a_file(archive, member.name))
                yield member.name, content
                while content.read(_CHUNK_BYTES):  # of a member that was passed over
                    pass


class _TarStream:
    """A tar's unpacked bytes, counted; between two members only some may come."""

    def __init__(self, plain: IO[bytes], counter: _Counter, archive: Path) -> None:
        self._plain = plain
        self._counter = counter
        self._archive = archive
        self._header_bytes_left: int | None = _HEADER_BYTES  # opening reads the first header

    def read(self, size: int) -> bytes:
        """Return the next ``size`` bytes, fewer at the end."""
        data = self._plain.read(size)
        self._counter.count(len(data))
        if self._header_bytes_left is not None:
            self._header_bytes_left -= len(data)
            if self._header_bytes_left < 0:
                raise DatasetError(f"{self._archive} has headers of many megabytes; it is not unpacked")
        return data

    def next_member(self, opened: tarfile.TarFile) -> tarfile.TarInfo | None:
        """Return the next member, None at the end."""
        self._header_bytes_left = _HEADER_BYTES
        member = opened.next()
        self._header_bytes_left = None
        return member


def _decompressed(archive: Path) -> IO[bytes]:
    """Open a tar by what it is, whatever its name says."""
    with archive.open("rb") as file:
        start = file.read(6)
    if start.startswith(b"\x1f\x8b"):
        return cast("IO[bytes]", gzip.open(archive))
    if start.startswith(b"BZh"):
        return cast("IO[bytes]", bz2.open(archive))
    if start == b"\xfd7zXZ\0":
        return cast("IO[bytes]", lzma.open(archive))
    return archive.open("rb")
