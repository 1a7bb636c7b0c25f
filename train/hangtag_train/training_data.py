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
from hangtag_train.datasets.building import skipped_before
from hangtag_train.datasets.screening import screen

if TYPE_CHECKING:
    from hangtag.progress import Progress


@dataclass(frozen=True, slots=True)
class TrainingData:
    """The photos that a run learns from and chooses on; ``test`` is only counted, never looked at.

    ``sha256`` is the digest of every photo of every split, the unusable ones among them; ``skipped`` says for
    each of those, and for each that a table lists and could not be prepared, why it is left out. ``warnings``
    say, one line each, why figures will be better than the truth.
    """

    path: Path
    train: LabelledFolder
    validation: LabelledFolder
    test: LabelledFolder | None
    sha256: str
    skipped: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def photos(self) -> dict[str, int]:
        """Number of photos by split."""
        splits = (self.train, self.validation, self.test)
        return {split.path.name: len(split.photos) for split in splits if split is not None}


def list_training_data(path: Path, progress: Progress) -> TrainingData:
    """List a data set's photos and check that a classifier can be trained on them; none is decoded yet.

    Raises:
        DatasetError: a layout, class or count that cannot work; the message says which.
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
    warnings = tuple(_leaks(splits, contents))
    for warning in warnings:
        progress.say(f"warning: {warning}")
    return _counted(
        TrainingData(
            path,
            train,
            validation,
            test,
            sha256=digest(splits, contents),
            skipped=skipped_before(path),
            warnings=warnings,
        )
    )


def _leaks(splits: Sequence[LabelledFolder], contents: Sequence[Sequence[str]]) -> Iterator[str]:
    """Say which splits hold the same photo, byte for byte: what was learned from measures nothing."""
    for index, later in enumerate(splits):
        for place in range(index):
            shared = set(contents[index]) & set(contents[place])
            if shared:
                example = later.photos[contents[index].index(min(shared))].path
                count = "1 photo" if len(shared) == 1 else f"{len(shared)} photos"
                yield (
                    f"{count} of {later.path.name} {'is' if len(shared) == 1 else 'are'} in "
                    f"{splits[place].path.name} as well, such as {example}: figures will be better than the "
                    "truth; see hangtag data check"
                )


def _counted(data: TrainingData) -> TrainingData:
    """Return the data if there is something to learn and to measure of every label."""
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
    return data


def screened(data: TrainingData, cache: Path, progress: Progress) -> TrainingData:
    """Return the data without the photos that cannot be read, each of which is named.

    Every photo is decoded once, so that a bad one is found now and not an hour into training; that all could
    be read is kept in the cache under their digest.

    Raises:
        DatasetError: too many photos cannot be read.
        OutputError: the cache cannot be written to.
    """
    known = cache / "screened" / f"{data.sha256}.json"
    if _known_clean(known):
        return data
    splits, errors = screen((data.train, data.validation), progress)
    make_folder(known.parent)
    write_json(known, {"unreadable": len(errors)})
    return without_unreadable(data, splits, [str(error) for error in errors], progress)


def without_unreadable(
    data: TrainingData, splits: Sequence[LabelledFolder], reasons: Sequence[str], progress: Progress
) -> TrainingData:
    """Return the data with these splits for training and validation; say what was left out of them, and why.

    Raises:
        DatasetError: what is left cannot be trained on.
    """
    for reason in reasons:
        progress.say(f"skipped: {reason}")
    train, validation = splits
    skipped = (*data.skipped, *reasons)
    return _counted(dataclasses.replace(data, train=train, validation=validation, skipped=skipped))


def _known_clean(known: Path) -> bool:
    """True where all these photos were decoded before."""
    try:
        return bool(json.loads(known.read_text(encoding="utf-8"))["unreadable"] == 0)
    except (OSError, ValueError, KeyError, TypeError):
        return False
