"""The page of a training run is whole, safe whatever it is made of, and says what the run was and reached."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from html_page import Page
from hypothesis import given
from hypothesis import strategies as st
from page_examples import HOSTILE, a_page, history

from hangtag.metrics import evaluate
from hangtag.page_parts import text
from hangtag.photos import decode_photo, read_photo
from hangtag_train.mistakes import Mistake, find_mistakes
from hangtag_train.page import render, write_page
from hangtag_train.report import draw_confusion


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
