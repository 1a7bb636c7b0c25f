"""What a benchmark must pass besides being measured: conditions, and a board's reference."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hangtag.errors import GateFailed
from hangtag_benchmarks.conditions.fail_if import Condition, check_names, judge
from hangtag_benchmarks.conditions.reference import check, check_targets
from hangtag_benchmarks.conditions.value_names import RowName
from hangtag_benchmarks.plans import short_name
from hangtag_benchmarks.records import Missing, Result
from hangtag_benchmarks.reports.tables import printable
from hangtag_benchmarks.targets import Target


@dataclass(frozen=True, slots=True)
class Gates:
    """What was asked for with ``--fail-if`` and ``--reference``."""

    conditions: tuple[Condition, ...] = ()
    reference: Result | None = None

    def check_before(
        self, targets: Sequence[Target], unusable: Sequence[Missing], *, has_photos: bool
    ) -> None:
        """Raise where it is clear before measuring that something could not be judged.

        Args:
            targets: the rows to be.
            unusable: files that will have none.
            has_photos: whether accuracy is measured.

        Raises:
            BenchmarkError: a name means no row, or several; or the reference has none of the rows.
        """
        rows = [RowName(one.model.short_name, one.engine, one.threads) for one in targets]
        rows += [RowName(short_name(one.file_name), None, None) for one in unusable]
        check_names(self.conditions, rows, has_photos=has_photos)
        if self.reference is not None:
            check_targets(self.reference, targets)

    def judge(self, result: Result) -> Iterator[tuple[str, bool]]:
        """Return a line for everything that was checked, and whether it failed."""
        for condition in self.conditions:
            judged = judge(condition, result)
            failed = judged.holds is not False
            yield printable(f"{'FAILED' if failed else 'passed'}: {judged.line}"), failed
        if self.reference is not None:
            for finding in check(self.reference, result):
                yield printable(f"reference: {finding.line}"), finding.failed

    def raise_failed(self, judged: Sequence[tuple[str, bool]]) -> None:
        """Raise where something failed; which, and why, its line says.

        Raises:
            GateFailed: how many.
        """
        count = sum(failed for _, failed in judged)
        if count:
            raise GateFailed(f"{count} check{'s' if count > 1 else ''} failed")
