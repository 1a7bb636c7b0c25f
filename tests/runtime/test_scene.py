"""The simulated camera: the same frames for the same settings, true labels, garments and photos alike."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from hangtag.errors import SourceError
from hangtag.scene import GARMENTS, Scene, SceneSettings, render_garment
from hangtag.scene.camera import Camera

SMALL = SceneSettings(size_wh=(160, 120))
FRAMES_PER_VISIT = 60  # 2.4 s at 25 frames a second


def write_photos(folder: Path, labels: tuple[str, ...]) -> None:
    for index, label in enumerate(labels):
        picture, _ = render_garment(label, np.random.default_rng(index), 90)
        (folder / label).mkdir(parents=True)
        cv2.imwrite(str(folder / label / "photo.png"), picture)


def means(images: list[np.ndarray]) -> np.ndarray:
    return np.array([cv2.resize(image, (8, 8), interpolation=cv2.INTER_AREA) for image in images], np.float64)


class TestDeterminism:
    NUMBERS = (0, 7, 30, 59, 60, 61, 95, 130)

    def test_frames_do_not_depend_on_the_order_or_the_object(self) -> None:
        in_order = {number: Scene(SMALL).frame(number) for number in self.NUMBERS}
        scene = Scene(SMALL)
        for number in np.random.default_rng(0).permutation(self.NUMBERS):
            frame = scene.frame(int(number))
            assert frame.label == in_order[number].label
            assert np.array_equal(frame.image_bgr, in_order[number].image_bgr), number

    def test_writing_to_a_frame_does_not_reach_the_scene(self) -> None:
        scene = Scene(SMALL)
        first = scene.frame(30).image_bgr.copy()
        scene.frame(30).image_bgr[:] = 0
        assert np.array_equal(scene.frame(30).image_bgr, first)

    def test_seeds_give_other_scenes(self) -> None:
        one, other = (Scene(SceneSettings(seed=seed, size_wh=(160, 120))) for seed in (0, 1))
        assert np.abs(means([one.frame(30).image_bgr]) - means([other.frame(30).image_bgr])).mean() > 5
        orders = [[scene.frame(visit * 60 + 30).label for visit in range(10)] for scene in (one, other)]
        assert orders[0] != orders[1]

    def test_a_visit_is_another_one_in_another_scene(self) -> None:
        first: dict[str | None, np.ndarray] = {}
        for seed in range(20):
            frame = Scene(SceneSettings(seed=seed, size_wh=(64, 64))).frame(30)
            if frame.label in first:
                pair = means([frame.image_bgr, first[frame.label]]).reshape(2, -1)
                assert np.corrcoef(pair)[0, 1] < 0.95, "more than exposure and camera differ"
                return
            first[frame.label] = frame.image_bgr
        pytest.fail("twenty scenes began with twenty of ten garments")

    def test_noise_is_new_in_every_frame(self) -> None:
        camera, grey = Camera(0, (64, 48)), np.full((48, 64, 3), 120, np.uint8)
        one, other = (camera.photograph(grey, number, 1.0).astype(float) for number in (1, 2))
        noise = [image - cv2.GaussianBlur(image, (0, 0), 3) for image in (one, other)]
        assert noise[0].std() > 0.5
        assert abs(np.corrcoef(noise[0].ravel(), noise[1].ravel())[0, 1]) < 0.2

    def test_neighbouring_frames_differ_a_little(self) -> None:
        scene = Scene(SMALL)
        one, other = (scene.frame(number).image_bgr.astype(int) for number in (30, 31))
        assert 0.5 < np.abs(one - other).mean() < 15

    def test_time_passes_smoothly_whatever_the_rate(self) -> None:
        slow, fast = (Scene(SceneSettings(size_wh=(160, 120), fps=fps)) for fps in (10.0, 30.0))
        a, b = slow.frame(12), fast.frame(36)  # 1.2 s
        assert a.time_s == pytest.approx(b.time_s)
        assert a.label == b.label
        assert np.abs(means([a.image_bgr]) - means([b.image_bgr])).max() < 4


class TestLabels:
    def test_every_garment_comes_once_in_ten_visits(self) -> None:
        scene = Scene(SceneSettings(seed=3, size_wh=(64, 48)))
        labels = [scene.frame(visit * FRAMES_PER_VISIT + 30).label for visit in range(20)]
        assert sorted(map(str, labels[:10])) == sorted(map(str, labels[10:])) == list(GARMENTS)
        assert all(one != other for one, other in pairwise(labels))

    @pytest.mark.parametrize("size_wh", [(640, 480), (240, 320)])
    def test_a_garment_has_no_label_before_it_is_in_view(self, size_wh: tuple[int, int]) -> None:
        scene = Scene(SceneSettings(seed=5, size_wh=size_wh))
        labels = [scene.frame(number).label for number in range(FRAMES_PER_VISIT)]
        (true,) = set(labels) - {None}
        assert true in GARMENTS
        assert labels[0] is labels[1] is labels[-1] is None
        first, last = labels.index(true), FRAMES_PER_VISIT - labels[::-1].index(true)
        assert all(label == true for label in labels[first:last]), "once in view it stays in view"

    def test_most_frames_have_a_label(self) -> None:
        scene = Scene(SceneSettings(seed=4, size_wh=(96, 96)))
        labelled = [scene.frame(number).label is not None for number in range(5 * FRAMES_PER_VISIT)]
        assert 0.7 < np.mean(labelled) < 0.9

    def test_the_first_frame_shows_the_background_only(self) -> None:
        scene = Scene(SMALL)
        empty, full = (scene.frame(number).image_bgr for number in (0, 30))
        assert np.abs(means([full]) - means([empty])).mean() > 8
        assert scene.frame(0).label is None


class TestSettings:
    @pytest.mark.parametrize("size_wh", [(640, 480), (480, 640), (64, 48), (33, 97), (1280, 720)])
    def test_size_is_honoured(self, size_wh: tuple[int, int]) -> None:
        frame = Scene(SceneSettings(size_wh=size_wh)).frame(30)
        assert frame.image_bgr.shape == (size_wh[1], size_wh[0], 3)
        assert frame.image_bgr.dtype == np.uint8
        assert frame.label in GARMENTS

    def test_time_is_the_number_over_the_rate(self) -> None:
        frame = Scene(SceneSettings(size_wh=(64, 48), fps=12.5)).frame(25)
        assert (frame.number, frame.time_s) == (25, 2.0)

    def test_visits_last_as_long_as_asked(self) -> None:
        scene = Scene(SceneSettings(size_wh=(64, 48), fps=10.0, visit_s=1.0))
        labels = [scene.frame(visit * 10 + 5).label for visit in range(10)]
        assert sorted(map(str, labels)) == list(GARMENTS)

    @pytest.mark.parametrize(
        "wrong",
        [{"seed": -1}, {"size_wh": (31, 100)}, {"fps": 0.0}, {"fps": float("nan")}, {"visit_s": 0.01}],
    )
    def test_what_cannot_be_is_refused(self, wrong: dict[str, object]) -> None:
        with pytest.raises(ValueError, match=f"{next(iter(wrong))} must"):
            SceneSettings(**wrong)  # type: ignore[arg-type]

    def test_negative_numbers_are_refused(self) -> None:
        with pytest.raises(ValueError, match="-1"):
            Scene(SMALL).frame(-1)


class TestGarments:
    @pytest.mark.parametrize("label", GARMENTS)
    def test_picture_and_matte_fit(self, label: str) -> None:
        picture, matte = render_garment(label, np.random.default_rng(1), 120)
        assert picture.shape == (*matte.shape, 3)
        assert picture.dtype == matte.dtype == np.uint8
        assert matte.shape[0] == 120
        opaque = float((matte > 250).mean())
        assert 0.25 < opaque < 0.98, "neither a speck nor a rectangle"
        assert matte.max() == 255
        assert int(matte[0, 0]) == int(matte[-1, 0]) == 0, "corners are empty"
        assert picture[matte > 250].std() > 3, "light and cloth vary"

    @pytest.mark.parametrize("label", GARMENTS)
    def test_no_two_are_alike(self, label: str) -> None:
        pictures = [render_garment(label, np.random.default_rng(seed), 96)[0] for seed in (1, 2, 1)]
        assert np.array_equal(pictures[0], pictures[2])
        assert np.abs(means(pictures[:1]) - means(pictures[1:2])).mean() > 3

    def test_long_sleeves_reach_further_down_than_short_ones(self) -> None:
        def sleeve_share(label: str, seed: int) -> float:
            """How much of the matte's outermost tenth on each side is covered in its lower half."""
            _, matte = render_garment(label, np.random.default_rng(seed), 160)
            edge = matte.shape[1] // 10
            return float((np.hstack([matte[80:, :edge], matte[80:, -edge:]]) > 128).mean())

        for seed in range(4):
            assert sleeve_share("longsleeve", seed) > 0.2 > sleeve_share("t-shirt", seed)

    def test_pants_have_two_legs_and_skirts_none(self) -> None:
        for seed in range(4):
            _, pants = render_garment("pants", np.random.default_rng(seed), 160)
            _, skirt = render_garment("skirt", np.random.default_rng(seed), 160)
            rows = [(matte[140] > 128).astype(int) for matte in (pants, skirt)]
            pieces = [int((np.diff(np.pad(row, 1)) == 1).sum()) for row in rows]
            assert pieces == [2, 1]

    def test_unknown_garments_are_refused(self) -> None:
        with pytest.raises(ValueError, match="'sock'"):
            render_garment("sock", np.random.default_rng(0))
        with pytest.raises(ValueError, match="8 pixels"):
            render_garment("hat", np.random.default_rng(0), 2)


class TestPhotos:
    LABELS = ("dress", "hat", "shoes")

    def test_labels_are_the_folders(self, tmp_path: Path) -> None:
        write_photos(tmp_path, self.LABELS)
        scene = Scene(SMALL, tmp_path)
        labels = [scene.frame(visit * FRAMES_PER_VISIT).label for visit in range(6)]
        assert sorted(map(str, labels[:3])) == sorted(map(str, labels[3:])) == sorted(self.LABELS)
        assert {scene.frame(number).label for number in range(FRAMES_PER_VISIT)} == {labels[0]}

    def test_no_photo_is_shown_twice_in_a_row(self, tmp_path: Path) -> None:
        write_photos(tmp_path, self.LABELS)
        scene = Scene(SceneSettings(size_wh=(64, 48), fps=1.0, visit_s=1.0), tmp_path)
        labels = [scene.frame(visit).label for visit in range(60)]
        assert all(one != other for one, other in pairwise(labels))

    def test_the_photo_fills_the_centre_square(self, tmp_path: Path) -> None:
        photo = np.zeros((100, 100, 3), np.uint8)
        photo[:50] = (40, 40, 200)
        photo[50:] = (200, 40, 40)
        cv2.imwrite(str(tmp_path / "flag.png"), photo)
        frame = Scene(SceneSettings(size_wh=(320, 240)), tmp_path).frame(20)
        assert frame.label is None, "a photo outside label folders has no label"
        middle = frame.image_bgr[:, 60:260].astype(int)
        assert (middle[:90, :, 2] > middle[:90, :, 0] + 80).all()
        assert (middle[150:, :, 0] > middle[150:, :, 2] + 80).all()
        assert frame.image_bgr[:, :20].mean() > 40, "the sides continue the photo"

    def test_frames_are_deterministic(self, tmp_path: Path) -> None:
        write_photos(tmp_path, self.LABELS)
        scene = Scene(SMALL, tmp_path)
        ahead = scene.frame(75).image_bgr
        scene.frame(3)
        assert np.array_equal(scene.frame(75).image_bgr, ahead)
        assert np.array_equal(Scene(SMALL, tmp_path).frame(75).image_bgr, ahead)

    @pytest.mark.parametrize("size_wh", [(120, 160), (64, 48)])
    def test_wide_and_tall_photos_fit(self, tmp_path: Path, size_wh: tuple[int, int]) -> None:
        for name, shape in (("tall", (300, 90, 3)), ("wide", (40, 400, 3))):
            cv2.imwrite(str(tmp_path / f"{name}.png"), np.full(shape, 130, np.uint8))
        scene = Scene(SceneSettings(size_wh=size_wh), tmp_path)
        for number in (0, 70):
            image = scene.frame(number).image_bgr
            assert image.shape == (size_wh[1], size_wh[0], 3)
            assert image.min() > 60, "no black corners"

    @pytest.mark.parametrize("what", ["nothing", "file", "empty"])
    def test_a_folder_without_photos_is_refused(self, tmp_path: Path, what: str) -> None:
        path = tmp_path / "photos"
        if what == "file":
            path.write_text("not a folder")
        elif what == "empty":
            path.mkdir()
        with pytest.raises(SourceError, match=r"photos.*wanted") as caught:
            Scene(SMALL, path)
        assert "\n" not in str(caught.value)

    def test_a_broken_photo_stops_the_scene_with_its_name(self, tmp_path: Path) -> None:
        (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff garbage")
        scene = Scene(SMALL, tmp_path)
        with pytest.raises(SourceError, match=r"broken\.jpg"):
            scene.frame(0)
