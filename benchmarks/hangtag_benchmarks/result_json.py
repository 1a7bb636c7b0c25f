"""A result as JSON, there and back. The layout is published as ``docs/benchmark-2.schema.json``."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from hangtag.errors import BenchmarkError
from hangtag_benchmarks.records import SCHEMA_VERSION, Result

KIND = "hangtag-benchmark"

_T = TypeVar("_T")


def to_json(result: Result) -> dict[str, Any]:
    """Return the whole result as JSON values, numbers to six significant digits."""
    values: dict[str, Any] = _rounded(dataclasses.asdict(result))
    return {"kind": KIND, "schema_version": values.pop("schema_version"), **values}


def read_result(path: Path) -> Result:
    """Read a ``benchmark.json``.

    Raises:
        BenchmarkError: it cannot be read, is something else, or of another version.
    """
    try:
        values = json.loads(path.read_bytes())
    except OSError as error:
        raise BenchmarkError(f"cannot read {path}: {error.strerror or error}") from None
    except ValueError:
        raise BenchmarkError(f"{path} is no JSON; wanted the benchmark.json of hangtag benchmark") from None
    if not isinstance(values, dict) or values.get("kind") != KIND:
        raise BenchmarkError(f"{path} is no result of hangtag benchmark; wanted its benchmark.json")
    if values.get("schema_version") != SCHEMA_VERSION:
        raise BenchmarkError(
            f"{path} has layout {values.get('schema_version')!r}; this version reads {SCHEMA_VERSION}: "
            "run the benchmark again"
        )
    try:
        return from_plain(Result, {key: value for key, value in values.items() if key != "kind"})
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise BenchmarkError(f"{path} is damaged: {error}") from None


def from_plain(kind: type[_T], values: Any) -> _T:
    """Rebuild a frozen dataclass from what ``dataclasses.asdict`` and JSON made of it.

    Raises:
        TypeError, ValueError: a field is missing, unknown, or of another type.
    """
    hints = typing.get_type_hints(kind)
    names = {field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(set(values) - names)
    if unknown:
        raise ValueError(f"{kind.__name__} has no {', '.join(unknown)}")
    return kind(**{name: _rebuilt(hints[name], value) for name, value in values.items()})


def _rebuilt(hint: Any, value: Any) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in {typing.Union, types.UnionType}:
        wanted = next(one for one in arguments if one is not type(None))
        return None if value is None else _rebuilt(wanted, value)
    if origin is tuple:
        kinds = arguments if arguments[-1] is not Ellipsis else [arguments[0]] * len(value)
        return tuple(_rebuilt(kind, entry) for kind, entry in zip(kinds, value, strict=True))
    if origin is not None:
        return {key: _rebuilt(arguments[1], entry) for key, entry in value.items()}
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return from_plain(hint, value)
    return _plain(hint, value)


def _plain(kind: type, value: Any) -> Any:
    # JSON does not tell 1.0 from 1; and to Python True is a number.
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise TypeError(f"got {value!r}, wanted {kind.__name__}")
    return value


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: _rounded(entry) for key, entry in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_rounded(entry) for entry in value]
    return value
