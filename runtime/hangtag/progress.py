"""Progress for people, on standard error: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator

import click


class Progress:
    """Shows bars and lines on standard error; ``quiet`` shows nothing."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet

    def say(self, line: str) -> None:
        """Print one line."""
        if not self._quiet:
            click.echo(line, err=True)

    @contextlib.contextmanager
    def bar(self, title: str | None, steps: int) -> Iterator[Callable[[], None]]:
        """Show a bar of ``steps`` steps and give the function that moves it on by one.

        There is no bar without a title, and none where standard error is not a terminal: a log should not
        fill with half-drawn bars.
        """
        if self._quiet or title is None or not sys.stderr.isatty():
            yield lambda: None
            return
        with click.progressbar(length=steps, label=f"{title:<24}", file=sys.stderr) as bar:
            yield lambda: bar.update(1)
