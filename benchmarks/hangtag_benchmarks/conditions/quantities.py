"""What conditions can be about: fields of a row, their dimensions and units."""

from __future__ import annotations

from typing import NamedTuple


class Dimension(NamedTuple):
    """Powers of time, amount of bytes and energy."""

    time: int = 0
    bytes: int = 0
    energy: int = 0


class Unit(NamedTuple):
    """How many of the dimension's base unit (ms, bytes, mJ) it is."""

    factor: float
    dimension: Dimension


DIMENSIONLESS = Dimension()
TIME, BYTES, ENERGY = Dimension(time=1), Dimension(bytes=1), Dimension(energy=1)

UNITS = {
    "": Unit(1.0, DIMENSIONLESS),
    "us": Unit(0.001, TIME),
    "ms": Unit(1.0, TIME),
    "s": Unit(1000.0, TIME),
    "kB": Unit(1e3, BYTES),
    "MB": Unit(1e6, BYTES),
    "KiB": Unit(2.0**10, BYTES),
    "MiB": Unit(2.0**20, BYTES),
    "mJ": Unit(1.0, ENERGY),
    "J": Unit(1000.0, ENERGY),
    "%": Unit(0.01, DIMENSIONLESS),
}

PERCENTILES = ("p50", "p90", "p95", "p99", "max", "mean")
"""Fields of a kind of latency."""

KINDS = ("invoke", "e2e", "preprocess", "write_input", "read_output", "postprocess")
"""Kinds of latency; the first is meant where none is named."""

FIELDS = {
    **dict.fromkeys(PERCENTILES, TIME),
    **dict.fromkeys(("import", "load", "first_run"), TIME),
    **dict.fromkeys(("size", "peak_memory", "steady_memory"), BYTES),
    "energy": ENERGY,
    "accuracy": DIMENSIONLESS,
}
"""Field -> dimension."""

_BASES = (("ms", TIME), ("bytes", BYTES), ("mJ", ENERGY))


def dimension_of(field: str) -> Dimension:
    """Return the dimension of a field."""
    return FIELDS[field]


def described(dimension: Dimension) -> str:
    """Return a dimension in words."""
    known = {DIMENSIONLESS: "a plain number", TIME: "a time", BYTES: "a size", ENERGY: "an energy"}
    return known.get(dimension) or f"a quantity in {_powers(dimension)}"


def shown(value: float, dimension: Dimension, digits: int = 4) -> str:
    """Return a quantity as people write it: 9.3 ms, 4.007 MB, 2.07."""
    if dimension == BYTES:
        size, name = (value / 1e6, "MB") if abs(value) >= 1e6 else (value / 1e3, "kB")
        return f"{size:.{digits}g} {name}"
    powers = _powers(dimension)
    return f"{value:.{digits}g}" + (f" {powers}" if powers else "")


def _powers(dimension: Dimension) -> str:
    pairs = [(name, power) for (name, _), power in zip(_BASES, dimension, strict=True) if power]
    return " ".join(name if power == 1 else f"{name}^{power}" for name, power in pairs)
