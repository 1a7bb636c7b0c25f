"""What one CPU makes of the same frames, photos and model, as JSON on standard output.

``test_arm.py`` runs it twice, on this machine and in the emulated ARM system, and compares. It needs nothing
but what ``hangtag`` itself needs.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import platform
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from hangtag.classifier import Classifier, bundled_model
from hangtag.contract import ColourOrder, Geometry, InputSpec, Kernel, TensorFormat
from hangtag.golden import tensor_sha256
from hangtag.model_file import read_model_file
from hangtag.photos import read_photo
from hangtag.preprocess import Image, Preprocessor
from hangtag.verification import verify_cases

_PIXEL_BYTES = TensorFormat(dtype="uint8", scale=1 / 128, zero_point=127)
_IMAGENET: dict[str, Any] = {"mean": (123.675, 116.28, 103.53), "std": (58.395, 57.12, 57.375)}
_GREY: dict[str, Any] = {"colour_order": ColourOrder.GREY, "mean": (127.0,), "std": (128.0,)}

_INPUTS: dict[str, dict[str, Any]] = {
    "uint8 identity": {"tensor": _PIXEL_BYTES},
    "uint8 bgr": {"tensor": _PIXEL_BYTES, "colour_order": ColourOrder.BGR},
    "uint8 96x160": {"tensor": _PIXEL_BYTES, "width_px": 96, "height_px": 160},
    "uint8 imagenet": {"tensor": TensorFormat(dtype="uint8", scale=0.0187, zero_point=114), **_IMAGENET},
    "int8": {"tensor": TensorFormat(dtype="int8", scale=1 / 128, zero_point=-1)},
    "int16 imagenet": {"tensor": TensorFormat(dtype="int16", scale=0.0001), **_IMAGENET},
    "float32": {},
    "float32 imagenet": _IMAGENET,
    "halved": {"tensor": _PIXEL_BYTES, "kernel": Kernel.HALVED},
    "halved 96x160": {
        "tensor": _PIXEL_BYTES,
        "kernel": Kernel.HALVED,
        "width_px": 96,
        "height_px": 160,
    },
    "grey uint8": {"tensor": _PIXEL_BYTES, **_GREY},
    "grey float32": _GREY,
}
"""Family of inputs -> what it differs in from an RGB float32 input of 224 pixels."""

_OTHER_KERNELS = (Kernel.LINEAR, Kernel.AREA)

_SIZES_WH = (
    (1, 1),
    (1, 7),
    (7, 1),
    (2, 2),
    (31, 17),
    (97, 61),
    (224, 224),
    (225, 223),
    (333, 500),
    (400, 533),
    (640, 480),
    (1001, 7),
    (1920, 1080),
)

_SCORED_WH = ((1, 1), (97, 61), (333, 500), (640, 480))


def main() -> None:
    """Report on what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    tasks = parser.add_subparsers(dest="task", required=True)
    tasks.add_parser("tensors")
    tasks.add_parser("photos").add_argument("photos", nargs="+", type=Path)
    scores = tasks.add_parser("scores")
    scores.add_argument("--model", type=Path, help="a model file instead of the bundled one")
    scores.add_argument("photos", nargs="*", type=Path)
    arguments = parser.parse_args()
    report: dict[str, Any] = {
        "machine": platform.machine(),
        "versions": {"opencv": cv2.__version__, "numpy": np.__version__},
    }
    if arguments.task == "tensors":
        report |= {"frames": {name: _sha256(frame) for name, frame in _frames()}, "tensors": _tensors()}
    elif arguments.task == "photos":
        report["photos"] = {str(path): _sha256(read_photo(path)) for path in arguments.photos}
    else:
        report |= _scores(arguments.model, arguments.photos)
    json.dump(report, sys.stdout)


def _frames() -> Iterator[tuple[str, Image]]:
    for number, (width, height) in enumerate(_SIZES_WH):
        yield f"gradient {width}x{height}", _gradient(width, height)
        yield f"noise {width}x{height}", _noise(width, height, number)
        yield f"noisy gradient {width}x{height}", _noisy_gradient(width, height, number)


def _gradient(width: int, height: int) -> Image:
    """Whole-number arithmetic, so that no CPU rounds it otherwise; every channel another way."""
    y, x = np.mgrid[0:height, 0:width]
    blue = (x * 255) // max(width - 1, 1)
    green = (y * 255) // max(height - 1, 1)
    red = (x * 7 + y * 13 + (x * y) // 3) % 256
    return np.dstack([blue, green, red]).astype(np.uint8)


def _noise(width: int, height: int, seed: int) -> Image:
    """The generator's raw words as pixel bytes: their stream is fixed, that of distributions may change."""
    count = width * height * 3
    words = np.random.PCG64(seed).random_raw(-(-count // 8))
    return words.astype("<u8").view(np.uint8)[:count].reshape(height, width, 3)


def _noisy_gradient(width: int, height: int, seed: int) -> Image:
    """A smooth picture with a sensor's noise: most neighbours are close, none are alike."""
    gradient = _gradient(width, height).astype(np.int16)
    noisy = gradient + _noise(width, height, seed) // 8 - 16
    return np.asarray(np.clip(noisy, 0, 255), np.uint8)


def _specs() -> Iterator[tuple[str, str, InputSpec]]:
    """Give the family, the geometry's name and the input of every case."""
    base = InputSpec(width_px=224, height_px=224, pad_value=114)
    for geometry in Geometry:
        for family, changes in _INPUTS.items():
            yield family, geometry.value, dataclasses.replace(base, geometry=geometry, **changes)
        for kernel in _OTHER_KERNELS:
            spec = dataclasses.replace(base, geometry=geometry, kernel=kernel, tensor=_PIXEL_BYTES)
            yield f"kernel {kernel.value}", geometry.value, spec


def _tensors() -> dict[str, dict[str, str]]:
    """Return family -> case -> digest of the input tensor."""
    prepared = [(family, geometry, Preprocessor(spec)) for family, geometry, spec in _specs()]
    digests: dict[str, dict[str, str]] = {family: {} for family, _, _ in prepared}
    for frame_name, frame in _frames():
        for family, geometry, preprocessor in prepared:
            tensor = np.empty(preprocessor.spec.shape, preprocessor.spec.tensor.dtype)
            preprocessor.write(frame, tensor)
            digests[family][f"{frame_name}, {geometry}"] = tensor_sha256(tensor)
    return digests


def _scores(path: Path | None, photos: list[Path]) -> dict[str, Any]:
    classifier = Classifier(bundled_model() if path is None else read_model_file(path))
    pictures = {f"{width}x{height}": _noisy_gradient(width, height, 7) for width, height in _SCORED_WH}
    pictures |= {str(photo): read_photo(photo) for photo in photos}
    return {
        "output_scale": classifier.contract.output.tensor.scale,
        "golden": [dataclasses.asdict(result) for result in verify_cases(classifier)],
        "scores": {name: classifier.scores(picture).tolist() for name, picture in pictures.items()},
    }


def _sha256(image: Image) -> str:
    """Return the digest of a picture's shape and bytes."""
    return hashlib.sha256(f"{image.shape}".encode() + image.tobytes()).hexdigest()


if __name__ == "__main__":
    main()
