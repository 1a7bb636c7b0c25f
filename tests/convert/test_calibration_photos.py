"""Photos to calibrate on: the user's own, and never those that are kept for measuring."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from converting import convert_to, written
from tiny_run import TinyRun

from hangtag import Classifier
from hangtag.contract import InputSpec
from hangtag.errors import ConversionError, DatasetError, HangtagError, PhotoError
from hangtag.labelled_folder import LabelledFolder, LabelledPhoto
from hangtag_convert.calibration_set import CalibrationSet, choose_photos, own_photos
from hangtag_convert.formats import Format
from hangtag_convert.record import Conversion

SPEC = InputSpec(width_px=64, height_px=64)
LABELS = ("blue", "green", "red")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of photos of no data set."""
    folder = tmp_path / "own"
    folder.mkdir()
    rng = np.random.default_rng(12)
    for number in range(6):
        picture = rng.integers(0, 256, (80, 90, 3)).astype(np.uint8)
        assert cv2.imwrite(str(folder / f"{number}.png"), picture)
    return folder


def test_own_photos_take_the_place_of_the_training_photos(
    tiny_run: TinyRun, tiny_conversion: tuple[Path, Conversion], photos: Path, tmp_path: Path
) -> None:
    result = convert_to(tiny_run.folder, tmp_path / "out", [Format.INT8], calibration=photos)
    (outcome,) = result.outcomes
    assert outcome.calibration == "ranges by min-max of 6 photos"
    (plain,) = [one for one in tiny_conversion[1].outcomes if one.judged.format is Format.INT8]
    assert plain.calibration == "ranges by min-max of 36 photos"
    assert outcome.judged.bare != plain.judged.bare
    assert Classifier.load(tmp_path / "out" / written(outcome)).contract.labels == LABELS


def _in_folders(photos: Path, *names: str) -> None:
    for name, path in zip(names, sorted(photos.glob("*.png")), strict=False):
        (photos / name).mkdir(exist_ok=True)
        path.rename(photos / name / path.name)


def test_photos_may_lie_in_folders_of_labels(photos: Path) -> None:
    _in_folders(photos, "red", "green", "red", "green", "red", "green")
    found = own_photos(photos, LABELS, SPEC)
    assert sorted(photo.label for photo in found.photos) == [1, 1, 1, 2, 2, 2]


def _empty(photos: Path) -> None:
    for path in photos.iterdir():
        path.unlink()


def _shrunk(photos: Path) -> None:
    for path in photos.iterdir():
        picture = cv2.imread(str(path))
        assert picture is not None
        assert cv2.imwrite(str(path), picture[:12, :12])


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        (shutil.rmtree, DatasetError, "there is no folder"),
        (_empty, PhotoError, "holds no image"),
        (_shrunk, DatasetError, "12 px small and would be enlarged more than 4 times"),
        (lambda photos: _in_folders(photos, "red", "yellow"), DatasetError, "'yellow', which is no label"),
    ],
)
def test_photos_that_would_calibrate_something_else_are_refused(
    photos: Path, change: Callable[[Path], object], error: type[HangtagError], said: str
) -> None:
    change(photos)
    with pytest.raises(error, match=said) as caught:
        own_photos(photos, LABELS, SPEC)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("split", ["validation", "test"])
def test_a_photo_that_is_kept_for_measuring_is_not_calibrated_on(
    tiny_run: TinyRun, photos: Path, tmp_path: Path, split: str
) -> None:
    run, data = tmp_path / "run", tmp_path / "data"
    shutil.copytree(tiny_run.data, data)
    shutil.copytree(tiny_run.data / "validation", data / "test", dirs_exist_ok=True)
    for number, path in enumerate(sorted((data / "test").rglob("*.png"))):
        picture = cv2.imread(str(path))
        assert picture is not None
        assert cv2.imwrite(str(path), picture[: 60 + number % 3, ::-1])
    shutil.copytree(tiny_run.folder, run)
    _without_digest(run)
    leaked = next((data / split).rglob("*.png"))
    shutil.copy(leaked, photos / "another-name.png")
    with pytest.raises(
        ConversionError, match=r"1 of the photos .* kept for measuring: .*another-name\.png"
    ) as caught:
        convert_to(run, tmp_path / "out", [Format.INT8], data=data, calibration=photos)
    assert str(leaked) in str(caught.value)
    assert not (tmp_path / "out").exists()


def _without_digest(run: Path) -> None:
    """Make a run say nothing about which photos are its own."""
    import hashlib

    contract = json.loads((run / "contract.json").read_text())
    contract["provenance"]["dataset_sha256"] = None
    (run / "contract.json").write_text(json.dumps(contract))
    seal = json.loads((run / "run.json").read_text())
    seal["sha256"]["contract.json"] = hashlib.sha256((run / "contract.json").read_bytes()).hexdigest()
    (run / "run.json").write_text(json.dumps(seal))


def test_thinned_sets_are_spread_through_all(photos: Path) -> None:
    found = CalibrationSet(own_photos(photos, LABELS, SPEC).photos, SPEC)
    assert [photo.path.name for photo in found.thinned(3).photos] == ["0.png", "2.png", "4.png"]
    assert found.thinned(100).photos == found.photos
    assert len(found.thinned(4).photos) <= 4


def test_the_first_tensor_spans_all_bytes_and_the_others_are_the_photos(photos: Path) -> None:
    found = CalibrationSet(own_photos(photos, LABELS, SPEC).photos, SPEC)
    plain, spanning = list(found.tensors()), list(found.spanning()())
    low, high = found.input_range
    assert (spanning[0].min(), spanning[0].max()) == (low, high)
    assert (low, high) == ((0 - 127) / 128, (255 - 127) / 128)
    assert (plain[0] != spanning[0]).any(axis=3).sum() <= 2
    for one, other in zip(plain[1:], spanning[1:], strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("sizes", "count", "wanted"),
    [
        ([12, 12, 12], 9, [3, 3, 3]),
        ([100, 1, 100], 31, [15, 1, 15]),
        ([500, 500, 500, *[0] * 997], 300, [100, 100, 100]),
        ([2000, 1], 300, [299, 1]),
        ([5, 5], 300, [5, 5]),
        ([3] * 5000, 300, [1] * 300),
    ],
)
def test_so_many_photos_are_chosen_as_were_asked_for(sizes: list[int], count: int, wanted: list[int]) -> None:
    photos = [
        LabelledPhoto(Path(f"{label}/{n}"), label) for label, size in enumerate(sizes) for n in range(size)
    ]
    folder = LabelledFolder(Path(), tuple(map(str, range(len(sizes)))), tuple(photos))
    chosen = choose_photos(folder, count)
    assert len(set(chosen)) == len(chosen) == min(count, sum(sizes))
    of_label = [sum(photo.label == label for photo in chosen) for label in range(len(sizes))]
    assert [number for number in of_label if number] == wanted
