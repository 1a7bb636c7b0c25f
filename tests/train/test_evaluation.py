"""``hangtag evaluate``: every kind of model through the same code, and what is refused."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from click.testing import CliRunner, Result

from hangtag import Classifier
from hangtag.cli import main
from hangtag.contract import InputSpec, ModelContract, OutputKind, OutputSpec, Provenance, TensorFormat
from hangtag.errors import ContractError, DatasetError, RunError, TrainingError
from hangtag.labelled_folder import dataset_digest, read_split
from hangtag.metrics import evaluate as measure
from hangtag.photos import read_photo
from hangtag.preprocess import preprocess
from hangtag.progress import Progress
from hangtag.run_seal import read_run
from hangtag.scoring import Scorer, score_photos
from hangtag_train.datasets import SourceOptions, prepare
from hangtag_train.evaluation import evaluate_model, open_scorer, read_splits
from hangtag_train.evaluation_lines import evaluation_lines

QUIET = Progress(quiet=True)
LABELS = ("disc", "square", "stripe")


def _network(units: int = 3, activation: str | None = "softmax", side_px: int | None = 16) -> keras.Model:
    """A network whose outputs differ from photo to photo."""
    keras.utils.set_random_seed(4)
    image = keras.Input((side_px, side_px, 3))
    features = keras.layers.Conv2D(8, 3, strides=2, activation="relu")(image)
    pooled = keras.layers.GlobalMaxPooling2D()(features)
    return keras.Model(image, keras.layers.Dense(units, activation=activation)(pooled))


def _contract(**changes: Any) -> ModelContract:
    spec = InputSpec(width_px=16, height_px=16)
    return ModelContract(name="shapes", labels=LABELS, input=spec).replace(**changes)


def _saved(folder: Path, model: keras.Model, contract: ModelContract | None) -> Path:
    folder.mkdir(exist_ok=True)
    model.save(folder / "own.keras")
    if contract is not None:
        (folder / "contract.json").write_text(contract.to_json())
    return folder / "own.keras"


def _outputs(model: keras.Model, data: Path, split: str = "validation") -> np.ndarray:
    spec = InputSpec(width_px=16, height_px=16)
    photos = read_split(data, split).photos
    return np.asarray(
        model.predict_on_batch(np.concatenate([preprocess(read_photo(photo.path), spec) for photo in photos]))
    ).astype(np.float64)


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["evaluate", *map(str, arguments)])


# --- scorers -----------------------------------------------------------------------------------------------


def test_a_keras_files_scores_are_what_keras_says(shapes_dataset: Path, tmp_path: Path) -> None:
    model = _network()
    scorer = open_scorer(_saved(tmp_path, model, _contract()))
    photos, _ = read_splits(shapes_dataset, ["validation"], LABELS, QUIET)
    scores = score_photos(scorer, photos, QUIET)
    np.testing.assert_allclose(scores, _outputs(model, shapes_dataset), atol=1e-6)
    _, found = evaluate_model(scorer, photos, QUIET, seed=3)
    assert found == measure(scores, np.array(photos.targets), LABELS, seed=3)


def test_logits_get_their_softmax(shapes_dataset: Path, tmp_path: Path) -> None:
    model = _network(activation=None)
    contract = _contract(output=OutputSpec(kind=OutputKind.LOGITS))
    scorer = open_scorer(_saved(tmp_path, model, contract))
    scores = score_photos(scorer, read_split(shapes_dataset, "validation"), QUIET)
    exponentials = np.exp(_outputs(model, shapes_dataset))
    np.testing.assert_allclose(scores, exponentials / exponentials.sum(axis=1, keepdims=True), atol=1e-6)


@pytest.fixture
def two_shapes(shapes_dataset: Path, tmp_path: Path) -> Path:
    root = tmp_path / "two"
    for label in LABELS[:2]:
        shutil.copytree(shapes_dataset / "validation" / label, root / "validation" / label)
    return root


def test_a_sigmoid_unit_becomes_two_columns(two_shapes: Path, tmp_path: Path) -> None:
    model = _network(1, "sigmoid")
    contract = _contract(labels=LABELS[:2], output=OutputSpec(kind=OutputKind.SIGMOID))
    scorer = open_scorer(_saved(tmp_path / "model", model, contract))
    second = _outputs(model, two_shapes)
    scores = score_photos(scorer, read_split(two_shapes, "validation"), QUIET)
    assert scores.shape == (8, 2)
    np.testing.assert_allclose(scores, np.hstack([1 - second, second]), atol=1e-6)
    result = _run(tmp_path / "model" / "own.keras", two_shapes, "--json")
    assert json.loads(result.stdout)["confusion"] == [
        [int((second[:4] <= 0.5).sum()), int((second[:4] > 0.5).sum())],
        [int((second[4:] <= 0.5).sum()), int((second[4:] > 0.5).sum())],
    ]


def test_a_tflites_scores_are_the_classifiers(synthetic_frame: Callable[[int, int], Any]) -> None:
    classifier = Classifier.bundled()
    frames = [synthetic_frame(300 + 10 * number, 200) for number in range(3)]
    wanted = np.stack([classifier.scores(frame) for frame in frames])
    np.testing.assert_array_equal(Scorer.of_classifier(classifier).scores(frames), wanted)


@pytest.mark.parametrize("count", [0, 1, 31, 32, 33, 65])
def test_every_frame_is_scored_once_and_in_order(count: int) -> None:
    def outputs(tensors: np.ndarray) -> np.ndarray:
        level = tensors.mean(axis=(1, 2, 3)) * 128 + 127
        return np.stack([level, -level, level * 0], axis=1)

    contract = _contract(output=OutputSpec(kind=OutputKind.SOFTMAX))
    frames = (np.full((5, 4, 3), number, np.uint8) for number in range(count))
    scores = Scorer(contract, outputs).scores(frames)
    assert scores.shape == (count, 3)
    np.testing.assert_allclose(scores[:, 0], np.arange(count), atol=1e-3)


def test_several_splits_are_pooled_and_named_once(shapes_dataset: Path) -> None:
    photos, skipped = read_splits(shapes_dataset, ["validation", "train", "validation"], LABELS, QUIET)
    assert skipped == ()
    assert len(photos.photos) == 12 + 18
    assert len(set(photos.photos)) == 30
    assert photos.labels == LABELS


# --- what is refused ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "contract", "said"),
    [
        (lambda: _network(2), _contract(), "gives a tensor of shape (None, 2); its contract says (None, 3)"),
        (lambda: _network(side_px=20), _contract(), "takes a tensor of shape (None, 20, 20, 3)"),
        (
            _network,
            _contract(
                input=InputSpec(width_px=16, height_px=16, tensor=TensorFormat(dtype="uint8", scale=1.0))
            ),
            "a uint8 tensor",
        ),
        (_network, None, "--contract FILE"),
    ],
)
def test_a_file_and_a_contract_that_do_not_fit(
    model: Callable[[], keras.Model], contract: ModelContract | None, said: str, tmp_path: Path
) -> None:
    with pytest.raises(RunError) as error:
        open_scorer(_saved(tmp_path, model(), contract))
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_network_of_any_size_takes_the_contracts(shapes_dataset: Path, tmp_path: Path) -> None:
    scorer = open_scorer(_saved(tmp_path, _network(side_px=None), _contract()))
    assert score_photos(scorer, read_split(shapes_dataset, "validation"), QUIET).shape == (12, 3)


def test_the_contract_may_stand_elsewhere_or_have_the_files_name(tmp_path: Path) -> None:
    path = _saved(tmp_path / "model", _network(), None)
    elsewhere = tmp_path / "mine.json"
    elsewhere.write_text(_contract(name="elsewhere").to_json())
    assert open_scorer(path, contract=elsewhere).contract.name == "elsewhere"
    path.with_suffix(".json").write_text(_contract(name="beside").to_json())
    (path.parent / "contract.json").write_text(_contract(name="general").to_json())
    assert open_scorer(path).contract.name == "beside"
    with pytest.raises(RunError, match="nowhere"):
        open_scorer(path, contract=tmp_path / "nowhere.json")
    elsewhere.write_text("{")
    with pytest.raises(ContractError):
        open_scorer(path, contract=elsewhere)


def test_a_file_that_would_execute_code_is_refused_in_one_line(shapes_dataset: Path, tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    image = keras.Input((16, 16, 3))
    # No name from outside: read anywhere, it would run.
    hostile = eval(f"lambda tensor: (open({str(touched)!r}, 'w').close(), tensor)[1]")  # noqa: S307 - our own text
    changed = keras.layers.Lambda(hostile, output_shape=(16, 16, 3))(image)
    scores = keras.layers.Dense(3, activation="softmax")(keras.layers.GlobalMaxPooling2D()(changed))
    path = _saved(tmp_path / "model", keras.Model(image, scores), _contract())
    touched.unlink(missing_ok=True)  # saving may have traced it
    keras.models.load_model(path, safe_mode=False).predict_on_batch(np.zeros((1, 16, 16, 3)))
    assert touched.exists(), "the file would execute code"
    touched.unlink()
    result = _run(path, shapes_dataset)
    assert result.exit_code == 1
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert "own.keras cannot be loaded" in line
    assert not touched.exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no archive", b"\x89HDF\r\n\x1a\n"])
def test_a_damaged_keras_file_is_one_clear_error(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "own.keras"
    path.write_bytes(content)
    (tmp_path / "contract.json").write_text(_contract().to_json())
    with pytest.raises(TrainingError, match=r"own\.keras cannot be loaded") as error:
        open_scorer(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda run: (run / "run.json").unlink(), "no finished training run"),
        (lambda run: (run / "run.json").write_text('{"sha256": 3}'), "not a whole training run"),
        (lambda run: (run / "run.json").write_text("[" * 100_000), "not a whole training run"),
        (lambda run: (run / "model.keras").unlink(), "not a whole training run"),
        (lambda run: (run / "model.keras").write_bytes(b"x"), "was changed after training"),
        (
            lambda run: (run / "contract.json").write_text(
                (run / "contract.json").read_text().replace("127.0", "0.0")
            ),
            "was changed after training",
        ),
    ],
)
def test_a_run_that_is_not_whole_is_refused(
    damage: Callable[[Path], object], said: str, sealed_run: Path
) -> None:
    damage(sealed_run)
    with pytest.raises(RunError, match=said):
        open_scorer(sealed_run)


@pytest.fixture
def sealed_run(tmp_path: Path, shapes_dataset: Path) -> Path:
    """What a finished run looks like to the stages after it."""
    import hashlib

    run = tmp_path / "run"
    _saved(run, _network(), _contract()).rename(run / "model.keras")
    digests = {
        name: hashlib.sha256((run / name).read_bytes()).hexdigest()
        for name in ("model.keras", "contract.json")
    }
    (run / "run.json").write_text(json.dumps({"sha256": digests, "data": str(shapes_dataset)}))
    return run


def test_a_sealed_run_is_opened(sealed_run: Path, shapes_dataset: Path) -> None:
    assert read_run(sealed_run).data == shapes_dataset
    assert open_scorer(sealed_run).contract == _contract()


def test_only_a_keras_file_takes_a_contract(sealed_run: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"only a \.keras file"):
        open_scorer(sealed_run, contract=sealed_run / "contract.json")
    result = _run(sealed_run, tmp_path, "--contract", sealed_run / "contract.json")
    assert result.exit_code == 2
    assert "--contract is for a .keras file" in result.stderr


@pytest.mark.parametrize(
    ("split", "change", "error"),
    [
        ("validation", lambda data: shutil.rmtree(data / "validation"), DatasetError),
        ("validation", lambda data: (data / "validation" / "hoop").mkdir(), DatasetError),
        ("validation", lambda data: _empty(data / "validation" / "disc"), DatasetError),
        (
            "validation",
            lambda data: (data / "validation" / "disc" / "00.png").write_bytes(b"x"),
            DatasetError,
        ),
    ],
)
def test_photos_that_cannot_be_measured_on(
    split: str, change: Callable[[Path], object], error: type[Exception], shapes_dataset: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(shapes_dataset, data)
    change(data)
    scorer = open_scorer(_saved(tmp_path / "model", _network(), _contract()))
    with pytest.raises(error):
        evaluate_model(scorer, read_splits(data, [split], LABELS, QUIET)[0], QUIET)


def _empty(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()


def test_an_unreadable_photo_is_named_and_left_out(
    shapes_dataset: Path, sealed_run: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(shapes_dataset, data)
    for number in range(30):  # one bad photo may then be a slip
        shutil.copy(data / "validation" / "disc" / "00.png", data / "validation" / "disc" / f"1{number}.png")
    (data / "validation" / "disc" / "01.png").write_bytes(b"x")
    result = _run(sealed_run, data, "--json")
    assert result.exit_code == 0, result.output
    (line,) = result.stderr.splitlines()
    assert line.startswith("skipped: ")
    assert "01.png" in line
    record = json.loads(result.stdout)
    assert record["photos"] == 41
    assert record["skipped"] == [line.removeprefix("skipped: ")]


@pytest.mark.parametrize("splits", [["validation"], ["test"]])
def test_photos_to_measure_on_need_no_train(
    splits: list[str], shapes_dataset: Path, sealed_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANGTAG_CACHE", str(tmp_path / "cache"))
    for split in splits:
        shutil.copytree(shapes_dataset / split, tmp_path / "data" / split)
    result = _run(sealed_run, tmp_path / "data", "--json", "--split", splits[0])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["photos"] == {"validation": 12, "test": 6}[splits[0]]
    assert not (tmp_path / "cache").exists()


def test_a_folder_without_splits_is_split_as_training_splits_it(
    shapes_dataset: Path, sealed_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hangtag_train.datasets import SourceOptions, prepare

    monkeypatch.setenv("HANGTAG_CACHE", str(tmp_path / "cache"))
    flat = tmp_path / "flat"
    shutil.copytree(shapes_dataset / "train", flat)
    options = SourceOptions(validation_share=0.5, seed=7)
    wanted = read_split(prepare(str(flat), options, QUIET).path, "validation")
    result = _run(sealed_run, flat, "--json", "--validation-share", 0.5, "--split-seed", 7)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert [row["photos"] for row in found["classes"]] == [wanted.targets.count(index) for index in range(3)]
    assert found["photos"] == len(wanted.photos) < 18


def test_a_label_without_a_folder_has_no_recall(two_shapes: Path, tmp_path: Path) -> None:
    scorer = open_scorer(_saved(tmp_path / "model", _network(), _contract()))
    _, found = evaluate_model(scorer, read_splits(two_shapes, ["validation"], LABELS, QUIET)[0], QUIET)
    assert found.photos == 8
    assert found.classes[2].recall is None


# --- the command -------------------------------------------------------------------------------------------


def test_the_command_prints_what_was_measured(shapes_dataset: Path, sealed_run: Path) -> None:
    result = _run(sealed_run, shapes_dataset)
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
    plain = json.loads(_run(sealed_run, shapes_dataset, "--json").stdout)
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
    result = _run(sealed_run, shapes_dataset, "--split", "test")
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
    contract = _contract(provenance=Provenance(dataset_sha256=trained_with))
    model = _saved(tmp_path / "model", _network(), contract)

    def said(*arguments: object) -> str:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("HANGTAG_CACHE", str(tmp_path / "cache"))
            result = _run(model, source, *arguments)
        assert result.exit_code == 0, result.output
        return result.stderr

    same = ("--split-seed", 3, "--validation-share", 0.2)
    assert "another split" not in said(*same)
    assert "note: the model was trained with other photos, or with another split" in said(*same[2:])
    assert "another split" in said(*same[:2])
    assert "another split" not in _run(model, shapes_dataset).stderr, "it brings its own splits"


def test_stress_and_pictures(shapes_dataset: Path, sealed_run: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = _run(sealed_run, shapes_dataset, "--stress", "--seed", 2, "--out", out)
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
    again = _run(sealed_run, shapes_dataset, "--stress", "--seed", 2, "--json")
    assert json.loads(again.stdout) == record


def test_an_unwritable_out_is_said_before_the_work(
    shapes_dataset: Path, sealed_run: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    result = _run(sealed_run, shapes_dataset, "--out", tmp_path / "file")
    assert result.exit_code == 1
    assert "cannot write into" in result.stderr


def test_a_keras_model_without_tensorflow_names_the_extra(
    sealed_run: Path, shapes_dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> None:
        raise ModuleNotFoundError("No module named 'tensorflow'", name="tensorflow")

    monkeypatch.setattr("hangtag_train.quiet.import_tensorflow_quietly", missing)
    result = _run(sealed_run, shapes_dataset)
    assert result.exit_code == 1
    assert 'pip install "hangtag[train]"' in result.stderr
