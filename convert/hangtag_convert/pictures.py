"""All pictures that a conversion needs: to calibrate on, to compare on, to prove devices with."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from hangtag.labelled_folder import LabelledFolder, LabelledPhoto
from hangtag.progress import Progress
from hangtag_convert.calibration_set import (
    PHOTOS,
    RECOVERY_PHOTOS,
    CalibrationSet,
    check_apart,
    choose_photos,
    own_photos,
)
from hangtag_convert.metadata import for_files
from hangtag_convert.run_photos import any_photos, readable, splits_of
from hangtag_convert.source import Source
from hangtag_convert.yardstick import Yardstick, rendered_garments


@dataclass(frozen=True, slots=True)
class Pictures:
    """What a conversion sees.

    ``calibration`` is None where there are no photos to calibrate on; the larger ``recovery`` also where
    nobody asked to try harder. ``yardstick`` is what models are compared on: validation photos or, for want
    of any, rendered garments.
    """

    calibration: CalibrationSet | None
    recovery: CalibrationSet | None
    yardstick: Yardstick


def find_pictures(
    source: Source,
    data: Path | None,
    calibration: Path | None,
    *,
    needed: bool,
    recover: bool,
    progress: Progress,
) -> Pictures:
    """Find the photos of a conversion.

    Args:
        source: what is converted.
        data: the data set, or any photos for a network that has none (see :class:`Plan`).
        calibration: photos to calibrate on in place of the training photos.
        needed: False where no format is calibrated; the photos to calibrate on are then left unread.
        recover: whether to try harder where plain calibration loses too much.
        progress: where progress is shown.

    Raises:
        DatasetError: photos are gone or laid out otherwise.
        ConversionError: they are not the run's, or are kept for measuring.
        PhotoError: a folder holds no photo.
    """
    train, yardstick, kept = _splits(source, data, progress)
    spec = for_files(source.contract).input
    if calibration is not None:
        train = own_photos(calibration, source.contract.labels, spec)
        check_apart(train, kept)
    if train is None or not needed:
        return Pictures(None, None, yardstick)

    few = choose_photos(train, PHOTOS)
    many = choose_photos(train, RECOVERY_PHOTOS) if recover else ()
    both = dataclasses.replace(train, photos=tuple(dict.fromkeys((*few, *many))))
    kept_photos = frozenset(readable(both, progress).photos)

    def chosen(photos: tuple[LabelledPhoto, ...]) -> CalibrationSet:
        return CalibrationSet(tuple(photo for photo in photos if photo in kept_photos), spec)

    return Pictures(chosen(few), chosen(many) if recover else None, yardstick)


def _splits(
    source: Source, data: Path | None, progress: Progress
) -> tuple[LabelledFolder | None, Yardstick, list[LabelledFolder]]:
    """Return the photos to calibrate on, what to compare on, and all photos that are kept for measuring."""
    run = source.run
    has_labels = (data is not None and _is_data_set(data)) if run is None else run.data is not None
    if has_labels:
        splits = splits_of(source, data, progress)
        kept = [split for split in (splits.validation, splits.test) if split is not None]
        return splits.train, Yardstick(splits.validation), kept
    return (None if data is None else any_photos(data)), rendered_garments(progress), []


def _is_data_set(folder: Path) -> bool:
    return all((folder / split).is_dir() for split in ("train", "validation"))
