"""How many of how many, with an interval, and what was wanted."""

from __future__ import annotations

from dataclasses import dataclass

from hangtag.metrics import wilson_interval


@dataclass(frozen=True, slots=True)
class Share:
    """``count`` of ``of``; the target is ``wanted`` at most or at least, None where there is none."""

    name: str
    count: int
    of: int
    wanted: float | None = None
    at_most: bool = True

    @property
    def value(self) -> float:
        """The share, 0 to 1."""
        return self.count / self.of

    @property
    def reached(self) -> bool:
        """True where the share is on the right side of what was wanted."""
        if self.wanted is None:
            return True
        return self.value <= self.wanted if self.at_most else self.value >= self.wanted

    def text(self) -> str:
        """Return the share with its 95 % interval, in percent."""
        interval = wilson_interval(self.count, self.of)
        return f"{self.value:.1%} ({100 * interval.low:.1f} to {100 * interval.high:.1f})"

    def line(self) -> str:
        """Return what it is, and whether it is what was wanted."""
        told = f"{self.name}: {self.count} of {self.of}, {self.text()}"
        if self.wanted is None:
            return told
        limit = f"{'at most' if self.at_most else 'at least'} {self.wanted:.0%}"
        return f"{told}, wanted {limit}: {'reached' if self.reached else 'MISSED'}"
