"""A contact sheet: some photos of every label, as one picture."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import cv2

from hangtag.errors import PhotoError
from hangtag.files import whole_file
from hangtag.labelled_folder import LabelledFolder
from hangtag.photos import read_photo
from hangtag_train.mistakes import thumbnail

_CELL_IN = 1.35
_DPI = 100
MOST_ROWS = 200
"""Labels on one sheet: a picture of more rows would be too high for most programs to open."""


def draw_sheet(
    split: LabelledFolder, path: Path, *, per_label: int = 8, seed: int = 1
) -> tuple[PhotoError, ...]:
    """Write a PNG with a row of photos for each of the first 200 labels; a seed always draws the same ones.

    Photos keep their shape. One that cannot be read is left as an empty place with a cross.

    Returns:
        An error for each such photo.

    Raises:
        OutputError: the file cannot be written.
    """
    from matplotlib.figure import Figure

    from hangtag_train.lettering import style, written

    labels = split.labels[:MOST_ROWS]
    rows = [(label, _chosen(split, index, per_label, seed)) for index, label in enumerate(labels)]
    counts = Counter(split.targets)
    figure = Figure(figsize=(_CELL_IN * per_label, (_CELL_IN + 0.28) * len(rows) + 0.4), dpi=_DPI)
    figure.subplots_adjust(
        left=0.01, right=0.99, bottom=0.1 / figure.get_figheight(), top=1 - 0.6 / figure.get_figheight(),
        wspace=0.05, hspace=0.28,
    )  # fmt: skip
    title = written(f"{split.path.name}: {len(split.photos)} photos, {len(split.labels)} labels", 80)
    figure.suptitle(title, x=0.01, y=1 - 0.1 / figure.get_figheight(), ha="left", va="top", **style([title]))
    errors: list[PhotoError] = []
    grid = figure.subplots(len(rows), per_label, squeeze=False)
    for index, ((label, photos), places) in enumerate(zip(rows, grid, strict=True)):
        for axes in places:
            axes.set_axis_off()
        text = f"{written(label, 40)}  ({counts[index]})"
        places[0].set_title(text, loc="left", fontsize=10, pad=3, **style([text]))
        for axes, photo in zip(places, photos, strict=False):
            axes.set_anchor("NW")
            try:
                small = thumbnail(read_photo(photo), int(_CELL_IN * _DPI))
            except PhotoError as error:
                errors.append(error)
                axes.text(
                    0.5, 0.5, "\N{MULTIPLICATION X}", ha="center", va="center", fontsize=24, color="#b00020"
                )
                continue
            axes.imshow(cv2.cvtColor(small, cv2.COLOR_BGR2RGB))
    with whole_file(path) as temporary:
        figure.savefig(temporary)
    return tuple(errors)


def _chosen(split: LabelledFolder, label: int, count: int, seed: int) -> Sequence[Path]:
    """Return some photos of a label: those whose names rank first under the seed."""
    paths = [photo.path for photo in split.photos if photo.label == label]
    return sorted(
        paths,
        key=lambda path: hashlib.sha256(f"{seed}/{path.name}".encode(errors="surrogateescape")).digest(),
    )[:count]
