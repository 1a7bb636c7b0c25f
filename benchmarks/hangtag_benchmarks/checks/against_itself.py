"""``python -m hangtag_benchmarks.checks.against_itself``: whether a model is told from itself.

The same file under two names is two rows, that are measured as any two rows are. What verdict they get must
be "no difference can be seen", but for one time in twenty.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import click

from hangtag.classifier import bundled_model
from hangtag.errors import HangtagError
from hangtag.metrics import wilson_interval
from hangtag.progress import Progress
from hangtag_benchmarks.checks.false_alarms import MOST_FALSE_ALARMS
from hangtag_benchmarks.checks.shares import Share
from hangtag_benchmarks.machine.environment import busy_note, conditions
from hangtag_benchmarks.model_runs import Asked, benchmark_models, identified
from hangtag_benchmarks.plans import QUICK_PLAN, Plan
from hangtag_benchmarks.records import Verdict
from hangtag_benchmarks.verdicts import sentence

_NAMES = ("A", "B")


@click.command()
@click.argument("model", required=False, type=click.Path(path_type=Path))
@click.option("--pairs", type=click.IntRange(1), default=20, show_default=True, help="Of two rows each.")
@click.option("--rounds", type=click.IntRange(6), default=10, show_default=True, help="Of each benchmark.")
@click.option("--threads", type=click.IntRange(1, 256), default=1, show_default=True)
def against_itself(model: Path | None, pairs: int, rounds: int, threads: int) -> None:
    """Measure MODEL (the bundled one) against itself, in blocks as short as those of --quick.

    Exit 1 where it is so often called different that 7 % of false alarms cannot be believed.
    """
    busy = busy_note(conditions())
    try:
        with tempfile.TemporaryDirectory() as folder:
            asked = Asked(identified(_twice(model, Path(folder))), threads=(threads,))
            plan = replace(QUICK_PLAN, rounds=rounds)
            alarms = sum(_is_different(asked, plan, number + 1) for number in range(pairs))
    except HangtagError as error:
        raise click.ClickException(str(error)) from None
    found = Share("a model called different from itself", alarms, pairs)
    believable = wilson_interval(alarms, pairs).low <= MOST_FALSE_ALARMS
    told = "can be believed" if believable else "CANNOT be believed"
    click.echo(f"{found.line()}; that {MOST_FALSE_ALARMS:.0%} are at most so {told}")
    if busy is not None:
        click.echo(f"note: {busy}")
    sys.exit(0 if believable else 1)


def _twice(model: Path | None, folder: Path) -> list[Path]:
    """Return two files of the same bytes: both copies, so that neither lies elsewhere on the disk."""
    paths = [folder / f"{name}.tflite" for name in _NAMES]
    for path in paths:
        if model is None:
            path.write_bytes(bundled_model().data)
        else:
            shutil.copyfile(model, path)
    return paths


def _is_different(asked: Asked, plan: Plan, number: int) -> bool:
    result = benchmark_models(asked, plan, Progress().say)
    if len(result.rows) < len(_NAMES) or not result.verdicts:
        raise click.ClickException("; ".join(one.reason for one in result.missing) or "nothing was measured")
    verdict: Verdict = result.verdicts[0]
    told = sentence(verdict.ratio, _NAMES[verdict.first], _NAMES[verdict.second])
    click.echo(f"pair {number}: {told}{', disturbed' if result.disturbances else ''}")
    return verdict.ratio.is_different


if __name__ == "__main__":
    against_itself()
