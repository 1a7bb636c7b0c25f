"""``python -m hangtag_benchmarks.camera.resampling``: does fast resizing let a camera's fine detail through?

A kernel that looks at four pixels for each pixel of the input skips most of a large frame. On enlarged photos
that costs nothing, because they have no fine detail; a camera's frames have: each pixel its own noise, and
cloth a weave near the pixel pitch, which becomes a pattern that is not there. So photos are set into frames,
as high as the frame, noise or a weave is added at the frame's full resolution, and the contract's kernel is
compared, photo by photo, with resizing by area, which averages every pixel.

The target is about noise in 1920x1080 frames; 640x480 and the weave stand beside it. Of a few hundred photos
a single draw of noise moves the loss by a point, so each photo is shown with several. The interval counts
them as photos of their own: it is about the noise, and a little narrow about photos. Choose on
``validation``; ``test`` is there to report.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import cv2
import numpy as np
import numpy.typing as npt

from hangtag.classifier import Classifier
from hangtag.comparison import AccuracyChange, compare
from hangtag.contract import Kernel
from hangtag.errors import BenchmarkError, HangtagError
from hangtag.labelled_folder import LabelledFolder, read_split
from hangtag.metrics import Scores
from hangtag.model_probe import open_untrusted
from hangtag.photos import read_photo
from hangtag.preprocess import Image
from hangtag.progress import Progress
from hangtag.stress_backgrounds import draw_background
from hangtag_benchmarks.reports.tables import Table

MOST_POINTS_LOST = 0.5
"""Percentage points of top-1 that the contract's kernel may lose against resizing by area."""

SIZES_WH = ((1920, 1080), (640, 480))
JUDGED_WH = SIZES_WH[0]

_WEAVE_CONTRAST = 0.15
_WEAVE_PERIODS_PX = (2.2, 6.5)
"""Of threads, in the frame's pixels: from just above what a sensor resolves to what 224 px nearly do."""

Field = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Detail:
    """What is added at full resolution: noise of ``noise_sigma`` grey levels, and a weave or none."""

    name: str
    noise_sigma: float
    weave: bool = False

    @property
    def judged(self) -> bool:
        """True for what the target speaks of: camera noise."""
        return self.noise_sigma > 0 and not self.weave


DETAILS = (
    Detail("nothing added", 0),
    Detail("noise, sigma 4", 4),
    Detail("noise, sigma 8", 8),
    Detail("noise, sigma 15", 15),
    Detail("noise, sigma 25", 25),
    Detail("fine weave", 0, weave=True),
    Detail("fine weave, noise, sigma 8", 8, weave=True),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One frame size and detail: what the kernel lost against area, and whether the target is about it."""

    size_wh: tuple[int, int]
    detail: Detail
    change: AccuracyChange

    @property
    def judged(self) -> bool:
        """True where the target holds for it."""
        return self.size_wh == JUDGED_WH and self.detail.judged

    @property
    def missed(self) -> bool:
        """True where the target speaks of it and more was lost."""
        return self.judged and self.change.lost_more_than(MOST_POINTS_LOST)

    def cells(self) -> tuple[str, ...]:
        """Return the row of a table."""
        change = self.change
        interval = f"{100 * change.drop_interval.low:.2f} to {100 * change.drop_interval.high:.2f}"
        verdict = ("MISSED" if self.missed else "reached") if self.judged else ""
        return (
            f"{self.size_wh[0]}x{self.size_wh[1]}, {self.detail.name}",
            f"{change.before_top1:.4f}",
            f"{change.after_top1:.4f}",
            f"{change.drop_points:.2f}",
            interval,
            f"{change.lost} / {change.gained}",
            f"{change.p_value:.3f}",
            verdict,
        )


@click.command()
@click.argument("model", required=False, type=click.Path(path_type=Path))
@click.option("--data", type=click.Path(path_type=Path), required=True, help="The photos' folder.")
@click.option(
    "--split", default="validation", show_default=True, help="Choose on validation, report on test."
)
@click.option(
    "--kernel",
    type=click.Choice([kernel.value for kernel in Kernel]),
    help="Judge another kernel than the contract's.",
)
@click.option(
    "--draws", type=click.IntRange(1), default=3, show_default=True, help="Of noise for each photo."
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of noise and weaves.")
def resampling(
    model: Path | None, *, data: Path, split: str, kernel: str | None, draws: int, seed: int
) -> None:
    """Compare the kernel of MODEL (the bundled one, if none is given) with area; exit 1 if it loses more."""
    try:
        classifier = Classifier.bundled() if model is None else open_untrusted(model)
        chosen = classifier.contract.input.kernel if kernel is None else Kernel(kernel)
        photos = read_split(data, split, classifier.contract.labels)
        seeds = range(seed, seed + draws)
        rows = measured(classifier, chosen, photos, seeds, Progress())
    except HangtagError as error:
        raise click.ClickException(str(error)) from None
    click.echo(
        f"{len(photos.photos)} photos of {split}, {chosen.value} against area, seeds {seed} to {seeds[-1]}"
    )
    click.echo(table(rows, chosen).text())
    click.echo(f"\nwanted at most {MOST_POINTS_LOST} points lost with noise at {JUDGED_WH[0]}x{JUDGED_WH[1]}")
    sys.exit(1 if any(row.missed for row in rows) else 0)


def measured(
    classifier: Classifier, kernel: Kernel, photos: LabelledFolder, seeds: Sequence[int], progress: Progress
) -> list[Row]:
    """Score every photo in every frame size with every detail of every seed, by both kernels.

    Raises:
        PhotoError: a photo cannot be read.
        BenchmarkError: there is nothing to compare.
    """
    if kernel is Kernel.AREA:
        raise BenchmarkError("the kernel is area already; name another one with --kernel")
    ways = [with_kernel(classifier, way) for way in (Kernel.AREA, kernel)]
    labels, targets = classifier.contract.labels, np.repeat(photos.targets, len(seeds))
    rows = []
    for size_wh in SIZES_WH:
        scores: dict[Detail, list[list[Scores]]] = {detail: [[], []] for detail in DETAILS}
        with progress.bar(f"{size_wh[0]}x{size_wh[1]}", len(photos.photos)) as advance:
            for number, photo in enumerate(photos.photos):
                picture = read_photo(photo.path)
                for seed in seeds:
                    for detail, frame in detailed_frames(picture, size_wh, [seed, number]):
                        for way, found in zip(ways, scores[detail], strict=True):
                            found.append(way.scores(frame))
                advance()
        for detail, (before, after) in scores.items():
            change = compare(np.stack(before), np.stack(after), targets, labels).accuracy
            assert change is not None  # noqa: S101 - the labels are known
            rows.append(Row(size_wh, detail, change))
    return rows


def with_kernel(classifier: Classifier, kernel: Kernel) -> Classifier:
    """Return the same model under a contract that names ``kernel``."""
    contract = classifier.contract
    changed = contract.replace(input=dataclasses.replace(contract.input, kernel=kernel))
    return Classifier(dataclasses.replace(classifier.model, contract=changed))


def detailed_frames(
    photo: Image, size_wh: tuple[int, int], seed: Sequence[int]
) -> Iterator[tuple[Detail, Image]]:
    """Give a photo's frame with each of :data:`DETAILS`; the noise differs in strength alone.

    Args:
        photo: BGR uint8, any size.
        size_wh: of the frames.
        seed: of background, noise and weave.
    """
    rng = np.random.default_rng(seed)
    plain, garment = framed(photo, size_wh, rng)
    threads = weave((garment[1].stop - garment[1].start, garment[0].stop - garment[0].start), rng)
    noise = rng.standard_normal(plain.shape, np.float32)
    woven = plain.astype(np.float32)
    woven[garment] *= threads[..., None]
    for detail in DETAILS:
        field = (woven if detail.weave else plain) + np.float32(detail.noise_sigma) * noise
        yield detail, np.asarray(np.clip(np.rint(field), 0, 255), np.uint8)


def framed(
    photo: Image, size_wh: tuple[int, int], rng: np.random.Generator
) -> tuple[Image, tuple[slice, slice]]:
    """Return a frame with the photo, as high as the frame, on a background, and the part that it fills."""
    width, height = size_wh
    scale = height / photo.shape[0]
    kernel = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    inner = cv2.resize(photo, (max(1, round(photo.shape[1] * scale)), height), interpolation=kernel)
    cut = max(0, (inner.shape[1] - width) // 2)
    inner = inner[:, cut : cut + width]
    left = (width - inner.shape[1]) // 2
    part = (slice(0, height), slice(left, left + inner.shape[1]))
    frame = draw_background(rng, size_wh)
    frame[part] = inner
    return frame, part


def weave(size_wh: tuple[int, int], rng: np.random.Generator) -> Field:
    """Return the light that threads of a fine cloth throw back: around 1, shape (height, width)."""
    period, angle = rng.uniform(*_WEAVE_PERIODS_PX), rng.uniform(0, np.pi)
    y, x = np.mgrid[0 : size_wh[1], 0 : size_wh[0]].astype(np.float32)
    turn = 2 * np.pi / period
    along = np.sin(turn * (x * np.cos(angle) + y * np.sin(angle)))
    across = np.sin(turn * (y * np.cos(angle) - x * np.sin(angle)))
    return np.asarray(1 + _WEAVE_CONTRAST * along * across, np.float32)


def table(rows: Sequence[Row], kernel: Kernel) -> Table:
    """Return what was lost, condition by condition."""
    header = ("frames", "area", kernel.value, "points lost", "95 %", "lost / gained", "p (McNemar)", "")
    return Table(header, tuple(row.cells() for row in rows))


if __name__ == "__main__":
    resampling()
