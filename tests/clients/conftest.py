"""Real clients in environments of their own, and the models that they are given."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

# The modules beside this file are also scripts, which find each other in their own folder.
sys.path.insert(0, str(Path(__file__).resolve().parent))

from client_environments import (
    MEDIAPIPE,
    TFLITE_RUNTIME,
    ClientEnvironment,
    EnvironmentUnavailable,
    python_in,
)

from hangtag.classifier import bundled_model
from hangtag.preprocess import Image
from hangtag.scene import render_garment
from hangtag_convert.formats import Format
from hangtag_convert.record import Conversion

BUNDLED = "bundled"
FORMATS = tuple(kind.value for kind in Format)


def _python_or_skip(environment: ClientEnvironment) -> Path:
    try:
        return python_in(environment)
    except EnvironmentUnavailable as unavailable:
        pytest.skip(str(unavailable))


@pytest.fixture(scope="session")
def mediapipe_python() -> Path:
    """The Python of MediaPipe's environment; skips, saying what is missing, where it cannot be made."""
    return _python_or_skip(MEDIAPIPE)


@pytest.fixture(scope="session")
def tflite_runtime_python() -> Path:
    """The Python of tflite-runtime's environment; skips, saying what is missing, where it cannot be made."""
    return _python_or_skip(TFLITE_RUNTIME)


@pytest.fixture(scope="session")
def bundled_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled model as a file."""
    path = tmp_path_factory.mktemp("bundled") / "clothing.tflite"
    path.write_bytes(bundled_model().data)
    return path


@pytest.fixture(scope="session")
def model_files(tiny_conversion: tuple[Path, Conversion], bundled_file: Path) -> dict[str, Path]:
    """A small trained model in every format, by the format's name, and the bundled one."""
    out = tiny_conversion[0]
    return {BUNDLED: bundled_file, **{kind: out / f"tiny-{kind}.tflite" for kind in FORMATS}}


@pytest.fixture(scope="session")
def drawn_pictures() -> list[Image]:
    """Two dozen BGR pictures: rendered garments, noise, flat colours; portrait, landscape, odd sizes."""
    rng = np.random.default_rng(7)
    labels = bundled_model().contract.labels
    garments = [render_garment(label, rng, 211 + 20 * number)[0] for number, label in enumerate(labels)]
    cut = [garment[: 150 + 13 * number] for number, garment in enumerate(garments)]
    noise = [rng.integers(0, 256, (height, width, 3), np.uint8) for height, width in ((97, 61), (63, 160))]
    flat = [np.full((64, 64, 3), colour, np.uint8) for colour in ((220, 30, 30), (30, 220, 30), (0, 0, 255))]
    return [*garments, *cut, *noise, *flat]
