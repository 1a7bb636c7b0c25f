"""The page of a run: one HTML file with everything inside, for a phone as for a desktop."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hangtag.errors import PhotoError
from hangtag.files import write_bytes
from hangtag.page_parts import (
    Row,
    details,
    document,
    name,
    number,
    percent,
    picture,
    section,
    table,
    text,
)
from hangtag.photos import read_photo
from hangtag_train.charts import Line, Mark, line_chart
from hangtag_train.history import best_row
from hangtag_train.mistakes import thumbnail
from hangtag_train.page_measured import confusion, headline, stress
from hangtag_train.phases import HEAD, epoch_axis, handicaps, kept_for, phase_ends, phase_words, targets_words
from hangtag_train.run_page import RunPage
from hangtag_train.verdict import verdict

if TYPE_CHECKING:
    from hangtag.metrics import Evaluation
    from hangtag_train.history import HistoryRow
    from hangtag_train.mistakes import Mistake

_MOST_PHOTOS = 30
_THUMBNAIL_PX = 260
_NONE = "\N{EN DASH}"
_CONVERSION = (
    "<p>Once <code>hangtag convert</code> has run into this folder, "
    "<code>conversion.html</code> beside this page compares each file with this network photo by photo.</p>"
)


def write_page(path: Path, page: RunPage) -> None:
    """Write the page of a run: one file that loads nothing from anywhere.

    Raises:
        OutputError: it cannot be written.
    """
    # A path whose name is not UTF-8 holds surrogates, which UTF-8 cannot.
    write_bytes(path, render(page).encode(errors="backslashreplace"))


def render(page: RunPage) -> str:
    """Return the page as HTML."""
    recipe = page.recipe
    title = str(recipe.get("model_name", "classifier"))
    body = "".join(
        [
            f"<header><h1>{name(title)}</h1><p class='soft'>{_subtitle(recipe)}</p></header>\n<main>\n",
            *(f'<p class="warning">Warning: {name(line)}</p>' for line in page.warnings),
            *(headline(split, evaluation) for split, evaluation in _ordered(page.evaluations)),
            section("Over- or underfitting?", _judged(page.history, recipe)),
            section("Learning curves", _curves(page.history, recipe)),
            section("Time", _time(page.history, recipe)),
            *(confusion(split, evaluation) for split, evaluation in _ordered(page.evaluations)),
            section("Worst photos", _mistakes(page)),
            stress(page),
            section("Data set", _dataset(page)),
            section("Settings", _settings(recipe)),
            section("Versions", _versions(page.settings.get("versions", {}))),
            section("Files for devices", _CONVERSION),
            "</main>\n",
        ]
    )
    return document(f"{title}: training report", body)


def _subtitle(recipe: Mapping[str, Any]) -> str:
    size = f" · {text(recipe['size_px'])} px" if "size_px" in recipe else ""
    return f"backbone {name(recipe.get('backbone', '?'))} · recipe {name(recipe.get('name', '?'))}{size}"


def _ordered(evaluations: Mapping[str, Evaluation]) -> list[tuple[str, Evaluation]]:
    """Return the splits with validation, which choices are made on, first."""
    return sorted(evaluations.items(), key=lambda item: (item[0] != "validation", item[0]))


def _judged(history: Sequence[HistoryRow], recipe: Mapping[str, Any]) -> str:
    return f'<p class="verdict">{text(verdict(history, recipe))}</p>{_left_out(history, recipe)}'


def _left_out(history: Sequence[HistoryRow], recipe: Mapping[str, Any]) -> str:
    """Say so where fine-tuning was in vain: the figures above are then not those of the curves' end."""
    if not history or history[-1].phase == HEAD or best_row(history).phase != HEAD:
        return ""
    phase = phase_words(history[-1].phase, recipe)
    return (
        f"<p>{text(phase.capitalize())} made it no better and was left out: none of its epochs came to a "
        "smaller validation loss than the linear head, which is the model that was kept and measured here. "
        f"The judgement is about the {text(phase)} that was left out.</p>"
    )


def _curves(history: Sequence[HistoryRow], recipe: Mapping[str, Any]) -> str:
    if not history:
        return ""
    best = best_row(history)
    at = history.index(best)
    legend = (
        '<p class="soft"><svg class="key" viewBox="0 0 32 12" aria-hidden="true">'
        '<path class="curve training" d="M1 6H31"/></svg> training &nbsp; '
        '<svg class="key" viewBox="0 0 32 12" aria-hidden="true">'
        f'<path class="curve validation" d="M1 6H31"/></svg> validation &nbsp; ○ kept: '
        f"{text(phase_words(best.phase, recipe))}, epoch {best.epoch}, {percent(best.validation_top1)}: it "
        f"has the {kept_for(best)}</p>"
    )
    figures = (
        ("top-1 accuracy (%)", "top1", 100.0, best.validation_top1),
        ("loss (cross-entropy)", "loss", 1.0, best.validation_loss),
    )
    charts = []
    for title, field, factor, kept in figures:
        lines = [
            Line(split, split, [factor * getattr(row, f"{prefix}_{field}") for row in history])
            for split, prefix in (("training", "train"), ("validation", "validation"))
        ]
        mark = Mark(at, factor * kept, f"kept: epoch {best.epoch}")
        chart = line_chart(
            title, lines, x_label=epoch_axis(history, recipe), boundaries=phase_ends(history), mark=mark
        )
        charts.append(f"<figure><figcaption>{title}</figcaption>{chart}</figure>")
    return f'{legend}<div class="charts">{"".join(charts)}</div>{_curves_note(history, recipe)}'


def _curves_note(history: Sequence[HistoryRow], recipe: Mapping[str, Any]) -> str:
    last = history[-1].phase
    conditions = [*handicaps(last, recipe), *targets_words(last, recipe)]
    levels = ": compare which way the two losses go, not their levels" if conditions else ""
    measured = ", ".join(["while the weights change", *conditions])
    drawn = ", the loss before calibration" if best_row(history).calibrated_loss is not None else ""
    return (
        f'<p class="soft">Training figures are measured {measured}{levels}. Validation is measured after '
        f"each epoch{drawn}. The checkpoint to keep is not chosen by accuracy: from epoch to epoch that "
        "differs by a few photos, and its peak is mostly luck.</p>"
    )


def _time(history: Sequence[HistoryRow], recipe: Mapping[str, Any]) -> str:
    rows: list[Row] = []
    for phase in dict.fromkeys(row.phase for row in history):
        passes = [row for row in history if row.phase == phase]
        seconds = math.fsum(row.seconds for row in passes)
        waiting = math.fsum(row.seconds * row.waiting_share for row in passes) / seconds if seconds else 0.0
        # Zero everywhere: read from cached features, or a run of before this was measured.
        share = percent(waiting) if any(row.waiting_share for row in passes) else _NONE
        times = (_duration(seconds), _duration(seconds / len(passes)), share)
        rows.append(
            (text(phase_words(phase, recipe)), *(number(cell) for cell in (str(len(passes)), *times)))
        )
    head = ("phase", "epochs", "time", "per epoch", "waiting")
    note = '<p class="soft">Waiting: the share of training time in which the network had no photos yet.</p>'
    return table(head, rows) + note if rows else ""


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def _mistakes(page: RunPage) -> str:
    if page.mistakes is None:
        return "<p>Not recorded for this run. <code>hangtag report RUN --data DATA</code> adds them.</p>"
    if not page.mistakes:
        return "<p>No validation photo is misclassified.</p>"
    shown = page.mistakes[:_MOST_PHOTOS]
    which = f"the {len(shown)} most confident" if len(shown) < len(page.mistakes) else "most confident first"
    figures = "".join(_figure(mistake, page.data) for mistake in shown)
    return (
        f'<p class="soft">{len(page.mistakes)} validation photos are misclassified; {which}. Is the label '
        f'wrong, the photo unclear, or the network?</p><div class="photos">{figures}</div>'
    )


def _figure(mistake: Mistake, data: Path) -> str:
    try:
        image = thumbnail(read_photo(data / mistake.photo), _THUMBNAIL_PX)
        shown = picture(image, f"a photo of {mistake.label}, called {mistake.predicted}")
    except PhotoError:
        shown = '<div class="missing">cannot be read any more</div>'
    return (
        f"<figure>{shown}<figcaption>is <b>{name(mistake.label)}</b> ({percent(mistake.true_score)})<br>"
        f"called <b>{name(mistake.predicted)}</b> ({percent(mistake.score)})"
        f'<div class="place">{name(mistake.photo)}</div></figcaption></figure>'
    )


def _dataset(page: RunPage) -> str:
    settings = page.settings
    rows = [("folder", name(settings.get("data", "?")))]
    rows += [
        (f"{text(split)} photos", text(count)) for split, count in dict(settings.get("photos", {})).items()
    ]
    rows.append(("SHA-256", f"<code>{text(settings.get('dataset_sha256', '?'))}</code>"))
    rows += [(text(key), name(value)) for key, value in _flat(settings.get("source", {}), "source")]
    skipped = list(settings.get("skipped", ()))
    content = table((), rows, css_class="pairs")
    if skipped:
        more = f"<p>… and {len(skipped) - 200} more</p>" if len(skipped) > 200 else ""
        files = "".join(f"<li>{name(entry)}</li>" for entry in skipped[:200])
        count = "1 file was" if len(skipped) == 1 else f"{len(skipped)} files were"
        content += details(f"{count} skipped", f"<ul>{files}</ul>{more}")
    return content + ("" if skipped else "<p class='soft'>No file was skipped.</p>")


def _settings(recipe: Mapping[str, Any]) -> str:
    rows = [(name(key), name(value)) for key, value in _flat(recipe)]
    return details(f"All {len(rows)} settings", table((), rows, css_class="pairs")) if rows else ""


def _versions(versions: Mapping[str, Any]) -> str:
    rows = [(name(key), name(value)) for key, value in versions.items()]
    return table((), rows, css_class="pairs") if rows else ""


def _flat(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the leaves of nested settings with dotted names."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(inner, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, "none" if value is None else value
