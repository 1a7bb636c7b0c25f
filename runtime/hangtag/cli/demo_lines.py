"""What ``hangtag demo`` prints."""

from __future__ import annotations

import click

from hangtag.result import Result
from hangtag.sinks.base import Sink


class VisitLines(Sink):
    """Prints one line for each garment when it has left the picture."""

    name = "lines"

    def __init__(self) -> None:
        self._results: list[tuple[str, float]] = []
        self._truth: str | None = None
        click.echo(f"{'garment':<12} {'seen as':<12} {'score':>5}  frames right")

    def write(self, result: Result) -> None:
        """Take one frame."""
        truth = result.frame.label
        if truth != self._truth:
            self._flush()
            self._truth = truth
        if truth is not None:
            self._results.append((result.alone.label, result.alone.score))

    def _flush(self) -> None:
        if not self._results:
            return
        names = [name for name, _ in self._results]
        usual = max(set(names), key=names.count)
        scores = [score for name, score in self._results if name == usual]
        mean = sum(scores) / len(scores)
        right = names.count(self._truth or "")
        click.echo(f"{self._truth:<12} {usual:<12} {mean:>5.2f}  {right} of {len(names)}")
        self._results = []

    def close(self) -> None:
        """Print the garment that was in the picture at the end."""
        self._flush()
