"""``python -m hangtag_benchmarks.checks.overhead``: what the measuring adds to what is measured.

Held against a bare loop over LiteRT's ``invoke``, in which a clock stands around ten runs together: twice,
taking turns in one process, where both run on the same opened model; and as whole blocks in processes of
their own, where the bare one imports nothing of Hangtag. The benchmark's single runs are averaged by ten too,
so that means are held against means: of skewed latencies the median of single runs is another figure. In one
process the ratio itself must be small enough; of whole blocks only its interval, for processes have luck.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np

from hangtag.errors import HangtagError
from hangtag_benchmarks.camera.interleaved import take_turns
from hangtag_benchmarks.checks.bare_loop import CALLS, bare_ms
from hangtag_benchmarks.checks.blocks import model_and_frames, run_block
from hangtag_benchmarks.engines.litert_cpu import LiteRtCpu
from hangtag_benchmarks.machine.environment import busy_note, conditions
from hangtag_benchmarks.plans import BlockPlan
from hangtag_benchmarks.protocol import measure_invoke, warm_up
from hangtag_benchmarks.schedule import shuffled
from hangtag_benchmarks.statistics import Ratio, paired_ratio

MOST_TIMES_BARE = 1.01
_OURS, _BARE = "benchmark", "bare loop"


@click.command()
@click.argument("model", required=False, type=click.Path(path_type=Path))
@click.option("--rounds", type=click.IntRange(6), default=300, show_default=True, help="In one process.")
@click.option("--blocks", type=click.IntRange(0), default=20, show_default=True, help="Blocks of each.")
@click.option("--seconds", type=click.FloatRange(0.1), default=3.0, show_default=True, help="Of a block.")
@click.option("--threads", type=click.IntRange(1, 256), default=1, show_default=True)
def overhead(model: Path | None, rounds: int, blocks: int, seconds: float, threads: int) -> None:
    """Hold the benchmark of MODEL (the bundled one) against a bare loop; exit 1 where it adds over 1 %."""
    busy = busy_note(conditions())
    try:
        with model_and_frames(model) as (path, frames_path):
            inside = in_one_process(path, frames_path, rounds, threads)
            reached = inside.value <= MOST_TIMES_BARE
            click.echo(line(f"in one process, {rounds} turns of {CALLS} runs", inside, reached=reached))
            if blocks:
                whole = as_whole_blocks(path, frames_path, blocks, seconds, threads)
                # Two processes differ by their luck, which only many blocks tell from a cost.
                holds = whole.interval is None or whole.interval.low <= MOST_TIMES_BARE
                click.echo(line(f"as whole blocks, {blocks} of each", whole, reached=holds))
                reached = reached and holds
    except HangtagError as error:
        raise click.ClickException(str(error)) from None
    if busy is not None:
        click.echo(f"note: {busy}")
    sys.exit(0 if reached else 1)


def in_one_process(model: Path, frames_path: Path, rounds: int, threads: int) -> Ratio:
    """Return the ratio of what the benchmark's loop tells to what the bare loop takes, ten runs a turn."""
    engine = LiteRtCpu(str(model), threads)
    frames = list(np.load(frames_path))
    turn = BlockPlan(invoke_s=0.0, invoke_runs=CALLS)
    warm_up(engine, frames, BlockPlan(), time.perf_counter_ns)
    turns = take_turns(
        {
            _OURS: lambda: [statistics.fmean(measure_invoke(engine, frames, turn, time.perf_counter_ns))],
            _BARE: lambda: [bare_ms(engine.invoke)],
        },
        rounds,
    )
    return paired_ratio(*([mean for (mean,) in turns[name]] for name in (_OURS, _BARE)))


def as_whole_blocks(model: Path, frames_path: Path, rounds: int, seconds: float, threads: int) -> Ratio:
    """Return the ratio between blocks of the benchmark and processes that only loop, round by round."""
    plan = BlockPlan(invoke_s=seconds, pipeline_s=0.0)
    ours: list[float] = []
    bare: list[float] = []
    for number in range(rounds):
        for name in shuffled((_OURS, _BARE), number, seed=time.time_ns() % 2**32):
            if name == _OURS:
                runs = run_block("litert", model, frames_path, threads, plan).timings.invoke_ms
                ours.append(statistics.median(by_tens(runs)))
            else:
                bare.append(statistics.median(_bare_block(model, threads, seconds)))
    return paired_ratio(ours, bare)


def by_tens(latencies_ms: Sequence[float]) -> list[float]:
    """Return the means of each ten runs, leaving out what is left over."""
    whole = len(latencies_ms) // CALLS * CALLS
    return [statistics.fmean(latencies_ms[start : start + CALLS]) for start in range(0, whole, CALLS)]


def _bare_block(model: Path, threads: int, seconds: float) -> list[float]:
    command = [sys.executable, "-m", "hangtag_benchmarks.checks.bare_loop"]
    done = subprocess.run(
        [*command, str(model), str(threads), str(seconds)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise click.ClickException(f"the bare loop failed: {done.stderr.strip().splitlines()[-1:]}")
    means: list[float] = json.loads(done.stdout)
    return means


def line(name: str, ratio: Ratio, *, reached: bool) -> str:
    """Return a ratio and its verdict."""
    interval = (
        "too few to tell"
        if ratio.interval is None
        else f"95 % CI {ratio.interval.low:.4f} to {ratio.interval.high:.4f}"
    )
    told = f"{name}: {ratio.value:.4f} of the bare loop ({interval}), wanted at most {MOST_TIMES_BARE}"
    return f"{told}: {'reached' if reached else 'MISSED'}"


if __name__ == "__main__":
    overhead()
