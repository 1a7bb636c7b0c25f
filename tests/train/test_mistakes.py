from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from matplotlib.figure import Figure

from hangtag.errors import PhotoError, TrainingError
from hangtag.photos import read_photo
from hangtag_train.lettering import style, written
from hangtag_train.mistakes import (
    Mistake,
    draw_mistakes,
    find_mistakes,
    read_mistakes,
    thumbnail,
    write_mistakes,
)

LABELS = ("a", "b", "c")
SCORES = np.array([[0.9, 0.1, 0.0], [0.6, 0.3, 0.1], [0.2, 0.8, 0.0], [0.05, 0.95, 0.0]])
TARGETS = np.array([0, 1, 2, 0])
PHOTOS = [Path(f"{letter}.png") for letter in "wxyz"]


def test_the_most_confident_mistake_comes_first() -> None:
    found = find_mistakes(PHOTOS, SCORES, TARGETS, LABELS)
    assert found == [
        Mistake("z.png", "a", "b", 0.95, 0.05),
        Mistake("y.png", "c", "b", 0.8, 0.0),
        Mistake("x.png", "b", "a", 0.6, 0.3),
    ]


@pytest.mark.parametrize(
    ("photos", "scores", "targets", "labels"),
    [
        (PHOTOS[:3], SCORES, TARGETS, LABELS),
        (PHOTOS, SCORES, TARGETS[:3], LABELS),
        (PHOTOS, SCORES, TARGETS, LABELS[:2]),
    ],
)
def test_lengths_that_do_not_fit_together_are_refused(photos, scores, targets, labels) -> None:
    with pytest.raises(ValueError, match="wanted"):
        find_mistakes(photos, scores, targets, labels)


@pytest.fixture
def sheet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Draws a sheet of 40 plain photos with given labels; gives its texts and pictures."""
    drawn: list[Figure] = []
    save = Figure.savefig

    def spy(figure: Figure, *arguments, **named) -> None:
        drawn.append(figure)
        save(figure, *arguments, **named)

    monkeypatch.setattr(Figure, "savefig", spy)
    paths = []
    for number in range(40):
        paths.append(tmp_path / f"{number}.png")
        assert cv2.imwrite(str(paths[-1]), np.full((30, 20 + number, 3), 6 * number, np.uint8))

    def draw(labels: tuple[str, str], wrong: int, **named: int) -> tuple[int, Figure, np.ndarray]:
        targets = np.zeros(40, int)
        scores = np.tile([0.9, 0.1], (40, 1))
        scores[:wrong, 1] = np.linspace(0.6, 0.99, wrong)  # the last of the wrong ones is the worst
        scores[:wrong, 0] = 1 - scores[:wrong, 1]
        count = draw_mistakes(paths, scores, targets, labels, tmp_path / "sheet.png", **named)
        return count, drawn[-1], read_photo(tmp_path / "sheet.png")

    return draw


def texts(figure: Figure) -> list[str]:
    return [axes.get_title("left") for axes in figure.axes if axes.get_title("left")]


def test_a_sheet_shows_photos_with_both_labels_and_score(sheet) -> None:
    count, figure, picture = sheet(("shirt", "dress"), 7)
    assert count == 7
    assert texts(figure)[0] == "is shirt\ncalled dress 99 %"
    assert len(texts(figure)) == 7
    assert "7 of 40" in figure.get_suptitle()
    worst = figure.axes[0].images[0].get_array()
    assert worst.shape == (30, 26, 3), "the photo is shown whole, undistorted"
    assert (worst == 36).all(), "the seventh photo is the worst mistake"
    assert min(picture.shape[:2]) > 300


def test_a_sheet_holds_no_more_photos_than_asked_and_says_how_many_there_are(sheet) -> None:
    count, figure, _ = sheet(("shirt", "dress"), 35, limit=12)
    assert count == 35
    assert len(texts(figure)) == 12
    assert "35 of 40" in figure.get_suptitle()
    assert "the 12 most confident" in figure.get_suptitle()


def test_no_mistake_is_said_too(sheet) -> None:
    count, figure, _ = sheet(("shirt", "dress"), 0)
    assert count == 0
    assert texts(figure) == []
    assert "none of 40" in figure.get_suptitle()


@pytest.mark.parametrize(
    "label", ["$x_1$", "$\\nonsense{$", "<script>", "Mütze & Rock", "帽子", "🧢", "x" * 99]
)
def test_hostile_and_foreign_labels_are_drawn_as_text(sheet, label: str) -> None:
    # Warnings are errors here: a missing glyph or bad mathematics would not pass.
    _, figure, picture = sheet((label, "other"), 1)
    assert texts(figure)[0].startswith(f"is {written(label, 20)}\n")
    assert picture.any()


@pytest.mark.parametrize(
    ("text", "longest", "expected"),
    [
        ("plain", None, "plain"),
        ("Überärmel", None, "Überärmel"),
        ("abcdef", 4, "abc…"),
        ("abcd", 4, "abcd"),
        ("a\x07b\n", None, "a<U+0007>b<U+000A>"),
        ("\U0010fffd", None, "<U+10FFFD>"),
        ("", None, ""),
    ],
)
def test_what_is_written_can_be_drawn(text: str, longest: int | None, expected: str) -> None:
    assert written(text, longest) == expected
    assert style([expected])["parse_math"] is False


def test_a_photo_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match=r"gone\.png"):
        draw_mistakes(
            [tmp_path / "gone.png"], np.array([[0.0, 1.0]]), np.array([0]), "ab", tmp_path / "x.png"
        )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((100, 50, 3), (20, 10, 3)), ((10, 8, 3), (10, 8, 3)), ((3, 900, 3), (1, 20, 3))],
)
def test_thumbnails_keep_their_aspect_and_are_not_enlarged(shape, expected) -> None:
    assert thumbnail(np.zeros(shape, np.uint8), 20).shape == expected


def test_a_list_comes_back_as_it_was_written(tmp_path: Path) -> None:
    found = find_mistakes(PHOTOS, SCORES, TARGETS, ("<b>", "$x$", "帽子"))
    write_mistakes(found, tmp_path / "mistakes.json")
    assert read_mistakes(tmp_path / "mistakes.json") == found


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        "[1]",
        "{}x",
        '{"a": 1}',
        '[{"photo": "a.png"}]',
        '[{"photo": "../a.png", "label": "", "predicted": "", "score": 1, "true_score": 0}]',
        '[{"photo": "/a.png", "label": "", "predicted": "", "score": 1, "true_score": 0}]',
        '[{"photo": "a\\u0000.png", "label": "", "predicted": "", "score": 1, "true_score": 0}]',
        '[{"photo": "a.png", "label": "", "predicted": "", "score": "x", "true_score": 0}]',
        "[" * 100_000,
    ],
)
def test_a_damaged_list_is_one_clear_error(tmp_path: Path, content: str) -> None:
    (tmp_path / "mistakes.json").write_text(content)
    with pytest.raises(TrainingError, match=r"mistakes\.json is no list"):
        read_mistakes(tmp_path / "mistakes.json")
