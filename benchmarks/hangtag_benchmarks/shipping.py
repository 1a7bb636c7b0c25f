"""``python -m hangtag_benchmarks.shipping``: which file to ship, by size, speed and what it lost.

Accuracy is compared with the float32 file, photo by photo, on validation and test pooled; latencies are
those of ``hangtag benchmark`` on one thread of this machine. What to ship is chosen on validation alone; the
test photos are there to report.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from hangtag.comparison import MAX_DROP_POINTS, AccuracyChange, Comparison, compare
from hangtag.contract import ModelContract
from hangtag.errors import BenchmarkError, DatasetError, HangtagError
from hangtag.labelled_folder import LabelledFolder, read_split
from hangtag.mediapipe import why_no_mediapipe
from hangtag.model_probe import open_untrusted
from hangtag.progress import Progress
from hangtag.readable import keep_readable, say_skipped
from hangtag.scoring import score_photos
from hangtag_benchmarks.model_runs import Asked, benchmark_models, identified
from hangtag_benchmarks.plans import QUICK_PLAN, Plan
from hangtag_benchmarks.reports.naming import missing_title

_SPLITS = ("validation", "test")
_ABOUT_AS_FAST = 1.1
"""Files whose times differ by less are told apart by what they take: bytes need no arithmetic before."""
_REFERENCE = "-float32.tflite"
"""How the name of the file ends that the others are compared with; without one it is the first."""


@dataclass(frozen=True, slots=True)
class ShippedFile:
    """One file: its size, the median of an invocation on one thread, what it lost, whether phones take it."""

    name: str
    size_mb: float
    invoke_ms: float
    change: AccuracyChange
    on_validation: AccuracyChange
    agreement: float
    contract: ModelContract
    for_mediapipe: bool

    @property
    def keeps_accuracy(self) -> bool:
        """True where no more was lost on validation than conversion lets through."""
        return not self.on_validation.lost_more_than(MAX_DROP_POINTS)


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--data", type=click.Path(path_type=Path), required=True, help="Photos: validation/ and, if any, test/."
)
@click.option("--quick", is_flag=True, help="Few rounds: a first impression of the latencies.")
def shipping(files: tuple[Path, ...], data: Path, *, quick: bool) -> None:
    """Compare FILES of one model with its float32 one and say which to ship to which device."""
    try:
        rows = measured(files, data, QUICK_PLAN if quick else Plan(), Progress())
    except HangtagError as error:
        raise click.ClickException(str(error)) from None
    click.echo(table(rows))
    click.echo()
    click.echo(advice(rows))


def measured(files: Sequence[Path], data: Path, plan: Plan, progress: Progress) -> tuple[ShippedFile, ...]:
    """Measure each file; the float32 one comes first, and the others are compared with it.

    Raises:
        HangtagError: a file or the photos cannot be used, or a file could not be measured.
    """
    order = sorted(files, key=lambda path: not path.name.endswith(_REFERENCE))
    classifiers = [open_untrusted(path) for path in order]
    labels = classifiers[0].contract.labels
    for path, classifier in zip(order, classifiers, strict=True):
        if classifier.contract.labels != labels:
            raise BenchmarkError(f"{path} and {order[0]} have different labels; give files of one model")
    folders = [_readable(data, split, labels, progress) for split in _SPLITS if (data / split).is_dir()]
    if not folders:
        raise DatasetError(f"{data} has neither validation/ nor test/; wanted a data set of these labels")
    scores = [
        [score_photos(one, folder, progress, one.contract.name) for folder in folders] for one in classifiers
    ]
    targets = [np.array(folder.targets) for folder in folders]
    latencies = _latencies(order, plan, progress)
    rows = []
    for path, classifier, found, invoke_ms in zip(order, classifiers, scores, latencies, strict=True):
        before, after, right = (np.concatenate(parts) for parts in (scores[0], found, targets))
        pooled = compare(before, after, right, labels)
        rows.append(
            ShippedFile(
                name=path.name,
                size_mb=path.stat().st_size / 1e6,
                invoke_ms=invoke_ms,
                change=_known(pooled),
                on_validation=_known(compare(scores[0][0], found[0], targets[0], labels)),
                agreement=pooled.agreement,
                contract=classifier.contract,
                for_mediapipe=why_no_mediapipe(classifier.model) is None,
            )
        )
    return tuple(rows)


def _readable(data: Path, split: str, labels: Sequence[str], progress: Progress) -> LabelledFolder:
    kept, errors = keep_readable(read_split(data, split, labels), progress, f"checking {split}")
    say_skipped(progress, errors)
    return kept


def _known(compared: Comparison) -> AccuracyChange:
    if compared.accuracy is None:
        raise ValueError("compared without labels")
    return compared.accuracy


def _latencies(files: Sequence[Path], plan: Plan, progress: Progress) -> list[float]:
    """Return the median of one bare invocation of each file, in milliseconds, on one thread."""
    models = identified(files)
    result = benchmark_models(Asked(models), plan, progress.say)
    if result.missing:
        raise BenchmarkError(f"{missing_title(result.missing[0])}: {result.missing[0].reason}")
    by_digest = {row.model.sha256: row.invoke.summary.p50_ms for row in result.rows if row.invoke}
    if not result.complete or len(by_digest) < len({model.sha256 for _, model in models}):
        raise BenchmarkError("it was stopped before all files were measured")
    return [by_digest[model.sha256] for _, model in models]


def table(rows: Sequence[ShippedFile]) -> str:
    """Return the comparison as a Markdown table; times beside the first file's are ratios of one run."""
    first = rows[0]
    lines = [
        "| file | MB | top-1 | points lost (95 %) | same label | invoke, one thread | MediaPipe |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        interval = row.change.drop_interval
        lost = f"{row.change.drop_points:.2f} ({100 * interval.low:.2f} to {100 * interval.high:.2f})"
        lines.append(
            f"| {row.name} | {row.size_mb:.2f} | {row.change.after_top1:.4f} | {lost} | {row.agreement:.4f} "
            f"| {row.invoke_ms:.1f} ms, {row.invoke_ms / first.invoke_ms:.2f} x "
            f"| {'yes' if row.for_mediapipe else 'no'} |"
        )
    return "\n".join(lines)


def advice(rows: Sequence[ShippedFile]) -> str:
    """Return which file to ship where, in Markdown: by the rule that each line states."""
    good = [row for row in rows if row.keeps_accuracy]
    on_phones = [row for row in good if row.for_mediapipe]
    halves = [row for row in good if row.name.endswith("-float16.tflite")]
    fastest = f"fastest of those that lose at most {MAX_DROP_POINTS} points, bytes before floats"
    choices = [
        ("Raspberry Pi, any CPU", _fastest(good), fastest),
        ("Android, iOS (MediaPipe Tasks or LiteRT)", _fastest(on_phones), f"{fastest}, and both take it"),
        ("browser, on the CPU (LiteRT.js)", _fastest(on_phones), "the same: bytes or floats in"),
        ("GPU of a phone, a browser or a board", _fastest(halves), "GPUs compute in halves"),
    ]
    lines = ["| device | file | why |", "|---|---|---|"]
    lines += [f"| {device} | {row.name} | {why} |" for device, row, why in choices if row is not None]
    return "\n".join(lines)


def _fastest(rows: Sequence[ShippedFile]) -> ShippedFile | None:
    """Return the fastest; of several about as fast one that takes a pixel's bytes as they are."""
    least_ms = min((row.invoke_ms for row in rows), default=0.0)
    near = [row for row in rows if row.invoke_ms <= _ABOUT_AS_FAST * least_ms]
    return min(
        near, key=lambda row: (row.contract.input.tensor.dtype != "uint8", row.invoke_ms), default=None
    )


if __name__ == "__main__":
    shipping()
