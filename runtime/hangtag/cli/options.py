"""What several commands share: the model they use and how latencies are printed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from hangtag.classifier import Classifier
    from hangtag.latency import LatencySummary

_F = TypeVar("_F", bound=Callable[..., Any])


def model_options(command: _F) -> _F:
    """Add ``--model``, ``--threads`` and ``--engine`` to a command."""
    decorators = [
        click.option(
            "--model",
            "model_path",
            type=click.Path(path_type=Path),
            help="A .tflite file [the bundled model].",
        ),
        click.option(
            "--threads", type=click.IntRange(1, 256), default=1, show_default=True, help="CPU threads."
        ),
        click.option(
            "--engine",
            type=click.Choice(["litert", "tflite-runtime"]),
            default="litert",
            show_default=True,
            help="Interpreter to use; never replaced by the other.",
        ),
    ]
    for decorator in reversed(decorators):
        command = decorator(command)
    return command


def load_classifier(model_path: Path | None, threads: int, engine: str) -> Classifier:
    """Open the named model, tried in a child process the first time, or the bundled one.

    Raises:
        HangtagError: it cannot be used, or the engine is not installed.
    """
    from hangtag.classifier import Classifier
    from hangtag.engines import check_engine
    from hangtag.errors import HangtagError
    from hangtag.model_probe import open_untrusted

    check_engine(engine)
    try:
        if model_path is None:
            return Classifier.bundled(threads=threads, engine=engine)
        return open_untrusted(model_path, threads=threads, engine=engine)
    except ModuleNotFoundError as error:
        package = {"litert": "ai-edge-litert", "tflite-runtime": '"tflite-runtime" "numpy<2"'}[engine]
        raise HangtagError(f"the engine {engine} is not installed ({error}): pip install {package}") from None


def latency_line(title: str, latency: LatencySummary) -> str:
    """Return one aligned line of percentiles."""
    return (
        f"{title:<22} p50 {latency.p50_ms:6.2f}   p90 {latency.p90_ms:6.2f}   p95 {latency.p95_ms:6.2f}   "
        f"p99 {latency.p99_ms:6.2f} ms"
    )
