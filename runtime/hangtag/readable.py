"""The photos of a split that can be read, and why the others cannot."""

from __future__ import annotations

import dataclasses

from hangtag.errors import PhotoError
from hangtag.labelled_folder import LabelledFolder, LabelledPhoto
from hangtag.photos import read_photo
from hangtag.progress import Progress


def keep_readable(
    split: LabelledFolder, progress: Progress, title: str | None = None
) -> tuple[LabelledFolder, tuple[PhotoError, ...]]:
    """Decode every photo once; return the split without those that fail, and an error naming each of them.

    Labels and order stay as they are; the split may come back empty.
    """
    kept: list[LabelledPhoto] = []
    errors: list[PhotoError] = []
    with progress.bar(title, len(split.photos)) as advance:
        for photo in split.photos:
            try:
                read_photo(photo.path)
            except PhotoError as error:
                errors.append(error)
            else:
                kept.append(photo)
            advance()
    return dataclasses.replace(split, photos=tuple(kept)), tuple(errors)


def say_skipped(progress: Progress, errors: tuple[PhotoError, ...]) -> None:
    """Say of each photo that is left out why it is."""
    for error in errors:
        progress.say(f"skipped: {error}")
