"""Runs a whole benchmark: which process when, and what becomes of its answer."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone

from hangtag.device import usable_cores
from hangtag.errors import BenchmarkError
from hangtag_benchmarks import frames
from hangtag_benchmarks.child import Outcome
from hangtag_benchmarks.machine.environment import conditions, environment
from hangtag_benchmarks.machine.monitor import Monitor
from hangtag_benchmarks.machine.records import Environment
from hangtag_benchmarks.plans import Plan
from hangtag_benchmarks.records import Missing, Result
from hangtag_benchmarks.rows import Measured, build_row, wrong_output
from hangtag_benchmarks.schedule import is_enough, shuffled
from hangtag_benchmarks.targets import Target
from hangtag_benchmarks.verdicts import verdicts

Say = Callable[[str], None]


def run_benchmark(
    targets: Sequence[Target],
    plan: Plan,
    say: Say,
    *,
    photos: tuple[str, str] | None = None,
    unusable: Sequence[Missing] = (),
    seed: int | None = None,
    monitor: Monitor | None = None,
) -> Result:
    """Measure all targets, round by round. Ctrl-C ends it with what was measured so far.

    Args:
        targets: the rows to be, in the order of the table.
        plan: how many rounds of what.
        say: takes one line of progress.
        photos: a data set's folder and split on which every engine is scored too.
        unusable: rows of files that cannot be used.
        seed: of the order within rounds; None draws one, so that no two benchmarks share their order's luck.
        monitor: looks at the machine; injected so that tests need none.
    """
    before = conditions()
    order = secrets.randbits(32) if seed is None else seed
    session = _Session(plan, say, monitor or Monitor(conditions), order, missing=[*unusable])
    complete = True
    try:
        session.find(targets)
        session.score(photos)
        session.measure()
    except KeyboardInterrupt:
        say("stopped: what was measured so far is kept")
        complete = False
    rows = tuple(build_row(measured) for measured in session.measured if measured.measurements)
    machine = environment(before, conditions())
    return Result(
        created_utc=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        frames=frames.DESCRIPTION,
        plan=plan,
        rounds=session.rounds,
        complete=complete,
        environment=machine,
        rows=rows,
        missing=tuple(session.missing),
        verdicts=tuple(verdicts(rows)),
        disturbances=session.monitor.disturbances(),
        notes=(*session.monitor.notes(), *_notes(machine, targets)),
    )


@dataclass(slots=True)
class _Session:
    plan: Plan
    say: Say
    monitor: Monitor
    seed: int
    measured: list[Measured] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    rounds: int = 0

    def find(self, targets: Sequence[Target]) -> None:
        """Keep the targets whose engine is there; the others are rows that say how to get it."""
        for target in targets:
            try:
                reason = target.runner.missing()
            except BenchmarkError as error:
                self.missing.append(target.failure(str(error)))
                continue
            if reason is None:
                self.measured.append(Measured(target))
            else:
                self.missing.append(target.not_there(reason))

    def score(self, photos: tuple[str, str] | None) -> None:
        """Let every engine name the photos, once for all numbers of threads."""
        if photos is None:
            return
        known: dict[tuple[str, str], Outcome | None] = {}
        for measured in list(self.measured):
            target = measured.target
            key = (target.model.sha256, target.engine)
            if key not in known:
                self.say(f"scoring photos: {target.title()}")
                known[key] = target.runner.accuracy(photos)
            outcome = known[key]
            if outcome is not None and outcome.error is not None:
                self._give_up(measured, outcome.error)
            elif outcome is not None:
                measured.accuracy = outcome.accuracy

    def measure(self) -> None:
        """Run rounds until it is enough."""
        while self.measured and not is_enough(
            self.plan, self.rounds, (one.main_latencies() for one in self.measured)
        ):
            order = shuffled(self.measured, self.rounds, seed=self.seed)
            for number, measured in enumerate(order):
                self.say(
                    f"round {self.rounds + 1} of at most {self.plan.rounds}, {number + 1} of {len(order)}: "
                    f"{measured.target.title()}"
                )
                self._block(measured)
            self.rounds += 1

    def _block(self, measured: Measured) -> None:
        target = measured.target
        with self.monitor.during(target.title()):
            outcome = target.runner.block(self.plan.block)
        reason, is_wrong = _why_not(outcome)
        if reason is None:
            try:
                measured.accelerator = target.runner.accelerator(outcome.log)
            except BenchmarkError as error:
                reason = str(error)
        if reason is not None or outcome.measurement is None:
            self._give_up(measured, reason or "it measured nothing", wrong=is_wrong)
            return
        measured.add(self.rounds, outcome.measurement)

    def _give_up(self, measured: Measured, reason: str, *, wrong: bool = False) -> None:
        """A row that failed once shows no numbers: which of them to believe nobody could say."""
        self.measured.remove(measured)
        self.missing.append(measured.target.failure(reason, wrong=wrong))


def _why_not(outcome: Outcome) -> tuple[str | None, bool]:
    """Return why a block counts for nothing, None where it counts; and whether its outputs were wrong."""
    if outcome.measurement is None:
        return outcome.error or "it measured nothing", False
    wrong = wrong_output(outcome.measurement.check)
    return wrong, wrong is not None


def _notes(machine: Environment, targets: Sequence[Target]) -> Iterator[str]:
    if machine.power_source == "battery":
        yield "on battery: many machines are slower then"
    cores = usable_cores()
    too_many = sorted({one.threads for one in targets if one.threads is not None and one.threads > cores})
    if too_many:
        yield f"more threads ({', '.join(map(str, too_many))}) than the {cores} cores that may be used"
