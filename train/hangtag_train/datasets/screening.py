"""Photos that cannot be used are left out by name; too many of them stop the run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hangtag.errors import DatasetError, PhotoError
from hangtag.labelled_folder import LabelledFolder
from hangtag.progress import Progress
from hangtag.readable import keep_readable
from hangtag_train.datasets.building import origin_of

HIGHEST_BAD_SHARE = 0.05
"""Where more of a split cannot be read, something is wrong with the data set and not with a photo."""

_EXAMPLES = 3


def screen(
    splits: Sequence[LabelledFolder], progress: Progress
) -> tuple[tuple[LabelledFolder, ...], tuple[PhotoError, ...]]:
    """Decode every photo once and return the splits without those that cannot be used.

    Returns:
        The usable splits in the same order, and an error for each photo left out that names file and reason:
        the caller shows them and writes them down.

    Raises:
        DatasetError: more than 5 % of a split, or every photo of one label in it, cannot be used.
    """
    usable: list[LabelledFolder] = []
    errors: list[PhotoError] = []
    for split in splits:
        kept, bad = keep_readable(split, progress, f"checking {split.path.name}")
        usable.append(kept)
        errors.extend(check_kept(split, kept, bad))
    return tuple(usable), tuple(errors)


def check_kept(
    split: LabelledFolder, kept: LabelledFolder, bad: Sequence[PhotoError]
) -> tuple[PhotoError, ...]:
    """Raise where too much of a split was left out.

    Args:
        split: all photos.
        kept: those that can be used, in the same order.
        bad: an error for each of the others, in the same order.

    Returns:
        ``bad``, each naming the user's own file where the photo is a link to it.

    Raises:
        DatasetError: more than 5 % of the split, or every photo of one label in it, cannot be used.
    """
    left = set(kept.photos)
    dropped = [photo for photo in split.photos if photo not in left]
    bad = tuple(_with_origin(error, photo.path) for error, photo in zip(bad, dropped, strict=True))
    labels = [split.labels[target] for target in split.targets]
    usable = [split.labels[target] for target in kept.targets]
    check_usable(str(split.path), labels, usable, [str(error) for error in bad])
    return bad


def _with_origin(error: PhotoError, photo: Path) -> PhotoError:
    origin = origin_of(photo)
    return error if origin is None else PhotoError(str(error).replace(str(photo), str(origin)))


def check_usable(where: str, labels: Sequence[str], usable: Sequence[str], reasons: Sequence[str]) -> None:
    """Raise where too many photos cannot be used.

    Args:
        where: what a message calls the split or table.
        labels: the label of every photo there.
        usable: the label of every one that can be used.
        reasons: a line for each of the others.

    Raises:
        DatasetError: more than 5 % of the photos, or every one of a label, cannot be used.
    """
    if not reasons:
        return
    examples = "; ".join(reasons[:_EXAMPLES])
    more = f"; and {len(reasons) - _EXAMPLES} more" if len(reasons) > _EXAMPLES else ""
    if len(reasons) > HIGHEST_BAD_SHARE * len(labels):
        raise DatasetError(
            f"{len(reasons)} of {len(labels)} photos in {where} cannot be used, "
            f"more than {HIGHEST_BAD_SHARE:.0%}; mend or remove them: {examples}{more}"
        )
    lost = sorted(set(labels) - set(usable))
    if lost:
        raise DatasetError(
            f"no photo of {', '.join(lost)} in {where} can be used; mend them: {examples}{more}"
        )
