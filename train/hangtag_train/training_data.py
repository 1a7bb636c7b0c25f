"""The photos of a run: listed, checked, and known by their digest."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hangtag.contract import InputSpec, ModelContract
from hangtag.errors import ContractError, DatasetError
from hangtag.files import make_folder, write_json
from hangtag.labelled_folder import LabelledFolder, content_digests, digest, read_split
from hangtag_train.datasets.screening import screen

if TYPE_CHECKING:
    from hangtag.progress import Progress


@dataclass(frozen=True, slots=True)
class TrainingData:
    """The photos that a run learns from and chooses on; ``test`` is only counted, never looked at.

    ``sha256`` is the digest of every photo of every split, the unusable ones among them; ``skipped`` says for
    each of those why it is left out.
    """

    path: Path
    train: LabelledFolder
    validation: LabelledFolder
    test: LabelledFolder | None
    sha256: str
    skipped: tuple[str, ...] = ()

    @property
    def photos(self) -> dict[str, int]:
        """Number of photos by split."""
        splits = (self.train, self.validation, self.test)
        return {split.path.name: len(split.photos) for split in splits if split is not None}


def read_training_data(path: Path, cache: Path, progress: Progress) -> TrainingData:
    """List a data set's photos and check that a classifier can be trained on them.

    Every photo is decoded once, so that a bad one is found now and not an hour into training; what was found
    is kept in the cache under the photos' digest.

    Raises:
        DatasetError: a layout, class or count that cannot work, or too many photos that cannot be read; the
            message says which.
    """
    train = read_split(path, "train")
    labels = train.labels
    if len(labels) < 2:
        raise DatasetError(
            f"{train.path} holds one label, {labels[0]!r}; a classifier tells at least two apart"
        )
    try:
        ModelContract(labels=labels, input=InputSpec(width_px=1, height_px=1))
    except ContractError as error:
        # Found now and not when the trained model is written.
        raise DatasetError(f"{train.path} holds a folder that cannot be a label: {error}") from None
    validation = read_split(path, "validation", labels)
    test = read_split(path, "test", labels) if (path / "test").is_dir() else None
    splits = [split for split in (train, validation, test) if split is not None]
    contents = [content_digests(split) for split in splits]
    for warning in _leaks(splits, contents):
        progress.say(warning)
    found = TrainingData(path, train, validation, test, digest(splits, contents))
    screened = _screened(found, cache / "screened" / f"{found.sha256}.json", progress)
    _check_counts(screened)
    return screened


def _leaks(splits: Sequence[LabelledFolder], contents: Sequence[Sequence[str]]) -> Iterator[str]:
    """Say which splits hold the same photo, byte for byte: what was learned from measures nothing."""
    for index, later in enumerate(splits):
        for place in range(index):
            shared = set(contents[index]) & set(contents[place])
            if shared:
                example = later.photos[contents[index].index(min(shared))].path
                yield (
                    f"warning: {len(shared)} photos of {later.path.name} are in {splits[place].path.name} "
                    f"as well, such as {example}: figures will be better than the truth; "
                    "see hangtag data check"
                )


def _check_counts(data: TrainingData) -> None:
    labels = data.train.labels
    for split in (data.train, data.validation):
        if len(split.photos) < len(labels):
            raise DatasetError(
                f"{split.path} holds {len(split.photos)} photos for {len(labels)} labels; "
                "wanted at least one photo of each"
            )
    unseen = sorted(set(range(len(labels))) - set(data.validation.targets))
    if unseen:
        raise DatasetError(
            f"{data.validation.path} has no photo of {', '.join(labels[index] for index in unseen)}: "
            "a label that is never measured cannot be trusted; add some or remove it from train"
        )


def _screened(data: TrainingData, known: Path, progress: Progress) -> TrainingData:
    """Return the data without the photos that cannot be read, each of which is named."""
    clean = _known_clean(known)
    if clean:
        return data
    (train, validation), errors = screen((data.train, data.validation), progress)
    for error in errors:
        progress.say(f"skipped: {error}")
    make_folder(known.parent)
    write_json(known, {"unreadable": len(errors)})
    return dataclasses.replace(
        data, train=train, validation=validation, skipped=tuple(str(error) for error in errors)
    )


def _known_clean(known: Path) -> bool:
    """True where all these photos were decoded before."""
    try:
        return bool(json.loads(known.read_text(encoding="utf-8"))["unreadable"] == 0)
    except (OSError, ValueError, KeyError, TypeError):
        return False
