"""What ``hangtag data`` says about data sets, and which photos training leaves out."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from click.testing import CliRunner, Result

from hangtag.cli import main
from hangtag.errors import DatasetError
from hangtag.labelled_folder import read_split
from hangtag.photos import read_photo
from hangtag.progress import Progress
from hangtag_train.datasets.hygiene import Checkup, Fault, check
from hangtag_train.datasets.likeness import difference_hash, near_pairs, thumbnail_of
from hangtag_train.datasets.screening import screen

_QUIET = Progress(quiet=True)


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def dataset(shapes_dataset: Path, tmp_path: Path) -> Path:
    """A copy of the shapes that a test may change."""
    root = tmp_path / "set"
    shutil.copytree(shapes_dataset, root)
    return root


def _faults(checkup: Checkup) -> dict[Fault, list[tuple[str, ...]]]:
    found: dict[Fault, list[tuple[str, ...]]] = {}
    for finding in checkup.findings:
        found.setdefault(finding.fault, []).append(finding.files)
    return found


def test_a_clean_data_set_has_no_findings(dataset: Path) -> None:
    checkup = check(dataset, _QUIET)
    assert checkup.findings == ()
    assert checkup.counts["train"] == {"disc": 6, "square": 6, "stripe": 6}
    assert (checkup.photos, checkup.formats, checkup.imbalance) == (36, {"PNG": 36}, 1.0)
    assert checkup.smallest_wh is not None
    assert checkup.largest_wh is not None
    assert 48 <= min(checkup.smallest_wh) <= max(checkup.largest_wh) < 90


def _unreadable(root: Path) -> None:
    (root / "train" / "disc" / "00.png").write_bytes(b"nothing")


def _misnamed(root: Path) -> None:
    shutil.move(root / "train" / "disc" / "00.png", root / "train" / "disc" / "00.jpg")


def _copied(root: Path) -> None:
    shutil.copy(root / "train" / "disc" / "00.png", root / "train" / "disc" / "copy.png")


def _leaked(root: Path) -> None:
    shutil.copy(root / "train" / "disc" / "00.png", root / "test" / "disc" / "copy.png")


def _contradicted(root: Path) -> None:
    shutil.copy(root / "train" / "disc" / "00.png", root / "train" / "square" / "copy.png")


def _saved_again(root: Path, to: str) -> None:
    image = cv2.resize(read_photo(root / "train" / "disc" / "00.png"), None, fx=1.5, fy=1.5)
    cv2.imwrite(str(root / to), image, [cv2.IMWRITE_JPEG_QUALITY, 70])


def _unlearned(root: Path) -> None:
    shutil.rmtree(root / "train" / "disc")


def _one_label(root: Path) -> None:
    for split in root.iterdir():
        for label in ("square", "stripe"):
            shutil.rmtree(split / label)


def _passed_over(root: Path) -> None:
    (root / "train" / "disc" / "photo.heic").write_bytes(b"x")
    (root / "train" / "disc" / "more").mkdir()


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (_unreadable, {Fault.UNREADABLE: [("train/disc/00.png",)]}),
        (_misnamed, {Fault.MISNAMED: [("train/disc/00.jpg",)]}),
        (_copied, {Fault.COPIED: [("train/disc/00.png", "train/disc/copy.png")]}),
        (_leaked, {Fault.LEAKED: [("train/disc/00.png", "test/disc/copy.png")]}),
        (_contradicted, {Fault.CONTRADICTED: [("train/disc/00.png", "train/square/copy.png")]}),
        (
            lambda root: _saved_again(root, "train/disc/again.jpg"),
            {Fault.NEARLY_COPIED: [("train/disc/00.png", "train/disc/again.jpg")]},
        ),
        (
            lambda root: _saved_again(root, "validation/square/again.jpg"),
            {
                fault: [("train/disc/00.png", "validation/square/again.jpg")]
                for fault in (Fault.NEARLY_LEAKED, Fault.NEARLY_CONTRADICTED)
            },
        ),
        (_unlearned, {Fault.UNLEARNED: [("test/disc",), ("validation/disc",)]}),
        (
            lambda root: shutil.rmtree(root / "validation" / "disc"),
            {Fault.UNMEASURED: [("train/disc",)]},
        ),
        (_one_label, {Fault.ALONE: [("train/disc",)]}),
        (_passed_over, {Fault.PASSED_OVER: [("train/disc/more",), ("train/disc/photo.heic",)]}),
        (lambda root: (root / "train" / "hat").mkdir(), {Fault.EMPTY: [("train/hat",)]}),
    ],
)
def test_each_fault_is_found_and_nothing_else(
    spoil: object, expected: dict[Fault, list[tuple[str, ...]]], dataset: Path
) -> None:
    spoil(dataset)  # type: ignore[operator]
    assert _faults(check(dataset, _QUIET)) == expected
    result = _run("data", "check", dataset, "--strict")
    assert result.exit_code == 1
    for fault, files in expected.items():
        assert f"{fault.value}: {len(files)}" in result.stdout
        assert files[0][0] in result.stdout
    assert _run("data", "check", dataset).exit_code == 0


def test_check_prints_json(dataset: Path) -> None:
    _leaked(dataset)
    record = json.loads(_run("data", "check", dataset, "--json").stdout)
    assert record["counts"]["test"]["disc"] == 3
    assert record["findings"] == [
        {"fault": Fault.LEAKED.value, "files": ["train/disc/00.png", "test/disc/copy.png"], "detail": ""}
    ]


def test_check_of_what_is_no_data_set(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no train, validation or test"):
        check(tmp_path, _QUIET)


def test_like_pictures_of_different_things_are_no_pairs() -> None:
    def tiny(seed: int, shade: int) -> npt.NDArray[np.uint8]:
        """A garment's outline as in Fashion-MNIST: same cut, other shade and hem."""
        image = np.zeros((28, 28, 3), np.uint8)
        cv2.rectangle(image, (8, 2), (19, 24 - seed % 3), (shade,) * 3, -1)
        return image

    images = [tiny(seed, 90 + 12 * seed) for seed in range(10)]
    images += [images[0], images[4] + np.uint8(1)]
    hashes = np.array([difference_hash(image) for image in images], np.uint64)
    thumbnails = np.stack([thumbnail_of(image) for image in images])
    assert set(near_pairs(hashes, thumbnails)) == {(0, 10), (4, 11)}


def test_bits_are_counted_alike_without_numpy_2(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    thumbnails = np.repeat(rng.integers(0, 255, (40, 16, 16, 3)).astype(np.uint8), 2, axis=0)
    hashes = np.repeat(rng.integers(0, 2**63, 40).astype(np.uint64), 2) ^ np.arange(80, dtype=np.uint64)
    expected = list(near_pairs(hashes, thumbnails))
    monkeypatch.delattr(np, "bitwise_count", raising=False)
    assert list(near_pairs(hashes, thumbnails)) == expected
    assert len(expected) == 40


@pytest.mark.parametrize("label", ["disc", "Höschen", "帽子", "a$b$c"])
def test_show_draws_every_label(label: str, dataset: Path, tmp_path: Path) -> None:
    for split in ("train", "validation", "test"):
        if label != "disc":
            (dataset / split / "disc").rename(dataset / split / label)
    _broken = dataset / "train" / label / "00.png"
    _broken.write_bytes(b"nothing")
    result = _run("data", "show", dataset, "--out", tmp_path / "sheet.png", "--per-label", 6)
    assert result.exit_code == 0, result.output
    assert "skipped: " in result.stderr
    assert "00.png" in result.stderr
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert sheet is not None
    assert sheet.shape[0] > 450
    again = _run("data", "show", dataset, "--out", tmp_path / "again.png", "--per-label", 6)
    assert again.exit_code == 0
    assert np.array_equal(sheet, cv2.imread(str(tmp_path / "again.png")))  # type: ignore[arg-type]


def test_show_draws_the_first_of_very_many_labels(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hangtag_train.datasets.sheet.MOST_ROWS", 2)
    result = _run("data", "show", dataset, "--out", tmp_path / "sheet.png", "--per-label", 2)
    assert result.exit_code == 0, result.output
    assert "note: the sheet has the first 2 of 3 labels" in result.stderr
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert sheet is not None
    monkeypatch.undo()
    whole = _run("data", "show", dataset, "--out", tmp_path / "whole.png", "--per-label", 2)
    assert "note: " not in whole.stderr
    assert sheet.shape[0] < cv2.imread(str(tmp_path / "whole.png")).shape[0]  # type: ignore[union-attr]


def test_prepare_writes_the_normal_form(shapes_dataset: Path, tmp_path: Path) -> None:
    result = _run("data", "prepare", shapes_dataset / "train", "--out", tmp_path / "out", "--test-share", "0")
    assert result.exit_code == 0, result.output
    assert "validation        3 photos    3 labels" in result.stdout
    assert len(read_split(tmp_path / "out", "train").photos) == 15
    assert _run("data", "prepare", tmp_path / "none", "--out", tmp_path / "x").exit_code == 1
    wrong = _run(
        "data",
        "prepare",
        shapes_dataset,
        "--out",
        tmp_path / "x",
        "--test-share",
        0.5,
        "--validation-share",
        0.5,
    )
    assert wrong.exit_code == 2


def _many(root: Path, count: int, bad: dict[str, int]) -> Path:
    for label in ("a", "b"):
        (root / "train" / label).mkdir(parents=True)
        for number in range(count):
            path = root / "train" / label / f"{number:03}.png"
            cv2.imwrite(str(path), np.full((2, 2, 3), number, np.uint8))
            if number < bad.get(label, 0):
                path.write_bytes(b"nothing")
    return root


def test_a_bad_photo_is_left_out_by_name(tmp_path: Path) -> None:
    split = read_split(_many(tmp_path, 30, {"b": 2}), "train")
    (kept,), errors = screen([split], _QUIET)
    assert [photo for photo in split.photos if photo not in kept.photos] == list(split.photos[30:32])
    assert kept.labels == split.labels
    assert [str(error).split(" ")[0] for error in errors] == [
        str(photo.path) for photo in split.photos[30:32]
    ]


@pytest.mark.parametrize(
    ("count", "bad", "message"),
    [
        (30, {"a": 2, "b": 2}, "4 of 60 photos .* more than 5%.*; and 1 more"),
        (10, {"a": 2}, "2 of 20 photos"),
    ],
)
def test_too_many_bad_photos_stop(count: int, bad: dict[str, int], message: str, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=message):
        screen([read_split(_many(tmp_path, count, bad), "train")], _QUIET)


def test_a_label_without_a_good_photo_stops(tmp_path: Path) -> None:
    root = _many(tmp_path, 60, {})
    (root / "train" / "c").mkdir()
    (root / "train" / "c" / "only.png").write_bytes(b"nothing")
    with pytest.raises(DatasetError, match=r"no photo of c in .* can be used.*only.png"):
        screen([read_split(root, "train")], _QUIET)
