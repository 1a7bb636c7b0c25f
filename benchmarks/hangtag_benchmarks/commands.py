"""``hangtag benchmark``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hangtag_benchmarks.command_options import (
    check_browser,
    check_pythons,
    parse_conditions,
    parse_engines,
    parse_pythons,
    parse_serial,
    parse_threads,
)

if TYPE_CHECKING:
    from hangtag_benchmarks.conditions.fail_if import Condition
    from hangtag_benchmarks.conditions.gates import Gates
    from hangtag_benchmarks.plans import Plan
    from hangtag_benchmarks.records import Result

_DEVICES = ("cpu", "gpu", "all")


@click.command()
@click.argument("models", metavar="[MODEL]...", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--threads",
    default="1",
    show_default=True,
    callback=parse_threads,
    metavar="N,N,…",
    help="CPU threads, a row for each.",
)
@click.option(
    "--engine",
    "engines",
    callback=parse_engines,
    metavar="NAME,…",
    help="What to run models on, a row for each; by default LiteRT on the CPU, and on a GPU.",
)
@click.option(
    "--python",
    "pythons",
    multiple=True,
    callback=parse_pythons,
    metavar="ENGINE=PATH",
    help="Measure an engine in another Python that has it, such as old/bin/python; repeat for several.",
)
@click.option(
    "--binary",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="PATH",
    help="TFLite's benchmark_model, to measure with it too: this machine's, or with --adb the phone's.",
)
@click.option(
    "--adb",
    "serial",
    callback=parse_serial,
    metavar="SERIAL",
    help="An Android phone, as adb devices lists it: --binary is pushed, run on its CPU, GPU and NNAPI, and "
    "removed again.",
)
@click.option(
    "--browser",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="The Chromium or Chrome that --engine browser-wasm and browser-webgpu start; by default the first "
    "of chromium, chromium-browser and google-chrome.",
)
@click.option(
    "--device",
    type=click.Choice(_DEVICES),
    default="all",
    show_default=True,
    help="all: the CPU, and a real GPU or one line saying why not.",
)
@click.option("--quick", is_flag=True, help="Seconds instead of a minute for each row: a first impression.")
@click.option("--rounds", type=click.IntRange(1), help="Rounds at most [20; with --quick 6].")
@click.option(
    "--soak",
    "soak_minutes",
    type=click.IntRange(5),
    metavar="MINUTES",
    help="One row without a pause for so long: cold and sustained latency, and when they part.",
)
@click.option("--data", type=click.Path(path_type=Path), help="A data set: every engine's accuracy on it.")
@click.option(
    "--split", type=click.Choice(["validation", "test"]), default="test", show_default=True, help="Of --data."
)
@click.option(
    "--report",
    "folder",
    type=click.Path(path_type=Path),
    default=Path("benchmark"),
    show_default=True,
    help="Folder for the report's files; an empty or a new one.",
)
@click.option("--force", is_flag=True, help="Overwrite the report of an earlier run.")
@click.option("--json", "as_json", is_flag=True, help="The whole result as JSON.")
@click.option(
    "--fail-if",
    "conditions",
    multiple=True,
    callback=parse_conditions,
    metavar="CONDITION",
    help='Exit code 1 where it holds, as "int8.p95 > 8ms" or "int8.p50 > 0.6 * float32.p50"; may be '
    "repeated. Names and units: benchmarks/CONDITIONS.md.",
)
@click.option(
    "--reference",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="An earlier benchmark.json of this kind of machine; exit code 1 where a row is slower, or "
    "suspiciously faster.",
)
def benchmark(
    models: tuple[Path, ...],
    *,
    threads: tuple[int, ...],
    engines: tuple[str, ...] | None,
    pythons: tuple[tuple[str, str], ...],
    binary: Path | None,
    serial: str | None,
    browser: Path | None,
    device: str,
    quick: bool,
    rounds: int | None,
    soak_minutes: int | None,
    data: Path | None,
    split: str,
    folder: Path,
    force: bool,
    as_json: bool,
    conditions: tuple[Condition, ...],
    reference: Path | None,
) -> None:
    """Measure latency, memory and accuracy of each MODEL (the bundled one, if none is given) on this machine.

    A training run's folder stands for its Keras model and the .tflite files in it.

    Every row is measured in processes of its own that take turns with those of the others. Outputs are
    checked against the golden cases inside the model: a row that fails them shows no numbers, says so, and
    the exit code is 1. How it is measured, and why so: benchmarks/PROTOCOL.md.
    """
    import json

    from hangtag.progress import Progress
    from hangtag_benchmarks.model_runs import Asked, benchmark_models, sorted_out
    from hangtag_benchmarks.native.programs import Programs
    from hangtag_benchmarks.reports.report import to_text
    from hangtag_benchmarks.reports.result_json import to_json
    from hangtag_benchmarks.reports.saving import claim, save

    _refuse_contradictions()
    if soak_minutes is not None and device == "all":
        device = "cpu"
    programs = Programs(binary, serial)
    misused = programs.why_unusable(engines or ())
    if misused is not None:
        raise click.UsageError(misused)
    wanted = engines or (*_engines(device), *programs.engines(device))
    check_pythons(pythons, wanted)
    check_browser(browser, wanted)
    plan = _plan(rounds, quick=quick)
    gates = _gates(conditions, reference, plan)
    say = Progress().say
    usable, unusable = sorted_out(models, say)
    asked = Asked(
        usable,
        wanted,
        threads,
        photos=None if data is None else (data, split),
        unusable=unusable,
        software_too=engines is not None or device == "gpu",
        programs=programs,
        pythons=dict(pythons),
        browser=browser,
        soak_minutes=soak_minutes,
    )
    claim(folder, force=force)
    result = benchmark_models(
        asked,
        plan,
        say,
        lambda targets: gates.check_before(targets, unusable, has_photos=data is not None),
    )
    is_empty = not result.rows and result.soak is None
    if is_empty and (not result.complete or not any(missing.failed for missing in result.missing)):
        # An earlier report should not give way to one without a number.
        raise _nothing_there(result)
    click.echo(
        json.dumps(to_json(result), ensure_ascii=False, allow_nan=False) if as_json else to_text(result)
    )
    click.echo(save(result, folder), err=True)
    judged = list(gates.judge(result))
    for line, _ in judged:
        click.echo(line, err=True)
    _raise_failures(result)
    gates.raise_failed(judged)


def _refuse_contradictions() -> None:
    """Refuse options that take each other's sense away.

    Raises:
        click.UsageError: there are such.
    """
    if _was_given("soak_minutes") and any(map(_was_given, ("quick", "rounds", "conditions", "reference"))):
        raise click.UsageError("--soak goes without --quick, --rounds, --fail-if and --reference")
    if _was_given("quick") and _was_given("reference"):
        raise click.UsageError("a quick run is comparable with nothing; give --reference without --quick")
    if _was_given("engines") and _was_given("device"):
        raise click.UsageError("--engine names what to run on; leave --device out")


def _was_given(option: str) -> bool:
    source = click.get_current_context().get_parameter_source(option)
    return source is click.core.ParameterSource.COMMANDLINE


def _gates(conditions: tuple[Condition, ...], reference: Path | None, plan: Plan) -> Gates:
    from hangtag.device import cpu_model
    from hangtag_benchmarks.conditions.gates import Gates
    from hangtag_benchmarks.conditions.reference import read_reference

    kept = None if reference is None else read_reference(reference, cpu=cpu_model(), plan=plan)
    return Gates(conditions, kept)


def _engines(device: str) -> tuple[str, ...]:
    """Return the engines that are measured where none are named; each takes the files that it can run."""
    from hangtag_benchmarks.engines.registry import (
        DEFAULT_CPU,
        DEFAULT_GPU,
        DEFAULT_KERAS,
        DEFAULT_KERAS_GPU,
    )

    return {
        "cpu": (DEFAULT_CPU, DEFAULT_KERAS),
        "gpu": (DEFAULT_GPU, DEFAULT_KERAS_GPU),
        "all": (DEFAULT_CPU, DEFAULT_GPU, DEFAULT_KERAS),
    }[device]


def _plan(rounds: int | None, *, quick: bool) -> Plan:
    import dataclasses

    from hangtag_benchmarks.plans import QUICK_PLAN, Plan

    plan = QUICK_PLAN if quick else Plan()
    return plan if rounds is None else dataclasses.replace(plan, rounds=rounds)


def _raise_failures(result: Result) -> None:
    """Raise for the first row that failed, or where the whole is not what was asked for.

    Raises:
        VerificationFailed: a row's outputs were wrong.
        BenchmarkError: a row's file or its measuring process failed; it was stopped; no row counts.
    """
    from hangtag.errors import BenchmarkError, VerificationFailed
    from hangtag_benchmarks.reports.naming import missing_title

    for missing in result.missing:
        if missing.failed:
            kind = VerificationFailed if missing.wrong_output else BenchmarkError
            raise kind(f"{missing_title(missing)}: {missing.reason}")
    if not result.complete:
        raise BenchmarkError(
            "it was stopped: the report holds what was measured so far, marked as incomplete"
        )
    if result.soak is None and not any(row.ranked for row in result.rows):
        raise BenchmarkError(
            "there is no GPU, only software that plays one: these numbers are for testing only"
        )


def _nothing_there(result: Result) -> Exception:
    from hangtag.errors import BenchmarkError
    from hangtag_benchmarks.reports.report import problems

    stopped = () if result.complete else ("it was stopped before anything was measured",)
    return BenchmarkError("; ".join([*stopped, *problems(result)]))
