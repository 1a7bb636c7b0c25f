"""A browser's labels beside Python's, photo by photo."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from hangtag.labelled_folder import LabelledPhoto
from hangtag_benchmarks.browser import agreement as agreement_module
from hangtag_benchmarks.browser.agreement import Agreement, Named, agreement, report

pytestmark = pytest.mark.usefixtures("nothing_left")

LABELS = ("disc", "square", "stripe")


def _named(name: str, here: int, browser: int, label: int = 0, score: float = 0.9) -> Named:
    return Named(LabelledPhoto(Path(f"test/disc/{name}.jpg"), label), here, score, browser, score)


def test_the_report_counts_and_lists_the_surest_disagreements_first() -> None:
    found = Agreement(
        (
            _named("a", 0, 0),
            _named("b", 0, 1, score=0.4),
            _named("c", 1, 0, score=0.8),
            _named("d", 2, 2, label=2),
        ),
        (Path("test/square/e.jpg"),),
        "wasm, 1 thread (plain)",
    )
    lines = report(found, LABELS).splitlines()

    assert lines == [
        "wasm, 1 thread (plain): 2 of 5 labels equal (40.00%)",
        "top-1: Python 0.6000, browser 0.6000",
        "the browser cannot read square/e.jpg",
        "disc/c.jpg: Python square 0.800, browser disc 0.800",
        "disc/b.jpg: Python disc 0.400, browser square 0.400",
    ]


@pytest.fixture
def jpeg_photos(tmp_path: Path, synthetic_frame: Callable[[int, int], Any]) -> Path:
    """A data set of noisy photos in every quality, those of the first label bright and the others dark."""
    rng = np.random.default_rng(7)
    for label in LABELS:
        folder = tmp_path / "data" / "test" / label
        folder.mkdir(parents=True)
        for number in range(4):
            image = rng.integers(0, 80, (90 + 7 * number, 120, 3)).astype(np.uint8)
            image = cv2.GaussianBlur(image, (5, 5), 2)
            image += 150 if label == LABELS[0] else 0
            cv2.imwrite(str(folder / f"{number}.jpg"), image, [cv2.IMWRITE_JPEG_QUALITY, 60 + 10 * number])
    return tmp_path / "data"


def test_a_browser_names_photos_as_python_does(
    browser_program: Path, tiny_float_model: Path, jpeg_photos: Path
) -> None:
    done = CliRunner().invoke(agreement, [str(tiny_float_model), "--data", str(jpeg_photos)])

    assert done.exit_code == 0, done.output
    first, second = done.output.splitlines()[:2]
    assert first == "wasm, 1 thread (plain): 12 of 12 labels equal (100.00%)"
    here, browser = (float(word.strip(",")) for word in second.split() if word[0].isdigit())
    assert here == browser


def test_too_few_equal_labels_are_a_failure(
    browser_program: Path, tiny_float_model: Path, jpeg_photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if one of the decoders gave negatives.
    real = agreement_module.read_photo
    monkeypatch.setattr(agreement_module, "read_photo", lambda path: 255 - real(path))
    done = CliRunner().invoke(agreement, [str(tiny_float_model), "--data", str(jpeg_photos)])

    assert done.exit_code == 1
    assert ": Python " in done.output


def test_a_photo_that_only_the_browser_cannot_read_is_no_agreement(
    browser_program: Path, tiny_float_model: Path, jpeg_photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (jpeg_photos / "test" / "disc" / "9.jpg").write_bytes(b"no picture")
    done = CliRunner().invoke(agreement, [str(tiny_float_model), "--data", str(jpeg_photos)])

    assert done.exit_code == 1
    assert "the browser cannot read disc/9.jpg" in done.output
    assert "12 of 13 labels equal" in done.output


@pytest.mark.slow
def test_on_real_photos_a_browser_agrees_with_python(
    browser_program: Path, clothing_dataset: Path, real_photos: list[Path], tmp_path: Path
) -> None:
    """The bundled model on validation photos; the test split is for reports."""
    for photo in real_photos:
        folder = tmp_path / "validation" / photo.parent.name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / photo.name).symlink_to(photo)
    done = CliRunner().invoke(agreement, ["--data", str(tmp_path), "--split", "validation"])

    assert done.exit_code == 0, done.output
