"""``python -m hangtag_benchmarks.checks.against_litert_benchmark``: whether another program finds the same.

``litert-benchmark`` comes with ai-edge-litert. It writes random numbers into the input once, warms up, and
puts a clock around each ``CompiledModel.run_by_name`` alone: no input is written and no output is read in its
time. So it is held against the bare invocation of the engine ``litert-compiled``, median against median, each
in a process of its own with the same numbers of warm-up and of counted runs, in an order drawn anew for each
round. What still differs: it looks tensors up by name, lets garbage be collected, and rounds to 0.01 ms.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

from hangtag.errors import HangtagError
from hangtag_benchmarks.checks.blocks import model_and_frames, run_block
from hangtag_benchmarks.command_options import parse_threads
from hangtag_benchmarks.machine.environment import busy_note, conditions
from hangtag_benchmarks.measurements import Measurement
from hangtag_benchmarks.plans import BlockPlan
from hangtag_benchmarks.schedule import shuffled
from hangtag_benchmarks.statistics import Ratio, paired_ratio

MOST_APART = 0.03
PROGRAM = "litert-benchmark"
_OURS = "litert-compiled"
_ROUNDING_MS = 0.01
_LIKE_WITH_LIKE = (
    f"{PROGRAM} times run_by_name alone, on an input written once, output unread; held against the bare "
    f"invocation of {_OURS}: medians of processes of their own, as many runs and warm-up runs, same threads"
)


@click.command()
@click.argument("model", required=False, type=click.Path(path_type=Path))
@click.option("--threads", default="1,2", show_default=True, callback=parse_threads, metavar="N,N,…")
@click.option("--rounds", type=click.IntRange(6), default=20, show_default=True, help="Blocks of each.")
@click.option("--seconds", type=click.FloatRange(0.1), default=3.0, show_default=True, help="Of a block.")
def against_litert_benchmark(
    model: Path | None, threads: tuple[int, ...], rounds: int, seconds: float
) -> None:
    """Hold MODEL's (the bundled one's) figures against litert-benchmark's; exit 1 where over 3 % apart."""
    busy = busy_note(conditions())
    click.echo(_LIKE_WITH_LIKE)
    try:
        with model_and_frames(model) as (path, frames_path):
            reached = [_agrees(path, frames_path, count, rounds, seconds) for count in threads]
    except HangtagError as error:
        raise click.ClickException(str(error)) from None
    if busy is not None:
        click.echo(f"note: {busy}")
    sys.exit(0 if all(reached) else 1)


def _agrees(model: Path, frames_path: Path, threads: int, rounds: int, seconds: float) -> bool:
    ours, theirs = medians(model, frames_path, threads, rounds, seconds)
    ratio = paired_ratio(ours, theirs)
    click.echo(line(ratio, threads, statistics.median(ours), statistics.median(theirs)))
    return is_near(ratio)


def medians(
    model: Path, frames_path: Path, threads: int, rounds: int, seconds: float
) -> tuple[list[float], list[float]]:
    """Return the medians of both programs round by round, in milliseconds.

    Raises:
        ClickException: one of them failed.
    """
    plan = BlockPlan(invoke_s=seconds, pipeline_s=0.0)

    def block() -> Measurement:
        return run_block(_OURS, model, frames_path, threads, plan)

    # A first block that does not count: it says how often the other program must run.
    latest = block()
    found: dict[str, list[float]] = {_OURS: [], PROGRAM: []}
    seed = time.time_ns() % 2**32
    for number in range(rounds):
        for name in shuffled((_OURS, PROGRAM), number, seed=seed):
            if name == _OURS:
                latest = block()
                found[name].append(statistics.median(latest.timings.invoke_ms))
            else:
                runs = len(latest.timings.invoke_ms)
                found[name].append(theirs_ms(model, threads, runs, latest.warmup_runs))
    return found[_OURS], found[PROGRAM]


def theirs_ms(model: Path, threads: int, runs: int, warmup_runs: int) -> float:
    """Return the median that litert-benchmark tells, in milliseconds.

    Raises:
        ClickException: it is not there, or failed.
    """
    program = Path(sys.executable).with_name(PROGRAM)
    with tempfile.TemporaryDirectory(prefix="hangtag-benchmark-") as folder:
        answer = Path(folder) / "result.json"
        counts = [f"--num_threads={threads}", f"--num_runs={runs}", f"--warmup_runs={warmup_runs}"]
        try:
            done = subprocess.run(
                [str(program), f"--model={model}", *counts, f"--result_json={answer}"],
                capture_output=True,
                text=True,
                check=False,
                cwd=folder,
            )
        except OSError as error:
            raise click.ClickException(f"{PROGRAM}: {error.strerror}; pip install ai-edge-litert") from None
        if done.returncode != 0 or not answer.is_file():
            last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise click.ClickException(f"{PROGRAM} failed with exit code {done.returncode}: {last}")
        return float(json.loads(answer.read_text(encoding="utf-8"))["latency"]["median_ms"])


def is_near(ratio: Ratio) -> bool:
    """Return whether two figures agree."""
    return 1 / (1 + MOST_APART) <= ratio.value <= 1 + MOST_APART


def line(ratio: Ratio, threads: int, ours: float, theirs: float) -> str:
    """Return the ratio and its verdict."""
    interval = (
        "too few rounds for an interval"
        if ratio.interval is None
        else f"95 % CI {ratio.interval.low:.3f} to {ratio.interval.high:.3f}"
    )
    return (
        f"{threads} thread{'s' if threads > 1 else ''}: {ours:.2f} ms against {theirs:.2f} ms (told to "
        f"{_ROUNDING_MS} ms), ratio {ratio.value:.3f}, {interval}, {ratio.pairs} rounds, wanted within "
        f"{MOST_APART:.0%}: {'reached' if is_near(ratio) else 'MISSED'}"
    )


if __name__ == "__main__":
    against_litert_benchmark()
