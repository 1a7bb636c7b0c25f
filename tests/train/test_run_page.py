"""A run's page is made again from what lies in its folder, or the damage is named."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import keras
import pytest
from click.testing import CliRunner
from html_page import Page
from page_examples import a_page
from small_run import contract_of, write_run

from hangtag.cli import main
from hangtag.errors import RunError
from hangtag.stress_report import StressRow
from hangtag_train.page import render
from hangtag_train.run_page import read_run_page


@pytest.fixture
def run(tmp_path: Path, shapes_dataset: Path) -> Path:
    image = keras.Input((16, 16, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3)(image))
    model = keras.Model(image, keras.layers.Dense(3, activation="softmax", name="logits")(pooled))
    page = a_page(("disc", "square", "stripe"))
    return write_run(
        tmp_path / "run", model, contract_of(model, ("disc", "square", "stripe")),
        settings={**page.settings, "data": str(shapes_dataset)},
        history=page.history, evaluation=page.evaluations["validation"],
    )  # fmt: skip


def report(*arguments: object):
    return CliRunner().invoke(main, ["report", *(str(argument) for argument in arguments)])


def test_a_page_is_made_again_from_the_folder(run: Path) -> None:
    page = a_page(("disc", "square", "stripe"))
    found = read_run_page(run)
    assert found.history == page.history
    assert found.evaluations == page.evaluations
    assert found.mistakes is None
    assert found.stress is None
    result = report(run)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{run / 'report.html'}\n"
    assert Page((run / "report.html").read_text()).words == Page(render(found)).words


def test_the_stress_that_an_evaluation_left_is_shown(run: Path) -> None:
    stress = a_page(("a", "b")).stress
    full = dataclasses.replace(stress, rows=(*stress.rows, StressRow("tilt 30°", "tilt", "30°", 2, 0.7)))
    record = {"splits": ["validation"], "stress": full.as_record()}
    (run / "evaluation.json").write_text(json.dumps(record))
    assert read_run_page(run).stress == full
    (run / "evaluation.json").write_text('{"splits": ["validation"], "stress": null}')
    assert read_run_page(run).stress is None


def test_mistakes_are_looked_for_and_kept(run: Path, shapes_dataset: Path, tmp_path: Path) -> None:
    result = report(run, "--data", shapes_dataset)
    assert result.exit_code == 0, result.output
    found = read_run_page(run)
    first = Page((run / "report.html").read_text())
    assert len(first.images) == len(found.mistakes) > 0
    assert all(image["alt"].startswith("a photo of ") for image in first.images)
    assert all((shapes_dataset / mistake.photo).is_file() for mistake in found.mistakes)
    again = report(run, "--out", tmp_path / "other.html")
    assert again.exit_code == 0, again.output
    assert Page((tmp_path / "other.html").read_text()).images == first.images


def test_a_page_is_made_again_without_tensorflow(run: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys; from click.testing import CliRunner; from hangtag.cli import main; "
        f"r = CliRunner().invoke(main, ['report', {str(run)!r}]); "
        "print(r.exit_code, {'tensorflow', 'keras', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "0 set()\n"


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("run.json", "[]"),
        ("run.json", "{"),
        ("metrics.json", '{"validation": {"top1": 1}}'),
        ("metrics.json", '{"validation": 3}'),
        ("metrics.json", "nonsense"),
        ("history.csv", "phase,epoch\nhead,one\n"),
        ("history.csv", "phase,epoch\nhead,1\n"),
        ("history.csv", "phase,epoch\n" + "x" * 200_000),
        ("evaluation.json", '{"stress": {"rows": 3}}'),
        ("evaluation.json", '{"stress": {"photos": 1, "seed": 0, "clean_top1": 1, "rows": [{"name": 1}]}}'),
    ],
)
def test_a_damaged_folder_is_one_clear_error(run: Path, file: str, content: str) -> None:
    (run / file).write_text(content)
    with pytest.raises(RunError, match=re.escape(file)):
        read_run_page(run)
    result = report(run)
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    result = report(tmp_path)
    assert result.exit_code == 1
    assert "no finished training run" in result.stderr
