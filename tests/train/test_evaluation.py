"""Every kind of model is evaluated through the same code, and what does not fit is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from shapes_networks import LABELS, QUIET, contract_of, evaluate, network, outputs_of, saved, sealed

from hangtag import Classifier
from hangtag.contract import InputSpec, ModelContract, OutputKind, OutputSpec, TensorFormat
from hangtag.errors import ContractError, DatasetError, RunError, TrainingError
from hangtag.labelled_folder import read_split
from hangtag.metrics import evaluate as measure
from hangtag.run_seal import read_run
from hangtag.scoring import Scorer, score_photos
from hangtag_train.evaluation import evaluate_model, open_scorer, read_splits

# --- scorers -----------------------------------------------------------------------------------------------


def test_a_keras_files_scores_are_what_keras_says(shapes_dataset: Path, tmp_path: Path) -> None:
    model = network()
    scorer = open_scorer(saved(tmp_path, model, contract_of()))
    photos, _ = read_splits(shapes_dataset, ["validation"], LABELS, QUIET)
    scores = score_photos(scorer, photos, QUIET)
    np.testing.assert_allclose(scores, outputs_of(model, shapes_dataset), atol=1e-6)
    _, found = evaluate_model(scorer, photos, QUIET, seed=3)
    assert found == measure(scores, np.array(photos.targets), LABELS, seed=3)


def test_logits_get_their_softmax(shapes_dataset: Path, tmp_path: Path) -> None:
    model = network(activation=None)
    contract = contract_of(output=OutputSpec(kind=OutputKind.LOGITS))
    scorer = open_scorer(saved(tmp_path, model, contract))
    scores = score_photos(scorer, read_split(shapes_dataset, "validation"), QUIET)
    exponentials = np.exp(outputs_of(model, shapes_dataset))
    np.testing.assert_allclose(scores, exponentials / exponentials.sum(axis=1, keepdims=True), atol=1e-6)


@pytest.fixture
def two_shapes(shapes_dataset: Path, tmp_path: Path) -> Path:
    root = tmp_path / "two"
    for label in LABELS[:2]:
        shutil.copytree(shapes_dataset / "validation" / label, root / "validation" / label)
    return root


def test_a_sigmoid_unit_becomes_two_columns(two_shapes: Path, tmp_path: Path) -> None:
    model = network(1, "sigmoid")
    contract = contract_of(labels=LABELS[:2], output=OutputSpec(kind=OutputKind.SIGMOID))
    scorer = open_scorer(saved(tmp_path / "model", model, contract))
    second = outputs_of(model, two_shapes)
    scores = score_photos(scorer, read_split(two_shapes, "validation"), QUIET)
    assert scores.shape == (8, 2)
    np.testing.assert_allclose(scores, np.hstack([1 - second, second]), atol=1e-6)
    result = evaluate(tmp_path / "model" / "own.keras", two_shapes, "--json")
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

    contract = contract_of(output=OutputSpec(kind=OutputKind.SOFTMAX))
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
        (lambda: network(2), contract_of(), "gives a tensor of shape (None, 2); its contract says (None, 3)"),
        (lambda: network(side_px=20), contract_of(), "takes a tensor of shape (None, 20, 20, 3)"),
        (
            network,
            contract_of(
                input=InputSpec(width_px=16, height_px=16, tensor=TensorFormat(dtype="uint8", scale=1.0))
            ),
            "a uint8 tensor",
        ),
        (network, None, "--contract FILE"),
    ],
)
def test_a_file_and_a_contract_that_do_not_fit(
    model: Callable[[], keras.Model], contract: ModelContract | None, said: str, tmp_path: Path
) -> None:
    with pytest.raises(RunError) as error:
        open_scorer(saved(tmp_path, model(), contract))
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_network_of_any_size_takes_the_contracts(shapes_dataset: Path, tmp_path: Path) -> None:
    scorer = open_scorer(saved(tmp_path, network(side_px=None), contract_of()))
    assert score_photos(scorer, read_split(shapes_dataset, "validation"), QUIET).shape == (12, 3)


def test_the_contract_may_stand_elsewhere_or_have_the_files_name(tmp_path: Path) -> None:
    path = saved(tmp_path / "model", network(), None)
    elsewhere = tmp_path / "mine.json"
    elsewhere.write_text(contract_of(name="elsewhere").to_json())
    assert open_scorer(path, contract=elsewhere).contract.name == "elsewhere"
    path.with_suffix(".json").write_text(contract_of(name="beside").to_json())
    (path.parent / "contract.json").write_text(contract_of(name="general").to_json())
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
    path = saved(tmp_path / "model", keras.Model(image, scores), contract_of())
    touched.unlink(missing_ok=True)  # saving may have traced it
    keras.models.load_model(path, safe_mode=False).predict_on_batch(np.zeros((1, 16, 16, 3)))
    assert touched.exists(), "the file would execute code"
    touched.unlink()
    result = evaluate(path, shapes_dataset)
    assert result.exit_code == 1
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert "own.keras cannot be loaded" in line
    assert not touched.exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no archive", b"\x89HDF\r\n\x1a\n"])
def test_a_damaged_keras_file_is_one_clear_error(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "own.keras"
    path.write_bytes(content)
    (tmp_path / "contract.json").write_text(contract_of().to_json())
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
    return sealed(tmp_path / "run", shapes_dataset)


def test_a_sealed_run_is_opened(sealed_run: Path, shapes_dataset: Path) -> None:
    assert read_run(sealed_run).data == shapes_dataset
    assert open_scorer(sealed_run).contract == contract_of()


def test_only_a_keras_file_takes_a_contract(sealed_run: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"only a \.keras file"):
        open_scorer(sealed_run, contract=sealed_run / "contract.json")
    result = evaluate(sealed_run, tmp_path, "--contract", sealed_run / "contract.json")
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
    scorer = open_scorer(saved(tmp_path / "model", network(), contract_of()))
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
    result = evaluate(sealed_run, data, "--json")
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
    result = evaluate(sealed_run, tmp_path / "data", "--json", "--split", splits[0])
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
    result = evaluate(sealed_run, flat, "--json", "--validation-share", 0.5, "--split-seed", 7)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert [row["photos"] for row in found["classes"]] == [wanted.targets.count(index) for index in range(3)]
    assert found["photos"] == len(wanted.photos) < 18


def test_a_label_without_a_folder_has_no_recall(two_shapes: Path, tmp_path: Path) -> None:
    scorer = open_scorer(saved(tmp_path / "model", network(), contract_of()))
    _, found = evaluate_model(scorer, read_splits(two_shapes, ["validation"], LABELS, QUIET)[0], QUIET)
    assert found.photos == 8
    assert found.classes[2].recall is None
