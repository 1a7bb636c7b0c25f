"""Fashion-MNIST, MNIST and files like theirs."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from hangtag.errors import DatasetError
from hangtag.labelled_folder import SPLITS, read_split
from hangtag.progress import Progress
from hangtag_train.datasets import PreparedDataset, SourceOptions, named, prepare
from hangtag_train.datasets.idx import read_idx

_QUIET = Progress(quiet=True)


def _idx(array: npt.NDArray[np.uint8]) -> bytes:
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()


def _noise(count: int, *shape: int) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (count, *shape)).astype(np.uint8)


def _write_mnist(folder: Path, *, zipped: bool = True) -> None:
    """Write 40 training and 6 test pictures of 4 x 5 pixels, two labels, in MNIST's format."""
    folder.mkdir(parents=True, exist_ok=True)
    images = _noise(46, 5, 4)
    labels = np.arange(46, dtype=np.uint8) % 2
    for stem, part in (("train", slice(40)), ("t10k", slice(40, 46))):
        for what, array in (("images-idx3", images[part]), ("labels-idx1", labels[part])):
            data = _idx(array)
            name = f"{stem}-{what}-ubyte" + (".gz" if zipped else "")
            (folder / name).write_bytes(gzip.compress(data) if zipped else data)


def _counts(dataset: PreparedDataset) -> list[int]:
    return [len(read_split(dataset.path, split).photos) for split in SPLITS]


@pytest.mark.parametrize("zipped", [True, False])
def test_a_folder_of_idx_files(zipped: bool, tmp_path: Path) -> None:
    _write_mnist(tmp_path / "digits", zipped=zipped)
    found = prepare(str(tmp_path / "digits"), SourceOptions(cache=tmp_path / "cache"), _QUIET)
    assert _counts(found) == [36, 4, 6]
    assert found.greyscale_size_wh == (4, 5)
    images = _noise(46, 5, 4)
    for split in SPLITS:
        for photo in read_split(found.path, split).photos:
            part, number = photo.path.stem.split("-")
            place = int(number) + (40 if part == "test" else 0)
            stored = cv2.imread(str(photo.path), cv2.IMREAD_UNCHANGED)
            assert np.array_equal(stored, images[place])  # type: ignore[arg-type]
            assert photo.label == place % 2


@pytest.mark.parametrize("shape", [(6, 7), (6, 7, 1), (6, 7, 3)])
def test_an_npz(shape: tuple[int, ...], tmp_path: Path) -> None:
    images = _noise(30, *shape)
    path = tmp_path / "things.npz"
    np.savez(path, x_train=images, y_train=np.arange(30).reshape(-1, 1) % 3)
    found = prepare(str(path), SourceOptions(cache=tmp_path / "cache"), _QUIET)
    assert _counts(found) == [24, 3, 3]
    photo = read_split(found.path, "train").photos[0].path
    stored = cv2.imread(str(photo), cv2.IMREAD_UNCHANGED)
    wanted = images[int(photo.stem.split("-")[1])]
    assert np.array_equal(stored, wanted[..., ::-1] if shape[2:] == (3,) else wanted.reshape(6, 7))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x_train": _noise(3, 2, 2)}, "wanted x_train and y_train"),
        ({"x_train": _noise(3, 2, 2), "y_train": np.zeros(2, int)}, "do not belong together"),
        ({"x_train": _noise(3, 2, 2) / 255, "y_train": np.zeros(3, int)}, "wanted pictures as uint8"),
        ({"x_train": _noise(3, 2, 2), "y_train": np.zeros(3)}, "wanted labels as integers"),
        ({"x_train": _noise(0, 2, 2), "y_train": np.zeros(0, int)}, "holds no picture"),
        ({"x_train": _noise(3, 2, 2), "y_train": np.array([0, -1, 0])}, "the label -1 has no name"),
        ({"x_train": np.array([print], object), "y_train": np.zeros(1, int)}, "no plain array"),
    ],
)
def test_an_npz_that_cannot_be_used(
    arrays: dict[str, npt.NDArray[np.generic]], message: str, tmp_path: Path
) -> None:
    np.savez(tmp_path / "things.npz", **arrays)  # type: ignore[arg-type]
    with pytest.raises(DatasetError, match=message):
        prepare(str(tmp_path / "things.npz"), SourceOptions(cache=tmp_path / "cache"), _QUIET)


def test_an_npz_that_announces_too_much_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", x_train=_noise(3, 100, 100), y_train=np.zeros(3, int))
    data = (
        (tmp_path / "x.npz")
        .read_bytes()
        .replace(b"(3, 100, 100)", b"(3, 10**9, 9)")
        .replace(b"(3, 10**9, 9)", b"(3333, 99999)")
    )
    (tmp_path / "x.npz").write_bytes(data)
    with pytest.raises(DatasetError, match=r"no plain array|no \.npz"):
        prepare(str(tmp_path / "x.npz"), SourceOptions(cache=tmp_path / "cache"), _QUIET)


def _named_pairs(folder: Path, names: list[str]) -> None:
    """Write files of one data set, 40 pictures to train on and 6 to test, under names of one's choice."""
    folder.mkdir(parents=True, exist_ok=True)
    images, labels = _noise(46, 5, 4), np.arange(46, dtype=np.uint8) % 2
    for name in names:
        part = slice(40, 46) if "test" in name or "t10k" in name else slice(40)
        array = (labels if "labels" in name else images)[part]
        if name.endswith(".npz"):
            np.savez(folder / name, array)
        else:
            (folder / name).write_bytes(gzip.compress(_idx(array)) if name.endswith(".gz") else _idx(array))


_LETTERS = [
    f"emnist-letters-{split}-{what}-ubyte"
    for split in ("train", "test")
    for what in ("images-idx3", "labels-idx1")
]
_DIGITS = [name.replace("letters", "digits") for name in _LETTERS]
_KUZUSHIJI = [f"kmnist-{split}-{what}.npz" for split in ("train", "test") for what in ("imgs", "labels")]


@pytest.mark.parametrize(
    ("names", "asked", "name", "counts"),
    [
        (_LETTERS, ".", "emnist-letters", [36, 4, 6]),
        ([f"{name}.gz" for name in _LETTERS], ".", "emnist-letters", [36, 4, 6]),
        (_LETTERS, _LETTERS[0], "emnist-letters", [36, 4, 6]),
        (_LETTERS, _LETTERS[3], "emnist-letters", [36, 4, 6]),
        ([f"{name}.gz" for name in _LETTERS], f"{_LETTERS[1]}.gz", "emnist-letters", [36, 4, 6]),
        (_LETTERS[:2], _LETTERS[0], "emnist-letters", [32, 4, 4]),
        ([*_LETTERS, *_DIGITS], _LETTERS[0], "emnist-letters", [36, 4, 6]),
        ([*_LETTERS, *_KUZUSHIJI], _KUZUSHIJI[0], "kmnist", [36, 4, 6]),
        (_KUZUSHIJI, ".", "kmnist", [36, 4, 6]),
        (_KUZUSHIJI, _KUZUSHIJI[1], "kmnist", [36, 4, 6]),
        (_KUZUSHIJI[:2], _KUZUSHIJI[0], "kmnist", [32, 4, 4]),
        (["train-images.idx3-ubyte", "train-labels.idx1-ubyte"], ".", "set", [32, 4, 4]),
        (["signs.images-idx3-ubyte", "signs.labels-idx1-ubyte"], ".", "signs", [32, 4, 4]),
    ],
)  # fmt: skip
def test_pairs_of_files_under_any_name(
    names: list[str], asked: str, name: str, counts: list[int], tmp_path: Path
) -> None:
    _named_pairs(tmp_path / "set", names)
    found = prepare(str(tmp_path / "set" / asked), SourceOptions(cache=tmp_path / "cache"), _QUIET)
    assert found.name == name
    assert _counts(found) == counts
    images = _noise(46, 5, 4)
    for photo in read_split(found.path, "train").photos:
        place = int(photo.path.stem.split("-")[1])
        assert np.array_equal(cv2.imread(str(photo.path), cv2.IMREAD_UNCHANGED), images[place])  # type: ignore[arg-type]
        assert photo.label == place % 2


@pytest.mark.parametrize(
    ("names", "asked", "message"),
    [
        (_LETTERS[:1], ".", "and no emnist-letters-train-labels-idx1-ubyte beside it; an idx data set has"),
        (_LETTERS[1:2], ".", "and no emnist-letters-train-images-idx3-ubyte beside it"),
        (_LETTERS[:1], _LETTERS[0], "and no emnist-letters-train-labels-idx1-ubyte beside it"),
        (_LETTERS[:3], ".", "and no emnist-letters-test-labels-idx1-ubyte beside it"),
        (_LETTERS[2:], ".", "emnist-letters-test-labels-idx1-ubyte and nothing to train on"),
        (["train-images-idx3-ubyte.gz"], ".", "no train-labels-idx1-ubyte.gz beside it; an idx"),
        (_KUZUSHIJI[:1], _KUZUSHIJI[0], r"no kmnist-train-labels\.npz beside it; an \.npz data set has"),
        (_KUZUSHIJI[1:2], ".", r"no kmnist-train-imgs\.npz beside it"),
        ([*_LETTERS, *_DIGITS], ".", "holds several data sets: name a file of the one"),
        ([*_LETTERS, *_KUZUSHIJI], ".", "holds several data sets: name a file of the one"),
        (["letters.idx3"], "letters.idx3", r"or one of a pair of idx files \(train-images-idx3-ubyte\)"),
    ],
)  # fmt: skip
def test_half_of_a_pair_is_one_clear_error(
    names: list[str], asked: str, message: str, tmp_path: Path
) -> None:
    _named_pairs(tmp_path / "set", names)
    with pytest.raises(DatasetError, match=message) as caught:
        prepare(str(tmp_path / "set" / asked), SourceOptions(cache=tmp_path / "cache"), _QUIET)
    assert "\n" not in str(caught.value)


def test_a_pair_of_npz_holds_one_array_each(tmp_path: Path) -> None:
    _named_pairs(tmp_path, _KUZUSHIJI)
    np.savez(tmp_path / _KUZUSHIJI[1], _noise(2), _noise(2))
    with pytest.raises(DatasetError, match=r"labels\.npz holds arr_0, arr_1; wanted one array"):
        prepare(str(tmp_path), SourceOptions(cache=tmp_path / "cache"), _QUIET)
    (tmp_path / _KUZUSHIJI[1]).write_bytes(b"PK nothing")
    with pytest.raises(DatasetError, match=r"labels\.npz is no \.npz file"):
        prepare(str(tmp_path), SourceOptions(cache=tmp_path / "cache"), _QUIET)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no idx file"),
        (b"\0\0\x0d\1\0\0\0\1\0\0\0\0", "type 0x0d"),
        (_idx(_noise(2, 3, 3))[:-1], "ends too early"),
        (_idx(_noise(2, 3, 3)) + b"x", "holds more than it announces"),
        (b"\0\0\x08\3" + b"\xff" * 12, "at most"),
        (gzip.compress(_idx(_noise(2, 3, 3)), mtime=0)[:-9], "cannot read"),
        (b"\x1f\x8bnonsense", "cannot read"),
    ],
)
def test_idx_files_that_cannot_be_used(data: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(DatasetError, match=message):
        read_idx(tmp_path / "x")


@pytest.fixture
def small_fashion(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder in Fashion-MNIST's format that is taken for the real one; nothing else is looked at."""
    folder = tmp_path / "given"
    _write_mnist(folder)
    content = [
        hashlib.sha256(gzip.decompress((folder / name).read_bytes())).hexdigest()
        for name in named._FASHION_FILES
    ]
    keys = ("train-images", "train-labels", "test-images", "test-labels")
    monkeypatch.setattr(named, "_FASHION_CONTENT", dict(zip(keys, content, strict=True)))
    monkeypatch.setattr(named, "_DEBIAN", tmp_path / "no-debian")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return folder


@pytest.mark.parametrize("place", ["data_dir", "above", "keras"])
def test_fashion_mnist_is_found_where_it_is(place: str, small_fashion: Path, tmp_path: Path) -> None:
    where = {"data_dir": "given", "above": "up/fashion-mnist", "keras": "keras/datasets/fashion-mnist"}[place]
    if where != "given":
        (tmp_path / where).parent.mkdir(parents=True)
        small_fashion.rename(tmp_path / where)
    data_dir = {"data_dir": tmp_path / "given", "above": tmp_path / "up", "keras": None}[place]
    found = prepare("fashion-mnist", SourceOptions(data_dir=data_dir, cache=tmp_path / "cache"), _QUIET)
    assert read_split(found.path, "train").labels == ("T-shirt", "Trouser")
    assert _counts(found) == [36, 4, 6]  # a twelfth of each label's twenty, rounded
    assert found.source["kind"] == "fashion-mnist"


def test_a_download_that_was_given_up_half_way_is_passed_over(small_fashion: Path, tmp_path: Path) -> None:
    half = tmp_path / "keras" / "datasets" / "fashion-mnist"
    half.mkdir(parents=True)
    (half / "train-labels-idx1-ubyte.gz").write_bytes(b"")
    downloads = tmp_path / "cache" / "downloads"
    downloads.mkdir(parents=True)
    small_fashion.rename(downloads / "fashion-mnist")
    found = prepare("fashion-mnist", SourceOptions(cache=tmp_path / "cache"), _QUIET)
    assert _counts(found) == [36, 4, 6]


def test_something_else_is_not_fashion_mnist(small_fashion: Path, tmp_path: Path) -> None:
    (small_fashion / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(_idx(np.ones(6, np.uint8))))
    with pytest.raises(DatasetError, match="does not hold Fashion-MNIST: its test-labels"):
        prepare("fashion-mnist", SourceOptions(data_dir=small_fashion, cache=tmp_path), _QUIET)
    with pytest.raises(DatasetError, match="does not hold fashion-mnist; wanted"):
        prepare("fashion-mnist", SourceOptions(data_dir=tmp_path / "keras", cache=tmp_path), _QUIET)


def test_the_real_fashion_mnist_has_the_pinned_content() -> None:
    folder = Path("/usr/share/datasets/fashion-mnist")
    if not folder.is_dir():
        pytest.skip("needs the Debian package dataset-fashion-mnist")
    digests = [read_idx(folder / name)[1] for name in named._FASHION_FILES]
    assert digests == list(named._FASHION_FILES.values())
    assert digests == list(named._FASHION_CONTENT.values())
