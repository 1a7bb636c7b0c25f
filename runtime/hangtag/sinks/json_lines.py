"""One JSON object a line, for whatever reads them next."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hangtag.pipeline import Result

_SCORE_DIGITS = 4
_MS_DIGITS = 3


def as_record(result: Result) -> dict[str, Any]:
    """Return a result as plain JSON values; ``true_label`` and ``name`` only where the source knows them."""
    frame, prediction = result.frame, result.prediction
    record: dict[str, Any] = {
        "frame": frame.number,
        "time_s": round(frame.time_s, 4),
        "label": prediction.label,
        "score": round(prediction.score, _SCORE_DIGITS),
        "unknown": prediction.unknown,
        "top": [[label, round(score, _SCORE_DIGITS)] for label, score in prediction.top],
        "prepare_ms": round(result.prepare_ms, _MS_DIGITS),
        "infer_ms": round(result.infer_ms, _MS_DIGITS),
        "age_ms": round(result.age_ms, _MS_DIGITS),
    }
    if frame.label is not None:
        record["true_label"] = frame.label
    if frame.name is not None:
        record["name"] = frame.name
    return record


class JsonLines:
    """Writes each result as one line of JSON through ``emit`` (which adds the line's end)."""

    def __init__(self, emit: Callable[[str], None]) -> None:
        self._emit = emit

    def write(self, result: Result) -> None:
        """Write one line."""
        self._emit(json.dumps(as_record(result)))

    def close(self) -> None:
        """Nothing to close: the stream is the caller's."""
