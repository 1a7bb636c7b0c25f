"""``python -m hangtag_benchmarks.camera.unknown_rejection``: are pictures without clothes called unknown?

Thresholds are what ``hangtag calibrate`` would fit: the highest that let 95 %, and 98 %, of the validation
photos pass. They are reported on test photos against natural pictures that nothing was fitted on, of
:mod:`hangtag_benchmarks.camera.natural_pictures`. The verdict is on what the runtime decides by, the energy
or the best score, and on the pictures (``confirming``) that were put together after that had been chosen;
on those before (``reporting``) some twenty statistics had been compared. ``fitting`` pictures against
validation photos stand beside them, textures and noise apart, and how many known photos pass that a camera
made worse. What else could be made of the scores is listed to compare.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from hangtag.calibration import Confidences, Rejection, accepting_threshold, auroc, measure_rejection
from hangtag.classifier import Classifier
from hangtag.errors import HangtagError
from hangtag.metrics import BOOTSTRAP_RESAMPLES, Interval, wilson_interval
from hangtag.model_probe import open_untrusted
from hangtag.progress import Progress
from hangtag.scoring import PhotoScores
from hangtag_benchmarks.camera.picture_packages import Part
from hangtag_benchmarks.camera.unknown_scores import (
    CONFIDENCES,
    STATISTICS,
    Measured,
    Pictures,
    measure,
    with_energy,
)

TRUE_ACCEPT = 0.95
TARGET_AUROC = 0.95

_ALSO_ACCEPT = 0.98
_SHOWN_MISSES = 15


@dataclass(frozen=True, slots=True)
class Verdict:
    """What counts: the reported rejection, whether it reaches the target, and the lines that say so."""

    reported: Rejection
    lines: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """True where the AUROC is at least the target."""
        return self.reported.auroc >= TARGET_AUROC


@click.command()
@click.option("--data", type=click.Path(path_type=Path), required=True, help="The data set of clothes.")
@click.option(
    "--pictures",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    required=True,
    help="What natural_pictures wrote.",
)
@click.option("--model", type=click.Path(path_type=Path), help="A .tflite file [the bundled model].")
def main(data: Path, pictures: Path, model: Path | None) -> None:
    """Measure unknown rejection; exit 1 where the AUROC of what decides is under 0.95."""
    try:
        classifier = with_energy(Classifier.bundled() if model is None else open_untrusted(model))
        verdict = judge(measure(classifier, data, pictures, Progress()))
    except HangtagError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"model: {classifier.model.name}")
    click.echo("\n".join(verdict.lines))
    sys.exit(0 if verdict.passed else 1)


def judge(measured: Measured, *, resamples: int = BOOTSTRAP_RESAMPLES) -> Verdict:
    """Fit on validation photos, report on test photos and the confirming pictures."""
    tables = [line for name in measured.names for line in _lines(measured, name, resamples)]
    of = CONFIDENCES[measured.decides]
    threshold = accepting_threshold(of(measured.validation), TRUE_ACCEPT)
    confirming = measured.pictures[Part.CONFIRMING]
    reported = measure_rejection(of(measured.test), of(confirming.found), threshold, resamples=resamples)
    word = "reaches" if reported.auroc >= TARGET_AUROC else "MISSES"
    end = (
        f"AUROC {reported.auroc:.4f} of the {measured.decides}, by which the runtime decides, "
        f"on the confirming pictures {word} the target of {TARGET_AUROC}"
    )
    note = "intervals are of 95 %: AUROC by bootstrap over pictures, shares by Wilson's formula"
    return Verdict(
        reported,
        (note, "", *tables, *_statistic_rows(measured), "", *_misses(measured, threshold), "", end),
    )


def _lines(measured: Measured, name: str, resamples: int) -> Iterator[str]:
    """Yield what one of the contract's confidences does: how well it tells, and at two shares what passes."""
    of = CONFIDENCES[name]
    role = "the runtime decides by it" if name == measured.decides else "clients that see scores alone"
    shares = (TRUE_ACCEPT, _ALSO_ACCEPT)
    thresholds = [accepting_threshold(of(measured.validation), share) for share in shares]
    yield f"{name} ({role})"
    heads = "".join(f"  {f'at {threshold:g}':<24}" for threshold in thresholds)
    yield f"  {'':<48} {'number':>6}  {'AUROC':<18}{heads}".rstrip()
    asked = "".join(f"  {f'{share:.0%} of validation':<24}" for share in shares)
    yield f"  {'known photos that pass':<75}{asked}".rstrip()
    yield _row("test photos", of(measured.test), thresholds)
    if measured.stressed:
        kept = [of(found) for found in measured.stressed.values()]
        yield _row("validation photos as cameras see them", np.concatenate(kept), thresholds)
        worst = min(
            zip([float((one >= thresholds[0]).mean()) for one in kept], measured.stressed, strict=True)
        )
        yield f"  (at {thresholds[0]:g} fewest, {worst[0]:.1%}, where {worst[1]})"
    yield "  others that pass, though unknown"
    for title, known, unknown in _groups(measured, of):
        yield _row(title, unknown, thresholds, known=known, resamples=resamples)
    yield ""


def _groups(
    measured: Measured, of: Callable[[PhotoScores], Confidences]
) -> Iterator[tuple[str, Confidences, Confidences]]:
    """Yield each group of pictures: its title, the known photos to tell it from, and its own confidences."""
    test, both = of(measured.test), []
    for part in (Part.CONFIRMING, Part.REPORTING):
        pictures = measured.pictures[part]
        values = of(pictures.found)
        both.append(values)
        yield _title(pictures, part), test, values
        packages = sorted(set(pictures.packages))
        if len(packages) > 1:
            names = np.array(pictures.packages)
            yield from ((f"  {package}", test, values[names == package]) for package in packages)
    yield "these two together", test, np.concatenate(both)
    textures, fitting = measured.pictures[Part.TEXTURES], measured.pictures[Part.FITTING]
    yield _title(textures, Part.TEXTURES), test, of(textures.found)
    title = f"{_title(fitting, Part.FITTING)}, against validation photos"
    yield title, of(measured.validation), of(fitting.found)


def _title(pictures: Pictures, part: Part) -> str:
    other = "" if pictures.as_published else " (not those of the published figures)"
    return f"{part.value}{other}"


def _row(
    title: str,
    values: Confidences,
    thresholds: Sequence[float],
    *,
    known: Confidences | None = None,
    resamples: int = 0,
) -> str:
    area = ""
    if known is not None:
        found = measure_rejection(known, values, thresholds[0], resamples=resamples)
        area = f"{found.auroc:.4f}"
        if found.auroc_interval is not None:
            area += f" {found.auroc_interval.low:.3f}-{found.auroc_interval.high:.3f}"
    passed = [int((values >= threshold).sum()) for threshold in thresholds]
    shares = "".join(
        f"  {f'{count / len(values):.1%} ({_share(wilson_interval(count, len(values)))})':<24}"
        for count in passed
    )
    return f"  {title:<48} {len(values):6d}  {area:<18}{shares}".rstrip()


def _statistic_rows(measured: Measured) -> Iterator[str]:
    """Compare what could be made of the scores alone, by AUROC."""
    parts = (Part.FITTING, Part.REPORTING, Part.CONFIRMING, Part.TEXTURES)
    yield f"{'AUROC of what scores alone give':<34} " + " ".join(f"{part.value:>10}" for part in parts)
    for name, statistic in STATISTICS.items():
        validation, test = statistic(measured.validation.scores), statistic(measured.test.scores)
        areas = [
            auroc(
                validation if part is Part.FITTING else test, statistic(measured.pictures[part].found.scores)
            )
            for part in parts
        ]
        yield f"{name:<34} " + " ".join(f"{area:10.4f}" for area in areas)


def _misses(measured: Measured, threshold: float) -> Iterator[str]:
    """List what of the confirming pictures passes by what decides."""
    pictures, labels = measured.pictures[Part.CONFIRMING], measured.labels
    best, called = CONFIDENCES[measured.decides](pictures.found), pictures.found.scores.argmax(axis=1)
    accepted = best >= threshold
    counts = {label: int((called[accepted] == index).sum()) for index, label in enumerate(labels)}
    by_count = sorted(((count, label) for label, count in counts.items() if count), reverse=True)
    yield "accepted though unknown, by label: " + (
        ", ".join(f"{label} {count}" for count, label in by_count) or "none"
    )
    for index in np.argsort(-best, kind="stable")[:_SHOWN_MISSES]:
        if accepted[index]:
            yield f"  {best[index]:.3f} {labels[called[index]]:<12} {pictures.places[index]}"


def _share(interval: Interval) -> str:
    return f"{100 * interval.low:.1f} to {interval.high:.1%}"


if __name__ == "__main__":
    main()
