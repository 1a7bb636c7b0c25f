"""The misclassified photos of a split: a list, a file of it, and a contact sheet."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from hangtag.errors import TrainingError
from hangtag.files import whole_file, write_json
from hangtag.photos import read_photo

if TYPE_CHECKING:
    from hangtag.metrics import Scores, Targets
    from hangtag.preprocess import Image

MISTAKES_NAME = "mistakes.json"
"""The file in a run's folder that lists its misclassified validation photos."""

_COLUMNS = 5
_LONGEST_LABEL = 20


@dataclass(frozen=True, slots=True)
class Mistake:
    """A photo that was called something else than it is.

    ``score`` is what the wrong label got and ``true_score`` what the right one got, from 0 to 1; ``photo`` is
    the file, with "/" between folders.
    """

    photo: str
    label: str
    predicted: str
    score: float
    true_score: float


def find_mistakes(
    photos: Sequence[Path], scores: Scores, targets: Targets, labels: Sequence[str]
) -> list[Mistake]:
    """List every misclassified photo, the most confident mistake first.

    Args:
        photos: one file per row of ``scores``.
        scores: (photos, labels), rows adding up to 1.
        targets: (photos,) index of each photo's label.
        labels: the label of each column.

    Raises:
        ValueError: the lengths do not fit together.
    """
    if scores.shape != (len(photos), len(labels)) or len(targets) != len(photos):
        raise ValueError(
            f"got scores of shape {scores.shape}, {len(photos)} photos, {len(targets)} targets and "
            f"{len(labels)} labels; wanted (photos, labels)"
        )
    predicted = scores.argmax(axis=1)
    wrong = np.flatnonzero(predicted != np.asarray(targets))
    worst_first = wrong[np.argsort(-scores[wrong, predicted[wrong]], kind="stable")]
    return [
        Mistake(
            photo=photos[row].as_posix(),
            label=labels[int(targets[row])],
            predicted=labels[int(predicted[row])],
            score=float(scores[row, predicted[row]]),
            true_score=float(scores[row, targets[row]]),
        )
        for row in worst_first
    ]


def write_mistakes(mistakes: Sequence[Mistake], path: Path) -> None:
    """Write a list of mistakes as JSON; their photos should be named by their place in the data set.

    Raises:
        OutputError: it cannot be written.
    """
    write_json(path, [asdict(mistake) for mistake in mistakes])


def read_mistakes(path: Path) -> list[Mistake]:
    """Read what :func:`write_mistakes` wrote.

    Raises:
        TrainingError: it cannot be read, is something else, or names files outside the data set.
    """
    try:
        rows = json.loads(path.read_bytes())
        return [
            Mistake(
                photo=_inside(str(row["photo"])),
                label=str(row["label"]),
                predicted=str(row["predicted"]),
                score=float(row["score"]),
                true_score=float(row["true_score"]),
            )
            for row in _listed(rows)
        ]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise TrainingError(
            f"{path} is no list of misclassified photos ({error!r}); make it again with "
            "hangtag report RUN --data DATA"
        ) from None


def _listed(rows: Any) -> list[Any]:
    if not isinstance(rows, list):
        raise TypeError(f"it holds a {type(rows).__name__}")
    return rows


def _inside(photo: str) -> str:
    """Raise ValueError where a path could lead out of the data set: a report would show that picture."""
    if PurePosixPath(photo).is_absolute() or ".." in PurePosixPath(photo).parts or "\0" in photo:
        raise ValueError(f"{photo!r} is not a place inside a data set")
    return photo


def draw_mistakes(
    photos: Sequence[Path],
    scores: Scores,
    targets: Targets,
    labels: Sequence[str],
    path: Path,
    *,
    limit: int = 30,
) -> int:
    """Draw the misclassified photos as a contact sheet, the most confident mistake first.

    Each photo is shown whole, with the label it has, the label it was given and that one's score. Where no
    photo is misclassified the sheet says so.

    Args:
        photos: one file per row of ``scores``.
        scores: (photos, labels), rows adding up to 1.
        targets: (photos,) index of each photo's label.
        labels: the label of each column.
        path: the PNG to write.
        limit: most photos on the sheet.

    Returns:
        How many photos are misclassified, on the sheet or not.

    Raises:
        ValueError: the lengths do not fit together.
        PhotoError: a photo cannot be read.
        OutputError: the file cannot be written.
    """
    from matplotlib.figure import Figure

    from hangtag_train.lettering import style

    mistakes = find_mistakes(photos, scores, targets, labels)
    shown = mistakes[:limit]
    rows = max(1, math.ceil(len(shown) / _COLUMNS))
    figure = Figure(figsize=(2.2 * _COLUMNS, 2.85 * rows + 0.5), layout="constrained")
    figure.suptitle(_headline(len(mistakes), len(shown), len(photos)))
    for place, axes in enumerate(figure.subplots(rows, _COLUMNS, squeeze=False).flat):
        axes.set_axis_off()
        if place < len(shown):
            axes.set_anchor("NW")
            axes.imshow(cv2.cvtColor(thumbnail(read_photo(Path(shown[place].photo)), 220), cv2.COLOR_BGR2RGB))
            text = _caption(shown[place])
            axes.set_title(text, fontsize="small", loc="left", **style([text]))
    with whole_file(path) as temporary:
        figure.savefig(temporary, dpi=100)
    return len(mistakes)


def _caption(mistake: Mistake) -> str:
    """Return the two lines over a photo: what it is, and what it was called with which score."""
    from hangtag_train.lettering import written

    label, predicted = (written(text, _LONGEST_LABEL) for text in (mistake.label, mistake.predicted))
    return f"is {label}\ncalled {predicted} {100 * mistake.score:.0f} %"


def thumbnail(image_bgr: Image, side_px: int) -> Image:
    """Return a photo, whole, no side longer than ``side_px``; a smaller one stays as it is."""
    height, width = image_bgr.shape[:2]
    scale = side_px / max(height, width)
    if scale >= 1:
        return image_bgr
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(image_bgr, size, interpolation=cv2.INTER_AREA), np.uint8)


def _headline(mistakes: int, shown: int, photos: int) -> str:
    if not mistakes:
        return f"none of {photos} photos is misclassified"
    which = f"the {shown} most confident mistakes" if shown < mistakes else "the most confident mistake first"
    return f"{mistakes} of {photos} photos are misclassified; {which}"
