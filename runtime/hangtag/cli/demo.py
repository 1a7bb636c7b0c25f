"""``hangtag demo``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hangtag.cli.camera import echo_summary
from hangtag.cli.options import load_classifier, model_options

if TYPE_CHECKING:
    from hangtag.pipeline import Result, Sink

_VISITS = 10
_FPS = 15.0  # smooth enough to watch, and encoding the clip is most of the work


@click.command()
@model_options
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("demo"),
    show_default=True,
    help="Folder for clip and still.",
)
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Another seed, other garments."
)
@click.option("--max-frames", type=click.IntRange(1), help="Stop after so many frames [every garment once].")
def demo(
    *, model_path: Path | None, threads: int, engine: str, out: Path, seed: int, max_frames: int | None
) -> None:
    """Run the bundled model on the simulated camera: rendered garments, no camera, no data, no network.

    Prints what it sees, writes an annotated clip (clip.webm, plays in any browser) and a picture (still.jpg).
    """
    from hangtag.files import make_folder
    from hangtag.pipeline import run_loop
    from hangtag.scene import SceneSettings
    from hangtag.sinks.recorder import Recorder
    from hangtag.sinks.still import StillSheet
    from hangtag.sources.simulated import SceneSource

    settings = SceneSettings(seed=seed, fps=_FPS)
    frames = max_frames or round(_VISITS * settings.visit_s * settings.fps)
    make_folder(out)
    classifier = load_classifier(model_path, threads, engine)
    spec = classifier.contract.input
    click.echo(f"{frames} frames of rendered garments at {settings.fps:g} a second, seed {seed}", err=True)
    with SceneSource(settings) as source:
        sinks: list[Sink] = [
            _VisitLines(),
            Recorder(out / "clip.webm", spec, settings.fps),
            StillSheet(out / "still.jpg", spec),
        ]
        summary = run_loop(source, classifier, sinks, max_frames=frames)
    echo_summary(summary)
    click.echo(f"clip: {out / 'clip.webm'}   picture: {out / 'still.jpg'}", err=True)


class _VisitLines:
    """Prints one line for each garment when it has left the picture."""

    def __init__(self) -> None:
        self._results: list[tuple[str, float]] = []
        self._truth: str | None = None
        click.echo(f"{'garment':<12} {'seen as':<12} {'score':>5}  frames right")

    def write(self, result: Result) -> None:
        truth = result.frame.label
        if truth != self._truth:
            self._flush()
            self._truth = truth
        if truth is not None:
            self._results.append((result.prediction.label, result.prediction.score))

    def _flush(self) -> None:
        if not self._results:
            return
        names = [name for name, _ in self._results]
        usual = max(set(names), key=names.count)
        scores = [score for name, score in self._results if name == usual]
        mean = sum(scores) / len(scores)
        right = names.count(self._truth or "")
        click.echo(f"{self._truth:<12} {usual:<12} {mean:>5.2f}  {right} of {len(names)}")
        self._results = []

    def close(self) -> None:
        """Print the garment that was in the picture at the end."""
        self._flush()
