"""CSV and JSON lines files become folders of photos, or an error names file and line."""

from __future__ import annotations

import base64
import csv
import dataclasses
import io
import json
from pathlib import Path
from unittest import mock

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from hangtag.cli import main
from hangtag.errors import DatasetError
from hangtag.labelled_folder import SPLITS, read_split
from hangtag.progress import Progress
from hangtag_train.datasets import PreparedDataset, SourceOptions, prepare
from hangtag_train.datasets.prepare import prepare_at
from hangtag_train.training_data import list_training_data, screened, without_unreadable

_QUIET = Progress(quiet=True)


def _prepared(path: Path, **options: object) -> PreparedDataset:
    given = {"cache": path.parent / "cache", "validation_share": 0.3, "test_share": 0.3, **options}
    return prepare(str(path), SourceOptions(**given), _QUIET)  # type: ignore[arg-type]


def _pictures(dataset: PreparedDataset) -> dict[str, npt.NDArray[np.uint8]]:
    """Return every picture as it was stored, by ``label/name``."""
    return {
        f"{photo.path.parent.name}/{photo.path.name}": cv2.imread(str(photo.path), cv2.IMREAD_UNCHANGED)  # type: ignore[misc]
        for split in SPLITS
        if (dataset.path / split).is_dir()
        for photo in read_split(dataset.path, split).photos
    }


def _pixel_csv(images: npt.NDArray[np.uint8], labels: list[int], header: bool = True) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    flat = images.reshape(len(images), -1)
    if header:
        writer.writerow(["label", *(f"pixel{number}" for number in range(1, flat.shape[1] + 1))])
    writer.writerows([label, *row] for label, row in zip(labels, flat.tolist(), strict=True))
    return text.getvalue()


def _noise(count: int, *shape: int) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(3).integers(0, 256, (count, *shape)).astype(np.uint8)


@settings(deadline=None, max_examples=20)
@given(
    images=st.sampled_from([(6, 3, 3), (6, 5, 5), (8, 4, 4, 3)]).flatmap(
        lambda shape: arrays.arrays(np.uint8, shape, unique=False)
    ),
    header=st.booleans(),
)
def test_pixels_come_back_as_they_were(
    images: npt.NDArray[np.uint8], header: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("pixels")
    images[:, 0, 0] = np.arange(len(images)).reshape(-1, *[1] * (images.ndim - 3))  # no two are the same
    labels = [number % 2 for number in range(len(images))]
    (folder / "signs.csv").write_text(_pixel_csv(images, labels, header))
    found = _prepared(folder / "signs.csv")
    pictures = _pictures(found)
    assert len(pictures) == len(images)
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        stored = pictures[f"{label}/signs-line-{number + 1 + header:06}.png"]
        assert np.array_equal(stored, image if image.ndim == 2 else image[..., ::-1])
    assert found.greyscale_size_wh == ((images.shape[2], images.shape[1]) if images.ndim == 3 else None)


def test_a_test_table_beside_the_training_one_is_the_test_split(tmp_path: Path) -> None:
    images = _noise(14, 28, 28)
    (tmp_path / "sign_mnist_train.csv").write_text(_pixel_csv(images[:10], [0, 24] * 5))
    (tmp_path / "sign_mnist_test.csv").write_text(_pixel_csv(images[10:], [0, 24] * 2))
    for source in (tmp_path / "sign_mnist_train.csv", tmp_path):
        found = prepare(str(source), SourceOptions(cache=tmp_path / "cache"), _QUIET)
        assert [len(read_split(found.path, split).photos) for split in SPLITS] == [8, 2, 4]
        assert read_split(found.path, "test").labels == ("0", "24")


def test_names_for_numbers(tmp_path: Path) -> None:
    (tmp_path / "signs.csv").write_text(_pixel_csv(_noise(6, 4, 4), [0, 1] * 3))
    (tmp_path / "names.txt").write_text("Höhe\nB\n")
    found = _prepared(tmp_path / "signs.csv", labels_file=tmp_path / "names.txt")
    assert read_split(found.path, "train").labels == ("B", "Höhe")
    (tmp_path / "names.txt").write_text("A\n")
    with pytest.raises(DatasetError, match=r"signs.csv line 3: the label 1 has no name"):
        _prepared(tmp_path / "signs.csv", labels_file=tmp_path / "names.txt")


_HEADER = "label,pixel1,pixel2,pixel3,pixel4\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (_HEADER + "1,1,2,3,4\n,1,2,3,4\n", "line 3: the label must be a whole number, it is missing"),
        (_HEADER + "one,1,2,3,4\n", "line 2: the label must be a whole number, got 'one'"),
        (_HEADER + "1.5,1,2,3,4\n", r"line 2: the label must be a whole number, got '1\.5'"),
        (_HEADER + "3.0,1,2,3,4\n", r"line 2: the label must be a whole number, got '3\.0'"),
        ("3.0,1,2,3,4\n1,1,2,3,4\n", r"line 1: the label must be a whole number, got '3\.0'"),
        (_HEADER + "-1,1,2,3,4\n", "line 2: the label must be a whole number"),
        (_HEADER + "1" * 5000 + ",1,2,3,4\n", "line 2: the label must be a whole number"),
        (_HEADER + "1,1,2,256,4\n", "line 2: pixel 3 must be a whole number from 0 to 255, got '256'"),
        (_HEADER + "1,1,2,-3,4\n", "line 2: pixel 3"),
        (_HEADER + "1,1,2,,4\n", "line 2: pixel 3"),
        (_HEADER + "1,1,1_0,3,4\n", "line 2: pixel 2"),
        (_HEADER + "1,1,2,3,\u0664\n", "line 2: pixel 4"),
        (_HEADER + "1,1,2,3\n", "line 2: has 4 cells; wanted a label and 4 pixels"),
        ("label," + ",".join(f"pixel{n}" for n in range(1, 8)) + "\n", "make no square picture"),
        (_HEADER + '1,"1,2,3,4\n', "line 2: not CSV"),
        (_HEADER.replace(",", ";") + "1;1;2;3;4\n", "line 1: the columns are separated by semicolons"),
        ("image\tlabel\na.jpg\tdress\n", "line 1: the columns are separated by tabs"),
        ("", "no picture|no column"),
    ],
)
def test_pixel_tables_name_the_line_that_is_wrong(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "signs.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DatasetError, match=message):
        _prepared(tmp_path / "signs.csv")


@settings(deadline=None, max_examples=20)
@given(draw=st.data())
def test_any_text_is_a_data_set_or_a_clear_error(
    draw: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("text")
    ending = draw.draw(st.sampled_from(["csv", "jsonl"]))
    text = draw.draw(
        st.text(st.sampled_from('label,image\n"{}:0129.-x\\ \0\r'), max_size=80)
        | st.binary(max_size=40).map(repr)
    )
    (folder / f"t.{ending}").write_text(text, encoding="utf-8")
    with pytest.raises(DatasetError):
        _prepared(folder / f"t.{ending}")


def _png(seed: int) -> bytes:
    image = np.random.default_rng(seed).integers(0, 256, (5, 6, 3)).astype(np.uint8)
    return cv2.imencode(".png", image)[1].tobytes()


def _rows(kind: str, folder: Path) -> list[dict[str, object]]:
    (folder / "photos").mkdir(exist_ok=True)
    rows: list[dict[str, object]] = []
    for number in range(8):
        (folder / "photos" / f"{number}.jpg").write_bytes(_png(number))  # the ending is wrong on purpose
        cell = {
            "path": f"photos/{number}.jpg",
            "base64": base64.b64encode(_png(number)).decode(),
            "address": "data:image/png;base64," + base64.b64encode(_png(number)).decode(),
        }[kind]
        rows.append({"image": cell, "label": "hat" if number % 2 else "shoe"})
    return rows


def _write(rows: list[dict[str, object]], path: Path) -> Path:
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
@pytest.mark.parametrize("kind", ["path", "base64", "address"])
def test_tables_of_images(kind: str, ending: str, tmp_path: Path) -> None:
    found = _prepared(_write(_rows(kind, tmp_path), tmp_path / f"table.{ending}"))
    stored = {
        photo.path.read_bytes(): (photo.path.parent.name, photo.path.suffix)
        for split in SPLITS
        for photo in read_split(found.path, split).photos
    }
    assert stored == {_png(number): ("hat" if number % 2 else "shoe", ".png") for number in range(8)}


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_a_split_column_is_obeyed(ending: str, tmp_path: Path) -> None:
    rows = _rows("path", tmp_path)
    for number, row in enumerate(rows):
        row["split"] = ["train", "train", "val", "Validation", "test", "test", "train", "train"][number]
    found = _prepared(_write(rows, tmp_path / f"table.{ending}"))
    assert [len(read_split(found.path, split).photos) for split in SPLITS] == [4, 2, 2]
    rows[4]["split"] = "later"
    line = 6 if ending == "csv" else 5
    with pytest.raises(DatasetError, match=rf"line {line}: the split must be .* got 'later'"):
        _prepared(_write(rows, tmp_path / f"table.{ending}"))


def test_columns_of_other_names(tmp_path: Path) -> None:
    rows = [{"what": row["label"], "where": row["image"]} for row in _rows("path", tmp_path)]
    table = _write(rows, tmp_path / "table.csv")
    with pytest.raises(DatasetError, match=r"no column for the pictures .* --image-column"):
        _prepared(table)
    found = _prepared(table, image_column="where", label_column="what")
    assert read_split(found.path, "train").labels == ("hat", "shoe")
    with pytest.raises(DatasetError, match="has no column 'elsewhere'"):
        _prepared(table, image_column="elsewhere", label_column="what")


@pytest.mark.parametrize(
    ("kind", "change", "message"),
    [
        ("path", {"label": ""}, "the label is missing"),
        ("path", {"label": "../../etc"}, "cannot name a folder"),
        ("path", {"label": ".."}, "cannot name a folder"),
        ("path", {"image": ""}, "the picture is missing"),
        ("path", {"image": "photos/none.jpg"}, "cannot read 'photos/none.jpg'"),
        ("path", {"image": "../outside.png"}, "leads out of the table's folder"),
        ("path", {"image": "/etc/hostname"}, "must be relative"),
        ("path", {"image": "photos/link.png"}, "leads out of the table's folder"),
        ("path", {"image": "photos/text.png"}, "is not an image"),
        ("base64", {"image": "@@@@"}, "base64 does not decode"),
        ("base64", {"image": "aGVsbG8gaGVsbG8gaGVsbG8="}, "is not an image"),
        ("address", {"image": "data:image/png,abc"}, "is not in base64"),
    ],
)
@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_image_tables_name_the_line_that_is_wrong(
    kind: str, change: dict[str, str], message: str, ending: str, tmp_path: Path
) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    rows = _rows(kind, folder)
    (tmp_path / "outside.png").write_bytes(_png(1))
    (folder / "photos" / "link.png").symlink_to(tmp_path / "outside.png")
    (folder / "photos" / "text.png").write_text("no picture at all")
    rows[2].update(change)
    line = 4 if ending == "csv" else 3
    with pytest.raises(DatasetError, match=rf"table\.{ending} line {line}: .*{message}"):
        _prepared(_write(rows, folder / f"table.{ending}"))


_BAD = {
    "missing": ("path", "photos/none.jpg", "cannot read 'photos/none.jpg': No such file or directory"),
    "a folder": ("path", "photos", "cannot read 'photos': Is a directory"),
    "no image": ("path", "photos/text.png", "'photos/text.png' is not an image that can be read"),
    "cut short": ("path", "photos/cut.png", "'photos/cut.png' is cut short"),
    "no image in base64": ("base64", "aGVsbG8gaGVsbG8gaGVsbG8=", "the picture is not an image"),
    "cut short in base64": ("base64", base64.b64encode(_png(3)[:-20]).decode(), "the picture is cut short"),
    "nothing in base64": ("address", "data:image/png;base64,", "the picture is empty"),
}


def _table_with(
    bad: dict[int, str], kind: str, folder: Path, *, ending: str = "csv", count: int = 40
) -> Path:
    """Write a table of so many pictures, hats and shoes in turn, some cells of which are changed."""
    rows = _rows(kind, folder)
    rows = [dict(rows[number % 8]) for number in range(count)]
    for number, row in enumerate(rows):
        if kind == "path":
            row["image"] = f"photos/p{number}.png"
            (folder / "photos" / f"p{number}.png").write_bytes(_png(number))
        else:
            head = "data:image/png;base64," if kind == "address" else ""
            row["image"] = head + base64.b64encode(_png(number)).decode()
        row["image"] = bad.get(number, row["image"])
    (folder / "photos" / "text.png").write_text("no picture at all")
    (folder / "photos" / "cut.png").write_bytes(_png(1)[:-20])
    return _write(rows, folder / f"table.{ending}")


@pytest.mark.parametrize("row", [0, 5])
@pytest.mark.parametrize("ending", ["csv", "jsonl"])
@pytest.mark.parametrize("what", _BAD)
def test_a_bad_picture_is_named_by_its_line_and_left_out(
    what: str, ending: str, row: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kind, cell, reason = _BAD[what]
    table = _table_with({row: cell}, kind, tmp_path, ending=ending)
    place = f"table.{ending} line {row + (2 if ending == 'csv' else 1)}"
    options = SourceOptions(cache=tmp_path / "cache")
    for _ in range(2):  # what is found in the cache says it again
        found = prepare(str(table), options, Progress())
        ((where, why),) = found.skipped.items()
        assert where == place
        assert why.startswith(reason)
        assert f"skipped: {place}: {why}\n" in capsys.readouterr().err
    assert len(_pictures(found)) == 39


def test_bad_pictures_are_in_the_check_and_in_the_run(tmp_path: Path) -> None:
    table = _table_with({5: "photos/none.jpg", 8: "photos/text.png"}, "path", tmp_path)
    reason = "cannot read 'photos/none.jpg': No such file or directory"
    found = _prepared(table)
    listed = list_training_data(found.path, _QUIET)
    assert listed.skipped[0] == f"table.csv line 7: {reason}"
    photo = listed.train.photos[0].path
    photo.unlink()  # it is a link to the table's own
    photo.write_bytes(b"spoilt later")
    label = listed.train.labels[listed.train.photos[0].label]
    with pytest.raises(DatasetError, match=f"{label}/{photo.name} is not an image"):
        screened(listed, tmp_path / "screened", _QUIET)
    kept = dataclasses.replace(listed.train, photos=listed.train.photos[1:])
    later = without_unreadable(listed, (kept, listed.validation), ["spoilt"], _QUIET).skipped
    assert later == (*listed.skipped, "spoilt")
    out = tmp_path / "out"
    prepare_at(str(table), out, SourceOptions(cache=tmp_path / "cache"), _QUIET)
    for source in (table, out):
        result = CliRunner().invoke(
            main, ["data", "check", str(source), "--json"], env={"HANGTAG_CACHE": str(tmp_path / "cache")}
        )
        assert result.exit_code == 0, result.output
        unreadable = [
            (finding["files"], finding["detail"])
            for finding in json.loads(result.stdout)["findings"]
            if finding["fault"] == "cannot be read"
        ]
        assert unreadable[0] == (["table.csv line 10"], mock.ANY)
        assert unreadable[1] == (["table.csv line 7"], reason)


def test_a_picture_that_is_there_again_is_no_longer_left_out(tmp_path: Path) -> None:
    table = _table_with({5: "photos/none.jpg"}, "path", tmp_path)
    assert _prepared(table).skipped
    (tmp_path / "photos" / "none.jpg").write_bytes(b"no picture")
    assert "is not an image" in _prepared(table).skipped["table.csv line 7"]
    (tmp_path / "photos" / "none.jpg").write_bytes(_png(99))
    found = _prepared(table)
    assert not found.skipped
    assert len(_pictures(found)) == 40


def test_too_many_bad_pictures_are_one_clear_error(tmp_path: Path) -> None:
    bad = dict.fromkeys(range(3), "photos/none.jpg")
    with pytest.raises(
        DatasetError,
        match=r"^3 of 40 photos in .*table\.csv cannot be used, more than 5%.*: table\.csv line 2: ",
    ):
        _prepared(_table_with(bad, "path", tmp_path))
    del bad[0]
    assert len(_prepared(_table_with(bad, "path", tmp_path)).skipped) == 2


def test_the_share_of_bad_pictures_is_that_of_a_split(tmp_path: Path) -> None:
    table = _table_with({7: "photos/none.jpg"}, "path", tmp_path)
    lines = table.read_text().splitlines()
    splits = ["split", *("validation" if number < 8 else "train" for number in range(40))]
    table.write_text("\n".join(f"{line},{split}" for line, split in zip(lines, splits, strict=True)))
    with pytest.raises(DatasetError, match=r"1 of 8 photos in .*table\.csv validation cannot be used"):
        _prepared(table)


def test_a_label_without_a_good_picture_is_one_clear_error(tmp_path: Path) -> None:
    table = _table_with({7: "photos/none.jpg"}, "path", tmp_path)
    lines = table.read_text().splitlines()
    lines[8] = lines[8].replace("hat", "scarf")
    table.write_text("\n".join(lines))
    with pytest.raises(DatasetError, match=r"no photo of scarf in .*table\.csv can be used; mend them: "):
        _prepared(table)


@pytest.mark.parametrize(
    ("kind", "cell", "message"),
    [
        ("base64", "@@@@", "base64 does not decode"),
        ("path", "", "the picture is missing"),
        ("path", "../outside.png", "leads out of the table's folder"),
        ("path", "/etc/hostname", "must be relative"),
    ],
)
def test_what_is_wrong_with_the_table_is_an_error_however_rare(
    kind: str, cell: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(DatasetError, match=rf"^[^;]*table\.csv line 7: .*{message}"):
        _prepared(_table_with({5: cell}, kind, tmp_path))


@pytest.mark.parametrize("line", ["[1, 2]", "{", '"x"', "[" * 100_000, "\u00e9".encode("latin-1")])
def test_json_that_is_none_names_the_line(line: str | bytes, tmp_path: Path) -> None:
    data = line if isinstance(line, bytes) else line.encode()
    rows = _rows("path", tmp_path)
    table = _write(rows, tmp_path / "table.jsonl")
    table.write_bytes(table.read_bytes() + b"\n" + data + b"\n")
    with pytest.raises(DatasetError, match=r"table.jsonl line 10: (not JSON|wanted an object)"):
        _prepared(table)
