"""Mutates models by the thousand and checks that each ends in one clear line or works, never in a signal.

    python tests/fuzz_models.py --count 100000 --seed 0

Each case goes the way that a user's file goes: our reader, then the child process that loads and runs it
once, then, where it passed, a real classifier. Exit 1 when a single case ends otherwise; its number makes it
again: ``--seed 0 --case 4711 --keep case.tflite``.
"""

from __future__ import annotations

import argparse
import functools
import multiprocessing
import sys
import time
from collections import Counter
from pathlib import Path

from fuzzing.cases import make_case, seeds
from fuzzing.trial import End, Trial, follow


def _ended(number: int, run_seed: int, seconds: int) -> tuple[int, str, Trial]:
    case = make_case(run_seed, number)
    return number, case.what, follow(case, seconds=seconds)


def main() -> int:
    """Run the cases that the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000, help="cases [%(default)s]")
    parser.add_argument("--seed", type=int, default=0, help="all cases follow from it [%(default)s]")
    parser.add_argument("--first", type=int, default=0, help="number of the first case [%(default)s]")
    parser.add_argument("--case", type=int, help="do this one case alone and say what became of it")
    parser.add_argument("--keep", type=Path, help="with --case: write the mutated file there")
    parser.add_argument("--seconds", type=int, default=5, help="longest that a step may take [%(default)s]")
    parser.add_argument("--jobs", type=int, default=1, help="processes [%(default)s]")
    options = parser.parse_args()
    if options.case is not None:
        return _one(options)
    return _many(options)


def _one(options: argparse.Namespace) -> int:
    case = make_case(options.seed, options.case)
    if options.keep is not None:
        options.keep.write_bytes(case.data)
    trial = follow(case, seconds=options.seconds)
    print(f"{case.what}\n{trial.end.value}: {trial.said}")
    return int(trial.end is End.DEFECT)


def _many(options: argparse.Namespace) -> int:
    seeds()
    ends: Counter[End] = Counter()
    signals: Counter[str] = Counter()
    begun = time.perf_counter()
    work = functools.partial(_ended, run_seed=options.seed, seconds=options.seconds)
    numbers = range(options.first, options.first + options.count)
    with multiprocessing.get_context("fork").Pool(options.jobs) as pool:
        for number, what, trial in pool.imap_unordered(work, numbers, chunksize=20):
            ends[trial.end] += 1
            if trial.end is End.KILLED:
                signals[trial.said.partition("(")[2].partition(",")[0]] += 1
            if trial.end is End.DEFECT:
                print(f"DEFECT --seed {options.seed} --case {number} ({what}): {trial.said}", flush=True)
            if sum(ends.values()) % 5000 == 0:
                print(
                    f"{sum(ends.values())} cases, {time.perf_counter() - begun:.0f} s",
                    file=sys.stderr,
                    flush=True,
                )
    for end in End:
        print(f"{ends[end]:>7}  {end.value}")
    print(f"{sum(ends.values()):>7}  cases in {time.perf_counter() - begun:.0f} s; crashes {dict(signals)}")
    return int(ends[End.DEFECT] > 0)


if __name__ == "__main__":
    sys.exit(main())
