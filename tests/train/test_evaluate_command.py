"""``hangtag evaluate``: what it prints, writes and refuses."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from shapes_networks import LABELS, QUIET, contract_of, evaluate, network, saved, sealed

from hangtag.contract import Provenance
from hangtag.labelled_folder import dataset_digest
from hangtag.metrics import evaluate as measure
from hangtag.photos import read_photo
from hangtag_train.datasets import SourceOptions, prepare
from hangtag_train.evaluation import evaluate_model, open_scorer, read_splits
from hangtag_train.evaluation_lines import evaluation_lines


@pytest.fixture
def sealed_run(tmp_path: Path, shapes_dataset: Path) -> Path:
    return sealed(tmp_path / "run", shapes_dataset)


def test_the_command_prints_what_was_measured(shapes_dataset: Path, sealed_run: Path) -> None:
    result = evaluate(sealed_run, shapes_dataset)
    assert result.exit_code == 0, result.output
    assert result.stderr == "", "validation is read without a remark"
    scorer = open_scorer(sealed_run)
    _, value = evaluate_model(scorer, read_splits(shapes_dataset, ["validation"], LABELS, QUIET)[0], QUIET)
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines[:4]] == ["label", *LABELS]
    assert lines[4] == "validation: 12 photos"
    wilson, bootstrap = value.top1_wilson, value.macro_f1_bootstrap
    assert f"top-1              {value.top1:.4f}   {wilson.low:.4f} to {wilson.high:.4f} (Wilson" in lines[5]
    assert (
        f"macro-F1           {value.macro_f1:.4f}   {bootstrap.low:.4f} to {bootstrap.high:.4f}" in lines[6]
    )
    few = "too few photos to tell: 12, wanted 150 or more (10 in each of 15 bins)"
    assert lines[7] == f"calibration error  {value.calibration_error:.4f}   {few}"
    assert len(lines) == 8, "three labels have no top-3"
    plain = json.loads(evaluate(sealed_run, shapes_dataset, "--json").stdout)
    assert plain["splits"] == ["validation"]
    assert plain["stress"] is None
    assert plain["skipped"] == []
    for name, found in dataclasses.asdict(value).items():
        assert plain[name] == json.loads(json.dumps(found)), name


def _figures(scores: np.ndarray, targets: np.ndarray) -> dict[str, str]:
    """Return the figures that are printed of an evaluation of scores, by name."""
    labels = [str(number) for number in range(scores.shape[1])]
    lines = [*evaluation_lines("validation", measure(scores, targets, labels, resamples=20))]
    return {line[:19].strip(): line[19:] for line in lines[len(labels) + 2 :]}


def test_a_range_that_resampling_cannot_give_is_not_printed() -> None:
    targets = np.arange(200) % 4
    right = np.full((200, 4), 0.01)
    right[np.arange(200), targets] = 0.97
    no_range = "(no range: every photo is called right, so resampling cannot tell)"
    assert _figures(right, targets) == {
        "top-1": "1.0000   0.9812 to 1.0000 (Wilson, 95 %)",
        "top-3": "1.0000",
        "macro-F1": f"1.0000   {no_range}",
        "calibration error": f"0.0300   {no_range}",
    }
    all_wrong = _figures(right, (targets + 1) % 4)
    assert all_wrong["macro-F1"].endswith("(no range: no photo is called right, so resampling cannot tell)")
    targets[0] = 1
    mixed = _figures(right, targets)
    assert mixed["macro-F1"].endswith(" (bootstrap, 95 %)")
    assert mixed["calibration error"].endswith(" (bootstrap, 95 %; 15 equal-mass bins)")


def test_reading_test_is_explicit_and_said(shapes_dataset: Path, sealed_run: Path) -> None:
    result = evaluate(sealed_run, shapes_dataset, "--split", "test")
    assert result.exit_code == 0, result.output
    (line,) = result.stderr.splitlines()
    assert "the test split was read" in line
    assert "test: 6 photos" in result.stdout


def test_another_split_than_that_of_training_is_said(shapes_dataset: Path, tmp_path: Path) -> None:
    source = tmp_path / "photos"
    for split in ("train", "validation", "test"):
        for label in LABELS:
            for photo in (shapes_dataset / split / label).iterdir():
                (source / label).mkdir(parents=True, exist_ok=True)
                shutil.copy(photo, source / label / f"{split}-{photo.name}")
    options = SourceOptions(seed=3, validation_share=0.2, cache=tmp_path / "cache")
    trained_with = dataset_digest(prepare(str(source), options, QUIET).path, LABELS)
    contract = contract_of(provenance=Provenance(dataset_sha256=trained_with))
    model = saved(tmp_path / "model", network(), contract)

    def said(*arguments: object) -> str:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("HANGTAG_CACHE", str(tmp_path / "cache"))
            result = evaluate(model, source, *arguments)
        assert result.exit_code == 0, result.output
        return result.stderr

    same = ("--split-seed", 3, "--validation-share", 0.2)
    assert "another split" not in said(*same)
    assert "note: the model was trained with other photos, or with another split" in said(*same[2:])
    assert "another split" in said(*same[:2])
    assert "another split" not in evaluate(model, shapes_dataset).stderr, "it brings its own splits"


def test_stress_and_pictures(shapes_dataset: Path, sealed_run: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = evaluate(sealed_run, shapes_dataset, "--stress", "--seed", 2, "--out", out)
    assert result.exit_code == 0, result.output
    assert {path.name for path in out.iterdir()} == {
        "evaluation.json",
        "confusion_validation.png",
        "mistakes_validation.png",
        "stress_validation.png",
    }
    for picture in ("confusion_validation.png", "mistakes_validation.png", "stress_validation.png"):
        assert read_photo(out / picture).shape[1] > 400
    record = json.loads((out / "evaluation.json").read_text())
    assert record["stress"]["clean_top1"] == record["top1"]
    assert record["stress"]["seed"] == record["seed"] == 2
    for row in record["stress"]["rows"]:
        (line,) = [line for line in result.stdout.splitlines() if line.startswith(row["name"] + "  ")]
        assert f"{row['top1']:.4f}" in line
        assert f"{100 * (record['top1'] - row['top1']):.2f}" in line
    assert f"one photo is worth {100 / 12:.2f} points" in result.stdout
    for level in ("moderate", "hard"):
        assert f"{level} level: mean {record['stress'][level]['mean_top1']:.4f}" in result.stdout
    # The same again, as JSON.
    again = evaluate(sealed_run, shapes_dataset, "--stress", "--seed", 2, "--json")
    assert json.loads(again.stdout) == record


def test_an_unwritable_out_is_said_before_the_work(
    shapes_dataset: Path, sealed_run: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    result = evaluate(sealed_run, shapes_dataset, "--out", tmp_path / "file")
    assert result.exit_code == 1
    assert "cannot write into" in result.stderr


def test_a_keras_model_without_tensorflow_names_the_extra(
    sealed_run: Path, shapes_dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> None:
        raise ModuleNotFoundError("No module named 'tensorflow'", name="tensorflow")

    monkeypatch.setattr("hangtag_train.quiet.import_tensorflow_quietly", missing)
    result = evaluate(sealed_run, shapes_dataset)
    assert result.exit_code == 1
    assert 'pip install "hangtag[train]"' in result.stderr
