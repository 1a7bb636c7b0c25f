"""Names of measured values in conditions: which row is meant, and what of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hangtag.errors import BenchmarkError, did_you_mean, shortened
from hangtag_benchmarks.conditions.expression_tokens import Token
from hangtag_benchmarks.conditions.quantities import FIELDS, KINDS, PERCENTILES, UNITS

_PLAIN = re.compile(r"[^\W\d][\w-]*(?:\.\w[\w-]*)*")
_UNSPACED_MINUS = re.compile(rf"\.(?:{'|'.join(FIELDS)})-")
_UNKNOWN_UNIT = re.compile(r"[0-9.]+(?P<unit>[^\W\d]+)")


@dataclass(frozen=True, slots=True)
class RowName:
    """What tells a row from others in conditions: its model's short name, its engine and threads.

    ``engine`` is None for a file that no engine could use: it is every row that the file would have had.
    """

    model: str
    engine: str | None
    threads: int | None

    def __str__(self) -> str:
        """Return it as a condition spells it in full."""
        model = self.model if _PLAIN.fullmatch(self.model) else repr(self.model)
        return "@".join([model, *(str(mark) for mark in (self.engine, self.threads) if mark is not None)])


@dataclass(frozen=True, slots=True)
class ValueName:
    """A field of a row, as a condition names it; None is what it leaves open."""

    text: str
    model: str
    engine: str | None
    threads: int | None
    kind: str
    field: str


def read_value_name(token: Token) -> ValueName:
    """Read ``clothing-int8@litert@2.e2e.p95``.

    Raises:
        BenchmarkError: it ends with no field, or says something twice.
    """
    row, _, field = (token.text if token.quoted is None else token.rest).rpartition(".")
    if field not in FIELDS:
        raise BenchmarkError(_no_field(token, field))
    if token.quoted is None and _UNSPACED_MINUS.search(row):
        raise BenchmarkError(f"{shortened(token.text)}: a minus sign needs spaces around it")
    start, dot, kind = row.rpartition(".")
    has_kind = bool(dot) and kind in KINDS
    if has_kind:
        row = start
        if field not in PERCENTILES:
            raise BenchmarkError(f"{kind} has no {field}; wanted one of {', '.join(PERCENTILES)}")
    model, *marks = row.split("@")
    if token.quoted is not None:
        if model:
            raise BenchmarkError(f"{shortened(model)} after the quotes; wanted @engine, @threads or .field")
        model = token.quoted
    if not model:
        raise BenchmarkError(f"{shortened(token.text)} names no row; wanted one, as int8.{field}")
    engine, threads = _marks(marks)
    return ValueName(token.text, model, engine, threads, kind if has_kind else KINDS[0], field)


def _no_field(token: Token, field: str) -> str:
    unit = _UNKNOWN_UNIT.fullmatch(token.text)
    if unit is not None:
        return f"unknown unit {unit['unit']!r}; wanted one of {', '.join(filter(None, UNITS))}"
    hint = did_you_mean(field, FIELDS)
    if "-" in field:
        hint = " (a minus sign needs spaces around it)"
    elif "@" in field:
        hint = " (@engine and @threads come before the field)"
    return f"{shortened(token.text)} ends with no field{hint}; wanted one of {', '.join(FIELDS)}"


def _marks(marks: Iterable[str]) -> tuple[str | None, int | None]:
    engine = threads = None
    for mark in marks:
        if mark.isascii() and mark.isdigit() and len(mark) < 10:
            if threads is not None:
                raise BenchmarkError(f"two numbers of threads, @{threads} and @{mark}")
            threads = int(mark)
        elif engine is not None:
            raise BenchmarkError(f"two engines, @{engine} and @{mark}")
        else:
            engine = mark
    return engine, threads


def matching(name: ValueName, rows: Sequence[RowName]) -> list[int]:
    """Return the places of the rows that a name may mean.

    A model's whole name comes before the last part of another's: ``int8`` is int8.tflite where there is one,
    else what ends with -int8.
    """
    by_marks = [
        (place, row)
        for place, row in enumerate(rows)
        if row.engine is None or (name.engine in {None, row.engine} and name.threads in {None, row.threads})
    ]
    whole = [place for place, row in by_marks if row.model == name.model]
    return whole or [place for place, row in by_marks if row.model.rpartition("-")[2] == name.model]


def listed(rows: Iterable[RowName]) -> str:
    """Return rows as candidates in a message, not too many."""
    names = list(dict.fromkeys(map(str, rows)))
    return ", ".join(names[:12]) + (f" and {len(names) - 12} others" if len(names) > 12 else "")
