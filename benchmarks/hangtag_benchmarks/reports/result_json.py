"""A result as JSON, there and back. The layout is published as ``docs/benchmark-2.schema.json``."""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from hangtag.errors import BenchmarkError, shortened
from hangtag_benchmarks.records import SCHEMA_VERSION, Result

KIND = "hangtag-benchmark"

_T = TypeVar("_T")


def to_json(result: Result) -> dict[str, Any]:
    """Return the whole result as JSON values, numbers to six significant digits."""
    values: dict[str, Any] = rounded(dataclasses.asdict(result))
    return {"kind": KIND, "schema_version": values.pop("schema_version"), **values}


def read_result(path: Path) -> Result:
    """Read a ``benchmark.json``.

    Raises:
        BenchmarkError: it cannot be read, is something else, or of another version.
    """
    try:
        values = json.loads(path.read_bytes(), parse_constant=_no_number)
    except OSError as error:
        raise BenchmarkError(f"cannot read {path}: {error.strerror or error}") from None
    except (ValueError, RecursionError):
        raise BenchmarkError(f"{path} is no JSON; wanted the benchmark.json of hangtag benchmark") from None
    if not isinstance(values, dict) or values.get("kind") != KIND:
        raise BenchmarkError(f"{path} is no result of hangtag benchmark; wanted its benchmark.json")
    if values.get("schema_version") != SCHEMA_VERSION:
        raise BenchmarkError(
            f"{path} has layout {values.get('schema_version')!r}; this version reads {SCHEMA_VERSION}: "
            "run the benchmark again"
        )
    try:
        result = from_plain(Result, {key: value for key, value in values.items() if key != "kind"})
        _check(result)
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
        raise BenchmarkError(f"{path} is damaged: {error}") from None
    return result


def _check(result: Result) -> None:
    """Raise for what types do not tell and readers divide by, or count on."""
    for verdict in result.verdicts:
        if (
            not 0
            <= min(verdict.first, verdict.second)
            <= max(verdict.first, verdict.second)
            < len(result.rows)
        ):
            raise ValueError(
                f"a verdict is about rows {verdict.first} and {verdict.second} of {len(result.rows)}"
            )
    for row in result.rows:
        if row.accuracy is not None and not 0 <= row.accuracy.right <= row.accuracy.photos != 0:
            raise ValueError(f"an accuracy of {row.accuracy.right} right of {row.accuracy.photos} photos")
        for latency in (row.invoke, row.end_to_end):
            if latency is not None and not (
                latency.summary.p50_ms > 0 and len(latency.quantiles_ms) in {0, 101}
            ):
                raise ValueError("a latency that is zero or negative, or without its 101 percentiles")


def from_plain(kind: type[_T], values: Any) -> _T:
    """Rebuild a frozen dataclass from what ``dataclasses.asdict`` and JSON made of it.

    Raises:
        TypeError, ValueError: a field is missing, unknown, or of another type.
    """
    hints = typing.get_type_hints(kind)
    names = {field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(set(values) - names)
    if unknown:
        raise ValueError(f"{kind.__name__} has no {shortened(', '.join(unknown))}")
    # Also those with a default: what a file leaves out was not written by this version.
    left_out = sorted(names - set(values))
    if left_out:
        raise ValueError(f"{kind.__name__} lacks {', '.join(left_out)}")
    return kind(**{name: _rebuilt(hints[name], value) for name, value in values.items()})


def _rebuilt(hint: Any, value: Any) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in {typing.Union, types.UnionType}:
        wanted = next(one for one in arguments if one is not type(None))
        return None if value is None else _rebuilt(wanted, value)
    if origin is tuple:
        if not isinstance(value, list):
            raise TypeError(f"got {shortened(value)}, wanted a list")
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
        raise TypeError(f"got {shortened(value)}, wanted {kind.__name__}")
    if isinstance(value, float) and not math.isfinite(value):  # 1e999 is infinite to Python
        raise ValueError(f"got {value!r}, wanted a finite number")
    return value


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def rounded(value: Any) -> Any:
    """Return plain values with all numbers to six significant digits."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, Mapping):
        return {key: rounded(entry) for key, entry in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [rounded(entry) for entry in value]
    return value
