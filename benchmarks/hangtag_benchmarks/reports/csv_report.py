"""A result as CSV: one line for each row, also for those that could not be had; values as in the JSON."""

from __future__ import annotations

import csv
import dataclasses
import io
import statistics
from collections.abc import Iterator, Mapping
from typing import Any

from hangtag_benchmarks.machine.records import Conditions
from hangtag_benchmarks.measurements import STAGES
from hangtag_benchmarks.records import Result
from hangtag_benchmarks.reports.result_json import rounded, to_json
from hangtag_benchmarks.soak.records import Soak
from hangtag_benchmarks.verdicts import fastest

_STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""A spreadsheet takes text that begins so for something to compute."""

_PERCENTILES = ("p50_ms", "p90_ms", "p95_ms", "p99_ms", "max_ms", "mean_ms")
_MODEL = ("file_name", "size_bytes", "sha256", "contract_sha256", "name", "input_dtype")


def to_csv(result: Result) -> str:
    """Return the rows with a header, as RFC 4180 wants it: commas, CR LF, quotes where they are needed."""
    lines = [*_measured(result), *_missing(result)]
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(_COLUMNS), restval="")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in line.items()} for line in lines)
    return out.getvalue()


def soak_csv(soak: Soak) -> str:
    """Return the minutes of a soak with a header; empty where the machine does not tell."""
    out = io.StringIO()
    writer = csv.writer(out)
    conditions = [field.name for field in dataclasses.fields(Conditions)]
    writer.writerow(["minute", "runs", "p50_ms", "p50_low_ms", "p50_high_ms", "p95_ms", *conditions])
    for number, minute in enumerate(rounded(dataclasses.asdict(soak))["minutes"], start=1):
        interval = minute["p50_interval"] or {"low": None, "high": None}
        values = [number, minute["runs"], minute["p50_ms"], *interval.values(), minute["p95_ms"]]
        writer.writerow(
            ["" if value is None else value for value in (*values, *minute["conditions"].values())]
        )
    return out.getvalue()


def harmless(text: str) -> str:
    """Return text that no spreadsheet computes: an apostrophe before what begins like a formula."""
    return f"'{text}" if text.startswith(_STARTS_FORMULA) else text


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return harmless(value) if isinstance(value, str) else "" if value is None else value


def _measured(result: Result) -> Iterator[dict[str, Any]]:
    best, whole = fastest(result.rows), _whole(result)
    for place, row in enumerate(to_json(result)["rows"]):
        line = {
            **whole,
            "status": "measured",
            **_model(row["model"]),
            **{name: row[name] for name in _COPIED},
            "device": None if row["device"] is None else row["device"]["name"],
            "fastest": place == best,
            "blocks": len(row["blocks"]),
            **{name: _median(block[name] for block in row["blocks"]) for name in _BLOCK_MEDIANS},
            **_latency("invoke", row["invoke"]),
            **_latency("end_to_end", row["end_to_end"]),
            **_accuracy(row["accuracy"]),
            "notes": "; ".join(row["notes"]),
        }
        for name in STAGES:
            line.update(_percentiles(name, row["stages"].get(name, {})))
        yield line


def _missing(result: Result) -> Iterator[dict[str, Any]]:
    for row in to_json(result)["missing"]:
        yield {
            **_whole(result),
            "status": "failed" if row["failed"] else "not there",
            **_model({"file_name": row["file_name"], **(row["model"] or {})}),
            "engine": row["engine"],
            "threads": row["threads"],
            "notes": row["reason"],
        }


_COPIED = (
    "engine",
    "threads",
    "accelerator",
    "ranked",
    "imports_memory_mb",
    "peak_memory_mb",
    "steady_memory_mb",
    "energy_mj",
)
_BLOCK_MEDIANS = ("import_ms", "load_ms", "first_run_ms")


def _whole(result: Result) -> dict[str, Any]:
    return {
        "created_utc": result.created_utc,
        "cpu": result.environment.cpu,
        "complete": result.complete,
        "quick": result.plan.quick,
        "disturbed": bool(result.disturbances),
    }


def _model(model: Mapping[str, Any]) -> dict[str, Any]:
    width, height = model.get("input_wh", (None, None))
    told = {f"model_{name}": model.get(name) for name in _MODEL}
    return {**told, "input_width_px": width, "input_height_px": height}


def _latency(kind: str, latency: Mapping[str, Any] | None) -> dict[str, Any]:
    if latency is None:
        return {}
    values = _percentiles(kind, latency["summary"])
    for percentile in ("p50", "p95"):
        for end in ("low", "high"):
            interval = latency[f"{percentile}_interval"]
            values[f"{kind}_{percentile}_{end}_ms"] = None if interval is None else interval[end]
    return values


def _percentiles(kind: str, summary: Mapping[str, Any]) -> dict[str, Any]:
    return {
        f"{kind}_runs": summary.get("count"),
        **{f"{kind}_{name}": summary.get(name) for name in _PERCENTILES},
    }


def _accuracy(accuracy: Mapping[str, Any] | None) -> dict[str, Any]:
    if accuracy is None:
        return {}
    return {
        "top1": float(f"{accuracy['right'] / accuracy['photos']:.6g}"),
        "top1_low": accuracy["top1_interval"]["low"],
        "top1_high": accuracy["top1_interval"]["high"],
        "photos_right": accuracy["right"],
        "photos": accuracy["photos"],
        "split": accuracy["split"],
        "dataset_sha256": accuracy["dataset_sha256"],
    }


def _median(values: Iterator[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(f"{statistics.median(known):.6g}") if known else None


def _latency_columns(kind: str) -> tuple[str, ...]:
    ends = [f"{kind}_{percentile}_{end}_ms" for percentile in ("p50", "p95") for end in ("low", "high")]
    return (*_percentiles(kind, {}), *ends)


_COLUMNS = (
    *("created_utc", "cpu", "complete", "quick", "disturbed", "status"),
    *_model({}),
    *("engine", "threads", "device", "accelerator", "ranked", "fastest", "blocks"),
    *_latency_columns("invoke"),
    *_latency_columns("end_to_end"),
    *("top1", "top1_low", "top1_high", "photos_right", "photos", "split", "dataset_sha256"),
    *_COPIED[4:],
    *_BLOCK_MEDIANS,
    *(column for name in STAGES for column in _percentiles(name, {})),
    "notes",
)
"""In the order of the file; the same for every result."""
