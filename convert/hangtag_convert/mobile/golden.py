"""The golden cases of a bundle: what a phone must make of a few frames, as JSON, PNG and bare bytes."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

import cv2
import numpy as np

from hangtag.classifier import Classifier
from hangtag.contract import ColourOrder, Kernel
from hangtag.errors import ModelFileError, VerificationFailed
from hangtag.golden import GoldenCase, GoldenCases, tensor_sha256
from hangtag.model_file import ModelFile
from hangtag.preprocess import Image, Preprocessor, preprocess
from hangtag.verification import verify_cases
from hangtag_convert.golden_cases import drawn_frames, make_golden_cases
from hangtag_convert.mobile.facts import MobileFacts, region_in_frame

INDEX_NAME = "golden.json"

_FRAME_SIZES_WH = (
    *((640, 480), (480, 640), (1280, 720), (1920, 1080), (1080, 1920), (4032, 3024)),
    *((641, 479), (333, 1001), (1001, 2), (7, 3000), (1, 1), (224, 224)),
)
_ROTATIONS = (0, 90, 180, 270)


def golden_files(facts: MobileFacts, original: ModelFile) -> dict[str, bytes]:
    """Return the golden cases as files by name.

    Args:
        facts: the model as the source takes it.
        original: the model as it was read, with its own golden cases.

    Raises:
        ModelFileError: the model carries no golden cases.
        VerificationFailed: this machine does not compute what the model's cases say.
    """
    golden = _cases(facts, original)
    classifier = Classifier(facts.model)
    files: dict[str, bytes] = {}
    # Named here, not as in the model: whoever made that may have chosen names that lead elsewhere.
    described = [
        _describe(f"golden-{number}", case, classifier, files) for number, case in enumerate(golden.cases)
    ]
    index = {
        "model_sha256": hashlib.sha256(facts.model.data).hexdigest(),
        "score_tolerance": golden.score_tolerance,
        "cases": described,
        "regions": [
            [*size_wh, degrees, *region_in_frame(size_wh, degrees, facts.contract)]
            for size_wh in _FRAME_SIZES_WH
            for degrees in _ROTATIONS
        ],
    }
    return {INDEX_NAME: _json(index), **files}


def _cases(facts: MobileFacts, original: ModelFile) -> GoldenCases:
    """Return the model's own cases, or new ones where the source resizes with another kernel."""
    if original.golden is None:
        raise ModelFileError(f"{original.name} carries no golden cases; convert it again to get them")
    if original.contract.input.kernel is not Kernel.LINEAR_EXACT:
        classifier = Classifier(facts.model)
        return make_golden_cases(classifier, original.golden.score_tolerance, drawn_frames(classifier))
    for result in verify_cases(Classifier(original)):
        if not result.passed:
            raise VerificationFailed(
                f"{original.name}: its golden case {result.name} fails on this machine, so nothing is "
                "bundled; see hangtag verify"
            )
    return original.golden


def _describe(stem: str, case: GoldenCase, classifier: Classifier, files: dict[str, bytes]) -> dict[str, Any]:
    """Add a case's files to ``files`` and return its entry in the index."""
    image = case.image()
    spec, threshold = classifier.contract.input, classifier.contract.calibration.unknown_threshold
    pixels: Image = np.empty(spec.shape[1:], np.uint8)
    Preprocessor(spec).write_pixels(image, pixels)
    files[f"{stem}.png"] = case.png
    files[f"{stem}.rgb"] = image[..., ::-1].tobytes()
    files[f"{stem}-prepared.png"] = _png(pixels, spec.colour_order)
    return {
        "name": stem,
        "image": f"{stem}.png",
        "rgb": f"{stem}.rgb",
        "prepared": f"{stem}-prepared.png",
        "width_px": image.shape[1],
        "height_px": image.shape[0],
        "pixels_sha256": hashlib.sha256(pixels.tobytes()).hexdigest(),
        "tensor_sha256": tensor_sha256(preprocess(image, spec)),
        "scores": [float(score) for score in case.scores],
        "best": int(np.argmax(case.scores)),
        # By the score: phones see nothing else of the model.
        "unknown": threshold is not None and max(case.scores) < threshold,
    }


def _png(pixels: Image, order: ColourOrder) -> bytes:
    """Return prepared pixels as a picture that people and phones see in the right colours."""
    written, png = cv2.imencode(".png", pixels[..., ::-1] if order is ColourOrder.RGB else pixels)
    if not written:
        raise RuntimeError("OpenCV could not encode a PNG")
    return png.tobytes()


def _json(index: dict[str, Any]) -> bytes:
    """Return indented JSON in which a row of numbers stays one line."""
    text = json.dumps(index, indent=2, allow_nan=False)
    rows = re.sub(r"\[[-+.0-9e,\s]*\]", lambda row: " ".join(row.group().split()), text)
    return (rows + "\n").encode()
