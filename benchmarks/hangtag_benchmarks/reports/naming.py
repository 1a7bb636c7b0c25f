"""What reports call models, engines and rows: no more than it takes to tell them apart."""

from __future__ import annotations

from collections import Counter

from hangtag_benchmarks.plans import ModelIdentity
from hangtag_benchmarks.records import Missing, Result, Row
from hangtag_benchmarks.soak.records import Soak
from hangtag_benchmarks.targets import title_of


def models(result: Result) -> list[ModelIdentity]:
    """Return every model of a result once."""
    seen = [row.model for row in result.rows] + [missing.model for missing in result.missing]
    seen += [] if result.soak is None else [result.soak.model]
    return list(dict.fromkeys(model for model in seen if model is not None))


def model_names(result: Result) -> dict[ModelIdentity, str]:
    """Return what to call each model: two files of one name are told apart by their digests."""
    found = models(result)
    times = Counter(model.short_name for model in found)
    return {
        model: model.short_name
        if times[model.short_name] == 1
        else f"{model.short_name} ({model.sha256[:8]})"
        for model in found
    }


def row_names(result: Result) -> list[str]:
    """Return what to call each row: no more than it takes to tell it from the others."""
    names = model_names(result)
    engines = {row.engine for row in result.rows}
    threads = {row.threads for row in result.rows}
    found = []
    for row in result.rows:
        name = names[row.model]
        if len(engines) > 1:
            name += f", {title_of(row.engine)}"
        if len(threads) > 1 and row.threads is not None:
            name += f", {row.threads} thread{'s' if row.threads > 1 else ''}"
        found.append(name)
    return found


def engine_title(row: Row) -> str:
    """Return the engine, with the hardware that it ran on where that is not the CPU."""
    device = None if row.device is None else row.device.name
    where = [name for name in (device, row.accelerator) if name is not None]
    title = ": ".join([title_of(row.engine), ", ".join(where)]) if where else title_of(row.engine)
    return title if row.ranked else f"{title} (software, for testing only)"


def soak_name(soak: Soak) -> str:
    """Return what to call the one row of a soak."""
    threads = "" if soak.threads is None else f", {soak.threads} thread{'s' if soak.threads > 1 else ''}"
    where = "" if soak.accelerator is None else f": {soak.accelerator}"
    return f"{soak.model.short_name}, {title_of(soak.engine)}{where}{threads}"


def missing_title(missing: Missing) -> str:
    """Return which row is missing."""
    if missing.engine is None:
        return missing.file_name
    threads = "" if missing.threads is None else f", threads {missing.threads}"
    return f"{missing.file_name} ({title_of(missing.engine)}{threads})"
