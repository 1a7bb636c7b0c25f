"""The golden test of this project: training sees of a photo, byte for byte, what a device computes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest
from PIL import Image, ImageOps

from hangtag.contract import InputSpec
from hangtag.errors import PhotoError
from hangtag.labelled_folder import LabelledPhoto
from hangtag.photos import read_photo
from hangtag.preprocess import preprocess
from hangtag_train import loading
from hangtag_train.augment import IDENTITY, Augmentation
from hangtag_train.loading import PhotoBatches, prefetched
from hangtag_train.network import input_spec
from hangtag_train.recipe import Recipe

SPEC = input_spec(Recipe(size_px=64))


def save(folder: Path, kind: str, frame_bgr: np.ndarray) -> Path:
    picture = Image.fromarray(np.ascontiguousarray(frame_bgr[..., ::-1]))
    rotated = Image.Exif()
    rotated[0x0112] = 6
    path = folder / f"{kind.replace(' ', '-')}.jpg"
    match kind:
        case "16 bit":
            data = cv2.imencode(".png", frame_bgr.astype(np.uint16) * 257)[1].tobytes()
            path.write_bytes(data)
        case "rgba":
            alpha = Image.fromarray(frame_bgr[..., 2])
            picture.putalpha(alpha)
            picture.save(path, "PNG")
        case "exif rotated":
            picture.save(path, "JPEG", quality=95, exif=rotated)
        case "exif rotated png":
            picture.save(path, "PNG", exif=rotated)
        case "grey":
            picture.convert("L").save(path, "JPEG")
        case "cmyk":
            picture.convert("CMYK").save(path, "JPEG")
        case "progressive":
            picture.save(path, "JPEG", progressive=True)
        case _:
            picture.save(path, kind)
    return path


KINDS = (
    "JPEG", "PNG", "WEBP", "BMP", "TIFF", "exif rotated", "exif rotated png", "grey", "cmyk", "rgba",
    "16 bit", "progressive",
)  # fmt: skip


@pytest.fixture(scope="module")
def files(
    tmp_path_factory: pytest.TempPathFactory, synthetic_frame: Callable[[int, int], np.ndarray]
) -> list[Path]:
    folder = tmp_path_factory.mktemp("kinds")
    return [
        save(folder, kind, synthetic_frame(90 + 7 * number, 130 - 11 * number))
        for number, kind in enumerate(KINDS)
    ]


def photos_of(paths: list[Path], labels: int = 3) -> list[LabelledPhoto]:
    return [LabelledPhoto(path, number % labels) for number, path in enumerate(paths)]


def what_training_sees(batches: PhotoBatches) -> np.ndarray:
    """The tensors as a Keras model is given them, through the loader's own threads."""
    identity = keras.Sequential([keras.Input(SPEC.shape[1:]), keras.layers.Identity()])
    return np.concatenate(
        [np.asarray(identity.predict_on_batch(batch.tensors)) for batch in prefetched(batches)]
    )


def test_training_sees_what_the_device_computes(files: list[Path]) -> None:
    seen = what_training_sees(PhotoBatches(photos_of(files), 3, SPEC, batch_size=5))
    assert seen.dtype == np.float32
    assert len(seen) == len(files)
    for path, tensor in zip(files, seen, strict=True):
        expected = preprocess(read_photo(path), SPEC)
        assert tensor.tobytes() == expected.tobytes(), path.name


def test_training_sees_what_the_device_computes_of_real_photos(real_photos: list[Path]) -> None:
    seen = what_training_sees(PhotoBatches(photos_of(real_photos), 3, SPEC, batch_size=8))
    for path, tensor in zip(real_photos, seen, strict=True):
        assert tensor.tobytes() == preprocess(read_photo(path), SPEC).tobytes(), path


def test_channel_order_and_normalisation_are_those_of_the_backbone(tmp_path: Path) -> None:
    # Said without our own preprocessing: RGB, (byte - 127) / 128, the whole of a square picture.
    frame = np.full((64, 64, 3), (10, 100, 200), np.uint8)
    path = tmp_path / "blueish.png"
    assert cv2.imwrite(str(path), frame)
    tensors, _ = PhotoBatches(photos_of([path]), 3, SPEC, batch_size=1)[0]
    np.testing.assert_allclose(tensors[0, 5, 5], [73 / 128, -27 / 128, -117 / 128], rtol=1e-6)


def test_a_rotated_photo_is_seen_upright(files: list[Path]) -> None:
    path = files[KINDS.index("exif rotated png")]
    with Image.open(path) as opened:
        upright = np.asarray(ImageOps.exif_transpose(opened).convert("RGB"))[..., ::-1]
    tensors, _ = PhotoBatches(photos_of([path]), 3, SPEC, batch_size=1)[0]
    np.testing.assert_array_equal(tensors, preprocess(np.ascontiguousarray(upright), SPEC))


@pytest.mark.parametrize(("batch_size", "sizes"), [(1, [1] * 12), (5, [5, 5, 2]), (12, [12]), (99, [12])])
def test_batches_hold_every_photo_once_in_order(batch_size: int, sizes: list[int], files: list[Path]) -> None:
    photos = photos_of(files)
    batches = PhotoBatches(photos, 3, SPEC, batch_size=batch_size)
    parts = [batches[index] for index in range(len(batches))]
    assert [len(tensors) for tensors, _ in parts] == sizes
    targets = np.concatenate([targets for _, targets in parts])
    np.testing.assert_array_equal(targets, np.eye(3, dtype=np.float32)[[photo.label for photo in photos]])


@pytest.fixture
def augmented(files: list[Path]) -> Callable[..., PhotoBatches]:
    def make(seed: int = 1, **options) -> PhotoBatches:
        options = {"batch_size": 5, "augmentation": Augmentation()} | options
        return PhotoBatches(photos_of(files, 12), 12, SPEC, seed=seed, **options)

    return make


def order_of(batches: PhotoBatches) -> list[int]:
    return [int(label) for index in range(len(batches)) for label in batches[index][1].argmax(axis=1)]


def test_training_photos_are_shuffled_anew_each_epoch_by_the_seed(augmented) -> None:
    orders = []
    for seed, epoch in ((1, 0), (1, 1), (2, 0)):
        batches = augmented(seed)
        batches.start_epoch(epoch)
        orders.append(order_of(batches))
        assert sorted(orders[-1]) == list(range(12))
    assert len({tuple(order) for order in orders}) == 3
    again = augmented(1)
    again.start_epoch(1)
    assert order_of(again) == orders[1]


def test_what_is_drawn_depends_on_seed_epoch_and_photo_alone(augmented) -> None:
    first, second = augmented(), augmented()
    first.start_epoch(3)
    _ = [second[index] for index in range(len(second))]  # an epoch of its own, before
    second.start_epoch(3)
    for index in (2, 0, 1):  # in another order
        np.testing.assert_array_equal(first[index][0], second[index][0])


def test_the_same_photo_differs_from_epoch_to_epoch(files: list[Path]) -> None:
    batches = PhotoBatches(photos_of(files[:1]), 3, SPEC, batch_size=1, augmentation=Augmentation())
    before = batches[0][0]
    batches.start_epoch(1)
    assert not np.array_equal(batches[0][0], before)


def test_starting_an_epoch_changes_nothing_without_augmentation(files: list[Path]) -> None:
    batches = PhotoBatches(photos_of(files), 3, SPEC, batch_size=5)
    before = batches[0][0]
    batches.start_epoch(7)
    np.testing.assert_array_equal(batches[0][0], before)


def test_a_photo_that_broke_since_names_itself(tmp_path: Path) -> None:
    path = tmp_path / "broken.jpg"
    path.write_bytes(b"no photo")
    batches = PhotoBatches(photos_of([path]), 3, SPEC, batch_size=1)
    with pytest.raises(PhotoError, match=r"broken\.jpg"):
        _ = batches[0]


def test_grey_input_is_possible(files: list[Path]) -> None:
    from hangtag.contract import ColourOrder

    spec = InputSpec(width_px=32, height_px=24, colour_order=ColourOrder.GREY, mean=(127.0,), std=(128.0,))
    for augmentation in (None, Augmentation()):
        batches = PhotoBatches(photos_of(files), 3, spec, batch_size=12, augmentation=augmentation)
        assert batches[0][0].shape == (12, 24, 32, 1)


@pytest.mark.parametrize("batch_size", [1, 2, 5, 12])
def test_prefetched_batches_come_in_order_and_all_of_them(batch_size: int, files: list[Path]) -> None:
    batches = PhotoBatches(photos_of(files, 12), 12, SPEC, batch_size=batch_size)
    labels = [int(label) for batch in prefetched(batches) for label in batch.targets.argmax(axis=1)]
    assert labels == list(range(12))


def test_a_photo_that_breaks_while_it_is_prefetched_names_itself(files: list[Path], tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"")
    with pytest.raises(PhotoError, match=r"broken\.png"):
        list(prefetched(PhotoBatches(photos_of([*files, broken]), 3, SPEC, batch_size=2)))


def test_prefetching_can_be_left_before_its_end(files: list[Path]) -> None:
    before = threading.active_count()
    for _ in prefetched(PhotoBatches(photos_of(files), 3, SPEC, batch_size=1)):
        break
    assert threading.active_count() <= before


def test_waiting_is_counted(files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    hold = threading.Event()
    original = loading.read_photo

    def slow(path: Path) -> np.ndarray:
        hold.wait(0.05)
        return original(path)

    monkeypatch.setattr(loading, "read_photo", slow)
    waited = [batch.waited_s for batch in prefetched(PhotoBatches(photos_of(files), 3, SPEC, batch_size=12))]
    assert waited[0] > 0.3, "twelve photos of 0.05 s each, and nothing else to do"


def test_small_photos_are_read_once_and_large_ones_again(
    tmp_path: Path, synthetic_frame: Callable[[int, int], np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    small, large = save(tmp_path, "PNG", synthetic_frame(28, 28)), tmp_path / "large.png"
    assert cv2.imwrite(str(large), synthetic_frame(400, 300))
    read: list[str] = []
    monkeypatch.setattr(loading, "read_photo", lambda path: read.append(path.name) or read_photo(path))
    batches = PhotoBatches(photos_of([small, large]), 3, SPEC, batch_size=2)
    first = batches[0][0]
    np.testing.assert_array_equal(batches[0][0], first)
    assert sorted(read) == ["PNG.jpg", "large.png", "large.png"]


def test_memory_has_an_end(files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "_MEMORY_BYTES", 0)
    read: list[Path] = []
    monkeypatch.setattr(loading, "read_photo", lambda path: read.append(path) or read_photo(path))
    batches = PhotoBatches(photos_of(files[:1]), 3, SPEC, batch_size=1)
    for _ in range(3):
        _ = batches[0]
    assert len(read) == 3


def test_photos_that_do_not_vary_are_shuffled_all_the_same(augmented) -> None:
    batches = augmented(augmentation=IDENTITY)
    first = order_of(batches)
    batches.start_epoch(1)
    assert order_of(batches) != first
    assert sorted(order_of(batches)) == list(range(12))
