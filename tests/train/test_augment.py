from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hangtag.contract import ColourOrder, Geometry, InputSpec
from hangtag.preprocess import Preprocessor, source_rectangle
from hangtag_train import augment
from hangtag_train.augment import IDENTITY, Augmentation, Warp, draw_warp, vary_light, write_augmented

Draw = Callable[[int, int], np.ndarray]
SIZE = 48


def spec_of(order: ColourOrder = ColourOrder.RGB, geometry: Geometry = Geometry.CENTRE_CROP) -> InputSpec:
    ones = (1.0,) * (1 if order is ColourOrder.GREY else 3)
    return InputSpec(
        width_px=SIZE, height_px=SIZE, colour_order=order, geometry=geometry, mean=ones, std=ones
    )


def varied(
    image: np.ndarray, settings: Augmentation, seed: int = 0, spec: InputSpec | None = None
) -> np.ndarray:
    preprocessor = Preprocessor(spec or spec_of())
    pixels = np.empty(preprocessor.spec.shape[1:], np.uint8)
    write_augmented(image, settings, np.random.default_rng(seed), preprocessor, pixels)
    return pixels


def prepared(image: np.ndarray, spec: InputSpec | None = None) -> np.ndarray:
    spec = spec or spec_of()
    pixels = np.empty(spec.shape[1:], np.uint8)
    Preprocessor(spec).write_pixels(image, pixels)
    return pixels


@pytest.fixture
def warped(monkeypatch: pytest.MonkeyPatch) -> Callable[[np.ndarray, Warp], np.ndarray]:
    """Gives the view of a picture under one chosen warp and unvaried light."""

    def view(image: np.ndarray, warp: Warp) -> np.ndarray:
        monkeypatch.setattr(augment, "draw_warp", lambda _settings, _rng: warp)
        return varied(image, IDENTITY)

    return view


def smooth(width: int, height: int) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width]
    return np.dstack(
        [255 * x / width, 255 * y / height, 127 + 100 * np.sin(x / width * 3) * np.cos(y / height * 3)]
    ).astype(np.uint8)


@pytest.mark.parametrize("size", [(64, 48), (48, 64), (20, 30), (48, 48), (301, 77), (1, 1)])
@pytest.mark.parametrize("order", ColourOrder)
@pytest.mark.parametrize("geometry", Geometry)
def test_the_identity_is_preprocessing_byte_for_byte(
    size: tuple[int, int], order: ColourOrder, geometry: Geometry, synthetic_frame: Draw
) -> None:
    image, spec = synthetic_frame(*size), spec_of(order, geometry)
    np.testing.assert_array_equal(varied(image, IDENTITY, spec=spec), prepared(image, spec))


@pytest.mark.parametrize("size", [(64, 48), (48, 64), (97, 131), (480, 640), (24, 30)])
def test_a_warp_of_almost_nothing_lies_on_the_same_grid(size: tuple[int, int], warped) -> None:
    # Half a pixel off would show: the picture's grey levels change by about five per input pixel.
    image = smooth(*size)
    view = warped(image, Warp(scale=1 + 1e-6))
    # At the very edge the warp mirrors the photo where a resize repeats its last pixel.
    difference = np.abs(view.astype(int) - prepared(image))[2:-2, 2:-2]
    assert difference.max() <= 2
    assert difference.mean() < 0.5


@given(st.integers(1, 900), st.integers(1, 900), st.integers(1, 300), st.integers(1, 300))
def test_the_identity_matrix_is_the_half_pixel_centred_grid(
    width: int, height: int, to_width: int, to_height: int
) -> None:
    matrix = Warp().matrix((5, 7, width, height), (to_width, to_height))
    for column, row in ((0, 0), (to_width - 1, to_height - 1), (to_width // 2, 0)):
        x, y = matrix @ (column, row, 1)
        assert x == pytest.approx(5 + (column + 0.5) * width / to_width - 0.5, abs=1e-6)
        assert y == pytest.approx(7 + (row + 0.5) * height / to_height - 0.5, abs=1e-6)


@given(
    st.builds(
        Warp,
        mirrored=st.booleans(),
        scale=st.floats(0.5, 2),
        aspect=st.floats(0.7, 1.4),
        shift_xy=st.tuples(st.floats(-0.2, 0.2), st.floats(-0.2, 0.2)),
        rotation_rad=st.floats(-0.5, 0.5),
    )
)
def test_what_a_warp_sees(warp: Warp) -> None:
    source = (10, 20, 200, 100)
    matrix = warp.matrix(source, (50, 50))
    # The middle of the view is the middle of the rectangle, shifted.
    centre = matrix @ (24.5, 24.5, 1)
    assert centre[0] == pytest.approx(10 + 200 * (0.5 + warp.shift_xy[0]) - 0.5)
    assert centre[1] == pytest.approx(20 + 100 * (0.5 + warp.shift_xy[1]) - 0.5)
    # The area it sees is the rectangle's, scaled on both sides; a mirror turns its sign.
    area = np.linalg.det(matrix[:, :2]) * 50 * 50
    assert area == pytest.approx(200 * 100 * warp.scale**2 * (-1 if warp.mirrored else 1))


@pytest.mark.parametrize(
    "warp",
    [
        Warp(),
        Warp(scale=1.3),
        Warp(scale=0.8, aspect=1.1),
        Warp(shift_xy=(0.07, -0.05)),
        Warp(rotation_rad=0.2),
        Warp(scale=1.2, aspect=0.9, shift_xy=(-0.05, 0.03), rotation_rad=-0.15),
    ],
)
def test_a_mirrored_warp_is_the_warp_of_the_mirrored_picture(warp: Warp, warped) -> None:
    image = smooth(96, 80)
    mirrored = Warp(
        mirrored=True,
        scale=warp.scale,
        aspect=warp.aspect,
        shift_xy=(-warp.shift_xy[0], warp.shift_xy[1]),
        rotation_rad=-warp.rotation_rad,
    )
    first = warped(image, mirrored).astype(int)
    second = warped(np.ascontiguousarray(image[:, ::-1]), warp).astype(int)
    assert np.abs(first - second).max() <= 2
    assert np.abs(first - warped(image, warp)).max() > 40, "the picture must tell left from right"


def test_zooming_out_shrinks_and_zooming_in_grows(warped) -> None:
    image = np.zeros((100, 100, 3), np.uint8)
    image[25:75, 25:75] = 255
    share = {scale: warped(image, Warp(scale=scale)).mean() / 255 for scale in (0.6, 1.2, 1.0001)}
    assert share[1.0001] == pytest.approx(0.25, abs=0.01)
    assert share[1.2] == pytest.approx(0.25 / 1.44, abs=0.01)
    assert share[0.6] == pytest.approx(0.25 / 0.36, abs=0.02)


def test_what_lies_outside_the_photo_is_its_mirror_image_not_black(warped) -> None:
    view = warped(np.full((60, 60, 3), 200, np.uint8), Warp(scale=1.5, rotation_rad=0.3, shift_xy=(0.1, 0.1)))
    assert (view == 200).all()


settings_strategy = st.builds(
    Augmentation,
    flip=st.floats(0, 1),
    zoom_in=st.floats(0, 0.9),
    zoom_out=st.floats(0, 2),
    aspect=st.floats(0, 1),
    shift=st.floats(0, 0.5),
    rotation_deg=st.floats(0, 180),
)


@given(settings_strategy, st.integers(0, 2**32 - 1))
def test_drawn_warps_stay_within_the_settings(settings: Augmentation, seed: int) -> None:
    warp = draw_warp(settings, np.random.default_rng(seed))
    assert 1 - settings.zoom_in - 1e-9 <= warp.scale <= 1 + settings.zoom_out + 1e-9
    assert abs(math.log(warp.aspect)) <= settings.aspect + 1e-9
    assert max(map(abs, warp.shift_xy)) <= settings.shift
    assert abs(math.degrees(warp.rotation_rad)) <= settings.rotation_deg + 1e-9
    if settings.flip in {0, 1}:
        assert warp.mirrored == bool(settings.flip)


def test_draws_reach_towards_their_limits_on_both_sides() -> None:
    settings = Augmentation()
    warps = [draw_warp(settings, np.random.default_rng(seed)) for seed in range(500)]
    for values, low, high in (
        ([warp.scale for warp in warps], 1 - settings.zoom_in, 1 + settings.zoom_out),
        ([math.log(warp.aspect) for warp in warps], -settings.aspect, settings.aspect),
        ([warp.shift_xy[0] for warp in warps], -settings.shift, settings.shift),
        ([warp.shift_xy[1] for warp in warps], -settings.shift, settings.shift),
        ([math.degrees(warp.rotation_rad) for warp in warps], -settings.rotation_deg, settings.rotation_deg),
    ):
        assert min(values) < low + 0.05 * (high - low)
        assert max(values) > high - 0.05 * (high - low)
    assert 0.4 < np.mean([warp.mirrored for warp in warps]) < 0.6


def test_the_same_seed_gives_the_same_view_and_another_another(synthetic_frame: Draw) -> None:
    image = synthetic_frame(120, 90)
    np.testing.assert_array_equal(varied(image, Augmentation(), 3), varied(image, Augmentation(), 3))
    assert not np.array_equal(varied(image, Augmentation(), 3), varied(image, Augmentation(), 4))


@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(1, 60))
def test_any_photo_can_be_varied(seed: int, width: int, height: int) -> None:
    image = np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)
    assert varied(image, Augmentation(), seed).shape == (SIZE, SIZE, 3)


def test_photos_are_not_written_to(synthetic_frame: Draw) -> None:
    image = synthetic_frame(60, 60)
    before = image.copy()
    for seed in range(20):
        varied(image, Augmentation(), seed)
        np.testing.assert_array_equal(image, before)


def test_a_very_long_photo_can_be_varied() -> None:
    # OpenCV's warp takes no side of 32768 pixels or more.
    image = np.full((40, 40_000, 3), 90, np.uint8)
    view = varied(image, Augmentation(exposure=0, contrast=0, colour=0, noise=0))
    assert (view == 90).all()


def test_light_without_settings_is_left_alone(synthetic_frame: Draw) -> None:
    image = synthetic_frame(30, 30)
    for seed in range(30):
        np.testing.assert_array_equal(vary_light(image, IDENTITY, np.random.default_rng(seed)), image)


@pytest.mark.parametrize(
    ("settings", "measure"),
    [
        ({"exposure": 0.5}, lambda image: image.mean()),
        ({"contrast": 0.5}, lambda image: image.std()),
        ({"colour": 0.3}, lambda image: image[..., 0].mean() - image[..., 2].mean()),
    ],
)
def test_light_varies_both_ways(settings: dict[str, float], measure: Callable[[np.ndarray], float]) -> None:
    image = smooth(40, 40) // 2 + 50
    only = Augmentation(**dict.fromkeys(Augmentation.__slots__, 0) | settings)
    changes = [
        measure(vary_light(image, only, np.random.default_rng(seed))) - measure(image) for seed in range(20)
    ]
    assert min(changes) < -2
    assert max(changes) > 2


def test_a_quarter_of_photos_are_blurred_and_a_quarter_noisy(synthetic_frame: Draw) -> None:
    image = synthetic_frame(30, 30)
    zeros = dict.fromkeys(Augmentation.__slots__, 0)
    for settings in (Augmentation(**zeros | {"blur_px": 2.0}), Augmentation(**zeros | {"noise": 20.0})):
        changed = [
            not np.array_equal(vary_light(image, settings, np.random.default_rng(seed)), image)
            for seed in range(400)
        ]
        assert 0.18 < np.mean(changed) < 0.32


def test_the_warp_starts_from_the_part_that_the_device_sees(warped) -> None:
    # Left and right of the centre square are red; a tiny warp must not show any of it.
    image = np.full((50, 150, 3), (0, 0, 255), np.uint8)
    x, y, width, height = source_rectangle((150, 50), spec_of())
    image[y : y + height, x : x + width] = (0, 255, 0)
    assert (warped(image, Warp(scale=0.98)) == (0, 255, 0)).all()
