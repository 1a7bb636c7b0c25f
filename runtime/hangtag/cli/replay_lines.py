"""A replay in lines for people, and as JSON."""

from __future__ import annotations

import dataclasses
from typing import Any

from hangtag.classifier import Classifier
from hangtag.cli.options import latency_line
from hangtag.replay_result import Moment, Replay

SCHEMA = 1
"""Version of the JSON; fields may be added to a version, never changed or removed."""

_MOST_MOMENTS = 20
_DIGEST = 12


def lines(replay: Replay, classifier: Classifier) -> list[str]:
    """Return what people read: all but the two last lines is the same at every replay."""
    header = replay.record.header
    then, now = header.model, classifier.model
    same = "the recorded one" if replay.same_model else f"not the recorded one ({then.sha256[:_DIGEST]})"
    frames = f"{replay.frames} frames in {replay.seconds:.1f} s"
    worst = f"scores differ by at most {replay.worst_difference:.6f}"
    return [
        f"record {replay.record.name}: {_plain(header.source)}, {frames}, by {_plain(then.name)}",
        f"replayed by {now.contract.name} ({now.name}), {replay.model_sha256[:_DIGEST]}, {same}",
        *_settings(replay),
        *_gaps(replay),
        *_labels(replay),
        f"named otherwise, each frame for itself: {_of(replay.renamed, replay.frames)}; {worst}",
        f"shown otherwise: {_of(replay.shown_differently, replay.frames)}",
        *_moments(replay.moments),
        f"label flips: {replay.flips.was} were, {replay.flips.now} now",
        *_redecided(replay),
        *_right(replay),
        latency_line("frame to scores, was", replay.was_latency),
        latency_line("frame to scores, now", replay.now_latency),
    ]


def as_plain(replay: Replay, classifier: Classifier) -> dict[str, Any]:
    """Return plain JSON values; all but ``latency_ms`` is the same at every replay."""
    header = replay.record.header
    return {
        "schema": SCHEMA,
        "record": replay.record.name,
        "source": header.source,
        "model": {
            "was": {"name": header.model.name, "sha256": header.model.sha256},
            "now": {"name": classifier.contract.name, "sha256": replay.model_sha256},
            "same": replay.same_model,
            "labels_gone": list(replay.labels_gone),
            "labels_new": list(replay.labels_new),
        },
        "decision": {
            "was": {"smoothing_s": header.smoothing_s, "hold_s": header.hold_s},
            "now": {"smoothing_s": replay.smoothing_s, "hold_s": replay.hold_s},
        },
        "frames": replay.frames,
        "seconds": replay.seconds,
        "outages": replay.outages,
        "missed": replay.missed,
        "torn": replay.torn,
        "unreadable": len(replay.unreadable),
        "renamed": replay.renamed,
        "worst_score_difference": replay.worst_difference,
        "shown_differently": replay.shown_differently,
        "redecided": replay.redecided,
        "moments": [dataclasses.asdict(moment) for moment in replay.moments],
        "flips": dataclasses.asdict(replay.flips),
        "labelled": replay.labelled,
        "right": {"was": replay.was_right, "now": replay.now_right},
        "latency_ms": {
            "was": {"p50": replay.was_latency.p50_ms, "p95": replay.was_latency.p95_ms},
            "now": {"p50": replay.now_latency.p50_ms, "p95": replay.now_latency.p95_ms},
        },
    }


def _settings(replay: Replay) -> list[str]:
    header = replay.record.header
    was, now = (header.smoothing_s, header.hold_s), (replay.smoothing_s, replay.hold_s)
    if was == now:
        return []
    return [f"smoothing {now[0]:g} s, hold {now[1]:g} s; they were {was[0]:g} s and {was[1]:g} s"]


def _gaps(replay: Replay) -> list[str]:
    """Return what is not in the record, nothing where all is."""
    found = []
    if replay.missed:
        found.append(f"{replay.missed} results came too fast to be kept")
    if replay.outages:
        found.append(f"{replay.outages} notes that there was no frame")
    if replay.torn:
        found.append(f"{replay.torn} lines are torn: the recording was killed")
    if replay.unreadable:
        found.append(f"{len(replay.unreadable)} frames could not be read: {replay.unreadable[0]}")
    return found


def _labels(replay: Replay) -> list[str]:
    named = (("the model lacks", replay.labels_gone), ("only the model has", replay.labels_new))
    return [f"labels that {what}: {_listed(labels)}" for what, labels in named if labels]


def _listed(labels: tuple[str, ...]) -> str:
    more = f" and {len(labels) - _MOST_MOMENTS} more" if len(labels) > _MOST_MOMENTS else ""
    return ", ".join(map(_plain, labels[:_MOST_MOMENTS])) + more


def _moments(moments: tuple[Moment, ...]) -> list[str]:
    rows = [
        f"  {moment.from_s:8.2f} s  frame {moment.frame:<7} {_plain(moment.was)} -> {_plain(moment.now)}"
        f"  ({moment.frames} frame{'s' if moment.frames > 1 else ''})"
        for moment in moments[:_MOST_MOMENTS]
    ]
    left = len(moments) - len(rows)
    return [*rows, f"  and {left} more: --json lists all"] if left else rows


def _redecided(replay: Replay) -> list[str]:
    if not replay.redecided and replay.flips.recorded == replay.flips.was:
        return []
    others = _of(replay.redecided, replay.frames)
    because = "decisions then stood on frames, too, that were not kept"
    return [f"as shown then: {replay.flips.recorded} label flips, another label in {others}; {because}"]


def _right(replay: Replay) -> list[str]:
    if not replay.labelled:
        return []
    right = f"{replay.was_right} were, {replay.now_right} now"
    return [f"right, each frame for itself: {right}, of {replay.labelled} with a known label"]


def _of(count: int, total: int) -> str:
    return f"{count} of {total} frames"


def _plain(text: str) -> str:
    """Return a text of the record's as it can be shown: it may hold what drives a terminal."""
    return text if text.isprintable() else repr(text)
