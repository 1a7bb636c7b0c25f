"""Pictures that show nothing are told from pictures that show little."""

from __future__ import annotations

import io

import cv2
import numpy as np
import PIL.Image
import PIL.ImageFile
import pytest

from hangtag.scene import Scene, SceneSettings
from hangtag.sources.frame_check import FROZEN_S, Fault, FrameCheck

Image = np.ndarray


def noisy(level: float, sigma: float, size_hw: tuple[int, int] = (480, 640), seed: int = 0) -> Image:
    noise = np.random.default_rng(seed).normal(level, sigma, (*size_hw, 3))
    return np.clip(np.rint(noise), 0, 255).astype(np.uint8)


def scene_frame(number: int = 30, size_wh: tuple[int, int] = (640, 480)) -> Image:
    return Scene(SceneSettings(size_wh=size_wh)).frame(number).image_bgr


def truncated_jpeg(image: Image, share: float) -> Image:
    """What libjpeg makes of a JPEG of which the end is missing, where its user does not mind."""
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PIL.ImageFile, "LOAD_TRUNCATED_IMAGES", True)
        decoded = PIL.Image.open(io.BytesIO(data[: int(share * len(data))]))
        return np.asarray(decoded)[..., ::-1]


def with_lower_part(image: Image, share: float, value: int) -> Image:
    cut = image.copy()
    cut[round((1 - share) * len(image)) :] = value
    return cut


@pytest.mark.parametrize(
    ("image", "fault"),
    [
        (np.zeros((480, 640, 3), np.uint8), Fault.BLANK),
        (np.full((1080, 1920, 3), 128, np.uint8), Fault.BLANK),
        (np.full((480, 640, 3), (0, 135, 0), np.uint8), Fault.BLANK),  # all zeros in YUV are green
        (np.full((480, 640, 3), 255, np.uint8), Fault.BLANK),
        (noisy(0, 3), Fault.BLANK),
        (noisy(2, 2), Fault.BLANK),
        (np.zeros((1, 1, 3), np.uint8), Fault.BLANK),
        (with_lower_part(scene_frame(), 0.5, 128), Fault.CUT_OFF),
        (with_lower_part(scene_frame(), 0.5, 0), Fault.CUT_OFF),
        (with_lower_part(scene_frame(), 0.2, 128), Fault.CUT_OFF),
        (with_lower_part(scene_frame(size_wh=(1920, 1080)), 0.5, 77), Fault.CUT_OFF),
        (truncated_jpeg(scene_frame(), 0.5), Fault.CUT_OFF),
        (truncated_jpeg(scene_frame(), 0.25), Fault.CUT_OFF),
    ],
)
def test_what_shows_nothing_is_found(image: Image, fault: Fault) -> None:
    assert FrameCheck().fault(image, 0.0) is fault


@pytest.mark.parametrize(
    "image",
    [
        scene_frame(),
        scene_frame(size_wh=(1920, 1080)),
        noisy(20, 4),  # a dark room
        noisy(128, 2),  # a white wall, out of focus
        noisy(252, 3),  # overexposed
        with_lower_part(scene_frame(), 0.3, 255),  # a white table, saturated
        np.vstack(
            [np.zeros((60, 640, 3), np.uint8), scene_frame()[60:420], np.zeros((60, 640, 3), np.uint8)]
        ),
        with_lower_part(scene_frame(), 0.05, 0),  # a caption's bar
        (np.indices((480, 640)).sum(axis=0) // 5 % 256)[..., None].repeat(3, axis=2).astype(np.uint8),
    ],
)
def test_what_shows_little_passes(image: Image) -> None:
    assert FrameCheck().fault(image, 0.0) is None


def test_real_photos_pass(real_photos: list) -> None:
    from hangtag.photos import read_photo

    faults = {path.name: FrameCheck().fault(read_photo(path), 0.0) for path in real_photos}
    assert not {name: fault for name, fault in faults.items() if fault is not None}


def test_one_frame_of_another_size_is_broken_and_three_are_a_new_size() -> None:
    check = FrameCheck()
    usual, half = noisy(99, 9), noisy(99, 9, (240, 640))
    faults = [
        check.fault(image, 0.0) for image in (usual, half, usual, half, half, half, half, usual, usual, usual)
    ]
    odd = Fault.RESIZED
    assert faults == [None, odd, None, odd, odd, None, None, odd, odd, None]


def test_sizes_that_keep_changing_are_never_taken() -> None:
    check = FrameCheck()
    check.fault(noisy(99, 9), 0.0)
    for rows in range(100, 130):
        assert check.fault(noisy(99, 9, (rows, 640)), 0.0) is Fault.RESIZED


def test_a_picture_that_never_changes_is_frozen() -> None:
    check = FrameCheck()
    still = noisy(99, 9)
    assert check.fault(still, 0.0) is None
    assert check.fault(still, FROZEN_S - 0.1) is None
    assert check.fault(still.copy(), FROZEN_S) is Fault.FROZEN
    assert check.fault(noisy(99, 9, seed=1), FROZEN_S + 1) is None
    assert check.fault(noisy(99, 9, seed=2), 5 * FROZEN_S) is None


def test_faults_read_as_words() -> None:
    assert f"{Fault.BLANK}" == "blank frames (black or one colour)"
