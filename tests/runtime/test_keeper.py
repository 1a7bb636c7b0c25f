"""What --record keeps: every pixel and number, in segments under a quota, readable however it ended."""

from __future__ import annotations

import dataclasses
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from hangtag import Classifier
from hangtag.classifier import bundled_model
from hangtag.cli import main
from hangtag.errors import OutputError, SourceError
from hangtag.model_file import parse_model, with_calibration
from hangtag.photos import read_photo
from hangtag.pipeline import LoopSettings, run_loop
from hangtag.record_header import HEADER_NAME, LINES_NAME, SEGMENT
from hangtag.record_lines import KeptFrame, KeptOutage
from hangtag.record_reader import Torn, find_records
from hangtag.result import Result
from hangtag.sinks import keeper
from hangtag.sinks.base import Sink
from hangtag.sinks.keeper import Keeper
from hangtag.sources import Frame, Source
from hangtag.sources.account import Counts, Outage
from hangtag.view import Flip, View

QUOTA_BYTES = 10_000_000
FRAMES = 12


class Noise(Source):
    """Frames of noise, which no coder makes small; a password stands in none of its names."""

    fps = 10.0
    shown = "rtsp://camera/stream"

    def __iter__(self) -> Iterator[Frame]:
        rng = np.random.default_rng(3)
        for number in range(FRAMES):
            image = rng.integers(0, 256, (48, 64, 3)).astype(np.uint8)
            yield Frame(image, number, number / 10, 0.0, label="hat" if number % 2 else None)


class Results(Sink):
    def __init__(self) -> None:
        self.results: list[Result] = []

    def write(self, result: Result) -> None:
        self.results.append(result)


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.bundled()


@pytest.fixture(scope="module")
def results(classifier: Classifier) -> list[Result]:
    """What a loop over the noise gives its sinks."""
    spy = Results()
    run_loop(Noise(), classifier, [spy])
    return spy.results


def kept_of(folder: Path) -> list[tuple[Path, KeptFrame]]:
    (record,) = find_records(folder)
    return [(segment, line) for segment, line in record.lines() if isinstance(line, KeptFrame)]


def lines_of(folder: Path) -> list[Any]:
    """Return the lines of all segments as plain JSON."""
    texts = [path.read_text() for path in sorted(folder.glob(f"*/{LINES_NAME}"))]
    return [json.loads(line) for text in texts for line in text.splitlines()]


def make(folder: Path, classifier: Classifier, quota_bytes: int = QUOTA_BYTES, **settings: Any) -> Keeper:
    return Keeper(folder, quota_bytes, classifier.model, LoopSettings(**settings))


def test_every_pixel_and_every_number_is_kept(tmp_path: Path, classifier: Classifier) -> None:
    view = View(roi=(4, 0, 40, 48), rotate_deg=180, flip=Flip.HORIZONTAL)
    spy, settings = Results(), LoopSettings(view=view, smoothing_s=0.3, hold_s=0.2)
    run_loop(Noise(), classifier, [Keeper(tmp_path, QUOTA_BYTES, classifier.model, settings), spy], settings)
    (record,) = find_records(tmp_path)
    header = record.header
    assert (header.view, header.smoothing_s, header.hold_s) == (view, 0.3, 0.2)
    assert (header.source, header.model.file) == ("rtsp://camera/stream", "bundled clothing.tflite")
    assert (header.model.sha256, header.model.labels) == (classifier.model.sha256, classifier.contract.labels)
    assert header.model.unknown_threshold == classifier.contract.calibration.unknown_threshold
    kept = kept_of(tmp_path)
    assert len(kept) == FRAMES
    for result, (segment, line) in zip(spy.results, kept, strict=True):
        # As the source gave it: not turned, not cut.
        np.testing.assert_array_equal(read_photo(segment / line.file), result.frame.image_bgr)
        np.testing.assert_array_equal(line.scores, result.scores)
        expected = KeptFrame.of(result, missed=0)
        assert dataclasses.replace(line, scores=expected.scores) == expected


def test_photos_are_decided_each_for_itself(
    tmp_path: Path, classifier: Classifier, results: list[Result]
) -> None:
    sink = Keeper(tmp_path, QUOTA_BYTES, classifier.model, LoopSettings(), continuous=False)
    sink.write(results[0])
    sink.close()
    (record,) = find_records(tmp_path)
    assert (record.header.smoothing_s, record.header.hold_s) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("given", "missed"),
    [
        # Frame numbers, each with the frames that were dropped before they were classified, so far.
        ([(0, 0), (1, 0), (2, 0)], [0, 0, 0]),
        ([(0, 0), (3, 0), (4, 0)], [0, 2, 2]),
        ([(0, 0), (3, 2), (4, 2)], [0, 0, 0]),
        ([(2, 1), (7, 3), (9, 3)], [1, 3, 4]),
    ],
)
def test_results_that_did_not_come_are_counted_and_frames_that_were_dropped_are_not(
    tmp_path: Path,
    classifier: Classifier,
    results: list[Result],
    given: list[tuple[int, int]],
    missed: list[int],
) -> None:
    sink = make(tmp_path, classifier)
    for number, dropped in given:
        frame = dataclasses.replace(results[0].frame, number=number)
        sink.write(dataclasses.replace(results[0], frame=frame, counts=Counts(dropped=dropped)))
    sink.close()
    assert [line.missed for _, line in kept_of(tmp_path)] == missed


def test_outages_are_kept_in_their_place(
    tmp_path: Path, classifier: Classifier, results: list[Result]
) -> None:
    sink = make(tmp_path, classifier)
    outage = Outage("camera", "it ended", 1500.0, 0.15, Counts())
    sink.missing(outage)
    sink.write(results[0])
    sink.missing(outage)
    sink.write(results[1])
    sink.close()
    (record,) = find_records(tmp_path)
    kinds = [type(line) for _, line in record.lines()]
    assert kinds == [KeptOutage, KeptFrame, KeptOutage, KeptFrame]
    assert [line["reason"] for line in lines_of(tmp_path) if line.get("stale")] == ["it ended"] * 2


def test_a_segment_is_closed_after_its_time(
    tmp_path: Path, classifier: Classifier, results: list[Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "SEGMENT_S", 0.0)
    sink = make(tmp_path, classifier)
    for result in results[:3]:
        sink.write(result)
    sink.close()
    folders = sorted(path.name for path in tmp_path.iterdir())
    assert all(SEGMENT.fullmatch(name) for name in folders)
    assert [name[-8:] for name in folders] == ["00000001", "00000002", "00000003"]
    assert len({name[:-8] for name in folders}) == 1
    assert [line.number for _, line in kept_of(tmp_path)] == [0, 1, 2]


def test_the_quota_holds_and_the_newest_frames_are_there(
    tmp_path: Path, classifier: Classifier, results: list[Result]
) -> None:
    quota_bytes = 300_000
    (tmp_path / "notes.txt").write_text("mine")
    sink = make(tmp_path, classifier, quota_bytes)
    for number in range(200):
        frame = dataclasses.replace(results[number % FRAMES].frame, number=number, time_s=number / 10)
        sink.write(dataclasses.replace(results[number % FRAMES], frame=frame))
        used = sum(path.stat().st_size for path in tmp_path.glob("record-*/*"))
        assert used <= quota_bytes
    sink.close()
    kept = kept_of(tmp_path)
    numbers = [line.number for _, line in kept]
    assert numbers == list(range(200 - len(numbers), 200))
    assert used > 0.7 * quota_bytes
    assert all((segment / line.file).is_file() for segment, line in kept)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_quota_too_small_for_a_frame_is_said(
    tmp_path: Path, classifier: Classifier, results: list[Result]
) -> None:
    sink = make(tmp_path, classifier, quota_bytes=5000)
    with pytest.raises(OutputError, match="quota"):
        sink.write(results[0])
    sink.close()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_to_is_said_at_once(tmp_path: Path, classifier: Classifier) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(OutputError, match="cannot write into"):
        make(tmp_path / "file", classifier)


def test_another_model_begins_another_record(
    tmp_path: Path, classifier: Classifier, results: list[Result]
) -> None:
    before = bundled_model()
    calibration = dataclasses.replace(before.contract.calibration, unknown_threshold=0.9)
    other = parse_model(with_calibration(before, calibration, before.contract.provenance), "other.tflite")
    sink = make(tmp_path, classifier)
    for number, result in enumerate(results[:6]):
        sink.write(result if number < 3 else dataclasses.replace(result, model=other))
    sink.close()
    records = find_records(tmp_path)
    assert [record.header.model.sha256 for record in records] == [before.sha256, other.sha256]
    assert [record.header.model.unknown_threshold for record in records][1] == 0.9
    assert [[line.number for _, line in record.lines()] for record in records] == [[0, 1, 2], [3, 4, 5]]  # type: ignore[union-attr]


@pytest.mark.parametrize("all_of_it", [False, True])
def test_what_somebody_removes_is_begun_anew_and_the_loss_is_counted(
    tmp_path: Path, classifier: Classifier, results: list[Result], all_of_it: bool
) -> None:
    folder = tmp_path / "records"
    sink = make(folder, classifier)
    sink.write(results[0])
    shutil.rmtree(folder if all_of_it else next(folder.iterdir()))
    with pytest.raises(OutputError, match="cannot write into"):
        sink.write(results[1])
    sink.write(results[2])
    sink.close()
    assert [(line.number, line.missed) for _, line in kept_of(folder)] == [(2, 1)]


def test_two_cameras_may_record_into_one_folder(
    tmp_path: Path, classifier: Classifier, results: list[Result]
) -> None:
    sinks = [make(tmp_path, classifier) for _ in range(3)]
    for result in results:
        for sink in sinks:
            sink.write(result)
    for sink in sinks:
        sink.close()
    records = find_records(tmp_path)
    assert len(records) == 3
    assert all([line.number for _, line in record.lines()] == list(range(FRAMES)) for record in records)  # type: ignore[union-attr]


def test_a_clock_that_was_wrong_does_not_make_the_newest_the_oldest(
    tmp_path: Path, classifier: Classifier, results: list[Result]
) -> None:
    (tmp_path / "record-20991231-235959-00000007").mkdir()
    sink = make(tmp_path, classifier)
    sink.write(results[0])
    sink.close()
    assert max(path.name for path in tmp_path.iterdir()) == "record-20991231-235959_000001-00000001"
    (tmp_path / "record-99999999-999999-00000001").mkdir()
    sink = make(tmp_path, classifier)
    sink.write(results[0])
    sink.close()
    assert max(path.name for path in tmp_path.iterdir()) == "record-99999999-999999_000001-00000001"
    assert [record.name for record in find_records(tmp_path)] == [
        "20991231-235959_000001",
        "99999999-999999_000001",
    ]


def test_a_line_that_was_torn_anywhere_costs_that_line_alone(
    tmp_path: Path, classifier: Classifier, results: list[Result]
) -> None:
    sink = make(tmp_path, classifier)
    for result in results[:3]:
        sink.write(result)
    sink.close()
    (path,) = tmp_path.glob(f"*/{LINES_NAME}")
    whole = path.read_bytes()
    ends = [place + 1 for place, byte in enumerate(whole) if byte == ord("\n")]
    for size in range(ends[1] - 3, len(whole)):
        path.write_bytes(whole[:size])
        (record,) = find_records(tmp_path)
        lines = [line for _, line in record.lines()]
        complete = sum(end <= size for end in ends)
        assert [isinstance(line, Torn) for line in lines] == [False] * complete + [True] * (size not in ends)


def test_a_segment_that_was_only_begun_is_passed_over(
    tmp_path: Path, classifier: Classifier, results: list[Result]
) -> None:
    sink = make(tmp_path, classifier)
    sink.write(results[0])
    sink.close()
    (tmp_path / next(tmp_path.iterdir()).name.replace("00000001", "00000002")).mkdir()
    assert len(kept_of(tmp_path)) == 1


def test_a_killed_camera_leaves_a_record(tmp_path: Path) -> None:
    command = [
        "camera",
        "--source",
        "scene:",
        "--size",
        "64x48",
        "--headless",
        "--json",
        "--record",
        str(tmp_path),
    ]
    with subprocess.Popen(
        [sys.executable, "-m", "hangtag", *command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        for _ in range(10):
            assert process.stdout.readline()
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
    done = CliRunner().invoke(main, ["replay", str(tmp_path), "--json"])
    assert done.exit_code == 0, done.output
    said = json.loads(done.output)
    assert said["frames"] >= 9
    assert (said["renamed"], said["shown_differently"], said["redecided"]) == (0, 0, 0)


def test_a_live_loop_is_not_held_up_and_says_what_it_could_not_keep(
    tmp_path: Path, classifier: Classifier, results: list[Result]
) -> None:
    """A keeper that is far too slow: what is kept and what is missed make up what was classified."""

    class Slow(Keeper):
        backlog = 2

        def write(self, result: Result) -> None:
            time.sleep(0.1)
            super().write(result)

    class Camera(Noise):
        live = True

        def __iter__(self) -> Iterator[Frame]:
            for number in range(60):
                time.sleep(0.01)
                yield dataclasses.replace(
                    results[number % FRAMES].frame, number=number, captured_s=time.monotonic()
                )

    settings = LoopSettings(every_frame=True)
    sink = Slow(tmp_path, QUOTA_BYTES, classifier.model, settings)
    summary = run_loop(Camera(), classifier, [sink], settings)
    (losses,) = summary.losses
    assert losses.late > 20
    kept = kept_of(tmp_path)
    last = kept[-1][1]
    assert len(kept) + last.missed == last.number + 1 - last.dropped
    assert len(kept) + losses.late == summary.frames == 60
    assert last.missed == losses.late


def test_no_record_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="holds no record"):
        find_records(tmp_path)
    with pytest.raises(SourceError, match="cannot look into"):
        find_records(tmp_path / "nowhere")


def test_a_segment_says_all_by_itself(tmp_path: Path, classifier: Classifier, results: list[Result]) -> None:
    sink = make(tmp_path, classifier)
    for result in results:
        sink.write(result)
    sink.close()
    (segment,) = tmp_path.iterdir()
    moved = segment.rename(tmp_path / "copied")
    assert (moved / HEADER_NAME).is_file()
    assert len(kept_of(moved)) == FRAMES
