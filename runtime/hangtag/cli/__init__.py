"""The command line: one group, a static table of commands, nothing heavy loaded before it is needed."""

from __future__ import annotations

import importlib
import importlib.metadata
import signal
import sys
from typing import Any, NoReturn

import click

from hangtag import __version__
from hangtag.errors import HangtagError
from hangtag.opencv import explain_import_error

_COMMANDS = {
    "demo": ("hangtag.cli.demo:demo", "The bundled model on the simulated camera; needs nothing."),
    "doctor": ("hangtag.cli.doctor:doctor", "What this device can do, what is wrong, the exact fix."),
    "data": ("hangtag_train.datasets.commands:data", "Check, show and prepare data sets."),
    "train": ("hangtag_train.commands:train", "Train a classifier on a folder of photos."),
    "evaluate": ("hangtag_train.evaluate_command:evaluate", "Measure a model on a folder of photos."),
    "explain": ("hangtag_train.explain_command:explain", "Show what a trained network looks at in photos."),
    "report": ("hangtag_train.report_command:report", "Make the page of a finished training run again."),
    "convert": ("hangtag_convert.commands:convert", "Turn a training run into .tflite files."),
    "bundle": ("hangtag_convert.bundle_command:bundle", "Pack a model with source and tests for phones."),
    "inspect": ("hangtag.cli.inspect:inspect", "Show what a model says of itself, or how two differ."),
    "verify": ("hangtag.cli.verify:verify", "Prove that this device computes what the trainer did."),
    "predict": ("hangtag.cli.predict:predict", "Name what is in photos."),
    "camera": ("hangtag.cli.camera:camera", "Name what a camera sees, frame by frame."),
    "web": ("hangtag.cli.web:web", "Serve a page that names what a phone's camera sees."),
    "replay": ("hangtag.cli.replay:replay", "Run what a camera recorded again, and show what changed."),
    "calibrate": ("hangtag.cli.calibrate:calibrate", "Fit below which score a model says unknown."),
    "benchmark": ("hangtag_benchmarks.commands:benchmark", "Measure latency and memory of models."),
    "compare": (
        "hangtag_benchmarks.comparing.command:compare",
        "Compare two benchmarks, with verdicts.",
    ),
}
"""Command -> where it is defined (imported when it is called) and what it does in one line."""

_PLUGIN_GROUP = "hangtag.commands"


class LazyGroup(click.Group):
    """A group that imports a command only when it is called, and turns our errors into one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return our commands in the order data flows, then those of installed plug-ins."""
        del ctx
        return [*_COMMANDS, *sorted(_plugins())]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command, or None where there is no such one."""
        del ctx
        if cmd_name in _COMMANDS:
            module, _, name = _COMMANDS[cmd_name][0].partition(":")
            command: click.Command = getattr(importlib.import_module(module), name)
            return command
        plugin = _plugins().get(cmd_name)
        loaded: click.Command | None = plugin.load() if plugin else None
        return loaded

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing any."""
        del ctx
        rows = [(name, text) for name, (_, text) in _COMMANDS.items()]
        rows += [(name, f"from {plugin.value}") for name, plugin in sorted(_plugins().items())]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; a :class:`HangtagError` becomes one line on standard error and its exit code."""
        try:
            return super().invoke(ctx)
        except HangtagError as error:
            _fail(str(error), error.exit_code)
        except ImportError as error:
            explanation = explain_import_error(error)
            if explanation is None:
                raise
            _fail(explanation, 1)


class _Failure(click.ClickException):
    """One line on standard error and an exit code."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc] # click's own way to say it, declared as a class variable


def _fail(message: str, exit_code: int) -> NoReturn:
    raise _Failure(message, exit_code) from None


def _plugins() -> dict[str, importlib.metadata.EntryPoint]:
    found = importlib.metadata.entry_points(group=_PLUGIN_GROUP)
    return {entry.name: entry for entry in found if entry.name not in _COMMANDS}


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="hangtag")
def main() -> None:
    """From a folder of clothing photos to a classifier that runs from a camera on a small device."""
    # A service manager stops a program with SIGTERM: end like after Ctrl-C, with files closed.
    if sys.platform != "win32":
        signal.signal(signal.SIGTERM, _interrupt)


def run() -> NoReturn:
    """Run the command line: what the program ``hangtag`` is."""
    from hangtag.cli.leaving import leave

    code: str | int | None = 0
    try:
        main()
    except SystemExit as ending:
        code = ending.code
    leave(code)


def _interrupt(number: int, frame: Any) -> None:
    del number, frame
    raise KeyboardInterrupt
