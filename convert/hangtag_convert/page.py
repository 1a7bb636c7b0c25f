"""The page of a conversion: one HTML file with everything inside, for a phone as for a desktop."""

from __future__ import annotations

from collections.abc import Sequence

from hangtag.comparison import AccuracyChange, Flip
from hangtag.page_parts import Row, details, document, name, number, percent, section, table, text
from hangtag_convert.record import Conversion, Outcome

_NONE = "\N{EN DASH}"
_MOST_FLIPS = 100
_MOST_LAYERS = 10


def render(result: Conversion, *, report: str | None = None) -> str:
    """Return the page as HTML; ``report`` is the file beside it that tells of the training."""
    title = result.contract.name
    back = "" if report is None else f" · training: <code>{text(report)}</code>"
    body = "".join(
        [
            f"<header><h1>{name(title)}</h1><p class='soft'>{_subtitle(result)}{back}</p></header>\n<main>\n",
            *(f'<p class="warning">Kept back: {text(line)}</p>' for line in result.failures),
            *(f"<p>No {text(kind)} file: {text(why)}</p>" for kind, why in result.left_out.items()),
            section("Files", _files(result)),
            *(
                section(text(outcome.judged.format.value), _details(result, outcome))
                for outcome in result.outcomes
            ),
            section("Versions", _versions(result)),
            "</main>\n",
        ]
    )
    return document(f"{title}: conversion report", body)


def _subtitle(result: Conversion) -> str:
    if result.photos:
        return (
            f"compared with the float network photo by photo on {result.photos} validation photos, "
            f"of which it names {percent(result.parent_top1 or 0.0)} right"
        )
    return (
        f"compared with the float network on {result.rendered_frames} rendered garments: there are no "
        "photos, so nothing is said about accuracy"
    )


def _files(result: Conversion) -> str:
    head = ("format", "MB", "top-1", "points lost", "95 % interval", "lost / gained", "p", "worst difference")
    return table(head, [_file(outcome) for outcome in result.outcomes]) + (
        '<p class="soft">Points lost: percentage points of top-1, with the interval that holds the true loss '
        "with 95 % confidence (Bonett and Price). Lost and gained: photos that only the float network, or "
        "only the file, names right. p: how often so uneven a split would come by chance (McNemar's exact "
        "test). Worst difference: of any score of any photo, from 0 to 1. "
        '<span class="hint">Where the table is wider than the screen it scrolls sideways.</span></p>'
    )


def _file(outcome: Outcome) -> Row:
    judged = outcome.judged
    accuracy = judged.comparison.accuracy
    figures = [f"{len(outcome.data) / 1e6:.2f}"]
    figures += [_NONE] * 5 if accuracy is None else _change(accuracy)
    figures.append(f"{judged.comparison.worst_difference:.4f}")
    marked = text(judged.format.value) + ("" if judged.passed else ' <span class="bad">kept back</span>')
    return (marked, *(number(figure) for figure in figures))


def _change(accuracy: AccuracyChange) -> list[str]:
    interval = accuracy.drop_interval
    return [
        percent(accuracy.after_top1),
        f"{accuracy.drop_points:.2f}",
        f"{100 * interval.low:.2f} to {100 * interval.high:.2f}",
        f"{accuracy.lost} / {accuracy.gained}",
        f"{accuracy.p_value:.3f}",
    ]


def _details(result: Conversion, outcome: Outcome) -> str:
    return "".join(
        [
            _facts(result, outcome),
            _flips(result, outcome.judged.comparison.flips),
            _by_label(outcome),
            _layers(outcome),
        ]
    )


def _facts(result: Conversion, outcome: Outcome) -> str:
    judged, comparison = outcome.judged, outcome.judged.comparison
    rows: list[Row] = [
        ("file", name(outcome.file or "kept back")),
        ("same label as the float network", percent(comparison.agreement)),
        ("mean difference of a score", f"{comparison.mean_difference:.5f}"),
    ]
    if comparison.accuracy is not None:
        before, after = (
            comparison.accuracy.before_calibration_error,
            comparison.accuracy.after_calibration_error,
        )
        rows.append(("calibration error, float and file", f"{before:.4f} and {after:.4f}"))
    was, now = result.contract.calibration.unknown_threshold, judged.contract.calibration.unknown_threshold
    if was is not None:
        rows.append(("unknown below the score, float and file", f"{was:g} and {now:g}"))
    if judged.contract.calibration.energy_threshold is not None:
        rows.append(("unknown below the energy", f"{judged.contract.calibration.energy_threshold:g}"))
    if outcome.calibration is not None:
        rows.append(("calibration", text(outcome.calibration)))
    if len(outcome.attempts) > 1:
        tried = "; ".join(f"{attempt.how}: {_points(attempt.drop_points)}" for attempt in outcome.attempts)
        rows.append(("tried", text(tried)))
    return table((), rows, css_class="pairs")


def _points(points: float | None) -> str:
    return "nothing measured" if points is None else f"{points:.2f} points lost"


def _flips(result: Conversion, flips: Sequence[Flip]) -> str:
    if not flips:
        return "<p>Every picture keeps its label.</p>"
    labels = result.contract.labels

    def called(index: int, score: float) -> str:
        return f"{name(labels[index])} ({percent(score)})"

    rows: list[Row] = []
    for flip in flips[:_MOST_FLIPS]:
        truth = _NONE if flip.target is None else name(labels[flip.target])
        verdict = '<span class="bad">lost</span>' if flip.lost else "gained" if flip.gained else "both wrong"
        was, now = called(flip.before, flip.before_score), called(flip.after, flip.after_score)
        rows.append(
            (name(result.photo_name(flip.photo)), truth, was, now, _NONE if flip.target is None else verdict)
        )
    more = f", the first {_MOST_FLIPS}" if len(flips) > _MOST_FLIPS else ""
    head = ("picture", "is", "float network", "file", "")
    count = "1 picture changes its label" if len(flips) == 1 else f"{len(flips)} pictures change their label"
    return details(f"{count}{more}", table(head, rows))


def _by_label(outcome: Outcome) -> str:
    accuracy = outcome.judged.comparison.accuracy
    if accuracy is None:
        return ""
    rows: list[Row] = [
        (
            name(row.label),
            number(str(row.photos)),
            number(str(row.before_right)),
            number(str(row.after_right)),
            number(
                f"{row.after_right - row.before_right:+d}" if row.after_right != row.before_right else "0"
            ),
        )
        for row in accuracy.by_label
    ]
    return details("By label", table(("label", "photos", "float right", "file right", "change"), rows))


def _layers(outcome: Outcome) -> str:
    if not outcome.layers:
        return ""
    rows: list[Row] = [
        (name(row.layer), text(row.operator), number(percent(row.added)), number(percent(row.error)))
        for row in outcome.layers[:_MOST_LAYERS]
    ]
    note = (
        '<p class="soft">Errors as shares of the activation, in root mean squares. Added: what the layer '
        "brings to the error of its worst input; in all: what has come together after it.</p>"
    )
    return details("Layers that lose most", table(("layer", "operator", "added", "in all"), rows) + note)


def _versions(result: Conversion) -> str:
    return table((), [(text(key), text(value)) for key, value in result.versions.items()], css_class="pairs")
