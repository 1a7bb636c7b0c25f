"""What happened to the machine while it was measured: a run that was disturbed must say so."""

from __future__ import annotations

import contextlib
import dataclasses
import statistics
import time
from collections.abc import Callable, Iterator

from hangtag_benchmarks.machine.clocks import frequency_mhz
from hangtag_benchmarks.machine.cpu_times import CpuTimes, cpu_times
from hangtag_benchmarks.machine.disturbances import Watched, disturbances, minor_disturbances
from hangtag_benchmarks.machine.records import Conditions
from hangtag_benchmarks.machine.sampling import sampled

CLOCK_EVERY_S = 0.5
"""Between two looks at the clock while a block runs; one takes well under a millisecond. After the block
would be too late: a core that rests is slow, and that is no disturbance."""

LEAST_WANTED = 0.2
"""Cores that must be wanted on average over a block for a share of that to mean anything."""


@dataclasses.dataclass(slots=True)
class Ours:
    """CPU time that a child used which goes on after the block: nobody else knows that it is ours."""

    cpu_s: float = 0.0


class Monitor:
    """Looks at the machine while blocks run.

    Args:
        look: gives what can be seen at one moment.
        times: gives what the cores did.
        frequency: gives the clock of the working core in MHz.
        seconds: a monotonic clock; injected so that tests need not wait.

    Attributes:
        before: how things were before anything was measured.
        watched: what was seen, block by block.
    """

    def __init__(
        self,
        look: Callable[[], Conditions],
        times: Callable[[], CpuTimes | None] = cpu_times,
        frequency: Callable[[], float | None] = frequency_mhz,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._look, self._times, self._frequency, self._seconds = look, times, frequency, seconds
        self.before = look()
        self.watched: list[Watched] = []

    @contextlib.contextmanager
    def during(self, what: str) -> Iterator[Ours]:
        """Watch what goes on while a block runs and until it has ended.

        Args:
            what: whose block it is; clocks are only compared between blocks of the same.

        Yields:
            What is ours besides the time of this process and of its children that have ended.
        """
        ours = Ours()
        before, before_s = self._times(), self._seconds()
        with sampled(self._frequency, CLOCK_EVERY_S) as clocks:
            yield ours
        after, after_s = self._times(), self._seconds()
        seen = self._look()
        self.watched.append(
            Watched(
                what,
                dataclasses.replace(
                    seen,
                    cpu_frequency_mhz=statistics.median(clocks) if clocks else seen.cpu_frequency_mhz,
                    others_load=_others_load(before, after, after_s - before_s, ours.cpu_s),
                    stolen=_stolen(before, after, after_s - before_s),
                ),
            )
        )

    def disturbances(self, *, heat: bool = True) -> tuple[str, ...]:
        """Return what disturbed the measuring, one line for each kind.

        Args:
            heat: count slower clocks and throttling too; not where they are what is measured.
        """
        return tuple(disturbances(self.before, self.watched, heat=heat))

    def notes(self, *, heat: bool = True) -> tuple[str, ...]:
        """Return what happened too seldom to matter, and what happened before."""
        return tuple(minor_disturbances(self.before, self.watched, heat=heat))


def _others_load(
    before: CpuTimes | None, after: CpuTimes | None, wall_s: float, more_of_ours_s: float
) -> float | None:
    """Return how many cores others kept busy; None where the kernel's counters stand still."""
    if before is None or after is None or after.total_s <= before.total_s or wall_s <= 0:
        return None
    others_s = (after.busy_s - before.busy_s) - (after.ours_s - before.ours_s) - more_of_ours_s
    return max(0.0, others_s / wall_s)


def _stolen(before: CpuTimes | None, after: CpuTimes | None, wall_s: float) -> float | None:
    """Return which share of the time that programs here wanted went to other machines.

    None where they wanted next to nothing, as while a phone works: one tick would be a large share of it.
    """
    if before is None or after is None:
        return None
    stolen_s = after.stolen_s - before.stolen_s
    wanted_s = after.busy_s - before.busy_s + stolen_s
    return stolen_s / wanted_s if wanted_s > LEAST_WANTED * wall_s else None
