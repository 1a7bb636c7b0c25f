from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import re
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from small_run import contract_of, write_run

from hangtag.cli import main
from hangtag.errors import RunError
from hangtag.metrics import evaluate
from hangtag.page_parts import text
from hangtag.photos import decode_photo, read_photo
from hangtag.stress_report import StressReport, StressRow
from hangtag_train.charts import Line, Mark, line_chart, nice_ticks
from hangtag_train.history import HistoryRow
from hangtag_train.mistakes import Mistake, find_mistakes
from hangtag_train.page import render, write_page
from hangtag_train.report import draw_confusion, draw_curves
from hangtag_train.run_page import RunPage, read_run_page

HOSTILE = (
    "<script>alert(1)</script>",
    "$x_1$",
    '"><img src=x onerror=alert(1)>',
    "</style><b>",
    "帽子 \u202e&amp;",
)
VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    """Reads a page strictly: tags must close in order; texts, attributes and images are kept."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.images: list[dict[str, str]] = []
        self.shown: list[str] = []
        self.feed(source)
        self.close()
        assert self.open == [], "unclosed tags"

    def handle_starttag(self, tag: str, attrs) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, key, value or "") for key, value in attrs]
        if tag == "img":
            self.images.append(dict(attrs))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, key, value or "") for key, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.shown.append(data)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.shown).split())


def history(*phases: str, waiting: float = 0.0) -> list[HistoryRow]:
    return [
        HistoryRow(phase, number + 1, 1 / (number + 1), 0.8, 0.9, 0.7 + 0.01 * number, 90.0, waiting, 1e-3)
        for number, phase in enumerate(phases)
    ]


def a_page(labels: Sequence[str], mistakes: Sequence[Mistake] | None = (), **changes: object) -> RunPage:
    count = len(labels)
    scores = np.full((3 * count, count), 0.01)
    scores[np.arange(3 * count), np.arange(3 * count) % count] = 1 - 0.01 * (count - 1)
    targets = np.arange(3 * count) % count
    targets[0] = 1
    stress = StressReport(3 * count, 0, 0.9, (StressRow("tilt 15°", "tilt", "15°", 1, 0.8),))
    values = {
        "settings": {
            "data": "/photos/of mine",
            "dataset_sha256": "ab" * 32,
            "photos": {"train": 18, "validation": 3 * count},
            "skipped": ["train/a/bad.jpg is empty (0 bytes)"],
            "source": {"kind": "folder"},
            "versions": {"python": "3.11.7"},
            "recipe": {
                "name": "tiny", "model_name": "shapes", "backbone": "small-cnn", "size_px": 28,
                "stop_at_top1": None, "augmentation": {"flip": 0.5},
            },
        },
        "history": history("head", "fine-tune", "fine-tune", "fine-tune", waiting=0.25),
        "evaluations": {"validation": evaluate(scores, targets, labels, resamples=20)},
        "mistakes": mistakes,
        "stress": stress,
    }  # fmt: skip
    return RunPage(**{**values, **changes})


def test_a_page_says_what_the_run_was_and_reached() -> None:
    page = Page(render(a_page(("disc", "square"))))
    for said in (
        "shapes", "backbone small-cnn · recipe tiny · 28 px", "83.3 %", "macro-F1", "calibration error",
        "25.0 %", "tilt 15°", "moderate", "80.0 %",
        "\N{MINUS SIGN}10.0", "A wide gap", "augmentation.flip", "none",
        "/photos/of mine", "ab" * 32, "1 file was skipped", "train/a/bad.jpg", "python", "3.11.7",
        "kept: fine-tuning, epoch 4", "No validation photo is misclassified", "epoch: linear head, then",
    ):  # fmt: skip
        assert said in page.words, said
    low, high = (
        100 * end
        for end in dataclasses.astuple(a_page(("disc", "square")).evaluations["validation"].top1_wilson)
    )
    assert f"{low:.1f} to {high:.1f} %" in page.words


def test_a_page_loads_nothing_and_runs_nothing(tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(
        cv2.imencode(".png", np.full((300, 400, 3), 90, np.uint8))[1].tobytes()
    )
    mistakes = [Mistake(str(tmp_path / "photo.png"), HOSTILE[0], HOSTILE[2], 0.9, 0.1)]
    source = render(a_page(HOSTILE, mistakes))
    page = Page(source)
    assert not {"script", "link", "iframe", "object", "embed", "form", "base", "a"} & set(page.tags)
    for tag, key, value in page.attributes:
        assert not key.startswith("on"), (tag, key)
        assert key not in {"href", "srcset", "style", "xlink:href", "action"}, (tag, key)
        assert key != "src" or value.startswith("data:image/"), (tag, key)
    assert not re.search(r"url\(|@import|//[a-z]", source)
    style = re.search(r"<style>(.*?)</style>", source, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style.group(1).encode()).digest()).decode()
    (policy,) = [value for tag, key, value in page.attributes if tag == "meta" and "default-src" in value]
    assert policy.startswith("default-src 'none';")
    assert f"style-src 'sha256-{digest}'" in policy
    assert "script" not in policy


def test_hostile_labels_are_text(tmp_path: Path) -> None:
    mistakes = [Mistake(f"validation/{label}", label, label, 0.9, 0.1) for label in HOSTILE]
    page = Page(render(a_page(HOSTILE, mistakes)))
    for label in HOSTILE:
        assert page.shown.count(label) >= 5, label  # both sides of the matrix, the list, two in the caption
        assert page.shown.count(f"validation/{label}") == 1


def test_photos_are_inside_the_page_and_described(tmp_path: Path) -> None:
    photo = np.full((300, 600, 3), (10, 200, 30), np.uint8)
    assert cv2.imwrite(str(tmp_path / "wide.png"), photo)
    mistakes = [
        Mistake("wide.png", "disc", "square", 0.9, 0.05),
        Mistake("gone.png", "square", "disc", 0.8, 0.2),
    ]
    page_of = a_page(("disc", "square"), mistakes)
    page_of = dataclasses.replace(page_of, settings={**page_of.settings, "data": str(tmp_path)})
    page = Page(render(page_of))
    (image,) = page.images
    assert image["alt"] == "a photo of disc, called square"
    picture = decode_photo(base64.b64decode(image["src"].partition(",")[2]), "picture")
    assert picture.shape == (130, 260, 3)
    assert np.abs(picture.astype(int) - photo[0, 0]).max() < 12
    assert page.words.count("gone.png") == page.words.count("wide.png") == 1
    assert page.words.index("cannot be read any more") < page.words.index("gone.png")
    assert "90.0 %" in page.words


@pytest.mark.parametrize(
    ("changes", "said", "unsaid"),
    [
        ({"mistakes": None}, "Not recorded for this run", "No validation photo is misclassified"),
        ({"stress": None}, "Confusion on validation", "Camera stress"),
        ({"history": []}, "Nothing was trained", "Learning curves"),
        ({"history": history("head", "head")}, "epoch of the linear head", "fine-tuning"),
        ({"history": history("fine-tune")}, "One epoch is too few", "linear head"),
        ({"evaluations": {}}, "Settings", "Result on"),
        ({"settings": {}, "mistakes": ()}, "backbone ?", "px"),
    ],
)
def test_a_page_shows_what_there_is(changes, said: str, unsaid: str) -> None:
    words = Page(render(a_page(("disc", "square"), **changes))).words
    assert said in words
    assert unsaid not in words


def figures_of(labels: int, photos: int, wrong: int) -> str:
    """Return the words of the page of a run with so many labels, validation photos and mistakes."""
    targets = np.arange(photos) % labels
    scores = np.full((photos, labels), 0.1 / (labels - 1))
    scores[np.arange(photos), (targets + (np.arange(photos) < wrong)) % labels] = 0.9
    names = [f"label {number}" for number in range(labels)]
    evaluation = evaluate(scores, targets, names, resamples=20)
    page = a_page(names, evaluations={"validation": evaluation}, stress=None)
    return Page(render(page)).words


def test_a_calibration_error_of_few_photos_is_said_to_tell_nothing() -> None:
    few, enough = figures_of(4, 149, 3), figures_of(4, 150, 3)
    assert "too few photos to tell calibration error" in few
    assert "with fewer than 150 photos, 10 in each, it is mostly chance" in few
    assert "too few" not in enough
    assert "mostly chance" not in enough


def test_a_range_that_resampling_cannot_give_is_not_shown() -> None:
    right, mixed = figures_of(4, 160, 0), figures_of(4, 160, 3)
    assert "100.0 % no range macro-F1" in right
    assert "Where every photo is called right, resampling cannot tell" in right
    assert "100.0 to 100.0" not in right
    assert "97.7 to 100.0 %" in right, "Wilson's formula can tell"
    assert "the others by resampling" not in right
    assert "Where no photo is called right" in figures_of(4, 160, 160)
    assert "no range" not in mixed
    assert "the others by resampling" in mixed


def test_the_best_three_of_three_labels_are_no_figure() -> None:
    assert "top-3" not in figures_of(3, 9, 1)
    assert "top-3" in figures_of(4, 9, 1)


def test_a_page_says_only_what_the_recipe_did() -> None:
    page = a_page(("disc", "square"), history=history("fine-tune", "fine-tune"))

    def words(**recipe: object) -> str:
        settings = {**page.settings, "recipe": {"name": "tiny", **recipe}}
        shown = Page(render(dataclasses.replace(page, settings=settings))).words
        return shown[: shown.index("All ")]

    plain = words(pretrained=False, head_epochs=0, dropout=0, label_smoothing=0, augmentation={"flip": 0})
    for unsaid in ("varied", "dropout", "smoothed", "teacher", "fine-tun"):
        assert unsaid not in plain, unsaid
    assert "kept: training, epoch 2" in plain
    full = words(
        pretrained=True, head_epochs=0, dropout=0.2, label_smoothing=0.1, teacher="best",
        augmentation={"flip": 0.5},
    )  # fmt: skip
    assert "on varied photos, with dropout, against smoothed labels, against a teacher's scores:" in full
    assert "kept: fine-tuning, epoch 2" in full


def test_a_page_says_what_the_kept_checkpoint_was_chosen_for() -> None:
    rows = history("head", "fine-tune", "fine-tune")
    plain = Page(render(a_page(("a", "b"), history=rows))).words
    assert "it has the smallest validation loss top-1" in plain
    assert "before calibration" not in plain
    losses = (0.3, 0.2, 0.4)
    rows = [dataclasses.replace(row, calibrated_loss=loss) for row, loss in zip(rows, losses, strict=True)]
    tuned = Page(render(a_page(("a", "b"), history=rows))).words
    assert (
        "kept: fine-tuning, epoch 2, 71.0 %: it has the smallest validation loss after calibration" in tuned
    )
    assert "the loss before calibration" in tuned
    assert "left out" not in tuned


def test_fine_tuning_that_was_in_vain_is_said_to_be_left_out() -> None:
    rows = [
        dataclasses.replace(row, calibrated_loss=loss)
        for row, loss in zip(history("head", "head", "fine-tune"), (0.3, 0.2, 0.25), strict=True)
    ]
    assert "Fine-tuning made it no better and was left out" in Page(render(a_page("ab", history=rows))).words
    assert "left out" not in Page(render(a_page("ab", history=rows[:2]))).words


@pytest.mark.parametrize(("labels", "css_class"), [(4, None), (5, "hint"), (20, "hint"), (21, "hint always")])
def test_a_matrix_that_may_be_cut_off_says_that_it_scrolls(labels: int, css_class: str | None) -> None:
    page = Page(render(a_page([f"label {number}" for number in range(labels)])))
    hints = [value for _, key, value in page.attributes if key == "class" and value.startswith("hint")]
    assert hints == ([css_class] if css_class else [])
    assert ("scrolls sideways" in page.words) is bool(css_class)


def test_the_stress_says_what_one_photo_is_worth() -> None:
    assert "One photo is worth 16.7 points" in Page(render(a_page(("a", "b")))).words


def test_validation_comes_before_test() -> None:
    page = a_page(("a", "b"))
    both = {"test": page.evaluations["validation"], "validation": page.evaluations["validation"]}
    words = Page(render(dataclasses.replace(page, evaluations=both))).words
    assert words.index("Result on validation") < words.index("Result on test")


def test_a_thousand_labels_are_listed_not_drawn(tmp_path: Path) -> None:
    page = a_page([f"label {number}" for number in range(200)])
    source = render(page)
    assert len(source) < 200_000
    assert "pairs most often mixed up" in source
    draw_confusion(page.evaluations["validation"], "validation", tmp_path / "confusion.png")
    assert max(read_photo(tmp_path / "confusion.png").shape) < 2000


def test_a_path_that_is_not_utf8_is_written(tmp_path: Path) -> None:
    page = a_page(("a", "b"), settings={"data": "/caf\udce9"})
    write_page(tmp_path / "report.html", page)
    assert "/caf\\udce9" in (tmp_path / "report.html").read_text(encoding="utf-8")


@given(st.text())
def test_any_text_comes_back_as_it_was_or_visibly_escaped(value: str) -> None:
    parser = Page(f'<p title="{text(value)}">{text(value)}</p>')
    plain = not re.search(r"[\x00-\x1f\x7f-\x9f]", value)
    # Both readers see the very same text, which is the value unless it held control characters.
    assert "".join(parser.shown) == parser.attributes[0][2]
    assert not plain or "".join(parser.shown) == value


# --- charts -------------------------------------------------------------------------------------------------


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_ticks_are_even_and_reach_around_the_values(one: float, other: float) -> None:
    low, high = min(one, other), max(one, other)
    ticks = nice_ticks(low, high)
    slack = 1e-6 * max(abs(low), abs(high), 1e-6) + 1e-9
    assert ticks[0] <= low + slack
    assert ticks[-1] >= high - slack
    assert 2 <= len(ticks) <= 9


def test_a_chart_leaves_out_what_is_not_finite() -> None:
    chart = line_chart(
        "loss",
        [Line("training", "training", [1.0, 2.0, float("nan"), 3.0])],
        x_label="epoch",
        mark=Mark(0, 1.0, "kept"),
    )
    page = Page(chart)
    curves = [
        dict_value
        for tag, key, dict_value in page.attributes
        if tag == "path" and key == "d" and "L" in dict_value
    ]
    assert len(curves) == 1
    assert "nan" not in chart
    assert ("svg", "aria-label", "loss") in page.attributes


def test_curves_of_a_head_do_not_mention_fine_tuning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from matplotlib.figure import Figure

    written: list[str] = []
    save = Figure.savefig

    def spy(figure: Figure, *arguments, **named) -> None:
        for axes in figure.axes:
            written.extend(
                [axes.get_xlabel(), *(entry.get_text() for entry in axes.get_legend().get_texts())]
            )
        save(figure, *arguments, **named)

    monkeypatch.setattr(Figure, "savefig", spy)
    draw_curves(history("head", "head"), tmp_path / "curves.png")
    assert "fine" not in " ".join(written)
    draw_curves(history("head", "fine-tune"), tmp_path / "curves.png")
    assert "fine-tuning begins" in written
    with pytest.raises(ValueError, match="without rows"):
        draw_curves([], tmp_path / "none.png")


# --- from a run's folder ------------------------------------------------------------------------------------


@pytest.fixture
def run(tmp_path: Path, shapes_dataset: Path) -> Path:
    image = keras.Input((16, 16, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3)(image))
    model = keras.Model(image, keras.layers.Dense(3, activation="softmax", name="logits")(pooled))
    page = a_page(("disc", "square", "stripe"))
    return write_run(
        tmp_path / "run", model, contract_of(model, ("disc", "square", "stripe")),
        settings={**page.settings, "data": str(shapes_dataset)},
        history=page.history, evaluation=page.evaluations["validation"],
    )  # fmt: skip


def report(*arguments: object):
    return CliRunner().invoke(main, ["report", *(str(argument) for argument in arguments)])


def test_a_page_is_made_again_from_the_folder(run: Path) -> None:
    page = a_page(("disc", "square", "stripe"))
    found = read_run_page(run)
    assert found.history == page.history
    assert found.evaluations == page.evaluations
    assert found.mistakes is None
    assert found.stress is None
    result = report(run)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{run / 'report.html'}\n"
    assert Page((run / "report.html").read_text()).words == Page(render(found)).words


def test_the_stress_that_an_evaluation_left_is_shown(run: Path) -> None:
    stress = a_page(("a", "b")).stress
    full = dataclasses.replace(stress, rows=(*stress.rows, StressRow("tilt 30°", "tilt", "30°", 2, 0.7)))
    record = {"splits": ["validation"], "stress": full.as_record()}
    (run / "evaluation.json").write_text(json.dumps(record))
    assert read_run_page(run).stress == full
    (run / "evaluation.json").write_text('{"splits": ["validation"], "stress": null}')
    assert read_run_page(run).stress is None


def test_mistakes_are_looked_for_and_kept(run: Path, shapes_dataset: Path, tmp_path: Path) -> None:
    result = report(run, "--data", shapes_dataset)
    assert result.exit_code == 0, result.output
    found = read_run_page(run)
    first = Page((run / "report.html").read_text())
    assert len(first.images) == len(found.mistakes) > 0
    assert all(image["alt"].startswith("a photo of ") for image in first.images)
    assert all((shapes_dataset / mistake.photo).is_file() for mistake in found.mistakes)
    again = report(run, "--out", tmp_path / "other.html")
    assert again.exit_code == 0, again.output
    assert Page((tmp_path / "other.html").read_text()).images == first.images


def test_a_page_is_made_again_without_tensorflow(run: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys; from click.testing import CliRunner; from hangtag.cli import main; "
        f"r = CliRunner().invoke(main, ['report', {str(run)!r}]); "
        "print(r.exit_code, {'tensorflow', 'keras', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "0 set()\n"


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("run.json", "[]"),
        ("run.json", "{"),
        ("metrics.json", '{"validation": {"top1": 1}}'),
        ("metrics.json", '{"validation": 3}'),
        ("metrics.json", "nonsense"),
        ("history.csv", "phase,epoch\nhead,one\n"),
        ("history.csv", "phase,epoch\nhead,1\n"),
        ("history.csv", "phase,epoch\n" + "x" * 200_000),
        ("evaluation.json", '{"stress": {"rows": 3}}'),
        ("evaluation.json", '{"stress": {"photos": 1, "seed": 0, "clean_top1": 1, "rows": [{"name": 1}]}}'),
    ],
)
def test_a_damaged_folder_is_one_clear_error(run: Path, file: str, content: str) -> None:
    (run / file).write_text(content)
    with pytest.raises(RunError, match=re.escape(file)):
        read_run_page(run)
    result = report(run)
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    result = report(tmp_path)
    assert result.exit_code == 1
    assert "no finished training run" in result.stderr


def test_mistakes_found_and_shown_are_the_same(tmp_path: Path) -> None:
    scores = np.array([[0.2, 0.8], [0.7, 0.3]])
    found = find_mistakes([Path("x.png"), Path("y.png")], scores, np.array([0, 1]), ("a", "b"))
    words = Page(render(a_page(("a", "b"), found))).words
    assert words.index("x.png") < words.index("y.png")
    assert "2 validation photos are misclassified" in words


def test_a_page_warns_of_figures_that_are_too_good() -> None:
    page = a_page(("a", "b"))
    assert "Warning:" not in render(page)
    lines = ["2 photos of test are in train as well", *HOSTILE]
    warned = dataclasses.replace(page, settings={**page.settings, "warnings": lines})
    shown = Page(render(warned)).words
    assert shown.index("Warning: 2 photos of test are in train as well") < shown.index("macro-F1")
    assert shown.count("Warning:") == len(lines)
