"""Folders and archives of photos become one normal form."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from hangtag.cache import cache_folder
from hangtag.errors import DatasetError, HangtagError
from hangtag.labelled_folder import SPLITS, read_split
from hangtag.progress import Progress
from hangtag_train.datasets import PreparedDataset, SourceOptions, prepare
from hangtag_train.datasets.prepare import prepare_at
from hangtag_train.datasets.screening import screen

_QUIET = Progress(quiet=True)


def _photo(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.random.default_rng(seed).integers(0, 255, (6, 5, 3)).astype(np.uint8))


@pytest.fixture
def options(tmp_path: Path) -> SourceOptions:
    return SourceOptions(cache=tmp_path / "cache", validation_share=0.2, test_share=0.2)


@pytest.fixture
def labels_only(tmp_path: Path) -> Path:
    """Two labels of ten photos each, without splits."""
    root = tmp_path / "garments"
    for label in ("hat", "shoe"):
        for number in range(10):
            _photo(root / label / f"{number}.png", 100 * len(label) + number)
    return root


def _counts(dataset: PreparedDataset) -> dict[str, Counter[str]]:
    return {
        split: Counter(photo.path.parent.name for photo in read_split(dataset.path, split).photos)
        for split in SPLITS
        if (dataset.path / split).is_dir()
    }


def test_a_folder_in_normal_form_is_used_as_it_is(shapes_dataset: Path, options: SourceOptions) -> None:
    found = prepare(str(shapes_dataset), options, _QUIET)
    assert found.path == shapes_dataset
    assert found.source["kind"] == "folder"
    assert not (options.cache or Path()).exists()


def test_label_folders_are_split_in_three_as_links(labels_only: Path, options: SourceOptions) -> None:
    found = prepare(str(labels_only), options, _QUIET)
    assert _counts(found) == {
        "train": {"hat": 6, "shoe": 6},
        "validation": {"hat": 2, "shoe": 2},
        "test": {"hat": 2, "shoe": 2},
    }
    photo = read_split(found.path, "train").photos[0].path
    assert photo.samefile(labels_only / photo.parent.name / photo.name)
    record = json.loads((found.path / "dataset.json").read_text())
    assert record["counts"]["validation"] == {"hat": 2, "shoe": 2}
    assert record["source"]["split_seed"] == 1
    assert record["source"] == found.source


def test_a_test_share_of_nothing_makes_no_test_split(labels_only: Path, tmp_path: Path) -> None:
    found = prepare(str(labels_only), SourceOptions(cache=tmp_path / "c", test_share=0), _QUIET)
    assert sorted(_counts(found)) == ["train", "validation"]


@pytest.mark.parametrize("validation", [None, "val", "Valid"])
def test_missing_and_foreign_split_names(
    validation: str | None, shapes_dataset: Path, tmp_path: Path, options: SourceOptions
) -> None:
    root = tmp_path / "set"
    shutil.copytree(shapes_dataset, root)
    if validation is None:
        shutil.rmtree(root / "validation")
    else:
        (root / "validation").rename(root / validation)
    counts = _counts(prepare(str(root), options, _QUIET))
    carved = {"train": 5, "validation": 1, "test": 2}
    given = {"train": 6, "validation": 4, "test": 2}
    for split, number in (carved if validation is None else given).items():
        assert counts[split] == dict.fromkeys(("disc", "square", "stripe"), number)


def test_content_seed_and_shares_make_another_folder(labels_only: Path, tmp_path: Path) -> None:
    def path(**changes: float) -> Path:
        given = {"validation_share": 0.2, **changes}
        return prepare(str(labels_only), SourceOptions(cache=tmp_path / "c", **given), _QUIET).path  # type: ignore[arg-type]

    first = path()
    assert path() == first
    others = {path(seed=2), path(validation_share=0.3), path(test_share=0.2)}
    _photo(labels_only / "hat" / "0.png", 7)
    others.add(path())
    assert len(others | {first}) == 5


def test_a_broken_cache_is_made_anew(labels_only: Path, options: SourceOptions) -> None:
    found = prepare(str(labels_only), options, _QUIET)
    before = _counts(found)
    lost = read_split(found.path, "train").photos[0].path
    lost.unlink()
    changed = read_split(found.path, "test").photos[0].path
    changed.unlink()
    changed.write_bytes(b"something else")
    again = prepare(str(labels_only), options, _QUIET)
    assert (again.path, _counts(again)) == (found.path, before)
    assert changed.read_bytes() != b"something else"


def test_copies_stay_together(labels_only: Path, options: SourceOptions) -> None:
    for number in range(10):
        shutil.copy(labels_only / "hat" / f"{number}.png", labels_only / "hat" / f"copy{number}.png")
    found = prepare(str(labels_only), options, _QUIET)
    for split in SPLITS:
        names = {photo.path.name for photo in read_split(found.path, split).photos if photo.label == 0}
        assert {name.removeprefix("copy") for name in names if name.startswith("copy")} == {
            name for name in names if not name.startswith("copy")
        }


@pytest.mark.parametrize("below", ["", "training"])
def test_a_bad_photo_is_named_as_the_user_knows_it(
    below: str, tmp_path: Path, options: SourceOptions
) -> None:
    source = tmp_path / "photos"
    for label in ("hat", "shoe"):
        for number in range(60):
            _photo(source / below / label / f"{number}.png", 7 * number + len(label))
    prepared = prepare(str(source), options, _QUIET).path
    # What lies in train now becomes unreadable: the very file that the prepared folder links to.
    victim = next((prepared / "train" / "hat").iterdir()).name
    mine = source / below / "hat" / victim
    with mine.open("r+b") as file:
        file.truncate(40)
    _, (error,) = screen([read_split(prepared, "train")], _QUIET)
    assert str(error).startswith(f"{mine} is cut short")


def test_a_label_called_train_is_a_label(labels_only: Path, options: SourceOptions) -> None:
    (labels_only / "hat").rename(labels_only / "train")
    assert sorted(_counts(prepare(str(labels_only), options, _QUIET))["train"]) == ["shoe", "train"]


def test_an_archive_is_prepared_like_its_folder(
    labels_only: Path, tmp_path: Path, options: SourceOptions
) -> None:
    archive = tmp_path / "garments.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(labels_only.rglob("*.png")):
            file.write(path, path.relative_to(tmp_path))
    from_folder, from_archive = (prepare(str(one), options, _QUIET) for one in (labels_only, archive))
    assert from_archive.name == "garments"
    assert from_archive.source["kind"] == "archive"
    names = [
        {split: [photo.path.name for photo in read_split(one.path, split).photos] for split in SPLITS}
        for one in (from_folder, from_archive)
    ]
    assert names[0] == names[1]


def test_prepare_at_writes_files_of_its_own(
    labels_only: Path, tmp_path: Path, options: SourceOptions
) -> None:
    found = prepare_at(str(labels_only), tmp_path / "out", options, _QUIET)
    photos = [photo.path for split in SPLITS for photo in read_split(found.path, split).photos]
    assert len(photos) == 20
    assert not any(photo.is_symlink() or photo.stat().st_nlink > 1 for photo in photos)
    again = prepare(str(tmp_path / "out"), options, _QUIET)
    assert again.path == tmp_path / "out"
    assert again.source["prepared_from"]["split_seed"] == 1
    with pytest.raises(HangtagError, match="exists already"):
        prepare_at(str(labels_only), tmp_path / "out", options, _QUIET)


@pytest.mark.parametrize(
    ("files", "source", "message"),
    [
        ([], "missing", "no such file or folder"),
        (["a/hat/1.png", "a/hat/2.png"], "a", "2 different pictures of 'hat', too few"),
        (["a/notes.txt"], "a", "no label folders"),
        (["notes.txt"], "notes.txt", "no data set that can be read"),
        (["a/val/x/1.png", "a/valid/x/1.png", "a/train/x/1.png"], "a", "more than one folder for validation"),
        (["a/test/x/1.png"], "a", "nothing to train on"),
        (["a/hat/1.png", "a/hat/2.png", "a/hat/3.png", "a/shoe/readme.txt"], "a", "holds no image"),
    ],
)
def test_sources_that_cannot_be_used_are_refused(
    files: list[str], source: str, message: str, tmp_path: Path, options: SourceOptions
) -> None:
    for number, name in enumerate(files):
        _photo(tmp_path / name, number) if name.endswith(".png") else _text(tmp_path / name)
    with pytest.raises(DatasetError, match=message):
        prepare(str(tmp_path / source), options, _QUIET)


def _text(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("hello")


def test_an_option_without_a_use_is_refused(shapes_dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no use for label_column"):
        prepare(str(shapes_dataset), SourceOptions(label_column="x"), _QUIET)
    with pytest.raises(DatasetError, match="belongs to a data set's name"):
        prepare(str(shapes_dataset), SourceOptions(data_dir=tmp_path), _QUIET)


@pytest.mark.parametrize(
    ("own", "shared", "expected"),
    [("/a", "/b", "/a"), (None, "/b", "/b/hangtag"), ("", "relative", ".cache/hangtag")],
)
def test_where_the_cache_is(
    own: str | None, shared: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", shared)
    monkeypatch.setenv("HANGTAG_CACHE", own) if own is not None else monkeypatch.delenv("HANGTAG_CACHE")
    assert cache_folder() == tmp_path / expected
