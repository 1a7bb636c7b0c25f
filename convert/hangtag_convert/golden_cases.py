"""Makes the golden cases that a model carries: synthetic frames, their tensors' digests, their scores."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from hangtag.classifier import Classifier
from hangtag.contract import InputSpec, OutputKind, OutputSpec
from hangtag.errors import ConversionError
from hangtag.golden import MAX_TOTAL_BYTES, GoldenCase, GoldenCases, tensor_sha256
from hangtag.photos import find_photos, read_photo
from hangtag.preprocess import Image, preprocess

_SCORE_DIGITS = 7
_CANDIDATES = 12
_OWN_FRAMES = 4
_INDEX_BYTES, _SCORE_BYTES = 500, 18
"""What one case takes in the index, at most: its name and digest, and each score with its label's number."""
_FEWEST_BYTES = 2000


def make_golden_cases(classifier: Classifier, score_tolerance: float, frames: Sequence[Image]) -> GoldenCases:
    """Run a model on frames and record what it computes.

    Args:
        classifier: the model.
        score_tolerance: how far another device's scores may be off.
        frames: BGR uint8 of any sizes, from :func:`drawn_frames` or :func:`frames_from`.

    Raises:
        ConversionError: the cases would weigh more than :data:`hangtag.golden.MAX_TOTAL_BYTES`.
    """
    cases = tuple(_case(f"golden-{number}.png", frame, classifier) for number, frame in enumerate(frames))
    golden = GoldenCases(cases, max(score_tolerance, _of_logits(classifier.contract.output)))
    total = sum(map(len, golden.to_files().values()))
    if total > MAX_TOTAL_BYTES:
        raise ConversionError(
            f"golden cases of {len(classifier.contract.labels)} labels weigh {total} bytes; "
            f"wanted at most {MAX_TOTAL_BYTES}"
        )
    return golden


def drawn_frames(classifier: Classifier) -> tuple[Image, ...]:
    """Return five drawn BGR frames: three for the pixels and, of many, the two that a model is least sure of.

    A score near 1 hardly moves, however differently a device computes.
    """
    return (*_synthetic_frames(), *_doubtful(classifier))


def _of_logits(spec: OutputSpec) -> float:
    """Return how far a step and a half of a stored logit can move its probability: a quarter at p = 1/2."""
    logits = spec.kind is OutputKind.LOGITS and spec.tensor.scale is not None
    return 0.25 * 1.5 * float(spec.tensor.scale or 0.0) if logits else 0.0


def frames_from(folder: Path, labels: int) -> tuple[Image, ...]:
    """Return BGR frames for golden cases of so many labels from the user's photos, spread through the folder.

    Each is scaled down until its PNG fits its share of :data:`hangtag.golden.MAX_TOTAL_BYTES`; they travel
    inside the model, where everybody who gets it can see them.

    Raises:
        PhotoError: the folder holds no photo, or one cannot be read.
        ConversionError: so many labels' scores leave no room.
    """
    paths = list(find_photos([folder]))
    chosen = [paths[round(place)] for place in np.linspace(0, len(paths) - 1, min(_OWN_FRAMES, len(paths)))]
    share = MAX_TOTAL_BYTES // len(chosen) - _INDEX_BYTES - _SCORE_BYTES * labels
    if share < _FEWEST_BYTES:
        raise ConversionError(f"the scores of {labels} labels leave no room for photos as golden cases")
    return tuple(_fitting(read_photo(path), share) for path in chosen)


def _fitting(frame: Image, most_bytes: int) -> Image:
    while len(_png(frame)) > most_bytes:
        height, width = frame.shape[:2]
        smaller = (max(1, width * 4 // 5), max(1, height * 4 // 5))
        frame = np.asarray(cv2.resize(frame, smaller, interpolation=cv2.INTER_AREA), np.uint8)
    return frame


def _png(frame: Image) -> bytes:
    written, png = cv2.imencode(".png", frame, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    if not written:
        raise RuntimeError("OpenCV could not encode a PNG")
    return png.tobytes()


def _case(name: str, frame: Image, classifier: Classifier) -> GoldenCase:
    spec: InputSpec = classifier.contract.input
    scores = tuple(round(float(score), _SCORE_DIGITS) for score in classifier.scores(frame))
    return GoldenCase(name, _png(frame), tensor_sha256(preprocess(frame, spec)), scores)


def _synthetic_frames() -> tuple[Image, ...]:
    """Return three odd-sized BGR frames: coloured waves (landscape), shapes (portrait), fine noise (tiny).

    They are drawn with integers and a seeded generator, so that every machine makes the same ones. Each
    channel differs, which catches a swapped colour order; odd sizes catch a crop that is off by a pixel.
    """
    return (_waves(231, 173), _shapes(149, 211), _noise(61, 47))


def _doubtful(classifier: Classifier) -> tuple[Image, ...]:
    """Return the two of a few drawn frames whose best score is lowest: scores there show most."""
    frames = [_clouds(97, 83, seed) for seed in range(_CANDIDATES)]
    best = [float(classifier.scores(frame).max()) for frame in frames]
    return tuple(frames[place] for place in np.argsort(best, kind="stable")[:2])


def _clouds(width: int, height: int, seed: int) -> Image:
    """Return soft random colours: a few drawn bytes, enlarged by the kernel that is the same everywhere."""
    words = np.random.PCG64(seed).random_raw(5 * 4 * 3)
    few = (np.asarray(words) >> np.uint64(56)).astype(np.uint8).reshape(4, 5, 3)
    return np.asarray(cv2.resize(few, (width, height), interpolation=cv2.INTER_LINEAR_EXACT), np.uint8)


def _waves(width: int, height: int) -> Image:
    y, x = np.mgrid[:height, :width]
    channels = [(x * 255 // (width - 1)), (y * 255 // (height - 1)), ((x * x + 3 * y * y) // 97) % 256]
    return np.stack(channels, axis=2).astype(np.uint8)


def _shapes(width: int, height: int) -> Image:
    frame = np.full((height, width, 3), (200, 214, 225), np.uint8)
    cv2.rectangle(frame, (37, 60), (111, 190), (120, 40, 30), thickness=-1)
    cv2.rectangle(frame, (12, 62), (36, 130), (140, 60, 45), thickness=-1)
    cv2.rectangle(frame, (112, 62), (136, 130), (100, 30, 20), thickness=-1)
    cv2.circle(frame, (74, 60), 15, (200, 214, 225), thickness=-1)
    return frame


def _noise(width: int, height: int) -> Image:
    # The PCG64 bit stream is fixed by NumPy's compatibility policy; raw words do not depend on its versions.
    words = np.random.PCG64(20).random_raw(width * height * 3)
    noise: Image = (np.asarray(words) >> np.uint64(56)).astype(np.uint8)
    return noise.reshape(height, width, 3)
