"""Photos that training left out because they are damaged are left out of conversion, too, by name."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from hangtag.errors import DatasetError
from hangtag.labelled_folder import LabelledFolder, read_split
from hangtag.progress import Progress
from hangtag_convert.run_photos import readable


def _split(root: Path, good: int, bad: int) -> LabelledFolder:
    for label in ("blue", "red"):
        folder = root / "validation" / label
        folder.mkdir(parents=True)
        for number in range(good + bad):
            path = folder / f"{number}.png"
            path.write_bytes(b"nothing")
            if number < good:
                assert cv2.imwrite(str(path), np.full((4, 4, 3), number, np.uint8))
    return read_split(root, "validation")


def test_damaged_photos_are_skipped_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    split = _split(tmp_path, 2, 1)
    kept = readable(split, Progress())
    assert kept.labels == split.labels
    assert kept.photos == (*split.photos[:2], *split.photos[3:5])
    shown = capsys.readouterr().err
    assert [line.split(" is ")[0] for line in shown.splitlines()] == [
        f"skipped: {split.photos[place].path}" for place in (2, 5)
    ]


def test_no_readable_photo_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"no photo in .*validation can be read: .*0\.png"):
        readable(_split(tmp_path, 0, 2), Progress(quiet=True))
