"""How steady and how quick the shown label is when garments change in front of the camera.

``python -m hangtag_benchmarks.camera.steadiness PHOTOS`` shows the photos of a folder (LABEL/photo.jpg) on
the simulated camera, with its light, blur and noise and some more of both, and counts how often the shown
label changed for each time that the garment did, and how soon it was right. Exit code 1 when a target is
missed. Choose ``--smoothing`` and ``--hold`` on validation photos (``--sweep``); test photos are for reports.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import cv2
import numpy as np

from hangtag.classifier import Classifier, Scores
from hangtag.decision import Decider
from hangtag.defaults import HOLD_S, SMOOTHING_S
from hangtag.model_probe import open_untrusted
from hangtag.preprocess import Image
from hangtag.progress import Progress
from hangtag.scene import SceneSettings
from hangtag.sources.simulated import SceneSource

MOST_FLIPS_PER_CHANGE = 1.2
RIGHT_WITHIN_S = 0.5
LEAST_RIGHT_SHARE = 0.90

_SWEPT_S = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5)


@dataclass(frozen=True, slots=True)
class SeenFrame:
    """A frame's time in seconds, its true label, its scores, and its energy where the model decides by it."""

    time_s: float
    truth: str
    scores: Scores
    energy: float | None = None


@dataclass(frozen=True, slots=True)
class Steadiness:
    """What the shown label did.

    Args:
        changes: how often the garment's true label changed.
        flips: how often the shown label (or unknown) changed.
        right_soon: after how many of these changes the right label was shown within
            :data:`RIGHT_WITHIN_S`.
        right_alone: share of frames that the model names right, each for itself.
        right_shown: share of frames at which the right label was shown.
    """

    changes: int
    flips: int
    right_soon: int
    right_alone: float
    right_shown: float

    @property
    def flips_per_change(self) -> float:
        """How often the label changed for each time that it should have."""
        return self.flips / self.changes

    @property
    def right_share(self) -> float:
        """Share of changes after which the right label came soon enough."""
        return self.right_soon / self.changes

    def failures(self) -> list[str]:
        """Return which targets were missed, one line each."""
        found = []
        if self.flips_per_change > MOST_FLIPS_PER_CHANGE:
            found.append(
                f"{self.flips_per_change:.2f} flips per change; at most {MOST_FLIPS_PER_CHANGE} wanted"
            )
        if self.right_share < LEAST_RIGHT_SHARE:
            found.append(
                f"right within {RIGHT_WITHIN_S} s after {self.right_share:.1%} of the changes; "
                f"{LEAST_RIGHT_SHARE:.0%} wanted"
            )
        return found


def measure(
    frames: Sequence[SeenFrame], classifier: Classifier, *, smoothing_s: float, hold_s: float
) -> Steadiness:
    """Run the decisions over frames that were seen.

    Raises:
        ValueError: the true label never changes.
    """
    decider = Decider(classifier, smoothing_s=smoothing_s, hold_s=hold_s)
    shown = [decider.decide(frame.scores, frame.time_s, frame.energy).prediction.shown for frame in frames]
    truths = [frame.truth for frame in frames]
    labels = classifier.contract.labels
    changes = [n for n in range(1, len(frames)) if truths[n] != truths[n - 1]]
    if not changes:
        raise ValueError("the true label never changes")
    return Steadiness(
        changes=len(changes),
        flips=sum(now != before for before, now in itertools.pairwise(shown)),
        right_soon=sum(_right_soon(frames, shown, change) for change in changes),
        right_alone=float(np.mean([labels[int(f.scores.argmax())] == f.truth for f in frames])),
        right_shown=float(np.mean([now == truth for now, truth in zip(shown, truths, strict=True)])),
    )


def _right_soon(frames: Sequence[SeenFrame], shown: Sequence[str], change: int) -> bool:
    """Return whether the right label came within the time after a change, while that garment was there."""
    begun_s, truth = frames[change].time_s, frames[change].truth
    for frame, label in zip(frames[change:], shown[change:], strict=True):
        if frame.truth != truth or frame.time_s - begun_s > RIGHT_WITHIN_S:
            return False
        if label == truth:
            return True
    return False


def see(
    photos: Path, classifier: Classifier, *, visits: int, fps: float, seed: int, noise: float, blur_px: float
) -> Iterator[SeenFrame]:
    """Show photos on the simulated camera and score each frame."""
    settings = SceneSettings(seed=seed, fps=fps)
    source = SceneSource(settings, photos)
    rng = np.random.default_rng([seed, 7])
    count = round(visits * settings.visit_s * fps)
    for frame in itertools.islice(source, count):
        image = worsened(frame.image_bgr, rng, noise=noise, blur_px=blur_px)
        timed = classifier.timed_scores(image)
        yield SeenFrame(frame.time_s, frame.label or "", timed.scores, timed.energy)


def worsened(image_bgr: Image, rng: np.random.Generator, *, noise: float, blur_px: float) -> Image:
    """Return a picture (BGR uint8) blurred by ``blur_px``, with Gaussian noise of ``noise`` grey levels."""
    blurred = cv2.GaussianBlur(image_bgr, (0, 0), blur_px) if blur_px > 0 else image_bgr
    grain = rng.standard_normal(image_bgr.shape, np.float32) * np.float32(noise)
    return np.asarray(np.clip(np.rint(blurred + grain), 0, 255), np.uint8)


@click.command()
@click.argument("photos", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--model", type=click.Path(path_type=Path), help="A .tflite file [the bundled model].")
@click.option("--visits", type=click.IntRange(2), default=370, show_default=True, help="Photos to show.")
@click.option("--fps", type=click.FloatRange(1, 120), default=30.0, show_default=True)
@click.option("--noise", type=click.FloatRange(0, 100), default=8.0, show_default=True, help="Grey levels.")
@click.option(
    "--blur", "blur_px", type=click.FloatRange(0, 20), default=1.0, show_default=True, help="Pixels."
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--smoothing", "smoothing_s", type=click.FloatRange(0), default=SMOOTHING_S, show_default=True)
@click.option("--hold", "hold_s", type=click.FloatRange(0), default=HOLD_S, show_default=True)
@click.option("--sweep", is_flag=True, help="Print a table over many settings, for choosing.")
def main(
    photos: Path,
    *,
    model: Path | None,
    visits: int,
    fps: float,
    noise: float,
    blur_px: float,
    seed: int,
    smoothing_s: float,
    hold_s: float,
    sweep: bool,
) -> None:
    """Measure how steady and how quick the shown label is on PHOTOS."""
    classifier = open_untrusted(model) if model else Classifier.bundled()
    seen = see(photos, classifier, visits=visits, fps=fps, seed=seed, noise=noise, blur_px=blur_px)
    total = round(visits * SceneSettings().visit_s * fps)
    frames = []
    with Progress().bar("frames", total) as step:
        for frame in seen:
            frames.append(frame)
            step()
    click.echo(
        f"{len(frames)} frames of {visits} photos at {fps:g} a second, noise {noise:g}, blur {blur_px:g} px"
    )
    click.echo("smoothing s  hold s  changes  flips/change  right soon  frames right: alone  shown")
    settings = itertools.product(_SWEPT_S, _SWEPT_S) if sweep else [(smoothing_s, hold_s)]
    for smoothing, hold in settings:
        result = measure(frames, classifier, smoothing_s=smoothing, hold_s=hold)
        click.echo(
            f"{smoothing:11.2f}  {hold:6.2f}  {result.changes:7d}  {result.flips_per_change:12.3f}  "
            f"{result.right_share:10.3f}  {result.right_alone:19.3f}  {result.right_shown:5.3f}"
        )
    if sweep:
        return
    failures = result.failures()
    for failure in failures:
        click.echo(f"FAILED: {failure}")
    raise SystemExit(1 if failures else 0)


if __name__ == "__main__":
    main()
