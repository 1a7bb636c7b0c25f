"""``hangtag demo``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hangtag.cli.loop_summary import echo_summary
from hangtag.cli.options import load_classifier, model_options

if TYPE_CHECKING:
    from hangtag.sinks.base import Sink

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
    from hangtag.cli.demo_lines import VisitLines
    from hangtag.files import make_folder
    from hangtag.pipeline import LoopSettings, run_loop
    from hangtag.scene import SceneSettings
    from hangtag.sinks.clip import Clip
    from hangtag.sinks.still import StillSheet
    from hangtag.sources.simulated import SceneSource

    settings = SceneSettings(seed=seed, fps=_FPS)
    frames = max_frames or round(_VISITS * settings.visit_s * settings.fps)
    make_folder(out)
    classifier = load_classifier(model_path, threads, engine)
    click.echo(f"{frames} frames of rendered garments at {settings.fps:g} a second, seed {seed}", err=True)
    with SceneSource(settings) as source:
        sinks: list[Sink] = [
            VisitLines(),
            Clip(out / "clip.webm", settings.fps),
            StillSheet(out / "still.jpg"),
        ]
        summary = run_loop(source, classifier, sinks, LoopSettings(max_frames=frames))
    echo_summary(summary)
    click.echo(f"clip: {out / 'clip.webm'}   picture: {out / 'still.jpg'}", err=True)
