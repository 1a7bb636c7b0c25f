"""The verdict on unknown rejection: fitted on validation, reported on test, what is not natural apart."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from tiny_models import whole_model

from hangtag.contract import InputSpec, ModelContract
from hangtag.scoring import PhotoScores
from hangtag_benchmarks.camera.picture_packages import Part
from hangtag_benchmarks.camera.unknown_rejection import Verdict, main
from hangtag_benchmarks.camera.unknown_rejection import judge as judge_with_intervals
from hangtag_benchmarks.camera.unknown_scores import ENERGY, SCORE, STATISTICS, Measured, Pictures


def _scores(best: Sequence[float]) -> np.ndarray:
    """Scores of three labels whose best is as given, at the first of them."""
    return np.array([[value, (1 - value) * 0.7, (1 - value) * 0.3] for value in best])


def _found(best: Sequence[float]) -> PhotoScores:
    """Photos whose energy is ten times their best score."""
    return PhotoScores(_scores(best), 10 * np.asarray(best))


def _pictures(best: Sequence[float], package: str = "things", *, as_published: bool = True) -> Pictures:
    places = tuple(f"{package}/{index}.png" for index in range(len(best)))
    return Pictures((package,) * len(best), places, _found(best), as_published)


def _measured(
    confirming: Pictures,
    validation: Sequence[float],
    test: Sequence[float],
    textures: Sequence[float] = (0.4,),
    decides: str = SCORE,
) -> Measured:
    pictures = {
        Part.FITTING: _pictures((0.99, 0.99)),
        Part.REPORTING: _pictures((0.99, 0.4), "older"),
        Part.CONFIRMING: confirming,
        Part.TEXTURES: _pictures(textures),
    }
    labels = ("hat", "shoes", "skirt")
    stressed = {"tilted (moderate)": _found([0.3, 0.9])}
    return Measured(labels, decides, _found(validation), _found(test), pictures, stressed)


VALIDATION = np.linspace(0.6, 1, 100)


def judge(measured: Measured) -> Verdict:
    """Judge without spending time on intervals."""
    return judge_with_intervals(measured, resamples=20)


def test_the_threshold_is_validations_and_the_report_tests() -> None:
    test = np.linspace(0.5, 0.99, 50)
    verdict = judge(_measured(_pictures([0.41, 0.45, 0.7, 0.9]), VALIDATION, test))
    assert verdict.reported.threshold == pytest.approx(np.sort(VALIDATION)[5], abs=1e-4)
    assert verdict.reported.true_accept == (test >= verdict.reported.threshold).mean()
    assert verdict.reported.false_accept == 0.5
    assert (verdict.reported.known_photos, verdict.reported.unknown_photos) == (50, 4)
    text = "\n".join(verdict.lines)
    assert "95% of validation" in text
    assert "hat 2" in text
    assert text.index("things/3.png") < text.index("things/2.png")
    assert "things/1.png" not in text
    assert "fewest, 50.0%, where tilted" in text


@pytest.mark.parametrize(("decides", "passed"), [(ENERGY, True), (SCORE, False)])
def test_the_verdict_is_on_what_the_runtime_decides_by(decides: str, passed: bool) -> None:
    measured = _measured(_pictures([0.97] * 20), VALIDATION, [0.98] * 20 + [0.9], decides=decides)
    energies = np.zeros(20)
    confirming = dataclasses.replace(
        measured.pictures[Part.CONFIRMING],
        found=PhotoScores(_scores([0.99] * 20), energies),
    )
    pictures = {**measured.pictures, Part.CONFIRMING: confirming}
    verdict = judge(dataclasses.replace(measured, pictures=pictures))
    assert verdict.passed is passed
    assert decides in verdict.lines[-1]
    text = "\n".join(verdict.lines)
    assert f"{decides} (the runtime decides by it)" in text
    assert text.index(f"{decides} (") < text.index("clients that see scores alone")


@pytest.mark.parametrize(
    ("confirming", "passed"), [([0.4] * 19 + [0.99], True), ([0.4] * 9 + [1.0], False), ([0.4] * 5, True)]
)
def test_only_the_confirming_pictures_against_test_photos_count(
    confirming: list[float], passed: bool
) -> None:
    verdict = judge(_measured(_pictures(confirming), VALIDATION, [0.98] * 50, textures=(1.0, 1.0)))
    assert verdict.passed is passed
    assert ("MISSES" in verdict.lines[-1]) is not passed


def test_pictures_other_than_the_published_ones_are_said_to_be() -> None:
    for as_published in (True, False):
        pictures = _pictures([0.4, 0.5], as_published=as_published)
        text = "\n".join(judge(_measured(pictures, VALIDATION, VALIDATION)).lines)
        assert ("not those of the published figures" in text) is not as_published


@pytest.mark.parametrize("name", STATISTICS)
def test_every_statistic_is_higher_the_surer_the_scores(name: str) -> None:
    values = STATISTICS[name](_scores([0.42, 0.6, 0.8, 0.95, 1.0]))
    assert (np.diff(values) > 0).all()


def _photos(folder: Path, greys: Sequence[int]) -> None:
    folder.mkdir(parents=True)
    for grey in greys:
        cv2.imwrite(str(folder / f"{grey}.png"), np.full((9, 12, 3), grey, np.uint8))


@pytest.mark.parametrize(("confirming", "exit_code"), [(range(116, 140), 0), (range(0, 250, 10), 1)])
def test_the_command_scores_folders_and_leaves_with_the_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, confirming: Sequence[int], exit_code: int
) -> None:
    monkeypatch.setenv("HANGTAG_CACHE", str(tmp_path / "cache"))
    model = tmp_path / "model.tflite"
    contract = ModelContract(labels=("bright", "dark"), input=InputSpec(width_px=8, height_px=8))
    model.write_bytes(whole_model(contract))
    for split in ("validation", "test"):
        _photos(tmp_path / "data" / split / "bright", range(228, 255))
        _photos(tmp_path / "data" / split / "dark", range(27))
    pictures = tmp_path / "pictures"
    arguments = ["--data", tmp_path / "data", "--pictures", pictures, "--model", model]
    _photos(pictures / "confirming" / "package", confirming)
    _photos(pictures / "reporting" / "older", (120, 130))
    _photos(pictures / "fitting" / "other", (120, 130))
    missing = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert missing.exit_code == 1
    assert "natural_pictures" in missing.stderr
    _photos(pictures / "textures" / "made", (125, 135))
    done = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert done.exit_code == exit_code, done.output
    assert f"model: {model}" in done.stdout
    assert ("MISSES" in done.stdout) is bool(exit_code)
    assert "not those of the published figures" in done.stdout
