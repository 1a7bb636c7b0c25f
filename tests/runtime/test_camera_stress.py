"""What the stresses do to pictures, and that the same seed does it again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hangtag.camera_stress import CLEAN, STEP_NAMES, STRESSES, Stress, stressed_frame
from hangtag.contract import InputSpec, ModelContract
from hangtag.labelled_folder import LabelledFolder, read_split
from hangtag.photos import read_photo
from hangtag.preprocess import Image
from hangtag.progress import Progress
from hangtag.scoring import Scorer
from hangtag.stress_backgrounds import draw_background
from hangtag.stress_report import StressReport, StressRow, stress_scores

Draw = Callable[[int, int], Image]

BY_NAME = {stress.name: stress for stress in STRESSES}
CHANCE = [
    stress
    for stress in STRESSES
    if stress.group
    not in {"as it is", "blur, sigma", "light", "JPEG quality", "turned by", "whole photo stretched"}
]
QUIET = Progress(quiet=True)


def _frame(name: str, image: Image, number: int = 0, seed: int = 0) -> npt.NDArray[np.float64]:
    return stressed_frame(BY_NAME[name], image, number, seed).astype(np.float64)


# --- the table ---------------------------------------------------------------------------------------------


def test_names_are_unique_and_each_group_has_one_moderate_and_one_hard_level() -> None:
    assert len(BY_NAME) == len(STRESSES)
    groups = {stress.group for stress in STRESSES if stress.step}
    assert len(groups) == 10
    for group in groups:
        steps = [stress.step for stress in STRESSES if stress.group == group]
        assert steps == list(range(1, len(steps) + 1))
        assert len(steps) >= 2
    assert [stress.name for stress in STRESSES if stress.moderate] == [
        "whole garment in a frame 4:3",
        "height in the frame 98 %",
        "off centre 8 %",
        "tilted 15°",
        "blur, sigma 2.5 px",
        "motion blur 9 px",
        "noise, sigma 15",
        "brightness x 0.35",
        "light warm",
        "JPEG quality 30",
    ]
    assert {stress.step for stress in STRESSES} == set(STEP_NAMES)


# --- what must hold for every stress -----------------------------------------------------------------------


@pytest.mark.parametrize("stress", STRESSES, ids=lambda stress: stress.name)
def test_the_same_seed_gives_the_same_frame(stress: Stress, synthetic_frame: Draw) -> None:
    image = synthetic_frame(120, 160)
    before = image.copy()
    first, second = (stressed_frame(stress, image, 3, 7) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("stress", CHANCE, ids=lambda stress: stress.name)
def test_another_seed_or_photo_gives_another_frame(stress: Stress, synthetic_frame: Draw) -> None:
    image = synthetic_frame(120, 160)
    frame = stressed_frame(stress, image, 3, 7)
    assert not np.array_equal(frame, stressed_frame(stress, image, 3, 8))
    assert not np.array_equal(frame, stressed_frame(stress, image, 4, 7))


@settings(max_examples=8, deadline=None)
@given(st.integers(1, 90), st.integers(1, 90), st.sampled_from(STRESSES))
def test_photos_of_any_size_become_whole_frames(width: int, height: int, stress: Stress) -> None:
    frame = stressed_frame(stress, np.full((height, width, 3), 90, np.uint8), 0)
    assert frame.dtype == np.uint8
    assert frame.ndim == 3
    assert min(frame.shape[:2]) >= 1


@pytest.mark.parametrize(
    ("photo_wh", "close_wh"),
    [((400, 533), (480, 640)), ((533, 400), (640, 480)), ((500, 500), (480, 480)), ((30, 3000), (480, 640))],
)
def test_frame_sizes(photo_wh: tuple[int, int], close_wh: tuple[int, int], synthetic_frame: Draw) -> None:
    image = synthetic_frame(*photo_wh)
    for stress in STRESSES:
        size_wh = stressed_frame(stress, image, 0).shape[1::-1]
        if stress is CLEAN:
            assert size_wh == photo_wh
        elif stress.name == "turned by 90°":
            assert size_wh == photo_wh[::-1]
        elif stress.group == "whole photo stretched":
            assert size_wh == (480, 480)
        elif stress.level == "16:9":
            assert size_wh == (640, 360)
        elif "frame" in stress.group:
            assert size_wh == (640, 480)
        else:
            assert size_wh == close_wh, stress.name


@pytest.mark.parametrize("image", [None, np.zeros((4, 4, 3)), np.zeros((4, 4), np.uint8)])
def test_what_is_no_picture_is_misuse(image: object) -> None:
    with pytest.raises((TypeError, ValueError), match="image must"):
        stressed_frame(CLEAN, image, 0)  # type: ignore[arg-type]


# --- each stress does what its level says ------------------------------------------------------------------


def test_as_it_is_is_the_photo(synthetic_frame: Draw) -> None:
    image = synthetic_frame(50, 70)
    np.testing.assert_array_equal(stressed_frame(CLEAN, image, 0), image)


@pytest.mark.parametrize(
    ("name", "height_px", "width_px"),
    [
        ("whole garment in a frame 4:3", 480, 360),
        ("whole garment in a frame 16:9", 360, 270),
        ("height in the frame 98 %", 470, 353),
        ("height in the frame 75 %", 360, 270),
        ("height in the frame 50 %", 240, 180),
    ],
)
def test_the_photo_stands_centred_at_its_size(name: str, height_px: int, width_px: int) -> None:
    # A saturated green occurs in no background.
    image = np.full((400, 300, 3), (0, 255, 0), np.uint8)
    for number in range(6):
        frame = _frame(name, image, number)
        rows, columns = np.nonzero((frame == (0, 255, 0)).all(axis=2))
        assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (height_px, width_px)
        assert len(rows) == height_px * width_px, "the photo is covered"
        middle_yx = ((rows.min() + rows.max() + 1) / 2, (columns.min() + columns.max() + 1) / 2)
        np.testing.assert_allclose(middle_yx, (frame.shape[0] / 2, frame.shape[1] / 2), atol=0.5)


def test_a_photo_wider_than_the_frame_fits_its_width() -> None:
    frame = _frame("whole garment in a frame 4:3", np.full((100, 400, 3), (0, 255, 0), np.uint8))
    rows, columns = np.nonzero((frame == (0, 255, 0)).all(axis=2))
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (160, 640)


def _dot(width: int, height: int) -> Image:
    """A green photo with a black disc in its middle and one above it."""
    image = np.full((height, width, 3), (0, 255, 0), np.uint8)
    for y in (height // 2, height // 4):
        cv2.circle(image, (width // 2, y), 12, (0, 0, 0), -1)
    return image


def _discs(frame: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The centres (x, y) of the two discs, the middle one first."""
    middle = np.array(frame.shape[1::-1]) / 2
    dark = (frame.max(axis=2) < 90).astype(np.uint8)
    count, _, stats, centres = cv2.connectedComponentsWithStats(dark)
    found = [centres[index] for index in range(1, count) if stats[index, cv2.CC_STAT_AREA] > 200]
    return np.array(sorted(found, key=lambda centre: np.hypot(*(centre - middle)))[:2])


@pytest.mark.parametrize(("name", "share"), [("off centre 8 %", 0.08), ("off centre 15 %", 0.15)])
def test_off_centre_moves_by_a_share_of_the_square(name: str, share: float) -> None:
    directions = set()
    for number in range(8):
        moved = _discs(_frame(name, _dot(480, 640), number))[0] - (240, 320)
        assert np.hypot(*moved) == pytest.approx(share * 480, abs=1.5)
        directions.add(tuple(np.sign(moved)))
    assert len(directions) >= 3


@pytest.mark.parametrize(("name", "tilt_deg"), [("tilted 15°", 15), ("tilted 30°", 30)])
def test_tilt_turns_about_the_middle_either_way(name: str, tilt_deg: float) -> None:
    ways = set()
    for number in range(8):
        middle, above = _discs(_frame(name, _dot(480, 640), number))
        np.testing.assert_allclose(middle, (240, 320), atol=1.5)
        angle = np.degrees(np.arctan2(above[0] - middle[0], middle[1] - above[1]))
        assert abs(angle) == pytest.approx(tilt_deg, abs=1)
        ways.add(np.sign(angle))
    assert ways == {-1, 1}


def test_tilt_shows_a_background_and_no_mirrored_pixels() -> None:
    frame = _frame("tilted 30°", np.full((640, 480, 3), (0, 255, 0), np.uint8))
    corner = frame[:40, :40]
    assert not (corner == (0, 255, 0)).all(axis=2).any()
    assert (frame[200:400, 150:330] == (0, 255, 0)).all()


def _edge_spread_px(frame: npt.NDArray[np.float64]) -> float:
    """Standard deviation in px of the blur that turned a vertical step into this ramp."""
    profile = frame[frame.shape[0] // 2, :, 0]
    slope = np.abs(np.diff(profile))
    place = np.arange(len(slope))
    mean = (slope * place).sum() / slope.sum()
    return float(np.sqrt((slope * (place - mean) ** 2).sum() / slope.sum()))


@pytest.mark.parametrize(("name", "sigma_px"), [("blur, sigma 2.5 px", 2.5), ("blur, sigma 5 px", 5.0)])
def test_blur_has_its_sigma_at_640x480(name: str, sigma_px: float) -> None:
    step = np.zeros((480, 640, 3), np.uint8)
    step[:, 320:] = 250
    assert _edge_spread_px(_frame(name, step)) == pytest.approx(sigma_px, rel=0.05)


@pytest.mark.parametrize(("name", "length_px"), [("motion blur 9 px", 9), ("motion blur 17 px", 17)])
def test_motion_blur_draws_a_point_into_a_line(name: str, length_px: int) -> None:
    point = np.zeros((480, 640, 3), np.uint8)
    point[240, 320] = 255
    for number in range(6):
        frame = _frame(name, point, number)[..., 0]
        ys, xs = np.nonzero(frame > 0)
        reach = np.hypot(np.ptp(ys), np.ptp(xs))
        assert length_px - 3 <= reach <= length_px + 1
        assert frame.sum() == pytest.approx(255, rel=0.15)  # no light is lost but by rounding
        spread = np.linalg.svd(np.stack([ys - ys.mean(), xs - xs.mean()]), compute_uv=False)
        assert spread[0] > 3 * spread[1], "it is no line"


@pytest.mark.parametrize(
    ("name", "gain", "sigma"),
    [
        ("noise, sigma 15", 1.0, 15),
        ("noise, sigma 30", 1.0, 30),
        ("brightness x 0.35", 0.35, 5),
        ("brightness x 0.15", 0.15, 5),
    ],
)
def test_noise_and_brightness_have_their_levels(name: str, gain: float, sigma: float) -> None:
    frame = _frame(name, np.full((480, 640, 3), 128, np.uint8))
    assert frame.mean() == pytest.approx(128 * gain, abs=0.5)
    assert frame.std() == pytest.approx(sigma, rel=0.03)
    flat = frame.reshape(-1, 3)
    assert abs(np.corrcoef(flat.T)[0, 1]) < 0.02, "the channels share their noise"


def test_warm_light_is_redder_and_cold_light_bluer() -> None:
    grey = np.full((40, 40, 3), 128, np.uint8)
    warm, cold = (_frame(f"light {name}", grey).mean(axis=(0, 1)) for name in ("warm", "cold"))
    assert warm[2] > warm[1] > warm[0]
    assert cold[0] > cold[1] > cold[2]


def _soft(image: Image) -> Image:
    """Without the fine detail that no compression or resizing keeps."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), 8), np.uint8)


def test_jpeg_costs_more_at_the_lower_quality(synthetic_frame: Draw) -> None:
    image = _soft(synthetic_frame(640, 480))
    errors = [
        np.abs(_frame(f"JPEG quality {quality}", image) - image.astype(np.float64)).mean()
        for quality in (30, 10)
    ]
    assert 0 < errors[0] < errors[1]


@pytest.mark.parametrize(
    "name", ["blur, sigma 2.5 px", "motion blur 9 px", "noise, sigma 15", "light warm", "JPEG quality 30"]
)
def test_close_up_everything_stays_in_its_place(name: str) -> None:
    image = _dot(400, 532)
    for found, (x, y) in zip(_discs(_frame(name, image)), ((200, 266), (200, 133)), strict=True):
        np.testing.assert_allclose(found, (1.2 * (x + 0.5) - 0.5, 1.2 * (y + 0.5) - 0.5), atol=1)


# --- backgrounds -------------------------------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_backgrounds_are_pictures_with_something_on_them(seed: int) -> None:
    picture = draw_background(np.random.default_rng(seed), (160, 120))
    assert picture.shape == (120, 160, 3)
    assert picture.dtype == np.uint8
    assert picture.std() > 1
    assert not (picture == (0, 255, 0)).all(axis=2).any()


def test_training_knows_nothing_of_these_backgrounds() -> None:
    """A model that has met them would be measured on what it learned."""
    import hangtag_train

    train = Path(hangtag_train.__file__).parent
    users = [
        path.relative_to(train).as_posix()
        for path in train.rglob("*.py")
        if "stress_backgrounds" in (text := path.read_text(encoding="utf-8")) or "stressed_frame" in text
    ]
    assert users == []


# --- the report --------------------------------------------------------------------------------------------


def _mean_brightness(labels: tuple[str, str], spec: InputSpec) -> Scorer:
    """A model of two labels: dark and light."""

    def outputs(tensors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        light = np.clip(0.5 + tensors.mean(axis=(1, 2, 3)), 0, 1)
        return np.stack([1 - light, light], axis=1)

    return Scorer(ModelContract(name="light", labels=labels, input=spec), outputs)


@pytest.fixture(scope="module")
def light_and_dark(tmp_path_factory: pytest.TempPathFactory) -> LabelledFolder:
    root = tmp_path_factory.mktemp("light")
    for label, level in (("dark", 50), ("light", 200)):
        folder = root / "validation" / label
        folder.mkdir(parents=True)
        assert cv2.imwrite(str(folder / "0.png"), np.full((40, 30, 3), level, np.uint8))
    return read_split(root, "validation")


def test_the_report_is_what_the_frames_give(light_and_dark: LabelledFolder) -> None:
    scorer = _mean_brightness(("dark", "light"), InputSpec(width_px=16, height_px=16))
    report = stress_scores(scorer, light_and_dark, QUIET, seed=4)
    assert (report.photos, report.seed, report.clean_top1) == (2, 4, 1.0)
    assert [row.name for row in report.rows] == [stress.name for stress in STRESSES[1:]]
    for row in report.rows:
        scores = [
            scorer.scores([stressed_frame(BY_NAME[row.name], read_photo(photo.path), number, 4)])[0]
            for number, photo in enumerate(light_and_dark.photos)
        ]
        assert row.top1 == np.mean(np.argmax(scores, axis=1) == [0, 1])
    by_name = {row.name: row.top1 for row in report.rows}
    assert by_name["brightness x 0.35"] == 0.5, "in the dark all is dark"
    assert by_name["light warm"] == 1.0
    assert stress_scores(scorer, light_and_dark, QUIET, seed=4) == report


def test_means_drops_and_the_worst() -> None:
    rows = (
        StressRow("a 1", "a", "1", 1, 0.80),
        StressRow("a 2", "a", "2", 2, 0.40),
        StressRow("a 3", "a", "3", 3, 0.10),
        StressRow("b 1", "b", "1", 1, 0.88),
        StressRow("b 2", "b", "2", 2, 0.60),
        StressRow("c", "c", "", 0, 0.05),
    )
    report = StressReport(100, 0, 0.90, rows)
    assert report.mean_top1(1) == pytest.approx(0.84)
    assert report.mean_drop_points(1) == pytest.approx(6)
    assert report.mean_top1(2) == pytest.approx(0.5)
    assert report.worst(1) == rows[0]
    assert report.drop_points(rows[0]) == pytest.approx(10)
    record = report.as_record()
    assert record["moderate"]["worst"] == "a 1"
    assert record["hard"]["worst_drop_points"] == pytest.approx(50)
    assert [row["moderate"] for row in record["rows"]] == [True, False, False, True, False, False]


def test_no_photo_is_misuse(tmp_path: Path) -> None:
    scorer = _mean_brightness(("a", "b"), InputSpec(width_px=8, height_px=8))
    with pytest.raises(ValueError, match="no photo"):
        stress_scores(scorer, LabelledFolder(tmp_path, ("a", "b"), ()), QUIET)
