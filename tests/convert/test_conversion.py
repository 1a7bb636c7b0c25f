"""A trained run becomes seven files; each is whole, describes itself and says what its parent says."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from converting import convert_to, written
from tiny_run import TinyRun

from hangtag import Classifier
from hangtag.cli import main
from hangtag.errors import DatasetError, OutputError, RunError
from hangtag.interpreter import Interpreter
from hangtag.labelled_folder import read_split
from hangtag.progress import Progress
from hangtag.scoring import score_photos
from hangtag.verification import verify_cases
from hangtag_convert.calibration_set import choose_photos
from hangtag_convert.formats import Format
from hangtag_convert.record import Conversion

QUIET = Progress(quiet=True)


@pytest.fixture
def converted(tiny_conversion: tuple[Path, Conversion]) -> tuple[Path, Conversion]:
    return tiny_conversion


@pytest.mark.parametrize(
    ("kind", "dtype", "most_mb"),
    [
        (Format.FLOAT32, "float32", 14.0),
        (Format.FLOAT16, "float32", 7.2),
        (Format.WEIGHT_INT8, "float32", 4.2),
        (Format.DYNAMIC, "float32", 4.2),
        (Format.INT16X8, "float32", 4.6),
        (Format.INT8_FLOAT_IO, "float32", 4.2),
        (Format.INT8, "uint8", 4.2),
    ],
)
def test_each_format_is_a_working_self_describing_file(
    converted: tuple[Path, Conversion], kind: Format, dtype: str, most_mb: float
) -> None:
    path = converted[0] / f"tiny-{kind.value}.tflite"
    classifier = Classifier.load(path)
    assert classifier.contract.input.tensor.dtype == classifier.contract.output.tensor.dtype == dtype
    assert classifier.contract.input.shape == (1, 64, 64, 3)
    assert classifier.contract.labels == ("blue", "green", "red")
    assert path.stat().st_size < most_mb * 1e6
    results = verify_cases(classifier)
    assert len(results) == 5
    assert all(result.passed for result in results)


def test_full_integer_bytes_are_pixel_bytes(converted: tuple[Path, Conversion]) -> None:
    spec = Classifier.load(converted[0] / "tiny-int8.tflite").contract.input
    assert (spec.tensor.scale, spec.tensor.zero_point) == (1 / 128, 127)


def test_the_table_is_what_the_files_really_do(converted: tuple[Path, Conversion], tiny_run: TinyRun) -> None:
    out, result = converted
    assert result.photos == 15
    assert [row.judged.format for row in result.outcomes] == list(Format)
    validation = read_split(tiny_run.data, "validation")
    for row in result.outcomes:
        scores = score_photos(Classifier.load(out / written(row)), validation, QUIET)
        assert row.judged.comparison.accuracy is not None
        right = (scores.argmax(1) == np.array(validation.targets)).mean()
        assert row.judged.comparison.accuracy.after_top1 == right
        assert row.data == (out / written(row)).read_bytes()
    float32 = result.outcomes[0].judged.comparison
    assert float32.agreement == 1.0
    assert float32.worst_difference < 1e-4
    stored = json.loads((out / "conversion.json").read_text())
    assert stored["parent_top1"] == result.parent_top1
    assert [row["file"] for row in stored["files"]] == [row.file for row in result.outcomes]
    for row in stored["files"]:
        content = (out / row["file"]).read_bytes()
        assert (row["size_bytes"], row["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())


def test_metadata_leaves_outputs_identical_to_the_bit(converted: tuple[Path, Conversion]) -> None:
    rng = np.random.default_rng(4)
    for row in converted[1].outcomes:
        bare, whole = Interpreter(row.judged.bare), Interpreter(row.data)
        for _ in range(3):
            view = bare.input_view()
            tensor = rng.integers(0, 256, view.shape).astype(view.dtype)
            if view.dtype == np.float32:
                tensor = (tensor - 127) / 128
            del view
            outputs = []
            for interpreter in (bare, whole):
                interpreter.input_view()[...] = tensor
                interpreter.invoke()
                outputs.append(interpreter.output())
            np.testing.assert_array_equal(*outputs)


def test_the_same_run_gives_the_same_bytes(
    converted: tuple[Path, Conversion], tiny_run: TinyRun, tmp_path: Path
) -> None:
    convert_to(tiny_run.folder, tmp_path, list(Format))
    for path in sorted(converted[0].iterdir()):
        assert (tmp_path / path.name).read_bytes() == path.read_bytes(), path.name


def _small_run(folder: Path, data: Path) -> Path:
    """Return a run that is converted in a moment, trained on photos that lie in ``data``."""
    from shapes_networks import sealed

    folder.mkdir()
    return sealed(folder, data)


def test_photos_that_moved_are_named_by_data(shapes_dataset: Path, tmp_path: Path) -> None:
    run = _small_run(tmp_path / "run", tmp_path / "gone")
    with pytest.raises(DatasetError, match="gone"):
        convert_to(run, tmp_path / "out", [Format.FLOAT32])
    result = convert_to(run, tmp_path / "out", [Format.FLOAT32], data=shapes_dataset)
    assert len(result.outcomes) == 1


@pytest.mark.parametrize(
    ("damage", "error", "said"),
    [
        (lambda run: (run / "run.json").unlink(), RunError, "no finished training run"),
        (lambda run: (run / "run.json").write_text("{"), RunError, "not a whole training run"),
        (lambda run: (run / "model.keras").unlink(), RunError, "not a whole training run"),
        (lambda run: (run / "model.keras").write_bytes(b"x"), RunError, "was changed after training"),
        (lambda run: (run / "contract.json").write_text("{}"), RunError, "was changed after training"),
    ],
)
def test_a_run_that_is_not_whole_is_refused(
    tiny_run: TinyRun, tmp_path: Path, damage: object, error: type[Exception], said: str
) -> None:
    run = tmp_path / "run"
    shutil.copytree(tiny_run.folder, run)
    damage(run)  # type: ignore[operator]
    with pytest.raises(error, match=said):
        convert_to(run, tmp_path / "out", [Format.FLOAT32])
    assert not (tmp_path / "out").exists()


def test_an_unwritable_folder_is_said(tiny_run: TinyRun, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="cannot write into"):
        convert_to(tiny_run.folder, tmp_path / "file", [Format.FLOAT32])


def test_calibration_uses_training_photos_of_every_label(tiny_run: TinyRun) -> None:
    train = read_split(tiny_run.data, "train")
    chosen = choose_photos(train, 9)
    assert [photo.label for photo in chosen] == [0] * 3 + [1] * 3 + [2] * 3
    assert all(photo.path.parents[1].name == "train" for photo in chosen)
    assert len(set(chosen)) == 9
    assert set(choose_photos(train, 1000)) == set(train.photos)


def test_the_command_prints_the_table_and_no_chatter(
    shapes_dataset: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run, out = _small_run(tmp_path / "run", shapes_dataset), tmp_path / "out"
    options = ["--format", "float32", "--format", "int8", "--max-drop", "100"]
    capfd.readouterr()
    result = CliRunner().invoke(main, ["convert", str(run), "--out", str(out), *options])
    assert result.exit_code == 0, result.output
    assert capfd.readouterr() == ("", ""), "TensorFlow's own programs write past Python"
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["format", "float", "float32", "int8"]
    assert {path.name for path in out.iterdir()} == {
        "shapes-float32.tflite",
        "shapes-int8.tflite",
        "conversion.json",
        "conversion.html",
    }


def test_evaluate_says_the_same_of_the_run_and_of_its_float32_file(
    tiny_run: TinyRun, converted: tuple[Path, Conversion]
) -> None:
    said = [
        CliRunner().invoke(main, ["evaluate", str(model), str(tiny_run.data)])
        for model in (tiny_run.folder, converted[0] / "tiny-float32.tflite")
    ]
    assert [result.exit_code for result in said] == [0, 0]
    figures = [
        [line for line in result.stdout.splitlines() if line.startswith(("top-1", "macro-F1"))]
        for result in said
    ]
    assert len(figures[0]) == 2
    assert figures[0] == figures[1]
