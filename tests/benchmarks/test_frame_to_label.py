"""What a label costs beyond the bare model: turns, ratios, MediaPipe beside it, what is said without it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from hangtag.classifier import Classifier, bundled_model
from hangtag.errors import BenchmarkError
from hangtag_benchmarks.camera.frame_to_label import (
    BARE,
    Frames,
    Plan,
    frame_to_label,
    hangtag_blocks,
    verdicts,
)
from hangtag_benchmarks.camera.interleaved import ratio_of_medians, take_turns
from hangtag_benchmarks.camera.mediapipe_peer import MediaPipePeer

PYTHON = Path(__file__).parents[2] / ".venv-clients/mediapipe/bin/python"


def test_blocks_take_turns_in_orders_that_vary() -> None:
    diary: list[str] = []

    def block(name: str) -> Sequence[float]:
        diary.append(name)
        return [1.0, float(len(diary))]

    latencies = take_turns({name: lambda name=name: block(name) for name in "abc"}, 20)  # type: ignore[misc]
    rounds = [diary[start : start + 3] for start in range(0, 60, 3)]
    assert all(sorted(names) == ["a", "b", "c"] for names in rounds)
    assert len({tuple(names) for names in rounds}) > 3
    for name in "abc":
        places = [3 * number + names.index(name) + 1 for number, names in enumerate(rounds)]
        assert [calls[1] for calls in latencies[name]] == places


def test_a_ratio_is_that_of_medians_over_all_calls() -> None:
    over, under = [[2.0, 2.0, 90.0], [2.0, 4.0, 4.0]], [[1.0, 1.0, 1.0], [2.0, 2.0, 50.0]]
    ratio = ratio_of_medians("x", over, under, target=2.0, at_most=True)
    assert ratio.value == 3.0 / 1.5
    assert ratio.reached
    assert (ratio.interval.low, ratio.interval.high) == (2.0, 2.0)


def test_the_interval_is_as_wide_as_rounds_differ() -> None:
    rng = np.random.default_rng(0)
    luck = rng.uniform(0.8, 1.2, (50, 1))
    lucky, beside = ((times * luck * np.ones(5)).tolist() for times in (4.4, 4.0))
    steady = [[4.0] * 5] * 50
    shaky = ratio_of_medians("x", lucky, steady, target=1.1, at_most=True)
    paired = ratio_of_medians("x", lucky, beside, target=1.1, at_most=True)
    assert shaky.interval.low < 1.1 < shaky.interval.high
    assert shaky.interval.high - shaky.interval.low > 0.03
    # What both meet alike cancels out: that is what taking turns is for.
    assert paired.interval.high - paired.interval.low < shaky.interval.high - shaky.interval.low


@pytest.mark.parametrize(
    ("value", "at_most", "reached"),
    [(1.1, True, True), (1.101, True, False), (1.3, False, True), (1.299, False, False)],
)
def test_a_target_is_reached_or_missed(value: float, *, at_most: bool, reached: bool) -> None:
    target = 1.1 if at_most else 1.3
    ratio = ratio_of_medians("x", [[value]], [[1.0]], target=target, at_most=at_most)
    assert ratio.reached is reached
    assert ("MISSED" in ratio.line()) is not reached


def test_blocks_run_the_real_steps_as_often_as_planned(tmp_path: Path) -> None:
    classifier = Classifier(bundled_model())
    frames = Frames.drawn((64, 48), tmp_path)
    blocks = hangtag_blocks(classifier, [frames], Plan(rounds=1, warmup=1, calls=3))
    assert list(blocks) == [BARE, "Hangtag, 64x48"]
    assert [len(block()) for block in blocks.values()] == [3, 3]
    assert all(latency > 0 for block in blocks.values() for latency in block())
    np.testing.assert_array_equal(np.load(frames.path), np.stack(frames.pictures))


def test_without_mediapipe_its_ratios_are_left_out(tmp_path: Path) -> None:
    frames = Frames.drawn((64, 48), tmp_path)
    latencies = {BARE: [[4.0]], "Hangtag, 64x48": [[4.2]]}
    assert [ratio.value for ratio in verdicts(latencies, [frames])] == [pytest.approx(1.05)]
    theirs = {"MediaPipe, 64x48": [[6.3]], "MediaPipe, 64x48, region of interest": [[4.2]]}
    ratios = list(verdicts(latencies | theirs, [frames]))
    assert [round(ratio.value, 9) for ratio in ratios] == [1.05, 1.5, 1.0]
    assert [ratio.reached for ratio in ratios] == [True, True, False]


def test_a_target_that_cannot_be_measured_is_not_reached(tmp_path: Path) -> None:
    ran = CliRunner().invoke(frame_to_label, ["--quick", "--mediapipe-python", str(tmp_path / "python")])
    assert ran.exit_code == 1, ran.output
    assert "NOT MEASURED: MediaPipe / Hangtag, wanted at least 1.30: there is no" in ran.stdout
    assert "this makes it: python -m pytest tests/clients/test_mediapipe.py" in ran.stdout
    assert ran.stdout.count("wanted at most 1.10") == 2, "the others are measured all the same"


def test_mediapipe_can_be_left_out(tmp_path: Path) -> None:
    never_looked_at = ["--mediapipe-python", str(tmp_path / "python")]
    ran = CliRunner().invoke(frame_to_label, ["--quick", "--without-mediapipe", *never_looked_at])
    assert "MediaPipe" not in ran.stdout
    assert ran.stdout.count("wanted at most 1.10") == 2
    assert ran.exit_code == int("MISSED" in ran.stdout), ran.output


def test_a_model_that_cannot_be_opened_is_one_line(tmp_path: Path) -> None:
    ran = CliRunner().invoke(frame_to_label, [str(tmp_path / "gone.tflite")])
    assert (ran.exit_code, ran.stderr.count("Error: ")) == (1, 1)


@pytest.fixture
def mediapipe_python() -> Path:
    if not PYTHON.exists():
        pytest.skip(f"needs {PYTHON}, which tests/clients/test_mediapipe.py makes")
    return PYTHON


@pytest.fixture
def bundled_file(tmp_path: Path) -> Path:
    path = tmp_path / "clothing.tflite"
    path.write_bytes(bundled_model().data)
    return path


def test_mediapipe_answers_as_often_as_asked(
    mediapipe_python: Path, bundled_file: Path, tmp_path: Path
) -> None:
    frames = Frames.drawn((64, 48), tmp_path)
    with MediaPipePeer(mediapipe_python, bundled_file) as peer:
        assert peer.version.count(".") == 2
        region = {"left": 0.125, "top": 0.0, "right": 0.875, "bottom": 1.0}
        for part, swap in ((None, True), (region, True), (region, False)):
            latencies = peer.classify(frames.path, part, swap=swap, warmup=1, calls=3)
            assert len(latencies) == 3
            assert min(latencies) > 0
        with pytest.raises(BenchmarkError, match="MediaPipe: FileNotFoundError"):
            peer.classify(tmp_path / "gone.npy", None, swap=True, warmup=0, calls=1)
        with pytest.raises(BenchmarkError, match="ended with status"):
            peer.classify(frames.path, None, swap=True, warmup=0, calls=1)


def test_a_model_that_mediapipe_refuses_is_an_error(mediapipe_python: Path, tmp_path: Path) -> None:
    path = tmp_path / "bad.tflite"
    path.write_bytes(b"not a model")
    with pytest.raises(BenchmarkError, match="MediaPipe: "):
        MediaPipePeer(mediapipe_python, path)


def test_a_python_that_is_not_there_is_an_error(bundled_file: Path, tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="cannot start"):
        MediaPipePeer(tmp_path / "python", bundled_file)
