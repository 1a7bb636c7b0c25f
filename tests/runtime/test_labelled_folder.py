from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from hangtag.errors import DatasetError
from hangtag.labelled_folder import digest, read_split


def make(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())
    return root


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return make(
        tmp_path / "data",
        "train/shirt/b.jpg",
        "train/shirt/a.png",
        "train/dress/z.JPEG",
        "train/dress/notes.txt",
        "validation/dress/a.jpg",
        "validation/shirt/a.jpg",
        "test/shirt/a.jpg",
    )


def test_labels_and_photos_come_sorted_whatever_the_disk_says(dataset: Path) -> None:
    train = read_split(dataset, "train")
    assert train.path == dataset / "train"
    assert train.labels == ("dress", "shirt")
    assert [(photo.path.name, photo.label) for photo in train.photos] == [
        ("z.JPEG", 0),
        ("a.png", 1),
        ("b.jpg", 1),
    ]
    assert train.targets == (0, 1, 1)


def test_given_labels_keep_their_order(dataset: Path) -> None:
    split = read_split(dataset, "validation", ["shirt", "dress", "hat"])
    assert split.labels == ("shirt", "dress", "hat")
    assert split.targets == (0, 1)


def test_a_label_without_a_folder_is_fine_where_labels_are_given(dataset: Path) -> None:
    assert read_split(dataset, "test", ("dress", "shirt")).targets == (1,)


def test_hidden_folders_and_files_do_not_count(dataset: Path) -> None:
    make(
        dataset,
        "train/.cache/a.jpg",
        "train/shirt/._a.png",
        "train/readme.txt",
        "train/shirt/.b.jpg.part.jpg",
    )
    train = read_split(dataset, "train")
    assert train.labels == ("dress", "shirt")
    assert len(train.photos) == 3


def test_folders_inside_a_label_are_not_photos(dataset: Path) -> None:
    make(dataset, "train/shirt/more.jpg/c.jpg")
    assert len(read_split(dataset, "train").photos) == 3


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("data/train", "is one split of a data set; give the folder above it: {root}/data"),
        ("data/validation", "is one split of a data set; give the folder above it: {root}/data"),
        ("data/train/dress", "is one label of a data set; give the folder two above it: {root}/data"),
        (".", "has no train folder, but {root}/data has; give that folder"),
        ("nowhere", "there is no folder {root}/nowhere; wanted {root}/nowhere/train/LABEL/photo.jpg"),
        ("data/train/shirt/a.png", "there is no folder"),
        ("empty", "has no folder 'train' (it holds no folders); wanted {root}/empty/train/LABEL/photo.jpg"),
        ("other", "has no folder 'train' (it holds dress, shirt); wanted"),
    ],
)
def test_a_wrong_folder_is_told_what_it_is(asked: str, message: str, dataset: Path) -> None:
    root = dataset.parent
    (root / "empty").mkdir()
    make(root / "other", "dress/a.jpg", "shirt/a.jpg")
    with pytest.raises(DatasetError) as caught:
        read_split(root / asked, "train")
    assert message.format(root=root) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("inside", "message"),
    [("train", "is one split of a data set"), ("train/dress", "is one label of a data set")],
)
def test_a_wrong_folder_is_recognised_from_inside(
    inside: str, message: str, dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(dataset / inside)
    with pytest.raises(DatasetError, match=message):
        read_split(Path(), "train")


def test_many_folders_are_not_all_listed(tmp_path: Path) -> None:
    make(tmp_path, *(f"label{number}/a.jpg" for number in range(9)))
    with pytest.raises(DatasetError, match=r"it holds label0, label1, label2, label3, label4 and 4 more\)"):
        read_split(tmp_path, "train")


def test_an_empty_class_is_named(dataset: Path) -> None:
    make(dataset, "train/hat/readme.txt")
    with pytest.raises(DatasetError, match=r"train/hat holds no image; add photos of 'hat' or remove it"):
        read_split(dataset, "train")


def test_a_split_without_labels(tmp_path: Path) -> None:
    make(tmp_path, "train/a.jpg", "train/b.jpg")
    with pytest.raises(DatasetError, match=r"train holds no label folders; wanted .*train/LABEL/photo\.jpg"):
        read_split(tmp_path, "train")


def test_a_stranger_is_named_with_the_labels(dataset: Path) -> None:
    with pytest.raises(DatasetError, match=r"not labels of the model: dress; the labels are hat, shirt"):
        read_split(dataset, "validation", ("hat", "shirt"))


def test_a_missing_split_is_an_error_even_with_labels(dataset: Path) -> None:
    shutil.rmtree(dataset / "test")
    with pytest.raises(DatasetError, match="has no folder 'test'"):
        read_split(dataset, "test", ("dress", "shirt"))


# --- digest ------------------------------------------------------------------------------------------------


def test_digest_sees_a_label_renamed_in_place(dataset: Path) -> None:
    before = digest([read_split(dataset, "train")])
    (dataset / "train" / "shirt").rename(dataset / "train" / "shirts")
    assert digest([read_split(dataset, "train")]) != before


def digest_of(dataset: Path) -> str:
    return digest(read_split(dataset, split, ("dress", "shirt")) for split in ("train", "validation"))


def test_digest_is_the_same_elsewhere(dataset: Path, tmp_path: Path) -> None:
    before = digest_of(dataset)
    elsewhere = tmp_path / "deeper" / "elsewhere"
    shutil.copytree(dataset, elsewhere)
    assert digest_of(elsewhere) == before
    make(elsewhere, "train/dress/notes.txt", "train/.hidden/a.jpg")
    assert digest_of(elsewhere) == before
    assert len(before) == 64


def rewrite(dataset: Path) -> None:
    (dataset / "train/shirt/a.png").write_bytes(b"train/shirt/a.pnG")


def relabel(dataset: Path) -> None:
    shutil.move(dataset / "train/shirt/a.png", dataset / "train/dress/a.png")


def rename(dataset: Path) -> None:
    (dataset / "train/shirt/a.png").rename(dataset / "train/shirt/c.png")


def move_to_another_split(dataset: Path) -> None:
    shutil.move(dataset / "train/shirt/b.jpg", dataset / "validation/shirt/b.jpg")


def add(dataset: Path) -> None:
    make(dataset, "validation/shirt/new.jpg")


def remove(dataset: Path) -> None:
    (dataset / "train/shirt/a.png").unlink()


def swap_contents(dataset: Path) -> None:
    first, second = dataset / "train/shirt/a.png", dataset / "train/shirt/b.jpg"
    one, two = first.read_bytes(), second.read_bytes()
    first.write_bytes(two)
    second.write_bytes(one)


@pytest.mark.parametrize(
    "change", [rewrite, relabel, rename, move_to_another_split, add, remove, swap_contents]
)
def test_digest_sees_every_change(change, dataset: Path) -> None:
    before = digest_of(dataset)
    change(dataset)
    assert digest_of(dataset) != before


def test_digest_takes_names_that_are_not_utf8(dataset: Path) -> None:
    before = digest_of(dataset)
    (dataset / "train/shirt" / os.fsdecode(b"caf\xe9.jpg")).write_bytes(b"photo")
    after = digest_of(dataset)
    assert after != before
    (dataset / "train/shirt" / os.fsdecode(b"caf\xe9.jpg")).rename(
        dataset / "train/shirt" / os.fsdecode(b"caf\xe8.jpg")
    )
    assert digest_of(dataset) != after


def test_the_real_data_set(clothing_dataset: Path) -> None:
    train = read_split(clothing_dataset, "train")
    validation = read_split(clothing_dataset, "validation", train.labels)
    assert len(train.labels) == 10
    assert len(train.photos) == 3068
    assert len(validation.photos) == 341
