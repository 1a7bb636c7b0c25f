"""Which versions made a result: recorded beside every figure that depends on them."""

from __future__ import annotations

import contextlib
import importlib.metadata
import platform

_PACKAGES = ("hangtag", "tensorflow", "keras", "numpy", "opencv-python", "opencv-python-headless")


def versions(*more: str) -> dict[str, str]:
    """Return the versions of Python and of the packages that shape a model, with ``more`` of them.

    What is not installed is left out.
    """
    found = {"python": platform.python_version()}
    for name in (*_PACKAGES, *more):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found
