"""Kept frames classified again: the same comes out, what differs is told, strangers' records do no harm."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from click.testing import Result as Ran
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_models import whole_model

from hangtag import Classifier
from hangtag.cli import main
from hangtag.contract import Calibration, InputSpec, ModelContract
from hangtag.errors import SourceError
from hangtag.model_file import ModelFile, parse_model, with_calibration
from hangtag.pipeline import LoopSettings, run_loop
from hangtag.record_header import HEADER_NAME, LINES_NAME
from hangtag.record_reader import find_records
from hangtag.replay import replay
from hangtag.result import Result
from hangtag.sinks.base import Sink
from hangtag.sinks.keeper import Keeper
from hangtag.sources import Frame, Source
from hangtag.sources.account import Counts, Outage
from hangtag.view import Flip, View

LABELS = ("dress", "hat", "shoes")
FRAMES = 60
VIEW = View(roi=(8, 4, 40, 40), rotate_deg=90, flip=Flip.VERTICAL)


@functools.cache
def model(name: str = "tiny", labels: tuple[str, ...] = LABELS, side_px: int = 24) -> ModelFile:
    contract = ModelContract(labels=labels, input=InputSpec(width_px=side_px, height_px=side_px), name=name)
    return parse_model(whole_model(contract), name)


@functools.cache
def with_threshold(threshold: float) -> ModelFile:
    calibration = Calibration(unknown_threshold=threshold)
    return parse_model(with_calibration(model(), calibration, model().contract.provenance), "threshold")


class Colours(Source):
    """Noisy frames whose colour drifts, so that the labels take turns and flicker in between."""

    fps = 20.0
    shown = "colours"

    def __iter__(self) -> Iterator[Frame]:
        rng = np.random.default_rng(1)
        for number in range(FRAMES):
            colour = 127 + 120 * np.sin(number / 6 + np.arange(3) * 2.1)
            image = np.clip(colour + rng.normal(0, 25, (48, 64, 3)) + rng.normal(0, 20, 3), 0, 255)
            yield Frame(image.astype(np.uint8), number, number / 20, 0.0, label=LABELS[number % 3])


class Results(Sink):
    def __init__(self) -> None:
        self.results: list[Result] = []

    def write(self, result: Result) -> None:
        self.results.append(result)


def record(folder: Path, used: ModelFile | None = None, view: View = VIEW) -> list[Result]:
    """Record the colours; return what the loop gave."""
    used = used or model()
    spy, loop = Results(), LoopSettings(view=view, smoothing_s=0.15, hold_s=0.1)
    run_loop(Colours(), Classifier(used), [Keeper(folder, 10_000_000, used, loop), spy], loop)
    return spy.results


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Result]]:
    """A folder with a record, and the results that are in it. Do not change it: copy it."""
    folder = tmp_path_factory.mktemp("recorded")
    return folder, record(folder)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "tiny.tflite"
    path.write_bytes(model().data)
    return path


@pytest.fixture
def copy(recorded: tuple[Path, list[Result]], tmp_path: Path) -> Path:
    """The only segment of a copy of the record."""
    (segment,) = shutil.copytree(recorded[0], tmp_path / "copy").iterdir()
    return segment


def run(*arguments: str | Path) -> Ran:
    return CliRunner().invoke(main, ["replay", *map(str, arguments)])


def plain(ran: Ran) -> dict[str, Any]:
    """Return what --json says, without what differs from run to run."""
    assert ran.exit_code == 0, ran.output
    said: dict[str, Any] = json.loads(ran.output)
    del said["latency_ms"]
    return said


def flips(shown: list[str]) -> int:
    return sum(a != b for a, b in itertools.pairwise(shown))


def test_the_same_model_shows_the_same_and_two_replays_say_the_same(
    recorded: tuple[Path, list[Result]], tiny: Path
) -> None:
    folder, results = recorded
    first, second = (plain(run(folder, "--model", tiny, "--json")) for _ in range(2))
    assert first == second
    shown = [result.prediction.shown for result in results]
    assert first["flips"] == dict.fromkeys(("recorded", "was", "now"), flips(shown))
    assert flips(shown) > 2
    zeros = (
        "renamed",
        "worst_score_difference",
        "shown_differently",
        "redecided",
        "missed",
        "torn",
        "unreadable",
    )
    assert {name: first[name] for name in zeros} == dict.fromkeys(zeros, 0)
    assert (first["frames"], first["moments"], first["model"]["same"]) == (FRAMES, [], True)
    right = sum(result.alone.label == result.frame.label for result in results)
    assert (first["labelled"], first["right"]) == (FRAMES, {"was": right, "now": right})
    texts = [run(folder, "--model", tiny).output.splitlines() for _ in range(2)]
    assert texts[0][:-2] == texts[1][:-2]
    assert "the recorded one" in texts[0][1]
    assert all(line.startswith("frame to scores, ") for line in texts[0][-2:])


def test_what_another_model_would_have_shown(recorded: tuple[Path, list[Result]], tmp_path: Path) -> None:
    """Checked against a loop of that model over the same frames."""
    folder, results = recorded
    other = model("other", ("hat", "dress", "coat"), 32)
    (tmp_path / "other.tflite").write_bytes(other.data)
    said = plain(run(folder, "--model", tmp_path / "other.tflite", "--json"))
    others = record(tmp_path / "again", other)
    was, now = ([one.prediction.shown for one in side] for side in (results, others))
    assert said["flips"] == {"recorded": flips(was), "was": flips(was), "now": flips(now)}
    differs = [number for number, (a, b) in enumerate(zip(was, now, strict=True)) if a != b]
    assert said["shown_differently"] == len(differs) > 0
    told = [
        (moment["frame"] + step, moment["was"], moment["now"])
        for moment in said["moments"]
        for step in range(moment["frames"])
    ]
    assert told == [(number, was[number], now[number]) for number in differs]
    for moment in said["moments"]:
        ends = moment["frame"], moment["frame"] + moment["frames"] - 1
        assert (moment["from_s"], moment["to_s"]) == tuple(number / 20 for number in ends)
    joined = [
        (a, b)
        for a, b in itertools.pairwise(said["moments"])
        if a["frame"] + a["frames"] == b["frame"] and (a["was"], a["now"]) == (b["was"], b["now"])
    ]
    assert joined == []
    alone = [(a.alone.label, b.alone.label) for a, b in zip(results, others, strict=True)]
    assert said["renamed"] == sum(a != b for a, b in alone)
    pairs = [(0, 1), (1, 0)]  # where dress and hat stand in both
    worst = max(
        abs(a.scores[i] - b.scores[j]) for a, b in zip(results, others, strict=True) for i, j in pairs
    )
    assert said["worst_score_difference"] == pytest.approx(worst, abs=1e-12)
    assert said["model"]["same"] is False
    assert (said["model"]["labels_gone"], said["model"]["labels_new"]) == (["shoes"], ["coat"])
    text = run(folder, "--model", tmp_path / "other.tflite").output
    assert "labels that the model lacks: shoes\nlabels that only the model has: coat\n" in text
    assert f"not the recorded one ({model().sha256[:12]})" in text
    assert text.count(" -> ") == min(20, len(said["moments"]))


def test_another_threshold_is_another_model(recorded: tuple[Path, list[Result]]) -> None:
    folder, results = recorded
    (found,) = find_records(folder)
    done = replay(found, Classifier(with_threshold(0.9)), smoothing_s=0, hold_s=0)
    assert not done.same_model
    assert (done.renamed, done.worst_difference) == (0, 0.0)
    unsure = [result.frame.number for result in results if result.alone.score < 0.9]
    unknown = [m for m in done.moments if m.now == "unknown"]
    assert sum(moment.frames for moment in unknown) == len(unsure) > 0


def test_other_settings_decide_otherwise(recorded: tuple[Path, list[Result]], tiny: Path) -> None:
    folder, results = recorded
    said = plain(run(folder, "--model", tiny, "--json", "--smoothing", "0", "--hold", "0"))
    assert said["flips"]["now"] == flips([result.alone.label for result in results]) > said["flips"]["was"]
    assert said["decision"]["now"] == {"smoothing_s": 0.0, "hold_s": 0.0}
    text = run(folder, "--model", tiny, "--smoothing", "0", "--hold", "0.5").output
    assert "smoothing 0 s, hold 0.5 s; they were 0.15 s and 0.1 s" in text


def test_flips_can_be_a_test(recorded: tuple[Path, list[Result]], tiny: Path) -> None:
    folder, results = recorded
    count = flips([result.prediction.shown for result in results])
    assert run(folder, "--model", tiny, "--assert-max-flips", str(count)).exit_code == 0
    ran = run(folder, "--model", tiny, "--assert-max-flips", str(count - 1))
    assert ran.exit_code == 1
    assert ran.stderr == f"Error: the label changed {count} times; at most {count - 1} were allowed\n"


def test_frames_that_are_not_kept_make_no_difference_between_the_sides(
    recorded: tuple[Path, list[Result]], tmp_path: Path
) -> None:
    """Half of the results came too fast: what was shown stood on them, too, and that is said."""
    sink = Keeper(tmp_path, 10_000_000, model(), LoopSettings(view=VIEW))
    for result in recorded[1][::2]:
        sink.write(result)
    sink.close()
    (found,) = find_records(tmp_path)
    done = replay(found, Classifier(model()))
    assert (done.frames, done.missed) == (FRAMES // 2, FRAMES // 2 - 1)
    assert (done.renamed, done.moments) == (0, ())
    assert done.flips.was == done.flips.now
    assert done.redecided > 0
    (tmp_path / "tiny.tflite").write_bytes(model().data)
    text = run(tmp_path, "--model", tmp_path / "tiny.tflite").output
    assert f"{done.missed} results came too fast to be kept\n" in text
    assert f"another label in {done.redecided} of {done.frames} frames" in text


def test_decisions_begin_anew_after_an_outage_as_they_did(
    recorded: tuple[Path, list[Result]], tmp_path: Path
) -> None:
    sink = Keeper(tmp_path, 10_000_000, model(), LoopSettings(view=VIEW, smoothing_s=30, hold_s=30))
    for result in recorded[1]:
        if result.frame.number == 30:
            sink.missing(Outage("colours", "it ended", 2000.0, 1.5, Counts()))
        sink.write(result)
    sink.close()
    (found,) = find_records(tmp_path)
    done = replay(found, Classifier(model()), smoothing_s=30, hold_s=30)
    first, later = recorded[1][0].alone.label, recorded[1][30].alone.label
    assert first != later
    assert done.outages == 1
    # So slow a decision changes only where it begins anew.
    assert (done.flips.was, done.flips.now) == (1, 1)


def test_several_records_are_replayed_each_and_their_flips_added(
    recorded: tuple[Path, list[Result]], tmp_path: Path, tiny: Path
) -> None:
    both = shutil.copytree(recorded[0], tmp_path / "both")
    record(both)
    ran = run(both, "--model", tiny, "--json")
    said = [json.loads(line) for line in ran.output.splitlines()]
    assert [one["frames"] for one in said] == [FRAMES] * 2
    total = sum(one["flips"]["now"] for one in said)
    assert run(both, "--model", tiny, "--assert-max-flips", str(total)).exit_code == 0
    assert run(both, "--model", tiny, "--assert-max-flips", str(total - 1)).exit_code == 1


def test_pictures_that_cannot_be_read_are_left_out_and_said(copy: Path, tiny: Path) -> None:
    (copy / "000003.png").unlink()
    (copy / "000007.png").write_bytes(b"")
    said = plain(run(copy.parent, "--model", tiny, "--json"))
    assert (said["frames"], said["unreadable"], said["renamed"]) == (FRAMES - 2, 2, 0)
    assert "2 frames could not be read: cannot read" in run(copy.parent, "--model", tiny).output
    ran = run(copy.parent, "--model", tiny, "--assert-max-flips", "1000")
    assert ran.exit_code == 1
    assert ran.stderr.startswith("Error: 2 frames could not be read, so flips are not all counted")


def test_a_torn_line_is_said(copy: Path, tiny: Path) -> None:
    path = copy / LINES_NAME
    path.write_bytes(path.read_bytes()[:-20])
    said = plain(run(copy.parent, "--model", tiny, "--json"))
    assert (said["frames"], said["torn"]) == (FRAMES - 1, 1)


def edit_header(copy: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    header = json.loads((copy / HEADER_NAME).read_text())
    edit(header)
    (copy / HEADER_NAME).write_text(json.dumps(header))


def edit_line(copy: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    lines = (copy / LINES_NAME).read_text().splitlines()
    line = json.loads(lines[4])
    edit(line)
    lines[4] = json.dumps(line)
    (copy / LINES_NAME).write_text("\n".join(lines) + "\n")


HUGE = 10**400
HEADERS: dict[str, Callable[[dict[str, Any]], object]] = {
    "a newer schema": lambda header: header.update(schema=2),
    "no schema": lambda header: header.pop("schema"),
    "a huge schema": lambda header: header.update(schema=HUGE),
    "no model": lambda header: header.pop("model"),
    "a model that is a list": lambda header: header.update(model=[]),
    "no labels": lambda header: header["model"].update(labels=[]),
    "labels that are numbers": lambda header: header["model"].update(labels=[1, 2, 3]),
    "a label that drives a terminal": lambda header: header["model"].update(labels=["\x1b[2J", "b", "c"]),
    "the same label twice": lambda header: header["model"].update(labels=["a", "a", "b"]),
    "more labels than scores": lambda header: header["model"].update(labels=list("abcd")),
    "a threshold above 1": lambda header: header["model"].update(unknown_threshold=7),
    "a digest that is none": lambda header: header["model"].update(sha256="\x1b[31m" * 9),
    "a model's name that is a path": lambda header: header["model"].update(name="../../x"),
    "smoothing backwards": lambda header: header["decision"].update(smoothing_s=-1),
    "smoothing for ever": lambda header: header["decision"].update(smoothing_s=HUGE),
    "a hold that is a text": lambda header: header["decision"].update(hold_s="1"),
    "a region without end": lambda header: header["view"].update(roi=[0, 0, 1e300, 5]),
    "a region beyond the picture": lambda header: header["view"].update(roi=[0, 0, 5000, 5]),
    "a region of three numbers": lambda header: header["view"].update(roi=[0, 0, 5]),
    "a region of lists": lambda header: header["view"].update(roi=[[], [], [], []]),
    "an odd angle": lambda header: header["view"].update(rotate_deg=45),
    "an odd flip": lambda header: header["view"].update(flip="inside out"),
    "versions that are lists": lambda header: header.update(versions={"a": []}),
}
LINES: dict[str, Callable[[dict[str, Any]], object]] = {
    "a file elsewhere": lambda line: line.update(file="../../../etc/passwd"),
    "a file in a folder": lambda line: line.update(file="x/000001.png"),
    "an absolute file": lambda line: line.update(file="/etc/000001.png"),
    "a file with a zero byte": lambda line: line.update(file="000001.png\0"),
    "digits of another script": lambda line: line.update(file="\u0660\u0660\u0660\u0660\u0660\u0660.png"),
    "no file": lambda line: line.update(file=None),
    "too few scores": lambda line: line["scores"].pop(),
    "too many scores": lambda line: line["scores"].append(0.5),
    "a huge score": lambda line: line["scores"].__setitem__(0, HUGE),
    "a score of many ones": lambda line: line["scores"].__setitem__(0, 1e300),
    "a score that is a text": lambda line: line["scores"].__setitem__(0, "0.5"),
    "scores that are an object": lambda line: line.update(scores={"0": 1}),
    "a score that is no number": lambda line: line["scores"].__setitem__(0, float("nan")),
    "a time that is infinite": lambda line: line.update(time_s=float("inf")),
    "a time beyond all times": lambda line: line.update(time_s=1e300),
    "a frame below 0": lambda line: line.update(frame=-1),
    "a frame beyond counting": lambda line: line.update(frame=HUGE),
    "a frame that is true": lambda line: line.update(frame=True),
    "a latency below 0": lambda line: line.update(infer_ms=-5),
    "no latency": lambda line: line.pop("prepare_ms"),
    "a label that is a list": lambda line: line.update(true_label=["hat"]),
    "an outage without a reason": lambda line: (line.update(stale=True), line.pop("reason", None)),
}


def check_one_line(ran: Ran) -> str:
    """Return the one line in which a command failed."""
    assert ran.exit_code == 1, (ran.output, ran.exception)
    assert isinstance(ran.exception, SystemExit), ran.exception
    (line,) = ran.stderr.splitlines()
    assert line.startswith("Error: ")
    assert line.isprintable()
    assert len(line) < 500
    return line


@pytest.mark.parametrize("kind", HEADERS)
def test_a_hostile_header_is_one_line(copy: Path, tiny: Path, kind: str) -> None:
    edit_header(copy, HEADERS[kind])
    check_one_line(run(copy.parent, "--model", tiny))


@pytest.mark.parametrize("kind", LINES)
def test_a_hostile_line_is_one_line(copy: Path, tiny: Path, kind: str) -> None:
    edit_line(copy, LINES[kind])
    assert "line 5" in check_one_line(run(copy.parent, "--model", tiny))


def _deep(copy: Path) -> None:
    (copy / LINES_NAME).write_bytes(b'{"scores":' + b"[" * 100_000 + b"\n")


def _long_line(copy: Path) -> None:
    with (copy / LINES_NAME).open("wb") as file:
        file.truncate(50_000_000)


def _large_header(copy: Path) -> None:
    with (copy / HEADER_NAME).open("r+b") as file:
        file.truncate(2**40)


def _link(name: str) -> Callable[[Path], None]:
    def make(copy: Path) -> None:
        (copy / name).unlink()
        (copy / name).symlink_to("/dev/zero")

    return make


def _pipe(copy: Path) -> None:
    (copy / LINES_NAME).unlink()
    os.mkfifo(copy / LINES_NAME)


def _not_utf8(copy: Path) -> None:
    (copy / LINES_NAME).write_bytes(b'{"a": "\xff\xfe"}\n')


def _no_frames(copy: Path) -> None:
    (copy / LINES_NAME).write_bytes(b"")


def _no_object(copy: Path) -> None:
    (copy / LINES_NAME).write_bytes(b"[1, 2]\n")


def _many_digits(copy: Path) -> None:
    (copy / LINES_NAME).write_bytes(b"9" * 100_000 + b"\n")


def _linked_segment(copy: Path) -> None:
    copy.rename(copy.parent.parent / "elsewhere")
    copy.symlink_to(copy.parent.parent / "elsewhere")


def _segments_that_differ(copy: Path) -> None:
    other = shutil.copytree(copy, copy.with_name(copy.name[:-1] + "2"))
    edit_header(other, lambda header: header.update(source="another"))


@pytest.mark.parametrize(
    "spoil",
    [
        _deep,
        _long_line,
        _large_header,
        _link(HEADER_NAME),
        _link(LINES_NAME),
        _pipe,
        _not_utf8,
        _no_frames,
        _no_object,
        _many_digits,
        _linked_segment,
        _segments_that_differ,
    ],
)
def test_hostile_files_are_one_line(copy: Path, tiny: Path, spoil: Callable[[Path], None]) -> None:
    spoil(copy)
    check_one_line(run(copy.parent, "--model", tiny))


def test_pictures_are_not_looked_for_behind_links_nor_made_without_end(copy: Path, tiny: Path) -> None:
    (copy / "000001.png").unlink()
    (copy / "000001.png").symlink_to("/dev/zero")
    (copy / "000002.png").unlink()
    os.mkfifo(copy / "000002.png")
    with (copy / "000003.png").open("wb") as file:
        file.truncate(2**40)
    huge = bytearray((copy / "000004.png").read_bytes())
    huge[16:24] = b"\0\1\0\0\0\1\0\0"  # 65,536 x 65,536
    (copy / "000004.png").write_bytes(huge)
    said = plain(run(copy.parent, "--model", tiny, "--json"))
    assert (said["frames"], said["unreadable"]) == (FRAMES - 4, 4)


def test_pictures_of_another_size_are_a_line_where_the_region_does_not_fit(copy: Path, tiny: Path) -> None:
    cv2.imwrite(str(copy / "000004.png"), np.zeros((8, 8, 3), np.uint8))
    assert "reaches beyond the picture of 8x8" in check_one_line(run(copy.parent, "--model", tiny))


def test_what_a_stranger_wrote_does_not_drive_the_terminal(copy: Path, tiny: Path) -> None:
    edit_header(copy, lambda header: header.update(source="\x1b[2J\u202e", cpu="\x1b"))
    edit_header(copy, lambda header: header["model"].update(labels=["\x9b2J", "\u202eb", "c"]))
    ran = run(copy.parent, "--model", tiny)
    assert ran.exit_code == 0
    assert ran.output.replace("\n", "").isprintable()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=6,
)
HEADER_PLACES = [
    ["schema"], ["begun_s"], ["source"], ["model"], ["model", "labels"], ["model", "name"],
    ["model", "unknown_threshold"], ["decision"], ["decision", "hold_s"], ["view"], ["view", "roi"],
    ["view", "shares"], ["view", "rotate_deg"], ["view", "flip"], ["cpu"], ["versions"],
]  # fmt: skip
LINE_PLACES = [
    "frame",
    "time_s",
    "file",
    "scores",
    "energy",
    "shown",
    "infer_ms",
    "missed",
    "true_label",
    "stale",
]


@given(st.sampled_from(HEADER_PLACES), st.sampled_from(LINE_PLACES), json_values, st.booleans())
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_value_anywhere_is_replayed_or_refused(
    recorded: tuple[Path, list[Result]],
    tmp_path_factory: pytest.TempPathFactory,
    header_place: list[str],
    line_place: str,
    value: Any,
    in_header: bool,
) -> None:
    folder = tmp_path_factory.mktemp("fuzz") / "record"
    (segment,) = shutil.copytree(recorded[0], folder).iterdir()
    lines = (segment / LINES_NAME).read_text().splitlines()[:6]
    (segment / LINES_NAME).write_text("\n".join(lines) + "\n")

    def edit(header: dict[str, Any]) -> None:
        *parents, last = header_place
        place = functools.reduce(lambda inside, name: inside[name], parents, header)
        place[last] = value

    if in_header:
        edit_header(segment, edit)
    else:
        edit_line(segment, lambda line: line.update({line_place: value}))
    try:
        (found,) = find_records(folder)
        replay(found, _classifier())
    except SourceError as error:
        refusal = str(error)
    else:
        refusal = ""
    shutil.rmtree(folder)
    assert "\n" not in refusal


@functools.cache
def _classifier() -> Classifier:
    return Classifier(model())


def test_the_recorded_energy_decides_as_it_did(recorded: tuple[Path, list[Result]], tmp_path: Path) -> None:
    """A record of a model that tells the unknown by the energy needs no model to be decided again."""
    energies = [number / 10 for number in range(FRAMES)]
    thresholds = dataclasses.replace(model().contract.calibration, energy_threshold=2.0)
    contract = model().contract.replace(calibration=thresholds)
    by_energy = dataclasses.replace(model(), contract=contract)
    sink = Keeper(tmp_path, 10_000_000, by_energy, LoopSettings(view=VIEW, smoothing_s=0, hold_s=0))
    for result, energy in zip(recorded[1], energies, strict=True):
        alone = dataclasses.replace(result.alone, energy=energy)
        sink.write(dataclasses.replace(result, model=by_energy, alone=alone))
    sink.close()
    (found,) = find_records(tmp_path)
    done = replay(found, Classifier(model()))
    unknown = [moment for moment in done.moments if moment.was == "unknown"]
    assert sum(moment.frames for moment in unknown) == sum(energy < 2.0 for energy in energies)
    (segment,) = tmp_path.iterdir()
    edit_line(segment, lambda line: line.update(energy=None))
    with pytest.raises(SourceError, match="has no energy"):
        list(found.lines())
