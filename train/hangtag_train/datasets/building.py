"""Prepared folders: written whole or not at all, made of links where that is possible."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hangtag.errors import DatasetError, OutputError
from hangtag.files import write_json
from hangtag.image_header import read_header
from hangtag.labelled_folder import SPLITS
from hangtag.progress import Progress
from hangtag_train.datasets.source import SPLIT_NAMES, PreparedDataset, Sample, Shares, Source
from hangtag_train.datasets.splitting import assign_splits

RECORD_NAME = "dataset.json"
"""The file in a prepared folder that says what it was made from, how, and how much there is."""

_LAYOUT = 1
"""Part of every key: raise it when the same source is to become another folder."""


def build_in_cache(
    source: Source, shares: Shares, seed: int, cache: Path, progress: Progress
) -> PreparedDataset:
    """Return the prepared folder of a source, made now or by an earlier call with the same content.

    The folder is named after the content, the shares and the seed.

    Raises:
        DatasetError: the source cannot be read or split.
        OutputError: the cache cannot be written to.
    """
    key = _key(source, shares, seed)
    folder = cache / "datasets" / f"{_safe(source.name)}-{key[:16]}"
    if not _is_current(folder, source, shares, seed):
        _write(source, shares, seed, folder, progress, link=True)
    return _prepared(folder)


def build_at(source: Source, shares: Shares, seed: int, out: Path, progress: Progress) -> PreparedDataset:
    """Write a source's normal form to ``out`` as files of its own.

    Raises:
        DatasetError: the source cannot be read or split.
        OutputError: ``out`` exists and is not an empty folder, or cannot be written.
    """
    if out.is_symlink() or (out.exists() and (not out.is_dir() or any(out.iterdir()))):
        raise OutputError(f"{out} exists already; name a folder that does not")
    _write(source, shares, seed, out, progress, link=False)
    return _prepared(out)


def origin_of(photo: Path) -> Path | None:
    """Return the user's file that a photo of a prepared folder is linked to; None where there is none.

    What must be mended or removed is the user's: the prepared folder would only be made again.
    """
    try:
        record = json.loads((photo.parents[2] / RECORD_NAME).read_text(encoding="utf-8"))
        source = Path(record["source"]["path"])
        roots = [source, *(child for child in source.iterdir() if child.name.lower() in SPLIT_NAMES)]
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None
    places = (root / photo.parent.name / photo.name for root in roots)
    return next((place for place in places if place.is_file() and place.samefile(photo)), None)


@contextlib.contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Give a temporary folder beside ``path``; rename it to ``path`` when the block ends well.

    What stood at ``path`` is replaced then. A killed process leaves the old folder or the new one, and a
    hidden folder of scraps in the worst case.

    Raises:
        OutputError: the folder cannot be made or written to.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent))
        inside = temporary / "new"  # mkdtemp makes folders private; this one is as readable as any
        inside.mkdir()
        yield inside
        with contextlib.suppress(FileNotFoundError):
            path.replace(temporary / "old")
        inside.replace(path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from None
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def _is_current(folder: Path, source: Source, shares: Shares, seed: int) -> bool:
    """True when an earlier call made the folder and every file it links to is still the source's."""
    if not (folder / RECORD_NAME).is_file():
        return False
    if not source.linked:
        return True
    samples = assign_splits(source.samples(), shares, seed, source.name)
    return all(_is_same_file(_place_in(folder, sample), sample.content) for sample in samples)


def _is_same_file(place: Path, origin: Path | bytes) -> bool:
    if isinstance(origin, bytes):
        return place.is_file()
    try:
        there, wanted = place.stat(), origin.stat()
    except OSError:
        return False
    same = (there.st_dev, there.st_ino) == (wanted.st_dev, wanted.st_ino)
    return same or (there.st_size, there.st_mtime_ns) == (wanted.st_size, wanted.st_mtime_ns)


def _place_in(folder: Path, sample: Sample) -> Path:
    return folder / str(sample.split) / sample.label / sample.name


def _key(source: Source, shares: Shares, seed: int) -> str:
    parts = [_LAYOUT, source.fingerprint, shares.validation, shares.test, seed]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _safe(name: str) -> str:
    """Return ``name`` with what is awkward in a folder's name left out."""
    kept = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name)
    return kept.strip(".-")[:60] or "data"


def _write(
    source: Source, shares: Shares, seed: int, folder: Path, progress: Progress, *, link: bool
) -> None:
    samples = assign_splits(source.samples(), shares, seed, source.name)
    if not samples:
        raise DatasetError(f"{source.name} holds no picture")
    with whole_folder(folder) as temporary, progress.bar("preparing photos", len(samples)) as advance:
        for sample in samples:
            place = _place_in(temporary, sample)
            place.parent.mkdir(parents=True, exist_ok=True)
            if place.exists():
                raise DatasetError(f"{source.name} gives {sample.split}/{sample.label}/{sample.name} twice")
            _place(sample, place, link=link)
            advance()
        write_json(temporary / RECORD_NAME, _record(source, shares, seed, samples))


def _place(sample: Sample, place: Path, *, link: bool) -> None:
    if isinstance(sample.content, bytes):
        place.write_bytes(sample.content)
        return
    origin = sample.content.resolve()
    if not link:
        shutil.copy2(origin, place)
        return
    try:
        os.link(origin, place)
    except OSError:  # another file system, or one without hard links
        try:
            place.symlink_to(origin)
        except OSError:
            shutil.copy2(origin, place)


def _record(source: Source, shares: Shares, seed: int, samples: Sequence[Sample]) -> dict[str, Any]:
    counts = Counter((str(sample.split), sample.label) for sample in samples)
    return {
        "layout": _LAYOUT,
        "name": source.name,
        "source": {
            **source.record,
            "split_seed": seed,
            "validation_share": shares.validation,
            "test_share": shares.test,
        },
        "greyscale_size_wh": _common_grey_size(samples),
        "skipped": dict(source.skipped),
        "counts": {
            split: {label: count for (of, label), count in sorted(counts.items()) if of == split}
            for split in SPLITS
            if any(of == split for of, _ in counts)
        },
    }


def as_it_is(folder: Path, name: str, record: Mapping[str, Any]) -> PreparedDataset:
    """Return a folder that has the normal form already; what ``data prepare`` wrote beside it is believed.

    Raises:
        DatasetError: its record is damaged.
    """
    if (folder / RECORD_NAME).is_file():
        written = _prepared(folder)
        return replace(written, source={**record, "prepared_from": written.source})
    return PreparedDataset(folder, name, record)


def skipped_before(folder: Path) -> tuple[str, ...]:
    """Return a line for each picture that was left out when a folder was prepared: its place and the reason.

    Raises:
        DatasetError: the folder's record is damaged.
    """
    if not (folder / RECORD_NAME).is_file():
        return ()
    return tuple(f"{place}: {reason}" for place, reason in _prepared(folder).skipped.items())


def _prepared(folder: Path) -> PreparedDataset:
    try:
        record = json.loads((folder / RECORD_NAME).read_text(encoding="utf-8"))
        size = record["greyscale_size_wh"]
        return PreparedDataset(
            folder,
            record["name"],
            record["source"],
            None if size is None else (int(size[0]), int(size[1])),
            {str(place): str(reason) for place, reason in record.get("skipped", {}).items()},
        )
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise DatasetError(f"{folder / RECORD_NAME} is damaged ({error!r}); delete {folder}") from None


def _common_grey_size(samples: Sequence[Sample]) -> tuple[int, int] | None:
    """Return the one size of the pictures where all are grey, else None; headers are read, not pixels."""
    sizes: set[tuple[int, int] | None] = set()
    for sample in samples:
        header = read_header(_start(sample.content))
        sizes.add((header.width, header.height) if header is not None and header.grey else None)
        if len(sizes) > 1:
            return None
    return next(iter(sizes), None)


def _start(content: Path | bytes) -> bytes:
    if isinstance(content, bytes):
        return content
    with content.open("rb") as file:
        return file.read(1 << 16)
