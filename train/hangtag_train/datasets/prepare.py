"""Any source -> a data set in normal form, on disk."""

from __future__ import annotations

from pathlib import Path

from hangtag.cache import cache_folder
from hangtag.errors import DatasetError, did_you_mean
from hangtag.progress import Progress
from hangtag_train.datasets.archives import archive_stem, is_archive, unpack_in_cache
from hangtag_train.datasets.array_pairs import ArrayPairs, find_pairs, names_a_pair, pairs_of
from hangtag_train.datasets.arrays import (
    LabelledArrays,
    arrays_source,
    read_idx_splits,
    read_npz,
    read_npz_pairs,
)
from hangtag_train.datasets.building import as_it_is, build_at, build_in_cache
from hangtag_train.datasets.folders import folder_source, is_labelled, is_normal_form
from hangtag_train.datasets.named import NAMED
from hangtag_train.datasets.names import read_label_names
from hangtag_train.datasets.source import PreparedDataset, Source, SourceOptions
from hangtag_train.datasets.tables import find_table, is_table, table_source


def prepare(source: str, options: SourceOptions, progress: Progress) -> PreparedDataset:
    """Turn a source into a data set in normal form: a folder of splits of label folders.

    A folder that has the normal form is used as it is. Anything else is prepared once below the cache, as
    links where the photos lie in files of their own, and found there again by the next call with the same
    content, seed and shares.

    Args:
        source: ``fashion-mnist``, ``mnist`` or ``clothing-small``; or the path of a folder of photos, a zip
            or tar of one, a folder of idx files or pairs of .npz, one file of such a pair, an .npz of all, a
            CSV or a JSON lines file. A folder that has the name of a known data set is written
            ``./fashion-mnist``.
        options: shares, seed, column names, where to look.
        progress: where is said what is used.

    Raises:
        DatasetError: there is no such source, or it cannot be read, split or downloaded.
        OutputError: the cache cannot be written to.
    """
    found = _find(source, options, progress)
    if isinstance(found, Source):
        found = build_in_cache(found, found.shares.chosen(options), options.seed, _cache(options), progress)
    _say_skipped(found, progress)
    return found


def prepare_at(source: str, out: Path, options: SourceOptions, progress: Progress) -> PreparedDataset:
    """Write a source's normal form to ``out`` as files of its own, linked to nothing.

    Raises:
        DatasetError: as for :func:`prepare`.
        OutputError: ``out`` exists already or cannot be written.
    """
    found = _find(source, options, progress)
    if isinstance(found, PreparedDataset):
        found = folder_source(found.path, found.name, dict(found.source), progress)
    prepared = build_at(found, found.shares.chosen(options), options.seed, out, progress)
    _say_skipped(prepared, progress)
    return prepared


def _say_skipped(dataset: PreparedDataset, progress: Progress) -> None:
    for place, reason in dataset.skipped.items():
        progress.say(f"skipped: {place}: {reason}")


def _cache(options: SourceOptions) -> Path:
    return (options.cache or cache_folder()).absolute()


def _find(source: str, options: SourceOptions, progress: Progress) -> Source | PreparedDataset:
    if source in NAMED:
        return NAMED[source](options, _cache(options), progress)
    if options.data_dir is not None:
        raise DatasetError(
            f"a folder to look in belongs to a data set's name ({', '.join(sorted(NAMED))}), not to {source}"
        )
    path = Path(source)
    if not path.exists():
        raise DatasetError(
            f"there is no data set {source}{did_you_mean(source, NAMED)}: no such file or folder, and "
            f"the known names are {', '.join(sorted(NAMED))}"
        )
    return _find_at(path, _name(path), {"kind": "folder", "path": str(path.resolve())}, options, progress)


def _name(path: Path) -> str:
    return path.absolute().name or "data"


def _find_at(
    path: Path, name: str, record: dict[str, object], options: SourceOptions, progress: Progress
) -> Source | PreparedDataset:
    if path.is_dir():
        return _find_in_folder(path, name, record, options, progress)
    if names_a_pair(path):
        return _paired(pairs_of(path), path.name, record, options)
    if is_archive(path):
        folder = unpack_in_cache(path, _cache(options), progress)
        return _find_in_folder(folder, archive_stem(path), {**record, "kind": "archive"}, options, progress)
    if path.suffix.lower() == ".npz":
        splits, digests = read_npz(path)
        return _arrays(splits, digests, path.stem, {**record, "kind": "npz"}, options)
    if is_table(path):
        return table_source(path, options, progress)
    raise DatasetError(
        f"{path} is no data set that can be read; wanted a folder, a zip or tar of one, an .npz, "
        "a .csv or a .jsonl file, or one of a pair of idx files (train-images-idx3-ubyte)"
    )


def _find_in_folder(
    folder: Path, name: str, record: dict[str, object], options: SourceOptions, progress: Progress
) -> Source | PreparedDataset:
    pairs = find_pairs(folder)
    if pairs is not None:
        return _paired(pairs, name, record, options)
    if not is_labelled(folder):
        table = find_table(folder)
        if table is not None:
            return table_source(table, options, progress)
    options.refuse_columns(f"{folder}, a folder of photos")
    if is_normal_form(folder):
        return as_it_is(folder, name, record)
    return folder_source(folder, name, record, progress)


def _paired(pairs: ArrayPairs, name: str, record: dict[str, object], options: SourceOptions) -> Source:
    splits, digests = (read_npz_pairs if pairs.is_npz else read_idx_splits)(pairs.splits)
    kind = "npz pair" if pairs.is_npz else "idx"
    return _arrays(splits, digests, pairs.prefix.strip("-_.") or name, {**record, "kind": kind}, options)


def _arrays(
    splits: dict[str, LabelledArrays],
    digests: dict[str, str],
    name: str,
    record: dict[str, object],
    options: SourceOptions,
) -> Source:
    names = read_label_names(options.labels_file) if options.labels_file is not None else None
    return arrays_source(
        splits,
        name=name,
        fingerprint=repr(sorted(digests.items())),
        record={**record, "sha256": digests},
        label_names=names,
    )
