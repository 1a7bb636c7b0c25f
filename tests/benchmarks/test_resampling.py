"""What fast resizing lets through: frames with fine detail, and the kernel judged against area."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from hangtag.classifier import Classifier
from hangtag.comparison import compare
from hangtag.contract import Kernel
from hangtag.scene import render_garment
from hangtag_benchmarks.camera.resampling import (
    DETAILS,
    JUDGED_WH,
    Detail,
    Row,
    detailed_frames,
    framed,
    resampling,
    weave,
    with_kernel,
)

NOISE = Detail("noise", 8)
PHOTO = np.full((40, 30, 3), 128, np.uint8)


def _row(lost: int, gained: int, size_wh: tuple[int, int] = JUDGED_WH, detail: Detail = NOISE) -> Row:
    """Of a thousand photos so many lost and gained."""
    right, wrong = np.eye(2)
    before = np.stack([right] * (1000 - gained) + [wrong] * gained)
    after = np.stack([wrong] * lost + [right] * (1000 - lost))
    change = compare(before, after, np.zeros(1000, int), ("a", "b")).accuracy
    assert change is not None
    return Row(size_wh, detail, change)


@pytest.mark.parametrize(
    ("row", "missed"),
    [
        (_row(5, 0), False),
        (_row(6, 0), True),
        (_row(26, 20), True),
        (_row(0, 20), False),
        (_row(60, 0, size_wh=(640, 480)), False),
        (_row(60, 0, detail=Detail("weave", 8, weave=True)), False),
        (_row(60, 0, detail=Detail("nothing", 0)), False),
    ],
)
def test_the_target_is_half_a_point_with_noise_in_large_frames(row: Row, *, missed: bool) -> None:
    assert row.missed is missed
    assert ("MISSED" in row.cells()) is missed
    assert ("reached" in row.cells()) is (row.judged and not missed)


@pytest.mark.parametrize(
    ("photo_wh", "filled"),
    [((30, 40), (13, 67)), ((400, 600), (16, 64)), ((40, 30), (0, 80)), ((300, 60), (0, 80))],
    ids=["portrait", "shrunk", "wide", "wider than the frame"],
)
def test_a_photo_is_as_high_as_the_frame(photo_wh: tuple[int, int], filled: tuple[int, int]) -> None:
    photo = np.full((photo_wh[1], photo_wh[0], 3), (0, 255, 0), np.uint8)
    frame, (rows, columns) = framed(photo, (80, 72), np.random.default_rng(0))
    assert frame.shape == (72, 80, 3)
    assert (rows.start, rows.stop) == (0, 72)
    assert columns.stop - columns.start == min(80, round(photo_wh[0] * 72 / photo_wh[1]))
    assert abs(columns.start - (80 - columns.stop)) <= 1
    assert (frame[rows, columns] == (0, 255, 0)).all()
    assert (columns.start, columns.stop) == filled


def test_details_are_as_strong_as_they_say_and_the_same_again() -> None:
    frames = dict(detailed_frames(PHOTO, (160, 120), [0, 3]))
    assert tuple(frames) == DETAILS
    middle = {detail: frame[40:80, 60:100].astype(float) for detail, frame in frames.items()}
    for detail, pixels in middle.items():
        if not detail.weave:
            assert pixels.std() == pytest.approx(detail.noise_sigma, rel=0.05)
        assert pixels.mean() == pytest.approx(128, abs=1.5)
    woven = next(pixels for detail, pixels in middle.items() if detail.weave and not detail.noise_sigma)
    assert woven.std() > 5
    again = dict(detailed_frames(PHOTO, (160, 120), [0, 3]))
    other = dict(detailed_frames(PHOTO, (160, 120), [0, 4]))
    for detail, frame in frames.items():
        np.testing.assert_array_equal(frame, again[detail])
    assert not np.array_equal(frames[NOISE_8], other[NOISE_8])


NOISE_8 = next(detail for detail in DETAILS if detail.noise_sigma == 8 and not detail.weave)


def test_a_weave_is_fine_and_goes_both_ways() -> None:
    for seed in range(5):
        threads = weave((200, 100), np.random.default_rng(seed))
        assert threads.shape == (100, 200)
        assert threads.mean() == pytest.approx(1, abs=0.01)
        assert np.abs(threads - 1).max() == pytest.approx(0.15, abs=0.02)
        # Averaged over what one pixel of the input covers of a 1080p frame, hardly anything is left …
        assert (cv2.blur(threads, (7, 7)) - 1).std() < 0.25 * (threads - 1).std()


def test_another_kernel_is_another_contract_for_the_same_model() -> None:
    classifier = Classifier.bundled()
    by_area = with_kernel(classifier, Kernel.AREA)
    assert by_area.contract.input.kernel is Kernel.AREA
    assert by_area.model.data == classifier.model.data
    garment = render_garment("dress", np.random.default_rng(0), 480)[0]
    assert by_area.scores(garment) == pytest.approx(classifier.scores(garment), abs=0.2)
    noisy = np.random.default_rng(0).integers(0, 256, (1080, 1080, 3), np.uint8)
    assert by_area.scores(noisy).tolist() != classifier.scores(noisy).tolist()


def test_the_command_compares_a_folder(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for label in ("dress", "hat"):
        folder = tmp_path / "validation" / label
        folder.mkdir(parents=True)
        cv2.imwrite(str(folder / "a.png"), render_garment(label, rng, 120)[0])
    ran = CliRunner().invoke(resampling, ["--data", str(tmp_path), "--draws", "1"])
    assert ran.exit_code in {0, 1}, ran.output
    assert ran.exit_code == int("MISSED" in ran.stdout)
    assert ran.stdout.startswith("2 photos of validation, linear-exact against area, seeds 0 to 0")
    assert ran.stdout.count("1920x1080, ") == ran.stdout.count("640x480, ") == len(DETAILS)
    refused = CliRunner().invoke(resampling, ["--data", str(tmp_path), "--kernel", "area"])
    assert (refused.exit_code, "area already" in refused.stderr) == (1, True)
    gone = CliRunner().invoke(resampling, ["--data", str(tmp_path), "--split", "test"])
    assert (gone.exit_code, gone.stderr.count("Error: ")) == (1, 1)
