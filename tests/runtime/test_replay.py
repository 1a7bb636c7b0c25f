"""Kept frames classified again: the same comes out, and what differs is told."""

from __future__ import annotations

import dataclasses
import itertools
import json
import shutil
from pathlib import Path

import pytest
from kept_colours import (
    FRAMES,
    VIEW,
    edit_line,
    model,
    plain,
    record,
    run,
    with_threshold,
)

from hangtag import Classifier
from hangtag.errors import SourceError
from hangtag.pipeline import LoopSettings
from hangtag.record_header import LINES_NAME
from hangtag.record_reader import find_records
from hangtag.replay import replay
from hangtag.result import Result
from hangtag.sinks.keeper import Keeper
from hangtag.sources.account import Counts, Outage


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
