"""What is wrong with a data set: photos that cannot be read, copies, and the same photo in two splits."""

from __future__ import annotations

import hashlib
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hangtag.errors import DatasetError, PhotoError
from hangtag.image_header import FORMAT_SUFFIXES, read_header
from hangtag.labelled_folder import SPLITS, is_label_folder, label_photos
from hangtag.photos import decode_photo
from hangtag.progress import Progress
from hangtag_train.datasets.likeness import difference_hash, near_pairs, thumbnail_of


class Fault(str, Enum):
    """What can be wrong, the worst first; the value is what JSON calls it."""

    LEAKED = "same photo in two splits"
    NEARLY_LEAKED = "nearly the same photo in two splits"
    UNREADABLE = "cannot be read"
    ALONE = "only one label to learn"
    UNLEARNED = "label without training photos"
    UNMEASURED = "label without validation photos"
    CONTRADICTED = "same photo under two labels"
    NEARLY_CONTRADICTED = "nearly the same photo under two labels"
    COPIED = "same photo twice in a split"
    NEARLY_COPIED = "nearly the same photo twice in a split"
    MISNAMED = "content is not what the name says"
    PASSED_OVER = "no photo that is read"
    EMPTY = "label folder without a photo"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault: the files it is about, relative to the data set, and what more there is to say.

    What a table lists and cannot be read is named by the table's line instead.
    """

    fault: Fault
    files: tuple[str, ...]
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Checkup:
    """What a look at every photo of a data set found.

    ``counts`` is photos by split and label; ``smallest_wh``, ``median_wh`` and ``largest_wh`` are pictures'
    sizes in pixels, ordered by area, None where no photo can be read; ``formats`` counts files by format.
    """

    path: str
    counts: dict[str, dict[str, int]]
    formats: dict[str, int]
    smallest_wh: tuple[int, int] | None
    median_wh: tuple[int, int] | None
    largest_wh: tuple[int, int] | None
    findings: tuple[Finding, ...]

    @property
    def photos(self) -> int:
        """How many photos there are in all splits."""
        return sum(sum(labels.values()) for labels in self.counts.values())

    @property
    def imbalance(self) -> float:
        """Photos of the most frequent training label for each one of the rarest."""
        counts = [count for count in self.counts.get("train", {}).values() if count]
        return max(counts) / min(counts) if counts else 1.0


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is known of one photo; the likeness is None where it cannot be read."""

    name: str
    split: str
    label: str
    sha256: str = ""
    format: str | None = None
    size_wh: tuple[int, int] | None = None
    hash: int = 0
    thumbnail: npt.NDArray[np.uint8] | None = field(default=None, repr=False)
    trouble: str = ""


def check(dataset: Path, progress: Progress, skipped: Mapping[str, str] | None = None) -> Checkup:
    """Look at every photo of a data set in normal form.

    Args:
        dataset: the folder of splits.
        progress: shows how far it is.
        skipped: what could not be read when the folder was prepared, place -> reason: it is found, too.

    Raises:
        DatasetError: there is no split, or a folder cannot be looked into.
    """
    splits = [split for split in SPLITS if (dataset / split).is_dir()]
    if not splits:
        raise DatasetError(f"{dataset} has no train, validation or test folder")
    try:
        labels = {split: sorted(filter(is_label_folder, (dataset / split).iterdir())) for split in splits}
        files = {folder: label_photos(folder) for folders in labels.values() for folder in folders}
        odd = [finding for folder, photos in files.items() for finding in _odd_files(dataset, folder, photos)]
    except OSError as error:
        raise DatasetError(
            f"cannot look into {error.filename or dataset}: {error.strerror or error}"
        ) from None
    facts = _all_facts(dataset, [file for photos in files.values() for file in photos], progress)
    counts = {split: {folder.name: len(files[folder]) for folder in labels[split]} for split in splits}
    gone = [Finding(Fault.UNREADABLE, (place,), reason) for place, reason in (skipped or {}).items()]
    found = [*gone, *_own_faults(facts), *odd, *_missing_labels(counts), *_exact_copies(facts)]
    with progress.bar("comparing photos", 1) as advance:
        found += _near_copies(facts)
        advance()
    order = list(Fault)
    found.sort(key=lambda finding: (order.index(finding.fault), finding.files))
    sizes = sorted(
        (one.size_wh for one in facts if one.size_wh is not None), key=lambda wh: (wh[0] * wh[1], wh)
    )
    return Checkup(
        path=str(dataset),
        counts=counts,
        formats=dict(Counter(one.format for one in facts if one.format is not None).most_common()),
        smallest_wh=sizes[0] if sizes else None,
        median_wh=sizes[len(sizes) // 2] if sizes else None,
        largest_wh=sizes[-1] if sizes else None,
        findings=tuple(found),
    )


def _all_facts(dataset: Path, files: Sequence[Path], progress: Progress) -> list[_Facts]:
    # Decoding runs outside of Python's lock; the pool hands out results in the files' order.
    pool = ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1))
    try:
        with progress.bar("reading photos", len(files)) as advance:
            facts = []
            for one in pool.map(lambda file: _facts(dataset, file), files):
                facts.append(one)
                advance()
            return facts
    finally:
        pool.shutdown(cancel_futures=True)


def _facts(dataset: Path, file: Path) -> _Facts:
    split, label = file.parent.parent.name, file.parent.name
    name = file.relative_to(dataset).as_posix()
    try:
        data = file.read_bytes()
    except OSError as error:
        return _Facts(name, split, label, trouble=error.strerror or str(error))
    header = read_header(data)
    sha256, found = hashlib.sha256(data).hexdigest(), None if header is None else header.format
    try:
        image = decode_photo(data, "it")
    except PhotoError as error:
        return _Facts(name, split, label, sha256, found, trouble=str(error))
    height, width = image.shape[:2]
    likeness = difference_hash(image), thumbnail_of(image)
    return _Facts(name, split, label, sha256, found, (width, height), *likeness)


def _own_faults(facts: Iterable[_Facts]) -> Iterator[Finding]:
    for one in facts:
        if one.trouble:
            yield Finding(Fault.UNREADABLE, (one.name,), one.trouble)
        suffix = Path(one.name).suffix.lower()
        if one.format is not None and suffix not in FORMAT_SUFFIXES[one.format]:
            yield Finding(Fault.MISNAMED, (one.name,), f"it is a {one.format}")
        elif one.format is None and not one.trouble:
            yield Finding(Fault.MISNAMED, (one.name,), f"it is none of {', '.join(FORMAT_SUFFIXES)}")


def _odd_files(dataset: Path, folder: Path, photos: Sequence[Path]) -> Iterator[Finding]:
    """Find what lies in a label's folder and would silently be no part of it."""
    if not photos:
        yield Finding(Fault.EMPTY, (folder.relative_to(dataset).as_posix(),))
    known = set(photos)
    for path in sorted(folder.iterdir()):
        if path not in known and not path.name.startswith("."):
            detail = "a folder in a label's folder" if path.is_dir() else f"ending {path.suffix or 'missing'}"
            yield Finding(Fault.PASSED_OVER, (path.relative_to(dataset).as_posix(),), detail)


def _missing_labels(counts: dict[str, dict[str, int]]) -> Iterator[Finding]:
    """Find what a classifier could not be trained on or judged by."""
    learned = {label for label, count in counts.get("train", {}).items() if count}
    if len(learned) == 1:
        yield Finding(Fault.ALONE, (f"train/{min(learned)}",), "a classifier tells at least two apart")
    for label in sorted(learned) if "validation" in counts else ():
        if not counts["validation"].get(label):
            yield Finding(Fault.UNMEASURED, (f"train/{label}",), "how well it is learned cannot be told")
    for split, labels in counts.items():
        for label, count in labels.items():
            if split != "train" and count and label not in learned:
                yield Finding(Fault.UNLEARNED, (f"{split}/{label}",), f"{count} photos of it, none in train")


def _exact_copies(facts: Iterable[_Facts]) -> Iterator[Finding]:
    groups: dict[str, list[_Facts]] = defaultdict(list)
    for one in facts:
        if one.sha256:
            groups[one.sha256].append(one)
    for same in groups.values():
        if len(same) > 1:
            yield from _copies(same, Fault.LEAKED, Fault.CONTRADICTED, Fault.COPIED)


def _near_copies(facts: Sequence[_Facts]) -> Iterator[Finding]:
    readable = [one for one in facts if one.thumbnail is not None]
    if len(readable) < 2:
        return
    hashes = np.array([one.hash for one in readable], np.uint64)
    thumbnails = np.stack([one.thumbnail for one in readable if one.thumbnail is not None])
    for first, second in near_pairs(hashes, thumbnails):
        pair = readable[first], readable[second]
        if pair[0].sha256 != pair[1].sha256:
            yield from _copies(pair, Fault.NEARLY_LEAKED, Fault.NEARLY_CONTRADICTED, Fault.NEARLY_COPIED)


def _copies(same: Sequence[_Facts], leaked: Fault, contradicted: Fault, copied: Fault) -> Iterator[Finding]:
    """Say what is wrong with a group of like photos: each thing that is, once."""
    files = tuple(one.name for one in same)
    across_splits = len({one.split for one in same}) > 1
    across_labels = len({one.label for one in same}) > 1
    if across_splits:
        yield Finding(leaked, files)
    if across_labels:
        yield Finding(contradicted, files)
    if not across_splits and not across_labels:
        yield Finding(copied, files)
