"""JSON of unknown origin, taken apart field by field: each has the type that it should, or it is an error."""

from __future__ import annotations

import enum
import math
from typing import Any, ClassVar

from hangtag.errors import HangtagError, shortened


class Fields:
    """Takes the fields of one JSON object, each once, checking its type; leftovers are an error.

    Args:
        plain: what :func:`json.loads` made of it.
        where: what messages call the object.

    Attributes:
        error: what is raised; set by subclasses.
    """

    error: ClassVar[type[HangtagError]] = HangtagError

    def __init__(self, plain: Any, where: str) -> None:
        if not isinstance(plain, dict):
            raise self.error(f"{where} is {shortened(plain)}; wanted an object")
        self._left = dict(plain)
        self._where = where

    def take(self, name: str, *kinds: type) -> Any:
        """Return a field of one of some types; whole numbers do for ``float``, and come as float."""
        if name not in self._left:
            raise self.error(f"{self._where} has no field {name!r}")
        value = self._left.pop(name)
        accepted = kinds + ((int,) if float in kinds else ())
        if not isinstance(value, accepted) or (isinstance(value, bool) and bool not in kinds):
            wanted = " or ".join("null" if kind is type(None) else kind.__name__ for kind in kinds)
            raise self.error(f"{self._where}.{name} is {shortened(value)}; wanted {wanted}")
        if isinstance(value, (int, float)) and float in kinds:
            return self._finite(value, name)
        return value

    def take_between(self, name: str, kind: type, low: float, high: float) -> Any:
        """Return a number of one type, ``low`` to ``high``."""
        value = self.take(name, kind)
        if not low <= value <= high:
            raise self.error(f"{self._where}.{name} is {shortened(value)}; wanted {low:g} to {high:g}")
        return value

    def take_enum(self, name: str, kind: type[enum.Enum]) -> Any:
        """Return a field that is a member of an enum of texts."""
        value = self.take(name, str)
        try:
            return kind(value)
        except ValueError:
            names = ", ".join(member.value for member in kind)
            raise self.error(f"{self._where}.{name} is {shortened(value)}; wanted one of {names}") from None

    def take_numbers(self, name: str) -> tuple[float, ...]:
        """Return a list of finite numbers."""
        return tuple(self._finite(value, name) for value in self.take(name, list))

    def take_texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts."""
        return self.all_texts(self.take(name, list), name)

    def all_texts(self, values: list[Any], name: str) -> tuple[str, ...]:
        """Return values, all of which must be texts; ``name`` is the field that holds them."""
        if not all(isinstance(value, str) for value in values):
            raise self.error(f"{self._where}.{name} is {shortened(values)}; wanted a list of strings")
        return tuple(values)

    def take_mapping(self, name: str, kind: type) -> dict[str, Any]:
        """Return an object whose values have one type."""
        inner = type(self)(self.take(name, dict), f"{self._where}.{name}")
        return {key: inner.take(key, kind) for key in list(inner._left)}

    def done(self) -> None:
        """Raise where a field was not taken."""
        if self._left:
            unknown = shortened(sorted(self._left))[1:-1]
            raise self.error(f"{self._where} has unknown fields: {unknown}")

    def _finite(self, value: Any, name: str) -> float:
        where = f"{self._where}.{name}"
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.error(f"{where} holds {shortened(value)}; wanted a number")
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise self.error(f"{where} holds {shortened(value)}; wanted a finite number")
        return number
