"""What Prometheus reads: counters, gauges and histograms in its text format 0.0.4."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from hangtag.preview.connection import Door
from hangtag.preview.display import Display

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

BUCKETS_S = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""From a small model on a PC to a large one on a single slow core."""

_Labels = Mapping[str, str]


class Histogram:
    """Counts durations by upper limit."""

    def __init__(self, limits_s: tuple[float, ...] = BUCKETS_S) -> None:
        self._limits_s = limits_s
        self._counts = [0] * (len(limits_s) + 1)
        self._sum_s = 0.0

    def add(self, seconds: float) -> None:
        """Count one; a limit counts as below itself."""
        self._counts[bisect_left(self._limits_s, seconds)] += 1
        self._sum_s += seconds

    def samples(self) -> Iterable[tuple[str, _Labels, float]]:
        """Yield suffix, labels and value of each line, cumulative as Prometheus wants them."""
        total = 0
        for limit, count in zip((*map(str, self._limits_s), "+Inf"), self._counts, strict=True):
            total += count
            yield "_bucket", {"le": limit}, total
        yield "_sum", {}, self._sum_s
        yield "_count", {}, total


class Metrics:
    """Counts what comes to a display and what clients got, and writes both down.

    Args:
        display: what is on show.
        door: what clients got.
        camera_pid: the process that classifies, whose memory is reported.
    """

    def __init__(self, display: Display, door: Door, camera_pid: int) -> None:
        self._display, self._door = display, door
        self._statm = Path(f"/proc/{camera_pid}/statm")
        self._age, self._inference, self._preparation = Histogram(), Histogram(), Histogram()
        self._frames = self._changes = 0
        self._late, self._failed = Counter[str](), Counter[str]()
        self._counts: dict[str, int] = dict.fromkeys(("dropped", "rejected", "reconnects", "outages"), 0)

    def count(
        self, record: dict[str, Any], counts: dict[str, int], losses: Iterable[tuple[str, int, int]]
    ) -> None:
        """Count a record; take over the feed's own counts, and each sink's: name, late, failed results."""
        self._counts = counts
        self._late, self._failed = Counter(), Counter()
        for sink, late, failed in losses:
            # Sinks of one name are one family's sample: Prometheus refuses the same twice.
            self._late[sink] += late
            self._failed[sink] += failed
        if record["stale"]:
            return
        self._frames += 1
        self._changes += record["changed"] and self._frames > 1
        self._age.add(record["age_ms"] / 1000)
        self._inference.add(record["infer_ms"] / 1000)
        self._preparation.add(record["prepare_ms"] / 1000)

    def text(self, viewers: Mapping[str, int]) -> str:
        """Return all as text; ``viewers`` counts open streams by name."""
        return "".join(line for family in self._families(viewers) for line in family)

    def _families(self, viewers: Mapping[str, int]) -> Iterable[Iterable[str]]:
        counts, display, door = self._counts, self._display, self._door
        yield _one("frames_total", "counter", "Frames classified and shown here.", self._frames)
        yield _one(
            "dropped_frames_total", "counter", "Good frames left out for newer ones.", counts["dropped"]
        )
        yield _one("rejected_frames_total", "counter", "Frames that show nothing.", counts["rejected"])
        yield _one("reconnects_total", "counter", "Lost sources opened again.", counts["reconnects"])
        yield _one("outages_total", "counter", "How often there were no frames.", counts["outages"])
        yield _one("label_changes_total", "counter", "How often the label changed.", self._changes)
        yield _by("sink_late_total", "counter", "Results that came too fast for a sink.", "sink", self._late)
        yield _by("sink_failed_total", "counter", "Results a sink could not write.", "sink", self._failed)
        yield _one("stale", "gauge", "1 while there is no label of now.", int(not display.fresh))
        yield _one("frames_per_second", "gauge", "Frames classified a second, lately.", display.fps)
        yield _one("last_frame_age_seconds", "gauge", "Time since the last frame's capture.", display.age_s)
        yield _family("label_score", "gauge", "Score of the label that stands.", self._label())
        yield _family("age_seconds", "histogram", "From capture to label.", self._age.samples())
        yield _family(
            "inference_seconds", "histogram", "The model and its scores.", self._inference.samples()
        )
        yield _family(
            "preparation_seconds", "histogram", "From frame to input tensor.", self._preparation.samples()
        )
        yield _family("resident_memory_bytes", "gauge", "Memory of the camera process.", self._memory())
        yield _by("preview_viewers", "gauge", "Open streams.", "stream", viewers)
        yield _by("preview_responses_total", "counter", "Answers by status.", "status", door.responses)
        yield _by("preview_cut_off_total", "counter", "Clients cut off by why.", "reason", door.cut_off)

    def _label(self) -> Iterable[tuple[str, _Labels, float]]:
        record = self._display.record()
        if not record["stale"]:
            labels = {"label": record["label"], "unknown": str(record["unknown"]).lower()}
            yield "", labels, record["score"]

    def _memory(self) -> Iterable[tuple[str, _Labels, float]]:
        try:
            pages = int(self._statm.read_text(encoding="ascii").split()[1])
        except (OSError, ValueError, IndexError):  # not on Linux
            return
        yield "", {}, pages * os.sysconf("SC_PAGE_SIZE")


def _one(name: str, kind: str, explained: str, value: float) -> Iterable[str]:
    return _family(name, kind, explained, [("", {}, value)])


def _by(name: str, kind: str, explained: str, label: str, values: Mapping[Any, int]) -> Iterable[str]:
    samples = [("", {label: str(key)}, value) for key, value in sorted(values.items())]
    return _family(name, kind, explained, samples)


def _family(
    name: str, kind: str, explained: str, samples: Iterable[tuple[str, _Labels, float]]
) -> Iterable[str]:
    yield f"# HELP hangtag_{name} {explained}\n# TYPE hangtag_{name} {kind}\n"
    for suffix, labels, value in samples:
        inside = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
        yield (
            f"hangtag_{name}{suffix}{{{inside}}} {value}\n" if inside else f"hangtag_{name}{suffix} {value}\n"
        )


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
