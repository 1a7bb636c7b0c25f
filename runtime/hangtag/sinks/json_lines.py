"""One JSON object a line, for whatever reads them next, as docs/camera-record-1.schema.json says."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from hangtag.result import Result
from hangtag.sinks.base import Sink
from hangtag.sinks.lines import say
from hangtag.sources.account import Outage

SCHEMA = 1
"""Version of the records; fields may be added to a version, never changed or removed."""

_SCORE_DIGITS = 4
_MS_DIGITS = 3


def as_record(item: Result | Outage) -> dict[str, Any]:
    """Return a result, or that there is none, as plain JSON values.

    ``true_label`` and ``name`` stand only where the source knows them, ``energy`` where the model gives one;
    ``label`` is None while the output is stale.
    """
    return _stale_record(item) if isinstance(item, Outage) else _record(item)


def _record(result: Result) -> dict[str, Any]:
    frame, prediction = result.frame, result.prediction
    record: dict[str, Any] = {
        "schema": SCHEMA,
        "time": _iso(frame.wall_s),
        "time_s": round(frame.time_s, 4),
        "source": result.source,
        "frame": frame.number,
        "stale": False,
        "label": prediction.label,
        "score": round(prediction.score, _SCORE_DIGITS),
        "unknown": prediction.unknown,
        "changed": result.decision.changed,
        "top": [[label, round(score, _SCORE_DIGITS)] for label, score in prediction.top],
        "age_ms": round(result.age_ms, _MS_DIGITS),
        "prepare_ms": round(result.prepare_ms, _MS_DIGITS),
        "infer_ms": round(result.infer_ms, _MS_DIGITS),
        "dropped": result.counts.dropped,
    }
    if prediction.energy is not None:
        record["energy"] = round(prediction.energy, _SCORE_DIGITS)
    if frame.label is not None:
        record["true_label"] = frame.label
    if frame.name is not None:
        record["name"] = frame.name
    return record


def _stale_record(outage: Outage) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "time": _iso(outage.wall_s),
        "time_s": round(outage.time_s, 4),
        "source": outage.source,
        "stale": True,
        "label": None,
        "reason": outage.reason,
        "age_ms": round(outage.age_ms, _MS_DIGITS),
        "dropped": outage.counts.dropped,
    }


def _iso(wall_s: float) -> str:
    """Return seconds since 1970 as UTC, to the millisecond."""
    return datetime.fromtimestamp(wall_s, timezone.utc).isoformat(timespec="milliseconds")


class JsonLines(Sink):
    """Writes each result as one line of JSON through ``emit`` (which adds the line's end)."""

    name = "JSON lines"
    backlog = 256
    needs_pictures = False

    def __init__(self, emit: Callable[[str], None]) -> None:
        self._emit = emit

    def write(self, result: Result) -> None:
        """Write one line."""
        self._line(result)

    def missing(self, outage: Outage) -> None:
        """Write one line that says that the output is stale."""
        self._line(outage)

    def _line(self, item: Result | Outage) -> None:
        say(json.dumps(as_record(item)), self._emit)
