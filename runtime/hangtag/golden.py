"""Golden cases: proof, carried inside a model, that a device prepares and computes what the trainer did.

Each case is a small source frame as PNG, the SHA-256 of the input tensor it must become (its bytes in C
order) and the scores that must follow. Tensors are compared exactly; scores within a tolerance, because
kernels of other CPUs may round the last bit of an integer differently.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hangtag.contract import ModelContract
from hangtag.errors import ModelFileError
from hangtag.photos import decode_photo
from hangtag.preprocess import Image, Tensor

INDEX_NAME = "golden.json"
MAX_TOTAL_BYTES = 150_000
"""Most that all golden files of one model may weigh."""

_LISTED_WHOLE = 100
_NEGLIGIBLE = 1e-4
"""Of more labels than that, only scores from this on are stored: a tenth of the tightest tolerance."""


@dataclass(frozen=True, slots=True)
class GoldenCase:
    """One source frame and what must become of it; ``scores`` has one number per label, 0 to 1."""

    name: str
    png: bytes
    tensor_sha256: str
    scores: tuple[float, ...]

    def image(self) -> Image:
        """Return the frame: BGR uint8."""
        return decode_photo(self.png, self.name)


@dataclass(frozen=True, slots=True)
class GoldenCases:
    """All cases of a model; scores may differ by ``score_tolerance`` at most."""

    cases: tuple[GoldenCase, ...]
    score_tolerance: float

    def to_files(self) -> dict[str, bytes]:
        """Return the files to embed, by name."""
        index = {
            "score_tolerance": self.score_tolerance,
            "cases": [
                {"image": case.name, "tensor_sha256": case.tensor_sha256, "scores": _stored(case.scores)}
                for case in self.cases
            ],
        }
        files = {case.name: case.png for case in self.cases}
        files[INDEX_NAME] = (json.dumps(index, separators=(",", ":")) + "\n").encode()
        return files

    @classmethod
    def from_files(cls, files: Mapping[str, bytes], contract: ModelContract) -> GoldenCases | None:
        """Read the cases among a model's embedded files; None where it carries none.

        Raises:
            ModelFileError: an index that is not what :meth:`to_files` writes, or a missing frame.
        """
        if INDEX_NAME not in files:
            return None
        try:
            index = json.loads(files[INDEX_NAME])
            cases = tuple(
                GoldenCase(
                    name=str(case["image"]),
                    png=files[case["image"]],
                    tensor_sha256=str(case["tensor_sha256"]),
                    scores=_restored(case["scores"], len(contract.labels)),
                )
                for case in index["cases"]
            )
            tolerance = float(index["score_tolerance"])
        except (ValueError, TypeError, LookupError, RecursionError, OverflowError) as error:
            raise ModelFileError(f"its golden cases cannot be read ({error!r})") from None
        if not 0 <= tolerance <= 1 or any(len(case.scores) != len(contract.labels) for case in cases):
            raise ModelFileError("its golden cases do not fit its labels or have an odd tolerance")
        return cls(cases, tolerance)


def _stored(scores: tuple[float, ...]) -> list[float] | dict[str, float]:
    """Return scores as JSON holds them: all in order or, of many, by their index those that matter."""
    if len(scores) <= _LISTED_WHOLE:
        return list(scores)
    return {str(index): score for index, score in enumerate(scores) if score >= _NEGLIGIBLE}


def _restored(stored: Any, labels: int) -> tuple[float, ...]:
    """Return one score per label from what :func:`_stored` made; those left out are 0.

    Raises:
        ValueError, TypeError, IndexError, OverflowError: it is something else.
    """
    if not isinstance(stored, dict):
        return tuple(float(score) for score in stored)
    scores = [0.0] * labels
    for index, score in stored.items():
        scores[int(index)] = float(score)
    return tuple(scores)


def tensor_sha256(tensor: Tensor) -> str:
    """Return the digest of a tensor's bytes, little-endian, C order."""
    little = tensor.astype(tensor.dtype.newbyteorder("<"), copy=False)
    return hashlib.sha256(np.ascontiguousarray(little).tobytes()).hexdigest()
