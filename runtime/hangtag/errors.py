"""Every error that Hangtag raises on purpose, and the exit code each one means.

Misuse of the Python interface (a wrong type, a value out of range) stays ``TypeError`` or ``ValueError``;
what is here is about the world outside: files, cameras, models, missing packages. Each message is one line
that quotes what it got, says what it wanted and what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class HangtagError(Exception):
    """Base of all errors below; the command line prints its message and leaves with ``exit_code``."""

    exit_code = 1


class ContractError(HangtagError):
    """A model contract is incomplete, contradicts itself, or was written by a newer Hangtag."""


class ModelFileError(HangtagError):
    """A model file is damaged, is not a model, or disagrees with the contract inside it."""


class PhotoError(HangtagError):
    """An image file cannot be read whole."""


class SourceError(HangtagError):
    """A camera, video or folder of frames cannot be opened or stopped delivering."""


class OutputError(HangtagError):
    """A result cannot be written where it was asked for."""


class DatasetError(HangtagError):
    """A folder of labelled photos is not laid out as training needs it."""


class TrainingError(HangtagError):
    """Training cannot start or go on."""


class RunError(HangtagError):
    """A training run's folder is not finished, or a file of it was changed since."""


class ConversionError(HangtagError):
    """A trained model cannot be converted."""


class BenchmarkError(HangtagError):
    """Something that was asked for could not be measured."""


class GateFailed(HangtagError):  # noqa: N818 - the design's name: a verdict, not a mishap
    """A model was built, and is not good enough to be let through."""


class VerificationFailed(GateFailed):
    """This device does not compute what the trainer did."""


class MissingExtra(HangtagError):  # noqa: N818 - the design's name
    """A command needs packages that the light install does not carry."""

    def __init__(self, needed_by: str, extra: str, package: str) -> None:
        super().__init__(
            f'{needed_by} needs the package {package}, which is not installed: pip install "hangtag[{extra}]"'
        )


def shortened(value: object) -> str:
    """Return what a message quotes of a value: its ``repr``, at most 60 characters of it."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `` (did you mean …?)`` for a message about an unknown word, empty where none comes near."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.8)
    return f" (did you mean {close[0]}?)" if close else ""
