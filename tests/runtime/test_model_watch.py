"""A new model file is taken up while the loop runs: only whole ones that are proven, and nothing is lost."""

from __future__ import annotations

import functools
import itertools
import logging
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from crafting import crashing, seed
from model_parts import whole, with_json_edited
from tiny_models import whole_model

from hangtag import Classifier
from hangtag.classifier import bundled_model
from hangtag.contract import Calibration, InputSpec, ModelContract
from hangtag.golden import INDEX_NAME
from hangtag.model_file import ModelFile, parse_model, with_calibration
from hangtag.model_watch import ModelWatch
from hangtag.pipeline import LoopSettings, run_loop
from hangtag.preprocess import Image
from hangtag.result import Result
from hangtag.sinks.base import Sink, StopLoop
from hangtag.sources import Frame, open_source
from hangtag.sources.live import LiveSource

LOOK_S = 0.05
PATIENCE_S = 60.0


@functools.cache
def model(name: str, side_px: int = 24, labels: tuple[str, ...] = ("dress", "hat", "shoes")) -> ModelFile:
    contract = ModelContract(labels=labels, input=InputSpec(width_px=side_px, height_px=side_px), name=name)
    return parse_model(whole_model(contract), name)


@functools.cache
def with_threshold(threshold: float) -> ModelFile:
    before = model("first")
    calibration = Calibration(unknown_threshold=threshold)
    return parse_model(with_calibration(before, calibration, before.contract.provenance), "threshold")


def failing_golden() -> bytes:
    """The first model with golden scores that it does not compute."""

    def edit(index: dict) -> None:
        for case in index["cases"]:
            case["scores"] = case["scores"][::-1]

    return with_json_edited(model("first").data, edit, INDEX_NAME)


BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "garbage": (lambda: os.urandom(20_000), "damaged|no TFLite|not a"),
    "empty": (lambda: b"", "too short|empty|damaged|no TFLite|not a"),
    "cut short": (lambda: model("second").data[:-500], "damaged|cut short"),
    "cut early": (lambda: model("second").data[:1000], "damaged|cut short"),
    "crashes the engine": (lambda: whole(crashing()), "it crashes the engine"),
    "fails its golden cases": (failing_golden, "does not compute what the trainer did"),
    "unproven": (lambda: whole(seed("plain-int8")), "carries no golden cases"),
}


class Watched:
    """A watched file."""

    def __init__(self, folder: Path, log: pytest.LogCaptureFixture) -> None:
        self.path = folder / "model.tflite"
        self.path.write_bytes(model("first").data)
        self._log = log
        self.watch = ModelWatch(self.path, model("first"), every_s=LOOK_S)

    def rename_in(self, data: bytes) -> None:
        beside = self.path.with_suffix(".new")
        beside.write_bytes(data)
        beside.replace(self.path)

    def said(self, what: str = "") -> list[str]:
        return [record.getMessage() for record in self._log.records if what in record.getMessage()]

    def await_said(self, what: str, times: int = 1) -> None:
        wait_until(lambda: len(self.said(what)) >= times)

    def await_newer(self) -> Classifier:
        found: list[Classifier] = []

        def take() -> bool:
            newer = self.watch.newer()
            found.extend([newer] if newer else [])
            return bool(found)

        wait_until(take)
        return found[0]

    def looks(self, count: int = 6) -> None:
        """Give the watch time for so many looks."""
        time.sleep(count * LOOK_S)


def wait_until(holds: Callable[[], bool]) -> None:
    until_s = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < until_s, "waited in vain"
        time.sleep(0.005)


@pytest.fixture
def watched(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[Watched]:
    # Another command in this process may have sent the log to standard error.
    logger = logging.getLogger("hangtag")
    before, logger.propagate = logger.propagate, True
    held = Watched(tmp_path, caplog)
    with held.watch:
        yield held
    logger.propagate = before


def test_the_same_content_is_no_news_however_it_comes(watched: Watched) -> None:
    watched.looks()
    os.utime(watched.path)
    watched.looks()
    watched.rename_in(model("first").data)
    watched.looks()
    watched.path.unlink()
    watched.looks()
    watched.path.write_bytes(model("first").data)
    watched.looks()
    assert watched.watch.newer() is None
    assert watched.said() == []


def _written_in_place(watched: Watched, data: bytes) -> None:
    watched.path.write_bytes(data)


def _renamed(watched: Watched, data: bytes) -> None:
    watched.rename_in(data)


def _linked(watched: Watched, data: bytes) -> None:
    elsewhere = watched.path.with_name("elsewhere")
    elsewhere.write_bytes(data)
    link = watched.path.with_name("link")
    link.symlink_to(elsewhere)
    link.replace(watched.path)


def _away_and_back(watched: Watched, data: bytes) -> None:
    watched.path.unlink()
    watched.looks()
    watched.path.write_bytes(data)


@pytest.mark.parametrize("put", [_written_in_place, _renamed, _linked, _away_and_back])
def test_a_new_model_is_taken_up_once_however_it_comes(
    watched: Watched, put: Callable[[Watched, bytes], None]
) -> None:
    put(watched, model("second", 32).data)
    newer = watched.await_newer()
    assert newer.model.data == model("second", 32).data
    watched.looks()
    assert watched.watch.newer() is None
    (said,) = watched.said()
    old, new = (f"{m.contract.name} ({m.sha256[:12]})" for m in (model("first"), model("second", 32)))
    assert said.startswith(f"new model: {old} -> {new}, input 24x24 -> 32x32; verified in ")


@pytest.mark.parametrize(
    ("new", "said"),
    [
        (lambda: with_threshold(0.7), ", unknown threshold none -> 0.7;"),
        (lambda: model("turned", labels=("shoes", "hat", "dress")), ", labels in another order;"),
        (lambda: model("other", labels=("dress", "coat")), ", labels differ (2 gone, 1 new);"),
    ],
)
def test_what_changes_for_users_is_said(watched: Watched, new: Callable[[], ModelFile], said: str) -> None:
    watched.rename_in(new().data)
    newer = new()
    assert watched.await_newer().model.data == newer.data
    watched.await_said(said)


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_is_said_once_and_a_good_one_taken_up_after_it(watched: Watched, kind: str) -> None:
    make, reason = BAD[kind]
    data = make()
    watched.rename_in(data)
    watched.await_said("is not taken up")
    os.utime(watched.path)
    watched.looks()
    watched.rename_in(data)
    watched.looks()
    (line,) = watched.said()
    assert line.isprintable()
    assert line.startswith(f"the new model file is not taken up: {watched.path}")
    assert re.search(reason, line), line
    assert line.endswith(f"; first ({model('first').sha256[:12]}) goes on")
    assert watched.watch.newer() is None
    watched.rename_in(model("second", 32).data)
    assert watched.await_newer().model.contract.name == "second"
    # After a good one it is news again.
    watched.rename_in(data)
    watched.await_said("second (", times=2)
    assert len(watched.said("is not taken up")) == 2


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_what_is_no_plain_file_is_left_alone(watched: Watched) -> None:
    watched.path.unlink()
    os.mkfifo(watched.path)
    watched.looks()
    watched.path.unlink()
    watched.path.mkdir()
    watched.looks()
    watched.path.rmdir()
    watched.rename_in(model("second", 32).data)
    assert watched.await_newer().model.contract.name == "second"


def test_a_copy_that_goes_on_is_not_tried(tmp_path: Path, watched: Watched) -> None:
    data, path, longest_s, look_s = model("second", 32).data, tmp_path / "copied.tflite", 0.0, 0.5
    with ModelWatch(path, model("first"), every_s=look_s) as watch, path.open("wb", buffering=0) as file:
        for start in range(0, len(data), len(data) // 6):
            begun = time.monotonic()
            file.write(data[start : start + len(data) // 6])
            time.sleep(0.6 * look_s)
            longest_s = max(longest_s, time.monotonic() - begun)
        wait_until(lambda: watch.newer() is not None)
    # On a machine that was too busy to write on, the file did stand still.
    assert len(watched.said()) == 1 or longest_s > look_s


def test_nothing_but_the_time_of_the_change_may_tell(watched: Watched) -> None:
    """As where a tool copies times, too, and the files are of one length."""
    before, after = with_threshold(0.7).data, with_threshold(0.8).data
    assert len(before) == len(after)
    watched.path.write_bytes(before)
    watched.await_newer()
    was = watched.path.stat()
    watched.path.write_bytes(after)
    os.utime(watched.path, ns=(was.st_atime_ns, was.st_mtime_ns))
    assert watched.await_newer().model.data == after


def test_the_newest_of_several_is_given(watched: Watched) -> None:
    for new in (model("second", 32), model("third", 16)):
        watched.rename_in(new.data)
        watched.await_said(f"-> {new.contract.name} (")
    newer = watched.watch.newer()
    assert newer is not None
    assert newer.model.contract.name == "third"
    assert watched.watch.newer() is None


def test_asking_does_not_wait_for_a_model_that_is_being_tried(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    trying, go_on = threading.Event(), threading.Event()

    def slow(classifier: Classifier) -> None:
        trying.set()
        assert go_on.wait(PATIENCE_S)
        raise RuntimeError("tried")

    monkeypatch.setattr("hangtag.model_watch.verify_cases", slow)
    watched.rename_in(model("second", 32).data)
    assert trying.wait(PATIENCE_S)
    assert all(watched.watch.newer() is None for _ in range(1000))
    go_on.set()
    watched.await_said("cannot be used: RuntimeError('tried')")


def test_a_defect_of_the_watch_ends_the_loop(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: ModelWatch) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(ModelWatch, "_seen", broken)
    with pytest.raises(ZeroDivisionError, match="a defect"):
        run_loop(Camera(), Classifier(model("first")), [], supply=watched.watch)


class Camera(LiveSource):
    """Pictures of the scene, one every 20 ms, for as long as they are read."""

    fps = 50.0
    shown = "camera"

    def delivered(self) -> Iterator[Frame]:
        begun = time.monotonic()
        for number, image in enumerate(itertools.cycle(pictures())):
            time.sleep(max(0.0, begun + number / self.fps - time.monotonic()))
            now = time.monotonic()
            yield Frame(image, number, now - begun, now)


@functools.cache
def pictures() -> list[Image]:
    with open_source("scene:", size_wh=(64, 48)) as scene:
        return [frame.image_bgr for frame in itertools.islice(scene, 40)]


class Results(Sink):
    """Keeps all results; ends the loop when told to."""

    backlog = 10_000

    def __init__(self) -> None:
        self.results: list[Result] = []
        self.enough = threading.Event()

    def write(self, result: Result) -> None:
        self.results.append(result)
        if self.enough.is_set():
            raise StopLoop


def test_the_loop_goes_on_through_good_and_bad_models(
    watched: Watched, record_property: Callable[[str, object], None]
) -> None:
    """No frame is lost, and each one is named by a whole model: its scores are that model's to the bit."""
    good = {
        m.sha256: m
        for m in (
            model("first"),
            with_threshold(0.7),
            model("second", 32),
            model("other", labels=("dress", "coat")),
            bundled_model(),
        )
    }
    sink = Results()
    failures: list[BaseException] = []

    def swap() -> None:
        try:
            for kind in ("garbage", "cut short", "crashes the engine", "fails its golden cases"):
                watched.path.write_bytes(BAD[kind][0]())
                watched.await_said("is not taken up", times=len(watched.said("is not taken up")) + 1)
            for sha256, new in list(good.items())[1:]:
                watched.rename_in(new.data)
                wait_until(lambda sha256=sha256: sink.results[-1].model.sha256 == sha256)
        except BaseException as error:  # noqa: BLE001 - raised below, in the test's own thread
            failures.append(error)
        finally:
            sink.enough.set()

    swapping = threading.Thread(target=swap)
    swapping.start()
    summary = run_loop(
        Camera(), Classifier(model("first")), [sink], LoopSettings(every_frame=True), supply=watched.watch
    )
    swapping.join()
    assert not failures, failures
    numbers = [result.frame.number for result in sink.results]
    assert numbers == list(range(len(numbers)))
    assert summary.counts.dropped == 0
    assert summary.age is not None
    record_property("age_p99_ms", summary.age.p99_ms)
    record_property("age_max_ms", summary.age.max_ms)
    used = [sha256 for sha256, _ in itertools.groupby(result.model.sha256 for result in sink.results)]
    assert used == list(good)
    references = {sha256: Classifier(m) for sha256, m in good.items()}
    for result in sink.results:
        reference = references[result.model.sha256]
        np.testing.assert_array_equal(result.scores, reference.scores(result.frame.image_bgr))
        assert {label for label, _ in result.prediction.top} <= set(reference.contract.labels)
