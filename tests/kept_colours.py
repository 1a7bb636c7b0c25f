"""A record of colours that drift, the model that names them, and replays of it."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from click.testing import CliRunner
from click.testing import Result as Ran
from tiny_models import whole_model

from hangtag import Classifier
from hangtag.cli import main
from hangtag.contract import Calibration, InputSpec, ModelContract
from hangtag.model_file import ModelFile, parse_model, with_calibration
from hangtag.pipeline import LoopSettings, run_loop
from hangtag.record_header import HEADER_NAME, LINES_NAME
from hangtag.result import Result
from hangtag.sinks.base import Sink
from hangtag.sinks.keeper import Keeper
from hangtag.sources import Frame, Source
from hangtag.view import Flip, View

LABELS = ("dress", "hat", "shoes")
FRAMES = 60
VIEW = View(roi=(8, 4, 40, 40), rotate_deg=90, flip=Flip.VERTICAL)


@functools.cache
def model(name: str = "tiny", labels: tuple[str, ...] = LABELS, side_px: int = 24) -> ModelFile:
    contract = ModelContract(labels=labels, input=InputSpec(width_px=side_px, height_px=side_px), name=name)
    return parse_model(whole_model(contract), name)


@functools.cache
def with_threshold(threshold: float) -> ModelFile:
    calibration = Calibration(unknown_threshold=threshold)
    return parse_model(with_calibration(model(), calibration, model().contract.provenance), "threshold")


class Colours(Source):
    """Noisy frames whose colour drifts, so that the labels take turns and flicker in between."""

    fps = 20.0
    shown = "colours"

    def __iter__(self) -> Iterator[Frame]:
        rng = np.random.default_rng(1)
        for number in range(FRAMES):
            colour = 127 + 120 * np.sin(number / 6 + np.arange(3) * 2.1)
            image = np.clip(colour + rng.normal(0, 25, (48, 64, 3)) + rng.normal(0, 20, 3), 0, 255)
            yield Frame(image.astype(np.uint8), number, number / 20, 0.0, label=LABELS[number % 3])


class Results(Sink):
    def __init__(self) -> None:
        self.results: list[Result] = []

    def write(self, result: Result) -> None:
        self.results.append(result)


def record(folder: Path, used: ModelFile | None = None, view: View = VIEW) -> list[Result]:
    """Record the colours; return what the loop gave."""
    used = used or model()
    spy, loop = Results(), LoopSettings(view=view, smoothing_s=0.15, hold_s=0.1)
    run_loop(Colours(), Classifier(used), [Keeper(folder, 10_000_000, used, loop), spy], loop)
    return spy.results


def run(*arguments: str | Path) -> Ran:
    return CliRunner().invoke(main, ["replay", *map(str, arguments)])


def plain(ran: Ran) -> dict[str, Any]:
    """Return what --json says, without what differs from run to run."""
    assert ran.exit_code == 0, ran.output
    said: dict[str, Any] = json.loads(ran.output)
    del said["latency_ms"]
    return said


def edit_header(copy: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    header = json.loads((copy / HEADER_NAME).read_text())
    edit(header)
    (copy / HEADER_NAME).write_text(json.dumps(header))


def edit_line(copy: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    lines = (copy / LINES_NAME).read_text().splitlines()
    line = json.loads(lines[4])
    edit(line)
    lines[4] = json.dumps(line)
    (copy / LINES_NAME).write_text("\n".join(lines) + "\n")
