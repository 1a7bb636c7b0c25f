"""Ages by stamp: the camera that stamps, the model of a given slowness, the verdicts."""

from __future__ import annotations

import itertools
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from hangtag.classifier import Classifier
from hangtag.errors import BenchmarkError
from hangtag.photos import decode_photo
from hangtag.scene import timecode
from hangtag.sources.frame_check import FrameCheck
from hangtag.sources.jpeg_splitter import JpegSplitter
from hangtag_benchmarks.camera.aged_loop import AgedRun, AgeLog, SteadyClassifier, Target, missed, run_aged
from hangtag_benchmarks.camera.cpu_cap import JPEG, SCENE, Camera, CpuUse, cpu_use, verdicts
from hangtag_benchmarks.camera.stamped_camera import Metronome, MovingTexture, StampedCamera


class TestStampedCamera:
    def test_its_frames_say_when_they_were_made(self) -> None:
        texture = MovingTexture((320, 240))
        image, made_s = texture.stamped(7)
        assert image.shape == (240, 320, 3)
        assert timecode.read(image) == int(1000 * made_s)

    def test_they_move_and_are_no_faulty_frames(self) -> None:
        texture, check = MovingTexture((320, 240)), FrameCheck()
        images = [texture.stamped(number)[0] for number in range(0, 400, 7)]
        assert all(check.fault(image, float(number)) is None for number, image in enumerate(images))
        assert all((one[100:] != other[100:]).any() for one, other in itertools.pairwise(images))

    def test_it_keeps_its_rate_and_ends(self) -> None:
        begun = time.monotonic()
        frames = list(StampedCamera(size_wh=(160, 120), fps=50, seconds=1).delivered())
        assert 0.8 < time.monotonic() - begun < 2
        assert 25 <= len(frames) <= 50
        assert frames[-1].number < 50

    def test_beats_that_were_missed_are_left_out(self) -> None:
        metronome = Metronome(20)
        assert metronome.wait() == 0
        time.sleep(0.5)
        assert metronome.wait() >= 10

    def test_as_a_program_it_writes_whole_frames(self) -> None:
        command = [sys.executable, "-m", "hangtag_benchmarks.camera.stamped_camera", "--size", "160x120"]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            frames = [
                np.frombuffer(child.stdout.read(3 * 160 * 120), np.uint8).reshape(120, 160, 3)
                for _ in range(5)
            ]
            child.stdout.close()
            assert child.wait(timeout=10) == 0, "it ends when nobody reads"
        stamps = [timecode.read(frame) for frame in frames]
        assert None not in stamps
        assert stamps == sorted(stamps)  # type: ignore[type-var]


def test_a_model_takes_as_long_as_it_is_to() -> None:
    image = MovingTexture((320, 240)).stamped(0)[0]
    classifier = SteadyClassifier(60)
    taken = [classifier.timed_scores(image) for _ in range(4)]
    assert min(timed.infer_ms for timed in taken) >= 59.9
    bundled = Classifier.bundled().timed_scores(image)
    np.testing.assert_array_equal(taken[0].scores, bundled.scores)
    assert taken[0].energy == bundled.energy


@pytest.mark.alone
def test_the_loop_tells_true_ages_and_drops_what_it_has_no_time_for() -> None:
    run = run_aged(StampedCamera(size_wh=(320, 240), fps=30, seconds=3), 200)
    # A busy machine makes fewer labels and later ones, but never more, and never drops fewer frames for each.
    assert 3 <= run.classified <= 16
    assert run.dropped >= 4 * (run.classified - 1), "six frames come in 200 ms; five of them are too many"
    assert run.told(0) >= 200
    difference_ms = np.subtract(run.log.true_ms, run.log.told_ms)
    # The least is what the loop itself leaves out; what is beyond that is a sink's thread that had to wait.
    assert -1 < difference_ms.min() < 50, "no label is older than it says"
    assert run.log.memory_mb


def test_pictures_without_stamps_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timecode, "draw", lambda *_: None)
    with pytest.raises(BenchmarkError, match="stamps"):
        run_aged(StampedCamera(size_wh=(320, 240), fps=30, seconds=1), 0)


def log_of(ages_ms: list[float], memory_mb: list[float] | None = None) -> AgedRun:
    at_s = [number / 10 for number in range(len(ages_ms))]
    return AgedRun(
        AgeLog(at_s=at_s, told_ms=ages_ms, true_ms=ages_ms, infer_ms=ages_ms, memory_mb=memory_mb or [1.0]), 0
    )


def test_labels_that_grow_older_are_seen() -> None:
    assert log_of([50.0] * 90).growing_ms == pytest.approx(0)
    grown = log_of([50.0 + number for number in range(90)])
    assert grown.growing_ms == pytest.approx(60)
    assert grown.slope_ms_a_s == pytest.approx(10)


def test_memory_that_grows_is_seen_and_warming_up_is_not() -> None:
    warm = [10.0] * 10 + [50.0] * 40
    assert log_of([1.0], warm).growth_mb == 0
    assert log_of([1.0], [float(number) for number in range(50)]).growth_mb > 30


@pytest.mark.parametrize(
    ("value", "at_most", "reached"), [(9, True, True), (11, True, False), (11, False, True)]
)
def test_targets(value: float, at_most: bool, reached: bool) -> None:
    target = Target("age", value, 10, "ms", at_most=at_most)
    assert target.reached is reached
    assert ("reached" if reached else "MISSED") in target.line()
    assert missed([target]) is not reached


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc, where Linux counts CPU time")
@pytest.mark.parametrize("camera", [SCENE, JPEG], ids=["scene", "jpeg"])
def test_the_cpu_use_of_a_camera_is_counted(camera: Camera) -> None:
    use = cpu_use(camera, 5, 3)
    assert 3 < use.results_a_s < 6
    # The source alone is measured in a run of its own, which on a busy machine may cost a little more.
    assert 0 < use.source_percent < 1.5 * use.all_percent
    assert use.all_percent < 200


def test_the_whole_process_is_judged_and_not_what_its_source_leaves_of_it() -> None:
    full, capped = CpuUse(30, 60, 20), CpuUse(5, 20, 14)
    assert capped.loop_percent / full.loop_percent < 0.25
    assert [target.reached for target in verdicts({"scene:": (full, capped)})] == [False]
    assert [target.reached for target in verdicts({"JPEG": (full, CpuUse(5, 15, 1))})] == [True]


def test_as_a_program_the_camera_writes_jpeg_too() -> None:
    program, splitter = [*JPEG.feeder], JpegSplitter()
    frames: list[bytes] = []
    with subprocess.Popen(program, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        while len(frames) < 3:
            frames += splitter.feed(child.stdout.read(10_000))
        child.stdout.close()
        assert child.wait(timeout=10) == 0, "it ends when nobody reads"
    images = [decode_photo(data, "frame") for data in frames]
    assert all(image.shape == (480, 640, 3) for image in images)
    assert all(timecode.read(image) is not None for image in images)
