"""Pictures and labels in files of their own, known by their names: MNIST's idx files and pairs of .npz."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hangtag.errors import DatasetError

_NAME = re.compile(
    r"(?P<prefix>.*?)(?P<split>(?:train|t10k|test)[-_.])?(?P<what>images|imgs|labels)"
    # Both spellings go round: the site's with a hyphen, and the one that some programs unpack to.
    r"(?P<end>[-.]idx[1-4]-ubyte(?:\.gz)?|\.npz)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class ArrayPairs:
    """The files of one data set: (pictures, labels) by split, all idx files or all .npz.

    ``prefix`` is what the names begin with, before the split: ``emnist-letters-``, often empty.
    """

    prefix: str
    is_npz: bool
    splits: dict[str, tuple[Path, Path]]


@dataclass(frozen=True, slots=True)
class _File:
    """One file of a pair by its name; ``split`` is as it is written, ``train-``."""

    path: Path
    prefix: str
    split: str
    is_labels: bool
    end: str

    @property
    def is_npz(self) -> bool:
        return self.end.lower() == ".npz"

    @property
    def role(self) -> tuple[str, bool]:
        """The split that the file belongs to, and whether it holds the labels; alone it is for training."""
        name = self.split[:-1].lower()
        return "test" if name in {"t10k", "test"} else "train", self.is_labels

    @property
    def partner(self) -> str:
        """The usual name of the file that belongs to this one."""
        what = "imgs" if self.is_npz else "images"
        end = self.end if self.is_npz else re.sub(r"idx\d", "idx3" if self.is_labels else "idx1", self.end)
        return f"{self.prefix}{self.split}{what if self.is_labels else 'labels'}{end}"


def names_a_pair(path: Path) -> bool:
    """True when a file's name is that of one of a pair: ``train-labels-idx1-ubyte``, ``x-test-imgs.npz``."""
    return _file(path) is not None


def find_pairs(folder: Path, prefix: str | None = None) -> ArrayPairs | None:
    """Return the pairs of files in a folder; None where there is no such file.

    Args:
        folder: where to look.
        prefix: what the names begin with; None where the folder holds one data set.

    Raises:
        DatasetError: half of a pair is missing, there is nothing to train on, or there are several data sets.
    """
    files = [found for path in _paths(folder) if (found := _file(path)) is not None]
    if prefix is not None:
        files = [file for file in files if file.prefix == prefix]
    return _pairs(folder, files) if files else None


def pairs_of(path: Path) -> ArrayPairs:
    """Return the data set that a file named by :func:`names_a_pair` belongs to, its other files beside it.

    Raises:
        DatasetError: half of a pair is missing, or there is nothing to train on.
    """
    this = _file(path)
    if this is None:
        raise ValueError(f"{path} is not named as one of a pair of files")
    files = [found for other in _paths(path.parent) if (found := _file(other)) is not None]
    alike = [file for file in files if (file.prefix, file.is_npz) == (this.prefix, this.is_npz)]
    # Of several spellings of one file, the one that was asked for.
    return _pairs(path.parent, [this, *(file for file in alike if file.path.name != path.name)])


def _paths(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    except OSError:
        return []


def _file(path: Path) -> _File | None:
    found = _NAME.fullmatch(path.name)
    if found is None:
        return None
    split, what, end = found["split"] or "", found["what"].lower(), found["end"]
    if end.lower() == ".npz" and not split:
        return None  # images.npz may hold everything, as other .npz files do
    return _File(path, found["prefix"], split, what == "labels", end)


def _pairs(folder: Path, files: Sequence[_File]) -> ArrayPairs:
    by_set: dict[tuple[str, bool], list[_File]] = defaultdict(list)
    for file in files:
        by_set[file.prefix, file.is_npz].append(file)
    if len(by_set) > 1:
        names = ", ".join(sorted(files[0].path.name for files in by_set.values())[:6])
        raise DatasetError(
            f"{folder} holds several data sets: name a file of the one that is meant ({names})"
        )
    ((prefix, is_npz),) = by_set
    roles: dict[tuple[str, bool], _File] = {}
    for file in files:
        roles.setdefault(file.role, file)
    for (split, is_labels), file in roles.items():
        if (split, not is_labels) not in roles:
            kind = "an .npz" if is_npz else "an idx"
            raise DatasetError(
                f"{folder} has {file.path.name} and no {file.partner} beside it; "
                f"{kind} data set has a file of pictures and one of labels"
            )
    splits = {
        split: (roles[split, False].path, roles[split, True].path)
        for split in ("train", "test")
        if (split, False) in roles
    }
    if "train" not in splits:
        names = " and ".join(path.name for path in splits["test"])
        raise DatasetError(f"{folder} has {names} and nothing to train on; wanted the two train files, too")
    return ArrayPairs(prefix, is_npz, splits)
