"""What may be compared: which rows of two results belong together, and why a comparison is refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass

from hangtag_benchmarks.measurements import Accuracy
from hangtag_benchmarks.records import Result, Row
from hangtag_benchmarks.rows import DISTURBED_DEVICE


@dataclass(frozen=True, slots=True)
class Pair:
    """The same row in two results: of the same model file, or of two versions under one name."""

    first: Row
    second: Row

    @property
    def same_model(self) -> bool:
        """True where both measured the same bytes."""
        return self.first.model.sha256 == self.second.model.sha256


def paired(first: Sequence[Row], second: Sequence[Row]) -> list[Pair]:
    """Return the rows that belong together, in the order of the first.

    They are matched by model digest, engine and threads; what is left, by the model's short name, engine and
    threads, where that is clear.
    """
    partners = _matches(first, second, lambda row: row.key)
    left = [index for index in range(len(first)) if index not in partners]
    free = [index for index in range(len(second)) if index not in partners.values()]
    by_name = _matches([first[index] for index in left], [second[index] for index in free], _named)
    partners |= {left[one]: free[other] for one, other in by_name.items()}
    return [Pair(first[one], second[partners[one]]) for one in sorted(partners)]


def _named(row: Row) -> Hashable:
    return row.model.short_name, row.engine, row.threads


def _matches(first: Sequence[Row], second: Sequence[Row], key: Callable[[Row], Hashable]) -> dict[int, int]:
    """Return by place in the first the place in the second, of keys that each has once."""
    keys, others = [key(row) for row in first], [key(row) for row in second]
    return {
        place: others.index(one)
        for place, one in enumerate(keys)
        if keys.count(one) == 1 and others.count(one) == 1
    }


def refusals(result: Result, name: str, *, even_if_disturbed: bool = False) -> Iterator[str]:
    """Return why a result is comparable with nothing, one line for each reason.

    A run that was stopped is refused as one that was too short: whoever may stop a run when its numbers
    please has chosen them.

    Args:
        result: one of two.
        name: what to call it.
        even_if_disturbed: let it pass where other work on the machine disturbed it.
    """
    if result.plan.quick:
        yield f"{name} is a quick run, comparable with nothing; measure without --quick"
    if result.soak is not None:
        yield f"{name} is a soak: one row, whose blocks had no pause; measure without --soak"
    if not result.complete:
        yield f"{name} was stopped before its end; measure it again"
    if not even_if_disturbed:
        yield from (
            f"{name} was disturbed ({reason}); measure it again when the machine is quiet"
            for reason in disturbances(result)
        )


def disturbances(result: Result) -> Iterator[str]:
    """Return what disturbed a run: this machine, or a device that a row ran on."""
    yield from result.disturbances
    for row in result.rows:
        if any(note.startswith(DISTURBED_DEVICE) for note in row.notes):
            yield f"{row.model.short_name}: the device throttled itself"


def disagreements(
    first: Result, second: Result, pairs: Sequence[Pair], names: tuple[str, str]
) -> Iterator[str]:
    """Return why two results cannot be compared with each other, one line for each reason."""
    if first.frames != second.frames:
        yield f"other frames: {names[0]} has {first.frames!r}, {names[1]} {second.frames!r}"
    changed = [
        f"{field.name} {one:g} and {other:g}"
        for field in dataclasses.fields(first.plan.block)
        if (one := getattr(first.plan.block, field.name)) != (other := getattr(second.plan.block, field.name))
    ]
    if changed:
        yield f"blocks of other lengths: {', '.join(changed)}"
    for pair in pairs:
        yield from _of_pair(pair)
    if not pairs:
        yield f"no row in common: {names[0]} has {_rows(first)}; {names[1]} {_rows(second)}"


def _of_pair(pair: Pair) -> Iterator[str]:
    title = pair.first.model.short_name
    one, other = pair.first.model.input_wh, pair.second.model.input_wh
    if one != other:
        yield f"{title}: other input sizes, {one[0]}x{one[1]} and {other[0]}x{other[1]}"
    sets = [_photos(row.accuracy) for row in (pair.first, pair.second) if row.accuracy is not None]
    if len(set(sets)) > 1:
        yield f"{title}: accuracy on other photos, {sets[0]} and {sets[1]}"


def _photos(accuracy: Accuracy) -> str:
    return f"{accuracy.photos} of {accuracy.split} (data set {accuracy.dataset_sha256[:8]})"


def _rows(result: Result) -> str:
    names = dict.fromkeys(f"{row.model.short_name} ({row.engine})" for row in result.rows)
    return ", ".join(names) or "none"
