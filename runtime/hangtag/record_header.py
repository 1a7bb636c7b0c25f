"""How the frames of a record were made, and where what lies: what ``--record`` writes and a replay reads.

A record is a row of segments, folders right inside the one that the user names: ``record-…-00000001`` and so
on. Each holds a ``record.json`` that says how the frames were made (the same in all of them, so that any
segment can be replayed by itself, whichever were removed to make room), a ``frames.jsonl`` with a line for
each frame and each outage, and the frames as PNG. Another model begins another record.
"""

from __future__ import annotations

import os
import platform
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hangtag.contract import Calibration, InputSpec, ModelContract
from hangtag.device import cpu_model
from hangtag.errors import ContractError, SourceError, shortened
from hangtag.json_fields import Fields
from hangtag.model_file import ModelFile
from hangtag.stamps import STAMP
from hangtag.versions import versions
from hangtag.view import Flip, View

SCHEMA = 1
"""Version of the layout; fields may be added to a version, never changed or removed."""

HEADER_NAME = "record.json"
LINES_NAME = "frames.jsonl"

SEGMENT = re.compile(rf"record-(?P<record>{STAMP})-(?P<segment>[0-9]{{8}})", re.ASCII)
"""Names of segments: when the record began (UTC) and the segment's number, so that they sort by age."""

_SHA256 = re.compile(r"[0-9a-f]{64}")
_MOST_SMOOTHING_S = 3600
_MOST_PX = 10**6


class RecordFields(Fields):
    """Takes the fields of a record's objects."""

    error = SourceError


@dataclass(frozen=True, slots=True)
class RecordedModel:
    """The model that decided.

    Args:
        file: its file's name, without the folder.
        name: its contract's.
        sha256: of the whole file.
        labels: in the order of the scores.
        unknown_threshold: below which best score a frame was unknown; None for never.
        energy_threshold: below which energy a frame was unknown, whatever its scores; None where the best
            score decided.
    """

    file: str
    name: str
    sha256: str
    labels: tuple[str, ...]
    unknown_threshold: float | None
    energy_threshold: float | None

    @classmethod
    def of(cls, model: ModelFile) -> RecordedModel:
        """Return what is kept of a model."""
        contract = model.contract
        return cls(
            file=os.path.basename(model.name),  # noqa: PTH119 - a message's name, not always a path
            name=contract.name,
            sha256=model.sha256,
            labels=contract.labels,
            unknown_threshold=contract.calibration.unknown_threshold,
            energy_threshold=contract.calibration.energy_threshold,
        )

    def contract(self) -> ModelContract:
        """Return a contract that ranks scores as the model's own did; of its input nothing is known.

        Raises:
            ContractError: there can be no such labels or threshold.
        """
        return ModelContract(
            labels=self.labels,
            input=InputSpec(width_px=1, height_px=1),
            name=self.name,
            calibration=Calibration(
                unknown_threshold=self.unknown_threshold, energy_threshold=self.energy_threshold
            ),
        )


@dataclass(frozen=True, slots=True)
class Header:
    """How the frames of a record were made: ``record.json``.

    Args:
        model: what decided.
        smoothing_s: of the decisions, see :class:`hangtag.decision.Decider`.
        hold_s: likewise.
        view: how the frames were turned and cut.
        source: what the source is called; holds no password.
        begun_s: when the record began, seconds since 1970 by the system's clock.
        cpu: what it ran on.
        versions: of the packages that shape a decision.
    """

    model: RecordedModel
    smoothing_s: float
    hold_s: float
    view: View
    source: str
    begun_s: float = field(default_factory=time.time)
    cpu: str = field(default_factory=lambda: f"{cpu_model()} ({platform.machine()})")
    versions: Mapping[str, str] = field(default_factory=lambda: versions("ai-edge-litert", "tflite-runtime"))

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        model, view = self.model, self.view
        return {
            "schema": SCHEMA,
            "begun_s": self.begun_s,
            "source": self.source,
            "model": {
                "file": model.file,
                "name": model.name,
                "sha256": model.sha256,
                "labels": list(model.labels),
                "unknown_threshold": model.unknown_threshold,
                "energy_threshold": model.energy_threshold,
            },
            "decision": {"smoothing_s": self.smoothing_s, "hold_s": self.hold_s},
            "view": {
                "roi": list(view.roi) if view.roi else None,
                "shares": view.shares,
                "rotate_deg": view.rotate_deg,
                "flip": view.flip.value if view.flip else None,
            },
            "cpu": self.cpu,
            "versions": dict(self.versions),
        }

    @classmethod
    def from_json(cls, plain: Any) -> Header:
        """Read a header of unknown origin.

        Raises:
            SourceError: a field is missing or cannot be what it says.
        """
        fields = RecordFields(plain, "the record")
        schema = fields.take("schema", int)
        if schema != SCHEMA:
            raise SourceError(
                f"the record has schema {shortened(schema)}; this Hangtag reads {SCHEMA}: "
                "replay it with the Hangtag that made it, or a newer one"
            )
        decision = RecordFields(fields.take("decision", dict), "the record.decision")
        return cls(
            model=_parse_model(fields.take("model", dict)),
            smoothing_s=decision.take_between("smoothing_s", float, 0, _MOST_SMOOTHING_S),
            hold_s=decision.take_between("hold_s", float, 0, _MOST_SMOOTHING_S),
            view=_parse_view(fields.take("view", dict)),
            source=fields.take("source", str),
            begun_s=fields.take("begun_s", float),
            cpu=fields.take("cpu", str),
            versions=fields.take_mapping("versions", str),
        )


def _parse_model(plain: Any) -> RecordedModel:
    fields = RecordFields(plain, "the record.model")
    model = RecordedModel(
        file=fields.take("file", str),
        name=fields.take("name", str),
        sha256=fields.take("sha256", str),
        labels=fields.take_texts("labels"),
        unknown_threshold=fields.take("unknown_threshold", float, type(None)),
        energy_threshold=fields.take("energy_threshold", float, type(None)),
    )
    if not _SHA256.fullmatch(model.sha256):
        raise SourceError(
            f"the record.model.sha256 is {shortened(model.sha256)}; wanted 64 hexadecimal digits"
        )
    try:
        model.contract()
    except ContractError as error:
        raise SourceError(f"the record's model cannot be: {error}") from None
    return model


def _parse_view(plain: Any) -> View:
    fields = RecordFields(plain, "the record.view")
    roi = None
    if (listed := fields.take("roi", list, type(None))) is not None:
        numbers = RecordFields({"roi": listed}, "the record.view").take_numbers("roi")
        if len(numbers) != 4 or max(map(abs, numbers)) > _MOST_PX:
            raise SourceError(f"the record.view.roi is {shortened(listed)}; wanted x, y, width, height")
        roi = (numbers[0], numbers[1], numbers[2], numbers[3])
    flip = fields.take("flip", str, type(None))
    try:
        return View(
            roi=roi,
            shares=fields.take("shares", bool),
            rotate_deg=fields.take("rotate_deg", int),
            flip=None if flip is None else Flip(flip),
        )
    except ValueError as error:
        raise SourceError(f"the record's view cannot be: {error}") from None
