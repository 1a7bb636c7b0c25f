"""Input tensors of a model and the scores that LiteRT gives for them here, for programs that run elsewhere.

``python -m hangtag_benchmarks.engines.reference_scores MODEL FRAMES OUT PICTURE…``: in a process of its own,
since a native library may take down the one that it is in.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hangtag.classifier import Scores
from hangtag.errors import BenchmarkError
from hangtag.preprocess import Tensor
from hangtag_benchmarks.child import one_line

_TIMEOUT_S = 180.0
_BUNDLED = ""


@dataclass(frozen=True, slots=True)
class Reference:
    """A tensor, shape (1, height, width, channels), and the scores that follow from it."""

    tensor: Tensor
    scores: Scores


def reference_scores(
    model_path: Path | None, frames_path: Path, pictures: Sequence[Path]
) -> tuple[Reference, ...]:
    """Return the reference of each picture, and then of each frame.

    Args:
        model_path: the model's file; None is the bundled one.
        frames_path: a .npy file of BGR uint8 frames.
        pictures: picture files.

    Raises:
        BenchmarkError: LiteRT cannot run the model.
    """
    with tempfile.TemporaryDirectory(prefix="hangtag-benchmark-") as folder:
        out = Path(folder) / "reference.npz"
        command = [sys.executable, "-m", __name__, *map(str, (_path(model_path), frames_path, out))]
        try:
            done = subprocess.run(
                [*command, *(str(path.absolute()) for path in pictures)],
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_TIMEOUT_S,
                check=False,
                cwd=folder,
                env={**os.environ, "PYTHONSAFEPATH": "1"},
            )
        except subprocess.TimeoutExpired:
            raise BenchmarkError(f"LiteRT did not run the model within {_TIMEOUT_S:g} s") from None
        if done.returncode != 0:
            said = [line for line in done.stderr.splitlines() if line.strip()]
            reason = said[-1] if said else f"exit code {done.returncode}"
            raise BenchmarkError(f"LiteRT cannot run the model to compare with: {one_line(reason)}")
        with np.load(out, allow_pickle=False) as arrays:
            pairs = zip(arrays["tensors"], arrays["scores"], strict=True)
            return tuple(Reference(tensor, scores) for tensor, scores in pairs)


def _path(model_path: Path | None) -> str:
    return _BUNDLED if model_path is None else str(model_path.absolute())


def main() -> None:
    """Write tensors and scores as the command line says."""
    from hangtag.photos import read_photo
    from hangtag.preprocess import Preprocessor
    from hangtag_benchmarks.engines.litert_cpu import LiteRtCpu

    model_path, frames_path, out, *pictures = sys.argv[1:]
    engine = LiteRtCpu(model_path if model_path != _BUNDLED else None, 1)
    spec = engine.contract.input
    preprocessor = Preprocessor(spec)
    images = [*map(read_photo, map(Path, pictures)), *np.load(frames_path, allow_pickle=False)]
    tensors, scores = [], []
    for image in images:
        tensor = np.zeros(spec.shape, spec.tensor.dtype)
        preprocessor.write(image, tensor)
        tensors.append(tensor)
        scores.append(engine.scores(image))
    np.savez(out, tensors=np.stack(tensors), scores=np.stack(scores))


if __name__ == "__main__":
    main()
