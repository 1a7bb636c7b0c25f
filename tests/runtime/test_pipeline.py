"""The camera loop and its sinks: every frame accounted for, every file whole however the loop ends."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from camera_results import Spy, outage, results_of

from hangtag import Classifier
from hangtag.errors import OutputError, SourceError
from hangtag.photos import read_photo
from hangtag.pipeline import LoopSettings, run_loop
from hangtag.preprocess import preprocess
from hangtag.result import Result
from hangtag.sinks import overlay
from hangtag.sinks.base import Sink, StopLoop
from hangtag.sinks.clip import Clip
from hangtag.sinks.json_lines import JsonLines
from hangtag.sinks.still import StillSheet
from hangtag.sources import Frame, Source, open_source


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.bundled()


class _Frames(Source):
    """Twenty different frames with ``label`` as their true label; then ``ending`` is raised."""

    fps = 10.0

    def __init__(self, label: str | None = None, ending: BaseException | None = None) -> None:
        self._label = label
        self._ending = ending

    def __iter__(self) -> Iterator[Frame]:
        for number in range(20):
            image = np.full((48, 64, 3), 12 * number, np.uint8)
            yield Frame(image, number, number / 10, 0.0, label=self._label)
        if self._ending is not None:
            raise self._ending


def test_every_frame_reaches_every_sink_in_order(classifier: Classifier) -> None:
    spies = [Spy(), Spy()]
    summary = run_loop(_Frames(), classifier, spies)
    assert all([r.frame.number for r in spy.results] == list(range(20)) and spy.closed == 1 for spy in spies)
    assert (summary.frames, summary.counts.dropped, summary.labelled) == (20, 0, 0)
    assert not summary.interrupted
    assert summary.infer is not None
    assert summary.infer.count == 20


def test_results_are_what_the_classifier_says(classifier: Classifier) -> None:
    spy = Spy()
    run_loop(_Frames(), classifier, [spy], LoopSettings(top=2, smoothing_s=0, hold_s=0))
    for result in spy.results:
        assert result.prediction == classifier.classify(result.frame.image_bgr, top=2)


def _tensors_of_the_camera(classifier: Classifier, photos: list[Path]) -> list[np.ndarray]:
    """Return what stands in the interpreter's input after each photo came through source and loop."""
    seen: list[np.ndarray] = []

    class Tensors(Sink):
        def write(self, _: Result) -> None:
            seen.append(classifier.interpreter.input_view().copy())

    for path in photos:
        with open_source(str(path)) as source:
            run_loop(source, classifier, [Tensors()])
    return seen


def _check_golden(classifier: Classifier, photos: list[Path]) -> None:
    spec = classifier.contract.input
    for path, tensor in zip(photos, _tensors_of_the_camera(classifier, photos), strict=True):
        np.testing.assert_array_equal(tensor, preprocess(read_photo(path), spec))


def test_the_camera_feeds_the_tensor_that_training_saw(classifier: Classifier, tmp_path: Path) -> None:
    """Golden: what training sees is preprocess's bytes (its own test); what the camera feeds is, too."""
    photos = [tmp_path / name for name in ("wide.jpg", "tall.png", "tiny.png")]
    rng = np.random.default_rng(9)
    for path, size_hw in zip(photos, ((301, 533), (640, 357), (31, 17)), strict=True):
        cv2.imwrite(str(path), rng.integers(0, 256, (*size_hw, 3)).astype(np.uint8))
    _check_golden(classifier, photos)


def test_and_so_for_real_photos(classifier: Classifier, real_photos: list[Path]) -> None:
    _check_golden(classifier, real_photos[::3])


def test_right_frames_are_counted(classifier: Classifier) -> None:
    spy = Spy()
    summary = run_loop(_Frames(label="hat"), classifier, [spy])
    assert summary.labelled == 20
    assert summary.right == sum(result.alone.label == "hat" for result in spy.results)


@pytest.mark.parametrize("count", [1, 7, 20, 99])
def test_max_frames(classifier: Classifier, count: int) -> None:
    assert run_loop(_Frames(), classifier, [], LoopSettings(max_frames=count)).frames == min(count, 20)


@pytest.mark.parametrize(("failure", "interrupted"), [(StopLoop(), False), (KeyboardInterrupt(), True)])
def test_stopping_is_not_a_failure(
    classifier: Classifier, failure: BaseException, interrupted: bool, tmp_path: Path
) -> None:
    spy = Spy(failure)
    clip = tmp_path / "clip.webm"
    summary = run_loop(_Frames(), classifier, [Clip(clip, 10), spy])
    assert summary.interrupted is interrupted
    assert spy.closed == 1
    assert _frames_in(clip) == 5


@pytest.mark.parametrize(
    "ending", [SourceError("unplugged"), OutputError("disk full"), RuntimeError("defect")]
)
def test_what_was_recorded_survives_a_failure(
    classifier: Classifier, ending: Exception, tmp_path: Path
) -> None:
    clip = tmp_path / "clip.webm"
    with pytest.raises(type(ending), match=str(ending)):
        run_loop(_Frames(ending=ending), classifier, [Clip(clip, 10)])
    assert _frames_in(clip) == 20
    assert [path.name for path in tmp_path.iterdir()] == ["clip.webm"]


def test_a_sink_that_fails_to_close_does_not_keep_others_open(classifier: Classifier) -> None:
    class Stuck(Spy):
        def close(self) -> None:
            raise OutputError("stuck")

    spies: list[Sink] = [first := Spy(), Stuck(), last := Spy()]
    with pytest.raises(OutputError, match="stuck"):
        run_loop(_Frames(), classifier, spies)
    assert (first.closed, last.closed) == (1, 1)


def test_no_frame_no_file(classifier: Classifier, tmp_path: Path) -> None:
    class Nothing(Source):
        def __iter__(self) -> Iterator[Frame]:
            return iter(())

    summary = run_loop(Nothing(), classifier, [Clip(tmp_path / "a.webm"), StillSheet(tmp_path / "a.jpg")])
    assert (summary.frames, summary.age) == (0, None)
    assert list(tmp_path.iterdir()) == []


def test_frames_of_other_sizes_fit_into_the_clip(classifier: Classifier, tmp_path: Path) -> None:
    class Mixed(Source):
        def __iter__(self) -> Iterator[Frame]:
            for number, (height, width) in enumerate(((61, 81), (40, 90), (200, 100))):
                yield Frame(np.zeros((height, width, 3), np.uint8), number, 0.0, 0.0)

    clip = tmp_path / "clip.webm"
    run_loop(Mixed(), classifier, [Clip(clip)])
    assert _frames_in(clip) == 3


def test_a_live_clip_lasts_as_long_as_what_it_shows(classifier: Classifier, tmp_path: Path) -> None:
    """Three frames of a live source over two seconds are twenty-odd frames at ten a second."""
    frames = [
        Frame(np.zeros((48, 64, 3), np.uint8), round(time_s * 30), time_s, 0.0) for time_s in (5.0, 5.5, 7.0)
    ]
    clip = Clip(tmp_path / "clip.webm", 10, live=True)
    for result in results_of(classifier, frames):
        clip.write(result)
    clip.close()
    assert _frames_in(tmp_path / "clip.webm") == 21


def test_the_loop_and_another_thread_may_share_a_classifier(classifier: Classifier) -> None:
    stop = threading.Event()
    failures: list[BaseException] = []
    other = np.full((50, 50, 3), 200, np.uint8)
    wanted = classifier.classify(other)

    def classify() -> None:
        while not stop.is_set():
            if classifier.classify(other) != wanted:
                failures.append(AssertionError("another frame's scores"))

    thread = threading.Thread(target=classify)
    thread.start()
    try:
        spy = Spy()
        run_loop(_Frames(), classifier, [spy])
    finally:
        stop.set()
        thread.join()
    assert not failures
    assert all(r.alone == classifier.classify(r.frame.image_bgr) for r in spy.results)


def test_json_lines_can_be_read_back(classifier: Classifier) -> None:
    lines: list[str] = []
    run_loop(_Frames(label="hat"), classifier, [JsonLines(lines.append)], LoopSettings(max_frames=3))
    records = [json.loads(line) for line in lines]
    assert [record["frame"] for record in records] == [0, 1, 2]
    assert all(record["true_label"] == "hat" and 0 <= record["score"] <= 1 for record in records)
    assert all("\n" not in line for line in lines)


def test_the_still_has_a_tile_per_visit(classifier: Classifier, tmp_path: Path) -> None:
    class Visits(Source):
        def __iter__(self) -> Iterator[Frame]:
            for number, label in enumerate([None, "hat", "hat", None, "dress", None, "shoes", "shoes"]):
                yield Frame(np.zeros((240, 320, 3), np.uint8), number, 0.0, 0.0, label=label)

    still = tmp_path / "still.jpg"
    run_loop(Visits(), classifier, [StillSheet(still)])
    sheet = cv2.imread(str(still))
    assert sheet is not None
    assert sheet.shape == (240, 3 * 320, 3)


def test_a_long_label_stays_in_the_picture(classifier: Classifier) -> None:
    image = np.full((240, 320, 3), 90, np.uint8)
    (result,) = results_of(classifier, [Frame(image, 0, 0.0, 0.0)])
    prediction = dataclasses.replace(result.prediction, label="long-sleeved " * 9, unknown=False)
    result = dataclasses.replace(result, decision=dataclasses.replace(result.decision, prediction=prediction))
    changed = (overlay.draw(result) != image).any(axis=2)
    assert not changed[160:, -4:].any(), "the card ends before the picture's edge"


def test_an_outage_darkens_the_last_picture_and_says_why() -> None:
    image = np.full((480, 640, 3), 200, np.uint8)
    drawn = overlay.draw_outage(image, outage(reason="unplugged"))
    assert np.median(drawn) == 50
    assert (drawn[200:280] > 200).any(), "something is written"
    assert overlay.draw_outage(None, outage()).shape == (480, 640, 3)


@pytest.mark.parametrize("size_hw", [(480, 640), (640, 480), (24, 32), (1080, 1920), (1, 1)])
def test_the_overlay_leaves_the_frame_alone(classifier: Classifier, size_hw: tuple[int, int]) -> None:
    image = np.full((*size_hw, 3), 90, np.uint8)
    (result,) = results_of(classifier, [Frame(image, 0, 0.0, 0.0)])
    drawn = overlay.draw(result)
    assert drawn.shape == image.shape
    assert (image == 90).all()
    if min(size_hw) > 100:
        assert (drawn != image).any()


def _frames_in(clip: Path) -> int:
    capture = cv2.VideoCapture(str(clip))
    count = 0
    while capture.read()[0]:
        count += 1
    capture.release()
    return count
