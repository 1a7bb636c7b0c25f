"""``hangtag calibrate``: thresholds fitted on photos, stored in a model that stays whole."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result
from tiny_models import whole_model

from hangtag.archive import read_archive
from hangtag.classifier import Classifier
from hangtag.cli import main
from hangtag.contract import (
    Calibration,
    InputSpec,
    ModelContract,
    OutputKind,
    OutputSpec,
    Provenance,
    TensorFormat,
)
from hangtag.photos import read_photo
from hangtag.verification import verify_cases

_BYTES = TensorFormat(dtype="uint8", scale=1 / 256)
CONTRACT = ModelContract(
    labels=("bright", "dark"),
    input=InputSpec(width_px=8, height_px=8),
    output=OutputSpec(tensor=_BYTES),
    calibration=Calibration(temperature=1.25, unknown_threshold=0.5),
    provenance=Provenance(metrics={"validation_top1": 0.9, "unknown_auroc": 0.1}),
    translations={"es": ("claro", "oscuro")},
)
BRIGHT, DARK, GREY = range(200, 255), range(55), range(110, 145)


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["calibrate", *(str(argument) for argument in arguments)])


def _photos(folder: Path, greys: Sequence[int]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for grey in greys:
        cv2.imwrite(str(folder / f"{grey:03d}.png"), np.full((9, 12, 3), grey, np.uint8))
    return folder


@pytest.fixture(scope="module")
def model_bytes() -> bytes:
    return whole_model(CONTRACT)


@pytest.fixture
def model(tmp_path: Path, model_bytes: bytes) -> Path:
    path = tmp_path / "model.tflite"
    path.write_bytes(model_bytes)
    return path


@pytest.fixture
def known(tmp_path: Path) -> Path:
    """Photos by label, with two between the labels: the model is unsure of them."""
    folder = tmp_path / "known"
    _photos(folder / "bright", [*BRIGHT, 135])
    _photos(folder / "dark", [*DARK, 120])
    return folder


@pytest.fixture
def unknown(tmp_path: Path) -> Path:
    return _photos(tmp_path / "unknown", [*GREY, 250])


def test_the_threshold_is_stored_and_obeyed(tmp_path: Path, model: Path, known: Path, unknown: Path) -> None:
    out = tmp_path / "new" / "calibrated.tflite"
    before = model.read_bytes()
    done = _run(model, "--known", known, "--unknown", unknown, "--out", out, "--json")
    assert done.exit_code == 0, done.output
    record = json.loads(done.stdout)
    classifier = Classifier.load(out)
    calibration = classifier.contract.calibration
    score, energy = record["score"], record["energy"]
    assert record["decides"] == "energy"
    assert score["threshold"] == {"before": 0.5, "after": calibration.unknown_threshold}
    assert energy["threshold"] == {"before": None, "after": calibration.energy_threshold}
    assert calibration.unknown_threshold is not None
    for name, folder, count in (("known", known, 112), ("unknown", unknown, 36)):
        paths = sorted(folder.rglob("*.png"))
        predictions = [classifier.classify(read_photo(path)) for path in paths]
        assert (len(paths), record[name]) == (count, {"photos": count, "skipped": 0})
        accepted = np.mean([not prediction.unknown for prediction in predictions])
        assert energy[f"{name}_accepted"] == pytest.approx(accepted, abs=1e-6)
        by_score = np.mean([one.score >= calibration.unknown_threshold for one in predictions])
        assert score[f"{name}_accepted"] == pytest.approx(by_score, abs=1e-6)
    assert min(score["known_accepted"], energy["known_accepted"]) >= 0.95
    # One unknown picture is as bright as the known ones.
    assert 0.02 < score["unknown_accepted"] < 0.1
    assert 0.9 < score["auroc"] < 1
    assert score["before"] == {"known_accepted": 1.0, "unknown_accepted": 1.0}
    assert energy["before"] is None
    assert model.read_bytes() == before
    assert f"wrote {out}" in done.stderr
    assert "in place" not in done.stderr


def test_nothing_but_the_contracts_calibration_and_metrics_changes(
    tmp_path: Path, model: Path, known: Path, unknown: Path
) -> None:
    out = tmp_path / "out.tflite"
    assert _run(model, "--known", known, "--unknown", unknown, "--out", out).exit_code == 0
    old, new = read_archive(model.read_bytes()), read_archive(out.read_bytes())
    assert model.read_bytes()[: old.start] == out.read_bytes()[: new.start]
    assert {name for name in old.files if old.files[name] != new.files[name]} == {"hangtag.json"}
    assert list(old.files) == list(new.files)
    classifier = Classifier.load(out)
    was, now = Classifier.load(model).contract, classifier.contract
    assert now.replace(calibration=was.calibration, provenance=was.provenance) == was
    assert now.calibration.temperature == 1.25
    assert set(now.provenance.metrics) == {
        "validation_top1",
        "unknown_auroc",
        "unknown_false_accept",
        "unknown_true_accept",
        "unknown_score_auroc",
        "unknown_score_false_accept",
        "unknown_score_true_accept",
    }
    assert now.provenance.metrics["unknown_score_auroc"] > 0.9
    assert now.provenance.metrics["unknown_auroc"] != 0.1
    results = verify_cases(classifier)
    assert results
    assert all(result.passed for result in results)


def test_without_an_output_the_model_is_replaced_and_the_old_threshold_said(
    tmp_path: Path, model: Path, known: Path, unknown: Path
) -> None:
    link = tmp_path / "link.tflite"
    link.symlink_to(model)
    done = _run(link, "--known", known, "--unknown", unknown)
    assert done.exit_code == 0, done.output
    fitted = Classifier.load(model).contract.calibration.unknown_threshold
    assert link.is_symlink()
    assert f"score      threshold 0.5 -> {fitted:g} (for clients that see scores alone" in done.stdout
    assert "with 0.5 it was 100.0% of the known and 100.0% of the unknown photos" in done.stdout
    assert "replaced in place" in done.stderr
    again = _run(link, "--known", known, "--unknown", unknown)
    energy = Classifier.load(model).contract.calibration.energy_threshold
    assert f"score      threshold {fitted:g} -> {fitted:g}" in again.stdout
    assert f"energy     threshold {energy:g} -> {energy:g} (decides)" in again.stdout


def test_the_same_photos_give_the_same_file(tmp_path: Path, model: Path, known: Path, unknown: Path) -> None:
    files = [tmp_path / "a.tflite", tmp_path / "b.tflite"]
    for out in files:
        assert _run(model, "--known", known, "--unknown", unknown, "--out", out).exit_code == 0
    assert files[0].read_bytes() == files[1].read_bytes()


def test_without_unknown_photos_it_is_said_that_nothing_was_measured(
    tmp_path: Path, model: Path, known: Path
) -> None:
    out = tmp_path / "out.tflite"
    done = _run(model, "--known", known, "--out", out)
    assert done.exit_code == 0, done.output
    assert "neither AUROC nor false accept was measured" in done.stdout
    metrics = Classifier.load(out).contract.provenance.metrics
    assert set(metrics) == {"validation_top1", "unknown_true_accept", "unknown_score_true_accept"}
    assert json.loads(_run(model, "--known", known, "--out", out, "--json").stdout)["unknown"] is None


def test_a_model_without_a_threshold_gets_one(tmp_path: Path, known: Path, unknown: Path) -> None:
    bare = CONTRACT.replace(calibration=Calibration())
    path = tmp_path / "model.tflite"
    path.write_bytes(whole_model(bare))
    done = _run(path, "--known", known, "--unknown", unknown)
    assert "score      threshold none -> 0." in done.stdout
    assert "it was" not in done.stdout
    assert Classifier.load(path).contract.calibration.unknown_threshold is not None


def test_a_higher_share_to_accept_gives_a_lower_threshold(tmp_path: Path, model: Path, known: Path) -> None:
    thresholds = []
    for share in ("0.9", "0.985"):
        done = _run(model, "--known", known, "--true-accept", share, "--out", tmp_path / "o.tflite", "--json")
        found = json.loads(done.stdout)
        thresholds.append([found[name]["threshold"]["after"] for name in ("score", "energy")])
    assert all(np.less(thresholds[1], thresholds[0]))


def test_a_model_without_an_energy_is_told_why_and_gets_a_threshold_of_the_score(
    tmp_path: Path, known: Path, unknown: Path
) -> None:
    contract = CONTRACT.replace(output=OutputSpec(kind=OutputKind.SIGMOID))
    path = tmp_path / "model.tflite"
    path.write_bytes(whole_model(contract))
    done = _run(path, "--known", known, "--unknown", unknown)
    assert done.exit_code == 0, done.output
    assert (
        "energy     no energy: it is defined for a score per label, and a sigmoid has one unit" in done.stdout
    )
    assert "(decides)" in done.stdout
    calibration = Classifier.load(path).contract.calibration
    assert calibration.energy_threshold is None
    assert calibration.unknown_threshold is not None
    record = json.loads(_run(path, "--known", known, "--json").stdout)
    assert (record["decides"], record["energy"]) == ("score", None)
    assert "sigmoid" in record["why_no_energy"]


def test_photos_that_cannot_be_read_are_said_and_counted(model: Path, known: Path, unknown: Path) -> None:
    (known / "dark" / "broken.jpg").write_bytes(b"\xff\xd8\xff no")
    (unknown / "empty.png").write_bytes(b"")
    done = _run(model, "--known", known, "--unknown", unknown)
    assert done.exit_code == 0, done.output
    assert "skipped: " in done.stderr
    assert "broken.jpg" in done.stderr
    assert "empty.png is empty" in done.stderr
    assert "known      112 photos, 1 skipped" in done.stdout
    assert "unknown    36 photos, 1 skipped" in done.stdout


def _fails(done: Result, code: int, *parts: str) -> None:
    assert done.exit_code == code, done.output
    assert done.stdout == ""
    error = done.stderr.strip().splitlines()[-1]
    assert error.startswith("Error: ")
    for part in parts:
        assert part in error


def test_photos_that_say_too_little_are_refused_and_the_model_stays(
    tmp_path: Path, model: Path, known: Path, unknown: Path
) -> None:
    before = model.read_bytes()
    few, none = _photos(tmp_path / "few", range(200, 219)), tmp_path / "none"
    none.mkdir()
    _fails(_run(model, "--known", few), 1, "19 known photos", "wanted 20 at least")
    _fails(_run(model, "--known", known, "--unknown", _photos(tmp_path / "nine", range(9))), 1, "9 unknown")
    _fails(_run(model, "--known", none), 1, f"{none} holds no image")
    (none / "bad.jpg").write_bytes(b"bad")
    _fails(_run(model, "--known", none), 1, "none of the 1 photos", "can be read")
    assert model.read_bytes() == before


def test_known_and_unknown_must_not_share_photos(model: Path, known: Path) -> None:
    for one, other in ((known, known), (known, known / "dark"), (known / "dark", known)):
        _fails(_run(model, "--known", one, "--unknown", other), 1, "share photos", "two separate folders")


def test_a_whole_data_set_is_refused_because_the_model_has_learned_it(tmp_path: Path, model: Path) -> None:
    for split in ("train", "validation"):
        _photos(tmp_path / "data" / split / "dark", DARK)
    _fails(_run(model, "--known", tmp_path / "data"), 1, "whole data set", str(tmp_path / "data/validation"))


@pytest.mark.parametrize("kept", [(0, -40), (4, None), (0, 0)])
def test_a_damaged_model_is_one_line_and_stays_as_it_is(
    model: Path, known: Path, kept: tuple[int, int | None]
) -> None:
    hostile = model.read_bytes()[slice(*kept)]
    model.write_bytes(hostile)
    _fails(_run(model, "--known", known), 1, "model.tflite")
    assert model.read_bytes() == hostile


def test_where_nothing_can_be_written_nothing_is_scored(tmp_path: Path, model: Path, known: Path) -> None:
    (known / "dark" / "broken.jpg").write_bytes(b"bad")
    for out, reason in ((tmp_path / "folder", "it is a folder"), (model / "inside.tflite", "cannot write")):
        (tmp_path / "folder").mkdir(exist_ok=True)
        done = _run(model, "--known", known, "--out", out)
        _fails(done, 1, reason)
        assert "skipped" not in done.stderr


def test_misuse_is_told_as_usage(tmp_path: Path, model: Path, known: Path) -> None:
    _fails(_run("--known", known), 2, "bundled model is not overwritten")
    _fails(_run(model, "--model", model, "--known", known), 2, "give the model once")
    _fails(_run(model), 2, "--known")
    _fails(_run(model, "--known", tmp_path / "nowhere"), 2, "nowhere")
    _fails(_run(model, "--known", known, "--true-accept", "1"), 2, "--true-accept")
