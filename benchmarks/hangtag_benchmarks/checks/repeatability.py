"""``python -m hangtag_benchmarks.checks.repeatability``: whether two quick runs of a model agree."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from hangtag.errors import HangtagError
from hangtag.progress import Progress
from hangtag_benchmarks.checks.shares import Share
from hangtag_benchmarks.machine.environment import busy_note, conditions
from hangtag_benchmarks.model_runs import Asked, benchmark_models, identified
from hangtag_benchmarks.plans import QUICK_PLAN
from hangtag_benchmarks.records import Result

MOST_APART = 0.05
LEAST_AGREEING = 0.9


@click.command()
@click.argument("model", required=False, type=click.Path(path_type=Path))
@click.option("--pairs", type=click.IntRange(1), default=10, show_default=True, help="Of runs in a row.")
@click.option("--threads", type=click.IntRange(1, 256), default=1, show_default=True)
def repeatability(model: Path | None, pairs: int, threads: int) -> None:
    """Compare the medians of pairs of quick runs of MODEL (the bundled one); exit 1 where too few agree."""
    busy = busy_note(conditions())
    try:
        asked = Asked(identified([] if model is None else [model]), threads=(threads,))
        agreeing = sum(_agrees(asked, number + 1) for number in range(pairs))
    except HangtagError as error:
        raise click.ClickException(str(error)) from None
    found = Share(f"pairs that agree within {MOST_APART:.0%}", agreeing, pairs, LEAST_AGREEING, at_most=False)
    click.echo(found.line())
    if busy is not None:
        click.echo(f"note: {busy}")
    sys.exit(0 if found.reached else 1)


def _agrees(asked: Asked, number: int) -> bool:
    results = [benchmark_models(asked, QUICK_PLAN, Progress().say) for _ in range(2)]
    one, other = map(median_ms, results)
    apart = max(one, other) / min(one, other) - 1
    disturbed = ", disturbed" if any(result.disturbances for result in results) else ""
    click.echo(f"pair {number}: {one:.3f} and {other:.3f} ms, {apart:.1%} apart{disturbed}")
    return apart <= MOST_APART


def median_ms(result: Result) -> float:
    """Return the median of the bare invocation of a result's only row.

    Raises:
        ClickException: the row failed.
    """
    if not result.rows or result.rows[0].invoke is None:
        raise click.ClickException("; ".join(one.reason for one in result.missing) or "nothing was measured")
    return result.rows[0].invoke.summary.p50_ms


if __name__ == "__main__":
    repeatability()
