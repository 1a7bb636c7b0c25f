"""What tests of several stages share: where real photos are, and pictures drawn on the spot."""

from __future__ import annotations

import dataclasses
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from made_once import made_once
from tiny_run import TinyRun, train_run

if TYPE_CHECKING:
    from hangtag_convert.record import Conversion

Image = npt.NDArray[np.uint8]

if "PYTEST_XDIST_WORKER" in os.environ:
    # There are as many of us as processors: each keeps to one. It counts before TensorFlow's first import.
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")

_PROJECT = Path(__file__).resolve().parents[1]
_DATASET = "clothing-dataset-small"


@pytest.fixture(scope="session", autouse=True)
def _heed_ctrl_c() -> None:
    """What a shell puts into the background ignores Ctrl-C, and so would every process that tests start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def clothing_dataset() -> Path:
    """The folder of real photos; skips, saying so, where there is none.

    ``HANGTAG_DATA`` names a folder that holds ``clothing-dataset-small``; without it ``../shared/data``
    beside the project is looked at.
    """
    named = os.environ.get("HANGTAG_DATA")
    if named is not None:
        folder = Path(named) / _DATASET
        if not folder.is_dir():
            pytest.fail(f"HANGTAG_DATA is {named}, and there is no folder {folder}")
        return folder
    folder = _PROJECT.parent / "shared" / "data" / _DATASET
    if not folder.is_dir():
        pytest.skip(f"needs the real photos: set HANGTAG_DATA to the folder that holds {_DATASET}")
    return folder


@pytest.fixture(scope="session")
def real_photos(clothing_dataset: Path) -> list[Path]:
    """Three validation photos of each label; the test split is for reports alone."""
    labels = sorted(path for path in (clothing_dataset / "validation").iterdir() if path.is_dir())
    return [photo for label in labels for photo in sorted(label.iterdir())[:3]]


@pytest.fixture(scope="session")
def synthetic_frame() -> Callable[[int, int], Image]:
    """Gives BGR frames of any size by whole-number arithmetic: the same bytes everywhere.

    They differ from left to right, top to bottom and channel to channel, and have smooth and busy parts.
    """

    def draw(width: int, height: int) -> Image:
        y, x = np.mgrid[0:height, 0:width]
        blue = (x * 255) // max(width - 1, 1)
        green = (y * 255) // max(height - 1, 1)
        red = (x * 7 + y * 13 + (x * y) // 3) % 256
        return np.dstack([blue, green, red]).astype(np.uint8)

    return draw


@pytest.fixture(scope="session")
def draw_shape() -> Callable[[str, int], Image]:
    """Gives pictures of coloured shapes, one per label, that differ by seed in place, size and ground."""

    def draw(label: str, seed: int) -> Image:
        rng = np.random.default_rng([seed, *label.encode()])
        height, width = (int(side) for side in rng.integers(48, 90, 2))
        image = np.full((height, width, 3), rng.integers(150, 230, 3), np.uint8)
        centre = (width // 2 + int(rng.integers(-4, 5)), height // 2 + int(rng.integers(-4, 5)))
        radius = int(min(width, height) * rng.uniform(0.25, 0.4))
        if label == "disc":
            cv2.circle(image, centre, radius, (30, 30, 200), -1)
        elif label == "square":
            corner = (centre[0] - radius, centre[1] - radius)
            cv2.rectangle(image, corner, (centre[0] + radius, centre[1] + radius), (200, 60, 20), -1)
        else:
            cv2.line(image, (0, centre[1]), (width, centre[1]), (20, 160, 20), max(radius // 2, 3))
        return image

    return draw


SHAPES = ("disc", "square", "stripe")


@pytest.fixture(scope="session")
def shapes_dataset(tmp_path_factory: pytest.TempPathFactory, draw_shape: Callable[[str, int], Image]) -> Path:
    """A data set of drawn shapes: three labels, 6 / 4 / 2 photos of each. Do not change it: copy it."""
    root = tmp_path_factory.mktemp("shapes")
    for offset, (split, count) in enumerate((("train", 6), ("validation", 4), ("test", 2))):
        for label in SHAPES:
            folder = root / split / label
            folder.mkdir(parents=True)
            for number in range(count):
                picture = draw_shape(label, 100 * offset + number)
                assert cv2.imwrite(str(folder / f"{number:02}.png"), picture)
    return root


_COLOURS = ("blue", "green", "red")


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory) -> TinyRun:
    """An EfficientNet-Lite0 at 64 px that tells noisy blue, green and red apart. Do not change it."""
    return made_once(tmp_path_factory, "tiny", _train_tiny)


def _train_tiny(root: Path) -> TinyRun:
    from hangtag_train.recipe import load_recipe

    rng = np.random.default_rng(5)
    for split, count in (("train", 12), ("validation", 5)):
        for channel, label in enumerate(_COLOURS):
            folder = root / "data" / split / label
            folder.mkdir(parents=True)
            for number in range(count):
                image = rng.integers(0, 120, (70, 50, 3)).astype(np.uint8)
                image[..., channel] = np.minimum(image[..., channel].astype(int) + 135, 255)
                cv2.imwrite(str(folder / f"{number}.png"), image)
    recipe = dataclasses.replace(load_recipe("clothing-quick"), size_px=64, head_epochs=15, model_name="tiny")
    train_run(root / "data", root / "run", recipe)
    return TinyRun(root / "run", root / "data")


@pytest.fixture(scope="session")
def tiny_conversion(tiny_run: TinyRun, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Conversion]:
    """The folder of the tiny run's files in every format, and what conversion found. Do not change it."""

    def convert_tiny(out: Path) -> tuple[Path, Conversion]:
        from converting import convert_to

        from hangtag_convert.formats import Format

        return out, convert_to(tiny_run.folder, out, list(Format))

    return made_once(tmp_path_factory, "tiny-files", convert_tiny)
