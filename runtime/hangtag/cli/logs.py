"""What the runtime has to say while it runs, on standard error."""

from __future__ import annotations

import logging

import click


class _Stderr(logging.Handler):
    """Prints to whatever standard error is at the moment, as all else that commands say."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one line."""
        try:
            click.echo(self.format(record), err=True)
        except OSError:
            # Nobody is there to read it.
            return


def log_to_stderr() -> None:
    """Let the runtime's log lines appear, with the time of day; once per process."""
    logger = logging.getLogger("hangtag")
    if any(isinstance(handler, _Stderr) for handler in logger.handlers):
        return
    handler = _Stderr()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
