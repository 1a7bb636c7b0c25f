"""Which process runs when, and what becomes of its answer; the processes only pretend."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_benchmarks import made_missing

from hangtag.errors import BenchmarkError
from hangtag_benchmarks.child import Outcome
from hangtag_benchmarks.identity import identify
from hangtag_benchmarks.measurements import Measurement, OutputCheck
from hangtag_benchmarks.plans import BlockPlan, Plan
from hangtag_benchmarks.records import Result
from hangtag_benchmarks.session import run_benchmark
from hangtag_benchmarks.targets import Accelerator, Target

Measure = Callable[..., Measurement]
Pretending = Callable[..., Any]
PHOTOS = ("photos", "test")
STEADY = (4.0, 4.0, 4.0)


def _run(*targets: Target, rounds: int = 6, **options: Any) -> tuple[Result, list[str]]:
    said: list[str] = []
    plan = options.pop("plan", Plan(BlockPlan(), rounds=rounds, enough_width=None))
    return run_benchmark(targets, plan, said.append, **options), said


def _rounds(diary: list[str], size: int) -> list[list[str]]:
    return [diary[start : start + size] for start in range(0, len(diary), size)]


def test_every_round_has_every_row_in_an_order_drawn_anew(pretending: Pretending) -> None:
    orders = []
    for seed in (0, 0, 1):
        diary: list[str] = []
        targets = [pretending(name, diary)[0] for name in "abcd"]
        result, _ = _run(*targets, seed=seed, rounds=12)
        rounds = _rounds(diary, 4)
        assert [sorted(one) for one in rounds] == [["a1", "b1", "c1", "d1"]] * 12
        assert len({tuple(one) for one in rounds}) > 6
        # The table keeps the order that was asked for, whatever the dice said.
        assert [row.model.short_name for row in result.rows] == ["a", "b", "c", "d"]
        orders.append(diary)
    assert orders[0] == orders[1]
    assert orders[0] != orders[2]


def test_as_many_rounds_as_planned_and_each_is_announced(pretending: Pretending) -> None:
    target, _ = pretending("a", [], threads=2)
    result, said = _run(target, rounds=3)
    assert (result.rounds, result.complete) == (3, True)
    assert [block.round for block in result.rows[0].blocks] == [0, 1, 2]
    assert said == [
        f"round {number} of at most 3, 1 of 1: a.tflite, LiteRT, XNNPACK, 2 threads" for number in (1, 2, 3)
    ]


@pytest.mark.parametrize(
    ("second", "width", "rounds"),
    [
        # It ends as soon as all are known well enough, and not before enough rounds.
        (STEADY, 0.02, 8),
        # One that scatters keeps all going.
        (None, 0.02, 20),
        (STEADY, None, 20),
    ],
)
def test_it_ends_when_every_median_is_known_well_enough(
    second: tuple[float, ...] | None, width: float | None, rounds: int, pretending: Pretending
) -> None:
    drawn = np.random.default_rng(1).lognormal(1.0, 0.5, 20).tolist()
    answers = [STEADY] if second else [(ms, ms) for ms in drawn]
    targets = [pretending("a", [], STEADY)[0], pretending("b", [], *answers)[0]]
    result, _ = _run(*targets, plan=Plan(BlockPlan(), rounds=20, least_rounds=8, enough_width=width))
    assert (result.rounds, result.complete) == (rounds, True)
    assert {len(row.blocks) for row in result.rows} == {rounds}


@pytest.mark.parametrize("dies_in_round", [1, 3])
def test_a_row_that_fails_leaves_the_others(dies_in_round: int, pretending: Pretending) -> None:
    diary: list[str] = []
    death = Outcome(None, "the measuring process was killed by SIGSEGV (signal 11)", "")
    dying, _ = pretending("a", diary, *[STEADY] * (dies_in_round - 1), death)
    result, _ = _run(dying, pretending("b", diary)[0], rounds=4)
    # It is not tried again; and what it measured before is not shown.
    assert (diary.count("a1"), diary.count("b1")) == (dies_in_round, 4)
    assert [(row.model.short_name, len(row.blocks)) for row in result.rows] == [("b", 4)]
    (missing,) = result.missing
    assert (missing.file_name, missing.engine, missing.threads) == ("a.tflite", "litert", 1)
    assert (missing.reason, missing.failed, missing.wrong_output) == (death.error, True, False)


def test_wrong_outputs_give_no_numbers(pretending: Pretending, measurement: Measure) -> None:
    wrong = measurement(check=OutputCheck("golden cases", 3, 2, 0.4, 0.01))
    target, _ = pretending("a", [], Outcome(wrong, None, ""))
    result, _ = _run(target)
    assert result.rows == ()
    (missing,) = result.missing
    assert (missing.failed, missing.wrong_output) == (True, True)
    assert "2 of 3 frames fail against golden cases" in missing.reason


@pytest.mark.parametrize(
    ("why", "failed"), [("not installed; pip install it", False), (BenchmarkError("it refuses it"), True)]
)
def test_what_is_not_there_is_a_row_that_says_why(
    why: str | BenchmarkError, *, failed: bool, pretending: Pretending
) -> None:
    diary: list[str] = []
    absent, runner = pretending("a", diary)
    runner.why_missing = why
    result, _ = _run(absent, pretending("b", diary)[0], rounds=2, photos=PHOTOS)
    assert [(one.reason, one.failed) for one in result.missing] == [(str(why), failed)]
    assert [row.model.short_name for row in result.rows] == ["b"]
    assert not any(entry.startswith("a") for entry in diary)


def test_files_that_cannot_be_used_are_rows_too(pretending: Pretending) -> None:
    unusable = dataclasses.replace(made_missing("bad"), model=None, engine=None, failed=True)
    result, _ = _run(pretending("a", [])[0], rounds=1, unusable=(unusable,))
    assert result.missing == (unusable,)


def test_photos_are_scored_once_for_each_model_and_engine(pretending: Pretending) -> None:
    diary: list[str] = []
    targets = [
        pretending(name, diary, threads=threads, engine=engine)[0]
        for name in "ab"
        for engine, threads in (("litert", 1), ("litert", 2), ("litert-gpu", None))
    ]
    result, _ = _run(*targets, rounds=1, photos=PHOTOS)
    scored = [entry for entry in diary if "scores" in entry]
    assert scored == ["a1 scores test", "a scores test", "b1 scores test", "b scores test"]
    # Before anything is measured: a machine that is warm from scoring is warm for all.
    assert diary[:4] == scored
    assert [row.accuracy is not None and row.accuracy.top1 for row in result.rows] == [0.9] * 6


def test_an_engine_that_cannot_score_has_a_row_without(pretending: Pretending) -> None:
    target, runner = pretending("a", [])
    runner.scored = None
    result, _ = _run(target, rounds=1, photos=PHOTOS)
    assert result.rows[0].accuracy is None


def test_photos_that_a_model_cannot_name_fail_its_rows_alone(pretending: Pretending) -> None:
    targets, runners = zip(
        *(pretending(name, [], threads=threads) for name in "ab" for threads in (1, 2)), strict=True
    )
    runners[0].scored = Outcome(None, "test has folders that are not labels of the model", "")
    result, _ = _run(*targets, rounds=1, photos=PHOTOS)
    assert [(one.file_name, one.threads, one.failed) for one in result.missing] == [
        ("a.tflite", 1, True),
        ("a.tflite", 2, True),
    ]
    assert [row.model.short_name for row in result.rows] == ["b", "b"]


def test_ctrl_c_keeps_what_was_measured_and_marks_it(pretending: Pretending) -> None:
    diary: list[str] = []
    targets = [
        pretending("a", diary, *[STEADY] * 2, KeyboardInterrupt())[0],
        pretending("b", diary)[0],
    ]
    result, said = _run(*targets, rounds=9)
    assert not result.complete
    # The block that was under way is lost, the rows' own rounds are kept.
    assert result.rounds == 2
    first, second = result.rows
    assert [block.round for block in first.blocks] == [0, 1]
    assert [block.round for block in second.blocks][:2] == [0, 1]
    assert len(second.blocks) == diary.count("b1")
    assert said[-1] == "stopped: what was measured so far is kept"


def test_ctrl_c_before_the_first_block_leaves_no_row(pretending: Pretending) -> None:
    target, _ = pretending("a", [], KeyboardInterrupt())
    result, _ = _run(target)
    assert (result.complete, result.rounds, result.rows, result.missing) == (False, 0, (), ())


def test_a_gpu_is_named_in_its_row(pretending: Pretending) -> None:
    target, runner = pretending("a", [], engine="litert-gpu", threads=None)
    runner.adapter = Accelerator("NVIDIA H100 PCIe", is_software=False)
    (row,) = _run(target, rounds=1)[0].rows
    assert (row.accelerator, row.ranked) == ("NVIDIA H100 PCIe", True)


def test_software_that_plays_a_gpu_is_never_compared(pretending: Pretending) -> None:
    # It is even the fastest here.
    target, runner = pretending("a", [], (1.0, 1.0), engine="litert-gpu", threads=None)
    runner.adapter = Accelerator("SwiftShader", is_software=True)
    others = [pretending(name, [], (ms, ms))[0] for name, ms in (("b", 4.0), ("c", 5.0))]
    result, _ = _run(target, *others, rounds=8)
    assert [row.ranked for row in result.rows] == [False, True, True]
    assert result.rows[0].notes == ("software, for testing only: the CPU plays the adapter",)
    assert {place for verdict in result.verdicts for place in (verdict.first, verdict.second)} == {1, 2}


def test_a_block_without_proof_of_its_accelerator_fails_the_row(pretending: Pretending) -> None:
    target, runner = pretending("a", [], engine="litert-gpu", threads=None)
    runner.adapter = BenchmarkError("only a software adapter (llvmpipe)")
    result, _ = _run(target, pretending("b", [])[0], rounds=1)
    assert [(one.reason, one.failed) for one in result.missing] == [
        ("only a software adapter (llvmpipe)", True)
    ]
    assert [row.model.short_name for row in result.rows] == ["b"]


def test_more_threads_than_cores_are_said(pretending: Pretending) -> None:
    result, _ = _run(pretending("a", [], threads=200)[0], rounds=1)
    assert any(note.startswith("more threads (200) than") for note in result.notes)


def test_an_identity_names_the_file_and_not_its_folder(model_path: Path) -> None:
    found = identify(model_path)
    assert (found.file_name, found.short_name) == ("model.tflite", "model")
    assert found.size_bytes == model_path.stat().st_size
    assert (len(found.sha256), len(found.contract_sha256)) == (64, 64)
    assert "/" not in f"{found}"


def test_a_file_name_with_a_line_break_is_made_printable(tmp_path: Path, model_bytes: bytes) -> None:
    path = tmp_path / "a\nb.tflite"
    path.write_bytes(model_bytes)
    assert identify(path).file_name == "a?b.tflite"
