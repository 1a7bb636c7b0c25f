"""What the interpreters' packages are called, which versions are here, and what their refusals mean.

Nothing native is imported here; see :mod:`hangtag.interpreter`.
"""

from __future__ import annotations

import re

from hangtag.device import version_of
from hangtag.errors import HangtagError

PACKAGES = {"litert": "ai-edge-litert", "tflite-runtime": "tflite-runtime"}
"""Engine name -> the distribution that brings it."""

OTHER_ENGINE_ADVICE = "use ai-edge-litert (--engine litert)"
"""What to do where ``tflite-runtime``, which is no longer made, does not do."""

_UNKNOWN_OPERATOR = re.compile(r"Didn't find op for builtin opcode '(\w+)' version '(\d+)'")


def titled(engine: str) -> str:
    """Return an engine's package and version, such as ``tflite-runtime 2.14.0``."""
    package = PACKAGES[engine]
    version = version_of(package)
    return package if version is None else f"{package} {version}"


def check_engine(engine: str) -> None:
    """Raise where an engine is installed and cannot work beside what else is.

    ``tflite-runtime`` was built for NumPy 1: with a later one its import
    succeeds, and it fails in native code.

    Raises:
        HangtagError: NumPy is too new for the engine; the message says what to install.
    """
    numpy = version_of("numpy") or ""
    if engine == "tflite-runtime" and version_of(engine) and int(numpy.partition(".")[0] or 0) >= 2:
        raise HangtagError(
            f"{titled(engine)} cannot work with NumPy {numpy}: "
            f'pip install "numpy<2", or {OTHER_ENGINE_ADVICE}'
        )


def refusal(engine: str, error: Exception) -> str:
    """Return one line for what an engine raised on loading a model: what it lacks, or its own words."""
    text = " ".join(str(error).split())  # the native message can have several lines
    unknown = _UNKNOWN_OPERATOR.search(text)
    if unknown is None:
        # LiteRT raises without a word where memory runs out as it loads.
        return f"{titled(engine)} refuses the model: {text or 'it does not say why; too little memory?'}"
    advice = f"{OTHER_ENGINE_ADVICE} or " if engine != "litert" else ""
    return (
        f"{titled(engine)} refuses the model, which needs {unknown[1]} in version {unknown[2]}: "
        f"{advice}convert to another format"
    )
