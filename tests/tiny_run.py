"""What tests of conversion are given to convert."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class TinyRun:
    """A finished training run and the photos it was trained on."""

    folder: Path
    data: Path
