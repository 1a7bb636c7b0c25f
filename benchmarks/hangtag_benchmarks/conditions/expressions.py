"""A small language of conditions on measured values: text to a checked tree, and nothing that can run code.

Its grammar, from what binds least to what binds most, as in Python::

    condition  = all ("or" all)*
    all        = negated ("and" negated)*
    negated    = "not" negated | comparison
    comparison = sum (("<" | "<=" | ">" | ">=" | "==" | "!=") sum)?
    sum        = product (("+" | "-") product)*
    product    = signed (("*" | "/") signed)*
    signed     = "-" signed | number | value | "(" condition ")"
    value      = name ("@" (engine | threads))* ("." kind)? "." field

What is what is known from the text alone: milliseconds never meet megabytes, and a sum is no condition.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hangtag.errors import BenchmarkError, did_you_mean, shortened
from hangtag_benchmarks.conditions.expression_tokens import Token, tokens
from hangtag_benchmarks.conditions.quantities import DIMENSIONLESS, UNITS, Dimension, described, dimension_of
from hangtag_benchmarks.conditions.value_names import ValueName, read_value_name

MOST_DEPTH = 30
"""Parentheses, signs and negations within each other; real conditions have two or three."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number in its dimension's base unit; ``unit`` as it was written, empty where none was."""

    value: float
    unit: str
    dimension: Dimension


@dataclass(frozen=True, slots=True)
class Value:
    """A measured value."""

    name: ValueName
    dimension: Dimension


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Two quantities and one of + - * /."""

    sign: str
    left: Quantity
    right: Quantity
    dimension: Dimension


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two quantities of one dimension and how they are compared."""

    sign: str
    left: Quantity
    right: Quantity


@dataclass(frozen=True, slots=True)
class Junction:
    """Conditions that must hold all (``and``), or of which one must (``or``)."""

    word: str
    parts: tuple[Truth, ...]


@dataclass(frozen=True, slots=True)
class Negation:
    """What must not hold."""

    part: Truth


Quantity = Number | Value | Arithmetic
Truth = Comparison | Junction | Negation

_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


def parse(text: str) -> Truth:
    """Read a condition and check that it makes sense, without any measured value.

    Raises:
        BenchmarkError: it is no condition, or compares what has no common measure.
    """
    parser = _Parser(text, tokens(text))
    found = parser.condition(0)
    if parser.now.kind != "end":
        raise parser.error(f"wanted an operator or the end, got {shortened(parser.now.text)}")
    return parser.truth(found)


def number_of(quantity: Quantity, measured: Callable[[ValueName], float]) -> float:
    """Return what a quantity comes to, in its dimension's base unit.

    Raises:
        BenchmarkError: it divides by zero, or is beyond all numbers.
    """
    if isinstance(quantity, Number):
        return quantity.value
    if isinstance(quantity, Value):
        return measured(quantity.name)
    left, right = number_of(quantity.left, measured), number_of(quantity.right, measured)
    if quantity.sign == "/" and right == 0:
        raise BenchmarkError("it divides by zero")
    found = _ARITHMETIC[quantity.sign](left, right)
    if not math.isfinite(found):
        # Nothing is larger than "no number": a comparison with it would always pass.
        raise BenchmarkError(f"{left:g} {quantity.sign} {right:g} is no number that can be compared")
    return found


def holds(truth: Truth, measured: Callable[[ValueName], float]) -> bool:
    """Return whether a condition holds.

    Raises:
        BenchmarkError: a quantity has no value.
    """
    if isinstance(truth, Comparison):
        left, right = number_of(truth.left, measured), number_of(truth.right, measured)
        return _COMPARISONS[truth.sign](left, right)
    if isinstance(truth, Negation):
        return not holds(truth.part, measured)
    # All parts are worked out, whatever the first says: a missing value must not depend on luck.
    found = [holds(part, measured) for part in truth.parts]
    return all(found) if truth.word == "and" else any(found)


def comparisons(truth: Truth) -> Iterator[Comparison]:
    """Return every comparison of a condition, from left to right."""
    if isinstance(truth, Comparison):
        yield truth
    else:
        for part in (truth.part,) if isinstance(truth, Negation) else truth.parts:
            yield from comparisons(part)


def value_names(truth: Truth) -> list[ValueName]:
    """Return every measured value that a condition names, once."""
    found = [name for one in comparisons(truth) for side in (one.left, one.right) for name in _names(side)]
    return list(dict.fromkeys(found))


def _names(quantity: Quantity) -> Iterator[ValueName]:
    if isinstance(quantity, Value):
        yield quantity.name
    elif isinstance(quantity, Arithmetic):
        yield from _names(quantity.left)
        yield from _names(quantity.right)


class _Parser:
    """Recursive descent, one method for each rule of the grammar."""

    def __init__(self, text: str, found: list[Token]) -> None:
        self._text, self._tokens, self._place = text, found, 0

    @property
    def now(self) -> Token:
        """The token to be read next."""
        return self._tokens[self._place]

    def error(self, what: str) -> BenchmarkError:
        """Return an error that says where."""
        return BenchmarkError(f"{shortened(self._text)}, character {self.now.place + 1}: {what}")

    def condition(self, depth: int) -> Quantity | Truth:
        """Read conditions joined by ``or``."""
        return self._junction("or", lambda: self._junction("and", lambda: self._negated(depth)))

    def _junction(self, word: str, part: Callable[[], Quantity | Truth]) -> Quantity | Truth:
        parts = [part()]
        while self._take(word):
            parts.append(part())
        return parts[0] if len(parts) == 1 else Junction(word, tuple(map(self.truth, parts)))

    def _negated(self, depth: int) -> Quantity | Truth:
        self._check_depth(depth)
        return (
            Negation(self.truth(self._negated(depth + 1))) if self._take("not") else self._comparison(depth)
        )

    def _comparison(self, depth: int) -> Quantity | Truth:
        left = self._sum(depth)
        sign = self._take(*_COMPARISONS)
        if sign is None:
            return left
        found = Comparison(sign, self._quantity(left), self._quantity(self._sum(depth)))
        self._check_same(found.left.dimension, found.right.dimension, "compared with")
        if self.now.text in _COMPARISONS:
            raise self.error("one comparison at a time; join two by and")
        return found

    def _sum(self, depth: int) -> Quantity | Truth:
        return self._operations(depth, ("+", "-"), self._product)

    def _product(self, depth: int) -> Quantity | Truth:
        return self._operations(depth, ("*", "/"), self._signed)

    def _operations(
        self, depth: int, signs: tuple[str, ...], part: Callable[[int], Quantity | Truth]
    ) -> Quantity | Truth:
        left = part(depth)
        while sign := self._take(*signs):
            left = self._arithmetic(sign, self._quantity(left), self._quantity(part(depth)))
        return left

    def _arithmetic(self, sign: str, left: Quantity, right: Quantity) -> Arithmetic:
        if sign in {"+", "-"}:
            self._check_same(
                left.dimension, right.dimension, "added to" if sign == "+" else "subtracted from"
            )
            return Arithmetic(sign, left, right, left.dimension)
        turn = 1 if sign == "*" else -1
        pairs = zip(left.dimension, right.dimension, strict=True)
        return Arithmetic(sign, left, right, Dimension(*(one + turn * other for one, other in pairs)))

    def _signed(self, depth: int) -> Quantity | Truth:
        self._check_depth(depth)
        if self._take("-"):
            part = self._quantity(self._signed(depth + 1))
            return Arithmetic("*", Number(-1.0, "", DIMENSIONLESS), part, part.dimension)
        if self._take("("):
            inner = self.condition(depth + 1)
            if not self._take(")"):
                raise self.error("wanted ')'" + self._got())
            return inner
        return self._operand()

    def _operand(self) -> Quantity:
        token = self.now
        if token.kind == "number":
            self._place += 1
            unit = UNITS[token.unit]
            value = float(token.text) * unit.factor
            if not math.isfinite(value):
                raise self.error(f"{shortened(token.text)} is too large a number")
            return Number(value, token.unit, unit.dimension)
        if token.kind == "name":
            try:
                name = read_value_name(token)
            except BenchmarkError as error:
                raise self.error(str(error)) from None
            self._place += 1
            return Value(name, dimension_of(name.field))
        raise self.error("wanted a number, or a value as int8.p95" + self._got())

    def _take(self, *texts: str) -> str | None:
        """Go past the next token where it is one of these."""
        if self.now.kind == "operator" and self.now.text in texts:
            self._place += 1
            return self._tokens[self._place - 1].text
        return None

    def _got(self) -> str:
        if self.now.kind == "end":
            return ", got the end"
        return f", got {shortened(self.now.text)}{did_you_mean(self.now.text, ('and', 'or', 'not'))}"

    def truth(self, found: Quantity | Truth) -> Truth:
        """Return it where it can be true or false."""
        if isinstance(found, Quantity):
            raise self.error("wanted a comparison, as int8.p95 > 8ms; got a quantity alone")
        return found

    def _quantity(self, found: Quantity | Truth) -> Quantity:
        if not isinstance(found, Quantity):
            raise self.error("wanted a quantity; a comparison is none")
        return found

    def _check_same(self, left: Dimension, right: Dimension, how: str) -> None:
        if left != right:
            hint = ""
            if DIMENSIONLESS in {left, right}:
                hint = "; give numbers their unit, as 8 ms"
            raise self.error(f"{described(right)} cannot be {how} {described(left)}{hint}")

    def _check_depth(self, depth: int) -> None:
        if depth > MOST_DEPTH:
            raise self.error(f"more than {MOST_DEPTH} parentheses, signs or negations within each other")
