"""Data sets known by name: where they are looked for, and how it is made sure that they are the real ones."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from hangtag.errors import DatasetError
from hangtag.labelled_folder import dataset_digest, read_split
from hangtag.progress import Progress
from hangtag_train.datasets.archives import unpack_in_cache
from hangtag_train.datasets.array_pairs import find_pairs
from hangtag_train.datasets.arrays import LabelledArrays, arrays_source, read_idx_splits, read_npz
from hangtag_train.datasets.building import as_it_is
from hangtag_train.datasets.download import download
from hangtag_train.datasets.source import PreparedDataset, Shares, Source, SourceOptions

_KERAS_SITE = "https://storage.googleapis.com/tensorflow/tf-keras-datasets"
_DEBIAN = Path("/usr/share/datasets")
_MNIST_SHARES = Shares(5_000 / 60_000, 0.0)
"""5,000 of the 60,000 training pictures are for validation; the 10,000 of the test set are their own."""

FASHION_LABELS = (
    "T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
"""Fashion-MNIST's ten classes in the order of their numbers; the first is "T-shirt/top" there."""

_FASHION_FILES = {
    "train-images-idx3-ubyte.gz": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte.gz": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte.gz": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte.gz": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
"""File -> SHA-256 of what is in it once unpacked: mirrors compress the same content differently."""
_FASHION_CONTENT = dict(
    zip(("train-images", "train-labels", "test-images", "test-labels"), _FASHION_FILES.values(), strict=True)
)

_MNIST_FILE = "mnist.npz"
_MNIST_SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
_MNIST_SHAPES = {"train": (60_000, 28, 28), "test": (10_000, 28, 28)}

_CLOTHING_URL = "https://codeload.github.com/alexeygrigorev/clothing-dataset-small/zip/refs/heads/master"
_CLOTHING_DIGEST = "8a9379baeb228b24c88017cab43012c56deb859bdd2ef2ab1afa24e1e8b124d8"
"""Of the photos, by :func:`hangtag.labelled_folder.dataset_digest`: the archive is made anew by the site."""


def fashion_mnist(options: SourceOptions, cache: Path, progress: Progress) -> Source:
    """Find or download Fashion-MNIST.

    Raises:
        DatasetError: it is nowhere, or what was found is something else.
    """
    options.refuse_columns("fashion-mnist")
    places = [_keras_datasets() / "fashion-mnist", _DEBIAN / "fashion-mnist"]
    folder = _idx_folder("fashion-mnist", options, places)
    if folder is None:
        folder = cache / "downloads" / "fashion-mnist"
        for name in _FASHION_FILES:
            if not (folder / name).is_file():
                download(f"{_KERAS_SITE}/{name}", folder / name, progress)
    progress.say(f"fashion-mnist: from {folder}")
    splits, digests = read_idx_splits(_idx_files(folder))
    wrong = [what for what, digest in _FASHION_CONTENT.items() if digests.get(what) != digest]
    if wrong:
        raise DatasetError(
            f"{folder} does not hold Fashion-MNIST: its {wrong[0]} have another content; delete the files "
            "and try again, or give the folder itself as the data set if it is meant to differ"
        )
    return _mnist_like("fashion-mnist", splits, digests, FASHION_LABELS)


def mnist(options: SourceOptions, cache: Path, progress: Progress) -> Source:
    """Find or download MNIST.

    Raises:
        DatasetError: it is nowhere, or what was found is something else.
    """
    options.refuse_columns("mnist")
    folder = _idx_folder("mnist", options, [_DEBIAN / "mnist"], _MNIST_FILE)
    if folder is not None and not (folder / _MNIST_FILE).is_file():
        progress.say(f"mnist: from {folder}")
        splits, digests = read_idx_splits(_idx_files(folder))
        if {split: arrays.images.shape for split, arrays in splits.items()} != _MNIST_SHAPES:
            raise DatasetError(f"{folder} does not hold MNIST: wanted 60,000 and 10,000 pictures of 28 x 28")
        return _mnist_like("mnist", splits, digests, None)
    places = [folder or _keras_datasets(), cache / "downloads"]
    file = next((place / _MNIST_FILE for place in places if (place / _MNIST_FILE).is_file()), None)
    if file is None:
        file = cache / "downloads" / _MNIST_FILE
        download(f"{_KERAS_SITE}/{_MNIST_FILE}", file, progress, sha256=_MNIST_SHA256)
    progress.say(f"mnist: from {file}")
    splits, digests = read_npz(file)
    if digests[_MNIST_FILE] != _MNIST_SHA256:
        raise DatasetError(
            f"{file} is not the mnist.npz that Keras knows; delete it and try again, "
            "or give the file itself as the data set if it is meant to differ"
        )
    return _mnist_like("mnist", splits, digests, None)


def clothing_small(options: SourceOptions, cache: Path, progress: Progress) -> PreparedDataset:
    """Find or download clothing-dataset-small, 3,781 photos of clothes in ten classes (CC0).

    Raises:
        DatasetError: it cannot be downloaded, or what was found is something else.
    """
    options.refuse_columns("clothing-small")
    archive: Path | None = None
    if options.data_dir is not None:
        inside = options.data_dir / "clothing-dataset-small"
        folder = inside if inside.is_dir() else options.data_dir
    else:
        archive = cache / "downloads" / "clothing-dataset-small.zip"
        if not archive.is_file():
            download(_CLOTHING_URL, archive, progress)
        folder = unpack_in_cache(archive, cache, progress)
    progress.say(f"clothing-small: from {folder}")
    digest = dataset_digest(folder, read_split(folder, "train").labels)
    if digest != _CLOTHING_DIGEST:
        if archive is not None:
            archive.unlink()  # so that the next call downloads it again
        raise DatasetError(
            f"the photos in {folder} are not those of clothing-dataset-small (digest {digest[:12]}…, wanted "
            f"{_CLOTHING_DIGEST[:12]}…); give the folder itself as the data set if it is meant to differ"
        )
    record = {"kind": "clothing-small", "path": str(folder.resolve()), "photos_sha256": digest}
    return as_it_is(folder, "clothing-small", record)


NAMED: Mapping[str, Callable[[SourceOptions, Path, Progress], Source | PreparedDataset]] = {
    "fashion-mnist": fashion_mnist,
    "mnist": mnist,
    "clothing-small": clothing_small,
}
"""Name -> what finds the data set."""


def _mnist_like(
    name: str,
    splits: Mapping[str, LabelledArrays],
    digests: Mapping[str, str],
    labels: tuple[str, ...] | None,
) -> Source:
    return arrays_source(
        splits,
        name=name,
        fingerprint=repr(sorted(digests.items())),
        record={"kind": name, "sha256": dict(digests)},
        label_names=labels,
        shares=_MNIST_SHARES,
    )


def _keras_datasets() -> Path:
    home = os.environ.get("KERAS_HOME")
    return (Path(home) if home else Path.home() / ".keras") / "datasets"


def _idx_files(folder: Path) -> dict[str, tuple[Path, Path]]:
    found = find_pairs(folder, prefix="")
    return {} if found is None or found.is_npz else found.splits


def _holds_idx(folder: Path) -> bool:
    """False, too, where a download was given up half-way: it is looked for elsewhere then."""
    try:
        return bool(_idx_files(folder))
    except DatasetError:
        return False


def _idx_folder(
    name: str, options: SourceOptions, places: list[Path], other_file: str | None = None
) -> Path | None:
    """Return the folder that holds a data set's files: the named one, or the first of the known ones."""
    if options.data_dir is None:
        return next((place for place in places if _holds_idx(place)), None)
    for folder in (options.data_dir, options.data_dir / name):
        if _idx_files(folder) or (other_file is not None and (folder / other_file).is_file()):
            return folder
    wanted = "train-images-idx3-ubyte.gz and the other three files"
    raise DatasetError(
        f"{options.data_dir} does not hold {name}; wanted {wanted}"
        + (f" or {other_file}" if other_file is not None else "")
    )
