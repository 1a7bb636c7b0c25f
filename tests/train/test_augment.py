from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hangtag.contract import ColourOrder, Geometry, InputSpec
from hangtag.preprocess import Preprocessor, source_rectangle
from hangtag_train import augment
from hangtag_train.augment import IDENTITY, Augmentation, draw_warp, vary_light, write_augmented
from hangtag_train.photometry import compressed, covered, defocused, grainy, relit, smeared
from hangtag_train.surroundings import draw_surroundings
from hangtag_train.warp import Warp

Draw = Callable[[int, int], np.ndarray]
SIZE = 48


def only(**settings: float) -> Augmentation:
    return dataclasses.replace(IDENTITY, **settings)


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


def test_light_is_varied_at_the_inputs_size_whatever_the_geometry() -> None:
    # Two pixels of blur would vanish in a photo that is shrunk twenty times afterwards.
    image = np.zeros((960, 960, 3), np.uint8)
    image[:, 480:] = 255
    plain, flipped = (
        np.mean([_steepest(varied(image, only(blur_px=2.5, odds=1, flip=flip), seed)) for seed in range(20)])
        for flip in (0.0, 1.0)
    )
    assert _steepest(prepared(image)) > 200
    assert plain < 150
    assert plain == pytest.approx(flipped, rel=0.2)


def _steepest(pixels: np.ndarray) -> int:
    return int(np.abs(np.diff(pixels.astype(int), axis=1)).max())


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
        x, y, _ = matrix @ (column, row, 1)
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
    area = np.linalg.det(matrix[:2, :2]) * 50 * 50
    assert area == pytest.approx(200 * 100 * warp.scale**2 * (-1 if warp.mirrored else 1))


warps = st.builds(
    Warp,
    mirrored=st.booleans(),
    scale=st.floats(0.3, 3),
    aspect=st.floats(0.7, 1.4),
    shift_xy=st.tuples(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5)),
    rotation_rad=st.floats(-3, 3),
    keystone_xy=st.tuples(st.floats(-0.6, 0.6), st.floats(-0.6, 0.6)),
)


def through(matrix: np.ndarray, x: float, y: float) -> np.ndarray:
    point = matrix @ (x, y, 1)
    return np.asarray(point[:2] / point[2])


@given(warps, st.integers(2, 400), st.integers(2, 400))
def test_every_warp_can_be_undone_and_keeps_its_centre(warp: Warp, width: int, height: int) -> None:
    source = (3, 5, 120, 90)
    matrix = warp.matrix(source, (width, height))
    for corner in ((0, 0), (width - 1, 0), (0, height - 1), (width - 1, height - 1)):
        assert (matrix @ (*corner, 1))[2] > 0, "what is seen lies before the camera"
        back = through(np.linalg.inv(matrix), *through(matrix, *corner))
        np.testing.assert_allclose(back, corner, atol=1e-6 * max(width, height))
    centre = through(matrix, (width - 1) / 2, (height - 1) / 2)
    expected = (3 + 120 * (0.5 + warp.shift_xy[0]) - 0.5, 5 + 90 * (0.5 + warp.shift_xy[1]) - 0.5)
    np.testing.assert_allclose(centre, expected, atol=1e-6)


@given(warps)
def test_mirroring_exchanges_left_and_right_of_the_view(warp: Warp) -> None:
    plain = dataclasses.replace(warp, mirrored=False, rotation_rad=0.0, keystone_xy=(0.0, 0.0))
    mirrored = dataclasses.replace(plain, mirrored=True)
    source, size_wh = (0, 0, 80, 60), (50, 40)
    for column in (0, 13, 49):
        left = through(mirrored.matrix(source, size_wh), column, 7)
        right = through(plain.matrix(source, size_wh), 49 - column, 7)
        np.testing.assert_allclose(left, right, atol=1e-9)


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
    far=st.floats(0, 3),
    far_odds=st.floats(0, 1),
    perspective=st.floats(0, 1),
    aspect=st.floats(0, 1),
    shift=st.floats(0, 0.5),
    rotation_deg=st.floats(0, 180),
)


@given(settings_strategy, st.integers(0, 2**32 - 1))
def test_drawn_warps_stay_within_the_settings(settings: Augmentation, seed: int) -> None:
    warp = draw_warp(settings, np.random.default_rng(seed))
    farthest = max(settings.zoom_out, settings.far if settings.far_odds else 0)
    assert 1 - settings.zoom_in - 1e-9 <= warp.scale <= 1 + farthest + 1e-9
    assert max(map(abs, warp.keystone_xy)) <= settings.perspective
    assert abs(math.log(warp.aspect)) <= settings.aspect + 1e-9
    assert max(map(abs, warp.shift_xy)) <= settings.shift
    assert abs(math.degrees(warp.rotation_rad)) <= settings.rotation_deg + 1e-9
    if settings.flip in {0, 1}:
        assert warp.mirrored == bool(settings.flip)


def test_draws_reach_towards_their_limits_on_both_sides() -> None:
    settings = Augmentation()
    warps = [draw_warp(settings, np.random.default_rng(seed)) for seed in range(500)]
    for values, low, high in (
        ([warp.scale for warp in warps], 1 - settings.zoom_in, 1 + settings.far),
        ([math.log(warp.aspect) for warp in warps], -settings.aspect, settings.aspect),
        ([warp.shift_xy[0] for warp in warps], -settings.shift, settings.shift),
        ([warp.shift_xy[1] for warp in warps], -settings.shift, settings.shift),
        ([math.degrees(warp.rotation_rad) for warp in warps], -settings.rotation_deg, settings.rotation_deg),
    ):
        assert min(values) < low + 0.15 * (high - low)
        assert max(values) > high - 0.15 * (high - low)
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
    view = varied(image, only(flip=1, zoom_out=0.5, rotation_deg=20))
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
    changes = [
        measure(vary_light(image, only(**settings), np.random.default_rng(seed))) - measure(image)
        for seed in range(20)
    ]
    assert min(changes) < -2
    assert max(changes) > 2


@pytest.mark.parametrize(
    "settings",
    [{"blur_px": 2.0}, {"motion_px": 8.0}, {"noise": 20.0}, {"jpeg": 80.0}, {"occlusion": 0.2}],
)
@pytest.mark.parametrize("odds", [0.0, 0.3, 1.0])
def test_mishaps_come_as_often_as_their_odds(
    settings: dict[str, float], odds: float, synthetic_frame: Draw
) -> None:
    image = synthetic_frame(30, 30)
    changed = [
        not np.array_equal(vary_light(image, only(odds=odds, **settings), np.random.default_rng(seed)), image)
        for seed in range(300)
    ]
    # The smallest of them leave no trace.
    assert 0.7 * odds - 0.06 <= np.mean(changed) <= odds + 0.08


def test_the_warp_starts_from_the_part_that_the_device_sees(warped) -> None:
    # Left and right of the centre square are red; a tiny warp must not show any of it.
    image = np.full((50, 150, 3), (0, 0, 255), np.uint8)
    x, y, width, height = source_rectangle((150, 50), spec_of())
    image[y : y + height, x : x + width] = (0, 255, 0)
    assert (warped(image, Warp(scale=0.98)) == (0, 255, 0)).all()


@pytest.mark.parametrize("geometry", Geometry)
@pytest.mark.parametrize("size", [(90, 60), (60, 90)])
def test_a_warp_of_almost_nothing_keeps_the_geometry(
    geometry: Geometry, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A letterboxed network must not be trained on stretched photos.
    monkeypatch.setattr(augment, "draw_warp", lambda _settings, _rng: Warp(scale=1 + 1e-6))
    spec = spec_of(geometry=geometry)
    image = smooth(*size)
    difference = np.abs(varied(image, IDENTITY, spec=spec).astype(int) - prepared(image, spec))
    assert np.mean(difference > 8) < 0.02


# --- one property at a time --------------------------------------------------------------------------------


def views(settings: Augmentation, image: np.ndarray, count: int = 12) -> list[np.ndarray]:
    return [varied(image, settings, seed) for seed in range(count)]


def test_far_photos_are_farther_than_zooming_out_goes() -> None:
    settings = only(zoom_out=0.2, far=1.0, far_odds=1.0)
    scales = [draw_warp(settings, np.random.default_rng(seed)).scale for seed in range(300)]
    assert 1.2 <= min(scales) < 1.25
    assert 1.9 < max(scales) <= 2.0
    near = [draw_warp(only(zoom_out=0.2, far=1.0), np.random.default_rng(seed)).scale for seed in range(99)]
    assert max(near) <= 1.2


def test_the_nearer_edge_is_seen_larger(warped) -> None:
    image = np.zeros((120, 120, 3), np.uint8)
    image[10:110, 40:80] = 255
    view = warped(image, Warp(keystone_xy=(0.0, 0.4)))[..., 0] > 127
    top, bottom = view[8].sum(), view[-8].sum()
    assert bottom > top + 3, "the lower edge is the nearer one"
    upright = warped(image, Warp(keystone_xy=(0.4, 0.0)))[..., 0] > 127
    columns = np.flatnonzero(upright.any(axis=0))
    assert upright[:, columns[-1]].sum() > upright[:, columns[0]].sum(), "the right edge is the nearer one"


def test_behind_a_photo_is_a_drawn_background_or_the_photo_mirrored() -> None:
    image = np.full((60, 60, 3), (10, 200, 100), np.uint8)
    seen_from_afar = only(zoom_out=1.0, far_odds=1.0, far=1.0)
    for view in views(seen_from_afar, image):
        assert (view == (100, 200, 10)).all(), "mirrored, a plain photo goes on for ever"
    backgrounds = set()
    for view in views(dataclasses.replace(seen_from_afar, surroundings=1.0), image):
        np.testing.assert_array_equal(view[SIZE // 2, SIZE // 2], (100, 200, 10))
        share = (view == (100, 200, 10)).all(axis=2).mean()
        assert share == pytest.approx(0.25, abs=0.02)
        backgrounds.add(view[0, 0].tobytes())
    assert len(backgrounds) > 6


def test_surroundings_come_as_often_as_is_asked() -> None:
    image = np.full((60, 60, 3), 100, np.uint8)
    settings = only(zoom_out=1.0, far_odds=1.0, far=1.0, surroundings=0.4)
    assert 0.3 < np.mean([(view != 100).any() for view in views(settings, image, 200)]) < 0.5


@given(st.integers(0, 2**32 - 1), st.integers(1, 90), st.integers(1, 90))
def test_surroundings_of_any_size(seed: int, width: int, height: int) -> None:
    canvas = draw_surroundings((width, height), np.random.default_rng(seed))
    assert canvas.shape == (height, width, 3)
    assert canvas.dtype == np.uint8
    np.testing.assert_array_equal(canvas, draw_surroundings((width, height), np.random.default_rng(seed)))


def test_surroundings_are_plain_and_busy_dark_and_light() -> None:
    canvases = [draw_surroundings((40, 40), np.random.default_rng(seed)) for seed in range(120)]
    spreads = [canvas.reshape(-1, 3).std(axis=0).max() for canvas in canvases]
    means = [canvas.mean() for canvas in canvases]
    assert min(spreads) == 0
    assert max(spreads) > 60
    assert min(means) < 40
    assert max(means) > 215


def test_in_the_dark_it_is_darker_by_as_much_as_is_asked_and_never_brighter() -> None:
    image = np.full((40, 40, 3), 200, np.uint8)
    light = [
        vary_light(image, only(darkness=2.0, dark_odds=1.0), np.random.default_rng(seed)).mean() / 200
        for seed in range(200)
    ]
    assert max(light) <= 1
    assert math.exp(-2) - 0.01 <= min(light) < math.exp(-1.8)


def test_photos_in_the_dark_are_noisy() -> None:
    image = np.full((40, 40, 3), 200, np.uint8)
    settings = only(darkness=1.0, dark_odds=1.0, noise=24.0)
    grain = [vary_light(image, settings, np.random.default_rng(seed)).std() for seed in range(40)]
    assert np.mean(np.array(grain) > 1) > 0.7
    assert max(grain) < 13


def test_a_warm_cast_raises_red_by_what_it_takes_from_blue() -> None:
    image = np.full((20, 20, 3), 120, np.uint8)
    casts = []
    for seed in range(30):
        blue, green, red = np.log(
            vary_light(image, only(temperature=0.3), np.random.default_rng(seed)).mean(axis=(0, 1)) / 120
        )
        assert green == pytest.approx(0, abs=0.01)
        assert red == pytest.approx(-blue, abs=0.02)
        casts.append(red)
    assert min(casts) < -0.2
    assert max(casts) > 0.2


@pytest.mark.parametrize("length_px", [1.0, 5.0, 12.0])
@pytest.mark.parametrize("angle_deg", [0, 90])
def test_motion_draws_a_point_out_along_a_line(length_px: float, angle_deg: int) -> None:
    dot = np.zeros((41, 41, 3), np.uint8)
    dot[20, 20] = 255
    smear = smeared(dot, length_px, math.radians(angle_deg))[..., 0].astype(float)
    assert smear.sum() == pytest.approx(255, rel=0.15), "light is spread, not made"
    rows, columns = np.flatnonzero(smear.sum(axis=1) > 2), np.flatnonzero(smear.sum(axis=0) > 2)
    along, across = (columns, rows) if angle_deg == 0 else (rows, columns)
    assert abs(along.max() - along.min() - length_px) <= 2
    assert across.max() - across.min() <= 2
    assert abs(along.mean() - 20) <= 0.5


@pytest.mark.parametrize("sigma", [3.0, 20.0])
def test_noise_has_the_spread_that_it_says(sigma: float) -> None:
    image = np.full((100, 100, 3), 128, np.uint8)
    noisy = grainy(image, sigma, np.random.default_rng(1)).astype(float)
    assert noisy.std() == pytest.approx(sigma, rel=0.05)
    assert noisy.mean() == pytest.approx(128, abs=0.5)


def test_a_blur_is_as_wide_as_it_says() -> None:
    edge = np.zeros((61, 61, 3), np.uint8)
    edge[:, 30:] = 255
    profile = np.diff(defocused(edge, 3.0)[30, :, 0].astype(float))
    places = np.arange(60) - 29
    assert math.sqrt((profile * places**2).sum() / profile.sum()) == pytest.approx(3.0, abs=0.3)


def test_jpeg_leaves_what_a_jpeg_file_leaves(synthetic_frame: Draw) -> None:
    image = synthetic_frame(48, 48)
    losses = []
    for quality in (95, 60, 20, 0):
        seen = compressed(image, quality)
        data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        np.testing.assert_array_equal(seen, cv2.imdecode(data, cv2.IMREAD_COLOR))
        losses.append(np.abs(seen.astype(int) - image).mean())
    assert losses == sorted(losses)
    assert not np.array_equal(vary_light(image, only(jpeg=100, odds=1), np.random.default_rng(2)), image)


@given(st.floats(0.001, 1.0), st.integers(0, 2**32 - 1), st.integers(4, 60), st.integers(4, 60))
def test_a_patch_covers_no_more_than_its_share(share: float, seed: int, width: int, height: int) -> None:
    image = np.zeros((height, width, 3), np.uint8)
    changed = (covered(image, share, np.random.default_rng(seed)) != 0).any(axis=2)
    # Sides are rounded to whole pixels, and a patch has at least one.
    assert changed.sum() <= share * width * height + (width + height) / 2 + 1
    assert not image.any()


def test_a_patch_covers_its_share() -> None:
    image = np.zeros((200, 200, 3), np.uint8)
    shares = [
        (covered(image, 0.2, np.random.default_rng(seed)) != 0).any(axis=2).mean() for seed in range(30)
    ]
    assert np.median(shares) == pytest.approx(0.2, abs=0.01)


def test_contrast_alone_keeps_the_brightness_of_middle_grey() -> None:
    grey = np.full((4, 4, 3), 110, np.uint8)
    for contrast in (0.5, 0.9, 1.5):
        np.testing.assert_array_equal(relit(grey, (1.0, 1.0, 1.0), contrast), grey)
    half = relit(np.full((4, 4, 3), 100, np.uint8), (0.5, 0.5, 0.5), 1.0)
    assert (half == 50).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"flip": 1.1}, "flip is 1.1; wanted 0 to 1"),
        ({"odds": -0.1}, "odds is -0.1"),
        ({"far_odds": 2}, "far_odds is 2"),
        ({"surroundings": float("nan")}, "surroundings is nan"),
        ({"zoom_in": 0.99}, "zoom_in is 0.99; wanted 0 to 0.95"),
        ({"occlusion": 1.5}, "occlusion"),
        ({"perspective": 1.2}, "perspective is 1.2; wanted 0 to 1"),
        ({"jpeg": 101}, "jpeg is 101; wanted 0 to 100"),
        ({"noise": float("inf")}, "noise is inf"),
        ({"blur_px": -1}, "blur_px is -1; wanted 0"),
        ({"rotation_deg": float("nan")}, "rotation_deg is nan"),
        ({"contrast": 1000.0}, "contrast is 1000"),
        ({"exposure": 1000.0}, "exposure is 1000"),
        ({"far": 1e300}, "far is 1e"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Augmentation(**settings)


def test_the_widest_settings_still_give_pictures(synthetic_frame: Draw) -> None:
    widest = Augmentation(
        flip=1, zoom_in=0.95, zoom_out=9, far=20, far_odds=1, aspect=3, shift=3, rotation_deg=180,
        perspective=1, surroundings=1, exposure=5, darkness=5, dark_odds=1, contrast=5, colour=5,
        temperature=5, blur_px=30, motion_px=60, noise=255, jpeg=100, occlusion=1, odds=1,
    )  # fmt: skip
    image = synthetic_frame(90, 70)
    for half in (0, 1):
        settings = dataclasses.replace(widest, far_odds=half, dark_odds=half, surroundings=half)
        assert len(views(settings, image, 30)) == 30
