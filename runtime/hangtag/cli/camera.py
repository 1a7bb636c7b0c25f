"""``hangtag camera``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hangtag.cli.options import latency_line, load_classifier, model_options

if TYPE_CHECKING:
    from hangtag.classifier import Classifier
    from hangtag.pipeline import LoopSummary, Result, Sink
    from hangtag.sources import Source


class _Size(click.ParamType):  # type: ignore[type-arg] # generic in newer versions of click only
    """``640x480`` as (640, 480)."""

    name = "WxH"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        width, cross, height = value.partition("x")
        if not (
            cross
            and width.isdigit()
            and height.isdigit()
            and 16 <= int(width) <= 8192
            and 16 <= int(height) <= 8192
        ):
            self.fail(f"{value!r} is not a size like 640x480 (16 to 8192 pixels a side)", param, ctx)
        return int(width), int(height)


@click.command()
@click.option(
    "--source",
    "spelling",
    default="0",
    show_default=True,
    help="0 or /dev/video0, rtsp://…, clip.mp4, photos/, scene: or scene:photos/.",
)
@model_options
@click.option("--headless", is_flag=True, help="Open no window.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a frame on standard output.")
@click.option(
    "--record",
    "record",
    type=click.Path(path_type=Path),
    help="Folder for an annotated clip (large).",
)
@click.option("--max-frames", type=click.IntRange(1), help="Stop after so many frames.")
@click.option(
    "--size", "size_wh", type=_Size(), help="Frame size to ask a camera or the scene for, as 640x480."
)
@click.option("--fps", type=click.FloatRange(0, 1000, min_open=True), help="Frame rate to ask for.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of scene:.")
@click.option("--top", type=click.IntRange(1), default=3, show_default=True, help="Labels to list.")
def camera(
    *,
    spelling: str,
    model_path: Path | None,
    threads: int,
    engine: str,
    headless: bool,
    as_json: bool,
    record: Path | None,
    max_frames: int | None,
    size_wh: tuple[int, int] | None,
    fps: float | None,
    seed: int,
    top: int,
) -> None:
    """Name what a camera sees, frame by frame, until it ends, q is pressed, or Ctrl-C."""
    from hangtag.pipeline import run_loop
    from hangtag.sources import open_source

    classifier = load_classifier(model_path, threads, engine)
    with open_source(spelling, size_wh=size_wh, fps=fps, seed=seed) as source:
        sinks = _sinks(classifier, source, headless=headless, as_json=as_json, record=record)
        summary = run_loop(source, classifier, sinks, max_frames=max_frames, top=top)
    echo_summary(summary)


def _sinks(
    classifier: Classifier, source: Source, *, headless: bool, as_json: bool, record: Path | None
) -> list[Sink]:
    sinks: list[Sink] = []
    if not headless:
        from hangtag.sinks.window import Window

        sinks.append(Window(classifier.contract.input))
    if as_json:
        from hangtag.sinks.json_lines import JsonLines

        sinks.append(JsonLines(click.echo))
    else:
        sinks.append(_ChangedLabels())
    if record is not None:
        from hangtag.sinks.recorder import Recorder

        path = record / time.strftime("camera-%Y%m%d-%H%M%S.webm")
        sinks.append(Recorder(path, classifier.contract.input, source.fps, live=source.live))
        click.echo(f"recording to {path}", err=True)
    return sinks


class _ChangedLabels:
    """Prints a line when the label changes (and one per file for photos)."""

    def __init__(self) -> None:
        self._shown: tuple[str, str | None] | None = None

    def write(self, result: Result) -> None:
        prediction = result.prediction
        label = prediction.shown
        shown = (label, result.frame.name)
        if shown != self._shown:
            name = f"  {result.frame.name}" if result.frame.name else ""
            click.echo(f"{result.frame.time_s:8.2f} s  {label:<12} {prediction.score:.2f}{name}")
            self._shown = shown

    def close(self) -> None:
        """Nothing to close."""


def echo_summary(summary: LoopSummary) -> None:
    """Print what a loop did on standard error."""
    rate = summary.frames / summary.seconds if summary.seconds else 0.0
    dropped = f", {summary.dropped} older ones skipped" if summary.dropped else ""
    stopped = " (interrupted)" if summary.interrupted else ""
    click.echo(
        f"{summary.frames} frames in {summary.seconds:.1f} s, {rate:.1f} a second{dropped}{stopped}", err=True
    )
    if summary.labelled:
        share = 100 * summary.right / summary.labelled
        click.echo(
            f"{summary.right} of {summary.labelled} frames with a known label right ({share:.1f} %)", err=True
        )
    for title, latency in (
        ("prepare", summary.prepare),
        ("infer", summary.infer),
        ("capture to label", summary.age),
    ):
        if latency is not None:
            click.echo(latency_line(title, latency), err=True)
