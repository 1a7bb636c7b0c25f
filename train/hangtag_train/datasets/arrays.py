"""Arrays of pictures and labels as a source: MNIST's idx files and NumPy's .npz."""

from __future__ import annotations

import hashlib
import math
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import cv2
import numpy as np
import numpy.typing as npt

from hangtag.errors import DatasetError
from hangtag_train.datasets.idx import read_idx
from hangtag_train.datasets.names import label_name
from hangtag_train.datasets.source import DEFAULT_SHARES, Sample, Shares, Source, file_sha256

_MAX_BYTES = 8 * 10**9


@dataclass(frozen=True, slots=True)
class LabelledArrays:
    """Pictures of one split: uint8 (n, height, width) grey or (n, height, width, 3) RGB; labels int (n,)."""

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]


def arrays_source(
    splits: Mapping[str, LabelledArrays],
    *,
    name: str,
    fingerprint: str,
    record: Mapping[str, Any],
    label_names: Sequence[str] | None,
    shares: Shares = DEFAULT_SHARES,
) -> Source:
    """Return arrays as a source of PNG files, named by split and place: ``train-00017.png``.

    Without ``label_names`` the labels' numbers are their names.

    Raises (when read):
        DatasetError: a label has no name.
    """
    only_train = set(splits) == {"train"}

    def samples() -> list[Sample]:
        return [
            Sample(
                label=label,
                name=f"{split}-{number:05}.png",
                digest=hashlib.sha256(png).hexdigest(),
                content=png,
                split=None if only_train else split,
            )
            for split, arrays in splits.items()
            for number, (label, png) in enumerate(_pictures(arrays, label_names, f"{name} {split}"))
        ]

    key = hashlib.sha256(repr((fingerprint, label_names)).encode()).hexdigest()
    return Source(name=name, fingerprint=key, samples=samples, record=record, shares=shares)


def _pictures(
    arrays: LabelledArrays, label_names: Sequence[str] | None, where: str
) -> Iterator[tuple[str, bytes]]:
    for number, (image, label) in enumerate(zip(arrays.images, arrays.labels, strict=True)):
        name = label_name(int(label), label_names, f"{where} picture {number}")
        yield name, png_bytes(image)


def png_bytes(image: npt.NDArray[np.uint8]) -> bytes:
    """Return a grey (height, width) or RGB (height, width, 3) picture as a PNG file."""
    bgr = image if image.ndim == 2 else image[..., ::-1]
    _, encoded = cv2.imencode(".png", np.ascontiguousarray(bgr))
    return encoded.tobytes()


def labelled_arrays(images: npt.NDArray[Any], labels: npt.NDArray[Any], where: str) -> LabelledArrays:
    """Check a pair of arrays and return it as pictures and labels.

    Raises:
        DatasetError: types, shapes or counts that are not pictures with one label each.
    """
    if images.ndim == 4 and images.shape[3] == 1:
        images = images[..., 0]
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if images.dtype != np.uint8 or images.ndim not in {3, 4} or (images.ndim == 4 and images.shape[3] != 3):
        raise DatasetError(
            f"{where}: wanted pictures as uint8 (n, height, width) or (n, height, width, 3), "
            f"got {images.dtype} {images.shape}"
        )
    if labels.dtype.kind not in "iu" or labels.ndim != 1:
        raise DatasetError(f"{where}: wanted labels as integers (n,), got {labels.dtype} {labels.shape}")
    if len(images) != len(labels):
        raise DatasetError(f"{where}: {len(images)} pictures and {len(labels)} labels do not belong together")
    if 0 in images.shape:
        raise DatasetError(f"{where}: holds no picture (shape {images.shape})")
    return LabelledArrays(images, labels.astype(np.int64))


def read_idx_splits(
    files: Mapping[str, tuple[Path, Path]],
) -> tuple[dict[str, LabelledArrays], dict[str, str]]:
    """Return the arrays by split and the SHA-256 of every file's plain content by ``split-what``.

    Raises:
        DatasetError: a file is damaged, or pictures and labels do not belong together.
    """
    splits, digests = {}, {}
    for split, (image_file, label_file) in files.items():
        images, digests[f"{split}-images"] = read_idx(image_file)
        labels, digests[f"{split}-labels"] = read_idx(label_file)
        splits[split] = labelled_arrays(images, labels, str(image_file))
    return splits, digests


def read_npz_pairs(
    files: Mapping[str, tuple[Path, Path]],
) -> tuple[dict[str, LabelledArrays], dict[str, str]]:
    """Return the arrays by split of .npz files that hold one array each, and every file's SHA-256.

    Raises:
        DatasetError: a file is damaged or holds several arrays, or pictures and labels do not belong
            together.
    """
    splits: dict[str, LabelledArrays] = {}
    digests: dict[str, str] = {}
    for split, (image_file, label_file) in files.items():
        images, labels = (_only_array(path) for path in (image_file, label_file))
        splits[split] = labelled_arrays(images, labels, str(image_file))
        digests |= {path.name: file_sha256(path) for path in (image_file, label_file)}
    return splits, digests


def _only_array(path: Path) -> npt.NDArray[Any]:
    arrays = _npz_arrays(path)
    if len(arrays) != 1:
        raise DatasetError(f"{path} holds {', '.join(arrays) or 'no array'}; wanted one array and no other")
    return next(iter(arrays.values()))


def read_npz(path: Path) -> tuple[dict[str, LabelledArrays], dict[str, str]]:
    """Return the arrays ``x_train``, ``y_train`` and, where there are such, ``x_test``, ``y_test``.

    Raises:
        DatasetError: no .npz file, damaged, or without these arrays.
    """
    digests = {path.name: file_sha256(path)}
    arrays = _npz_arrays(path, ("x_train", "y_train", "x_test", "y_test"))
    missing = [name for name in ("x_train", "y_train") if name not in arrays]
    if missing or ("x_test" in arrays) != ("y_test" in arrays):
        raise DatasetError(
            f"{path} holds {', '.join(arrays) or 'none of the arrays'}; "
            "wanted x_train and y_train, and x_test with y_test"
        )
    splits = {
        split: labelled_arrays(arrays[f"x_{split}"], arrays[f"y_{split}"], f"{path} {split}")
        for split in ("train", "test")
        if f"x_{split}" in arrays
    }
    return splits, digests


def _npz_arrays(path: Path, wanted: Sequence[str] | None = None) -> dict[str, npt.NDArray[Any]]:
    """Return these arrays, or all, by name, as far as the file holds them.

    Nothing that would execute code is read, and no array is made larger than its bytes in the file.
    """
    try:
        with zipfile.ZipFile(path) as opened:
            there = [name.removesuffix(".npy") for name in opened.namelist() if name.endswith(".npy")]
            chosen = there if wanted is None else [name for name in wanted if name in there]
            return {name: _read_array(opened, f"{name}.npy", path) for name in chosen}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise DatasetError(f"{path} is no .npz file that can be read: {error}") from None
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror or error}") from None


def _read_array(opened: zipfile.ZipFile, name: str, path: Path) -> npt.NDArray[Any]:
    size = opened.getinfo(name).file_size  # reading stops there, whatever is inside
    with opened.open(name) as file:
        shape, dtype = _array_header(file)
        count = math.prod(shape)
        if dtype.hasobject or count * dtype.itemsize > min(size, _MAX_BYTES):
            raise DatasetError(
                f"{path}: {name} announces {dtype} {shape}, which is no plain array of its {size} bytes"
            )
    with opened.open(name) as file:
        array: npt.NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
    return array


def _array_header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = np.lib.format.read_magic(file)
    reader = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = reader(file)
    return shape, dtype
