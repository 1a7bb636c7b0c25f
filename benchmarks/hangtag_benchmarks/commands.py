"""``hangtag benchmark``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from hangtag.errors import HangtagError
    from hangtag_benchmarks.records import Plan, Result

_MAX_THREADS = 256
_DEVICES = {"cpu": ("cpu",), "gpu": ("gpu",), "all": ("cpu", "gpu")}


def _parse_threads(context: click.Context, option: click.Parameter, value: str) -> tuple[int, ...]:
    """Return the numbers of "1" or "1,2,4" in the order given, each once."""
    parts = [part.strip() for part in value.split(",")]
    if not all(part.isascii() and part.isdigit() and 1 <= int(part[:9]) <= _MAX_THREADS for part in parts):
        raise click.BadParameter(
            f"{value!r}; wanted numbers from 1 to {_MAX_THREADS}, as 1 or 1,2,4", context, option
        )
    return tuple(dict.fromkeys(int(part) for part in parts))


@click.command()
@click.argument("models", metavar="[MODEL]...", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--threads",
    default="1",
    show_default=True,
    callback=_parse_threads,
    metavar="N,N,…",
    help="CPU threads, a row for each.",
)
@click.option(
    "--device",
    type=click.Choice(list(_DEVICES)),
    default="all",
    show_default=True,
    help="all: the CPU, and a real GPU or one line saying why not.",
)
@click.option("--quick", is_flag=True, help="One pass of few rounds: a first impression.")
@click.option("--repeat", type=click.IntRange(1), help="Measured rounds per pass [150; with --quick 30].")
@click.option(
    "--report",
    "folder",
    type=click.Path(path_type=Path),
    default=Path("benchmark"),
    show_default=True,
    help="Folder for benchmark.json and benchmark.md.",
)
@click.option("--json", "as_json", is_flag=True, help="The whole result as JSON.")
def benchmark(
    models: tuple[Path, ...],
    *,
    threads: tuple[int, ...],
    device: str,
    quick: bool,
    repeat: int | None,
    folder: Path,
    as_json: bool,
) -> None:
    """Measure latency and memory of each MODEL (the bundled model, if none is given) on this machine.

    Load, first run, preprocessing, bare invoke and the way from frame to label are measured apart, each
    model in processes of its own. Outputs are checked against the golden cases inside the model: a row that
    fails them shows no numbers, says so, and the exit code is 1.
    """
    import json

    from hangtag.files import make_folder
    from hangtag.progress import Progress
    from hangtag_benchmarks.identity import identify
    from hangtag_benchmarks.report import save, to_json, to_text
    from hangtag_benchmarks.session import run_benchmark

    paths: tuple[Path | None, ...] = models or (None,)
    identified = [(path, identify(path)) for path in paths]
    # Now rather than after minutes of measuring.
    make_folder(folder)
    result = run_benchmark(
        identified,
        threads=threads,
        devices=_DEVICES[device],
        plan=_plan(repeat, quick=quick),
        say=Progress().say,
    )
    if device == "gpu" and not result.rows:
        # An earlier report should not give way to one without a number.
        raise _no_gpu(result)
    click.echo(
        json.dumps(to_json(result), ensure_ascii=False, allow_nan=False) if as_json else to_text(result)
    )
    save(result, folder)
    click.echo(f"saved: {folder / 'benchmark.md'} and benchmark.json beside it", err=True)
    _raise_failures(result)


def _plan(repeat: int | None, *, quick: bool) -> Plan:
    from hangtag_benchmarks.records import Plan

    if quick:
        return Plan(passes=1, rounds=repeat or 30, warmup_rounds=3)
    return Plan(passes=2, rounds=repeat or 150, warmup_rounds=10)


def _raise_failures(result: Result) -> None:
    """Raise for the first row that could not be had.

    Raises:
        VerificationFailed: its outputs were wrong.
        BenchmarkError: its measuring process failed.
    """
    from hangtag.errors import BenchmarkError, VerificationFailed
    from hangtag_benchmarks.report import failure_title

    for failure in result.failures:
        kind = VerificationFailed if failure.wrong_output else BenchmarkError
        raise kind(f"{failure_title(failure)}: {failure.reason}")


def _no_gpu(result: Result) -> HangtagError:
    """Return why only the GPU was asked for and no row came of it."""
    from hangtag.errors import BenchmarkError

    _raise_failures(result)
    return BenchmarkError("; ".join(result.gpu_lines))
