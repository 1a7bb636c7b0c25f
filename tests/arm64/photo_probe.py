"""What one CPU makes of photos with the bundled model, as JSON on standard output.

Run here and on emulated CPUs, from the source tree or from an installed wheel: it needs nothing but what
``hangtag`` itself needs. ``photo_probe.py PHOTO…``.
"""

from __future__ import annotations

import json
import platform
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np

import hangtag
from hangtag.classifier import Classifier
from hangtag.golden import tensor_sha256
from hangtag.photos import read_photo
from hangtag.preprocess import preprocess


def main() -> None:
    """Report on the photos that the command line names."""
    classifier = Classifier.bundled()
    json.dump(
        {
            "machine": platform.machine(),
            "package": str(Path(hangtag.__file__).parent),
            "versions": {"opencv": cv2.__version__, "numpy": np.__version__},
            "photos": {name: _seen(classifier, Path(name)) for name in sys.argv[1:]},
        },
        sys.stdout,
    )


def _seen(classifier: Classifier, path: Path) -> dict[str, Any]:
    """Return the digest of the input tensor, the raw output's whole numbers, and the label."""
    image = read_photo(path)
    prediction = classifier.classify(image, top=1)
    return {
        "tensor": tensor_sha256(preprocess(image, classifier.contract.input)),
        "output": classifier.interpreter.output().tolist(),
        "label": prediction.label,
    }


if __name__ == "__main__":
    main()
