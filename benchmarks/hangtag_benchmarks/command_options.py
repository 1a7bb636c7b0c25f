"""What the options of ``hangtag benchmark`` take. Nothing heavy is imported before an option is used."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from hangtag_benchmarks.conditions.fail_if import Condition

_MAX_THREADS = 256


def parse_threads(context: click.Context, option: click.Parameter, value: str) -> tuple[int, ...]:
    """Return the numbers of "1" or "1,2,4" in the order given, each once."""
    parts = [part.strip() for part in value.split(",")]
    if not all(part.isascii() and part.isdigit() and 1 <= int(part[:9]) <= _MAX_THREADS for part in parts):
        raise click.BadParameter(
            f"{value!r}; wanted numbers from 1 to {_MAX_THREADS}, as 1 or 1,2,4", context, option
        )
    return tuple(dict.fromkeys(int(part) for part in parts))


def parse_engines(
    context: click.Context, option: click.Parameter, value: str | None
) -> tuple[str, ...] | None:
    """Return the names of "litert,keras" in the order given, each once."""
    from hangtag_benchmarks.engines.registry import KINDS

    if value is None:
        return None
    names = tuple(dict.fromkeys(part.strip() for part in value.split(",")))
    strangers = [name for name in names if name not in KINDS]
    if strangers:
        raise click.BadParameter(f"{strangers[0]!r}; wanted some of {', '.join(KINDS)}", context, option)
    return names


def parse_conditions(
    context: click.Context, option: click.Parameter, value: tuple[str, ...]
) -> tuple[Condition, ...]:
    """Read the conditions under which the command fails."""
    from hangtag.errors import BenchmarkError

    if not value:
        return ()
    from hangtag_benchmarks.conditions.fail_if import read_condition

    try:
        return tuple(map(read_condition, value))
    except BenchmarkError as error:
        raise click.BadParameter(str(error), context, option) from None


def parse_pythons(
    context: click.Context, option: click.Parameter, values: tuple[str, ...]
) -> tuple[tuple[str, str], ...]:
    """Return engines with their Pythons, each an absolute path: processes start in folders of their own."""
    import shutil

    from hangtag_benchmarks.engines.registry import KINDS

    pythons = []
    for value in values:
        name, equals, path = value.partition("=")
        if not equals or name not in KINDS:
            raise click.BadParameter(
                f"{value!r}; wanted ENGINE=PATH, the engine one of {', '.join(KINDS)}", context, option
            )
        found = shutil.which(path)
        if found is None:
            raise click.BadParameter(f"{path!r} is no program that can be started", context, option)
        # Not resolved: a virtual environment's Python is a link, and knows its packages by where that lies.
        pythons.append((name, str(Path(found).absolute())))
    return tuple(pythons)


def check_pythons(pythons: tuple[tuple[str, str], ...], engines: tuple[str, ...]) -> None:
    """Refuse a Python for an engine that is not measured.

    Raises:
        click.UsageError: there is one.
    """
    for name, _ in pythons:
        if name not in engines:
            raise click.UsageError(f"--python {name}=… has no use without --engine {name}")


def check_browser(browser: Path | None, engines: tuple[str, ...]) -> None:
    """Refuse a browser where none is measured.

    Raises:
        click.UsageError: there is one.
    """
    if browser is not None and not any(name.startswith("browser-") for name in engines):
        raise click.UsageError("--browser has no use without --engine browser-wasm or browser-webgpu")


def parse_serial(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """Return a phone's serial number, which adb could take for nothing else."""
    from hangtag_benchmarks.native.adb import is_serial

    if value is not None and not is_serial(value):
        raise click.BadParameter(
            f"{value!r}; wanted a serial number as adb devices lists it", context, option
        )
    return value
