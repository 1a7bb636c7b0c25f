"""From a frame to a label, and what raw outputs mean."""

from __future__ import annotations

import dataclasses
import os
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hangtag
from hangtag import Classifier
from hangtag.classifier import rank, ranking, score_table, to_scores
from hangtag.contract import Calibration, ModelContract, OutputKind, OutputSpec, TensorFormat
from hangtag.errors import ModelFileError
from hangtag.interpreter import Interpreter
from hangtag.preprocess import preprocess
from hangtag.scene import GARMENTS, render_garment


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.bundled()


@pytest.fixture
def frame() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (97, 131, 3)).astype(np.uint8)


def test_prediction_is_ranked_and_adds_up(classifier: Classifier, frame: np.ndarray) -> None:
    prediction = classifier.classify(frame, top=10)
    scores = [score for _, score in prediction.top]
    assert scores == sorted(scores, reverse=True)
    assert {label for label, _ in prediction.top} == set(classifier.contract.labels)
    assert (prediction.label, prediction.score) == prediction.top[0]
    assert sum(scores) == pytest.approx(1.0, abs=0.03)  # each of ten scores is rounded to 1/256


def test_the_tensor_in_the_interpreter_is_the_one_of_preprocess(
    classifier: Classifier, frame: np.ndarray
) -> None:
    classifier.scores(frame)
    inside = classifier.interpreter.input_view().copy()
    np.testing.assert_array_equal(inside, preprocess(frame, classifier.contract.input))


def test_scores_equal_the_plain_interpreters(classifier: Classifier, frame: np.ndarray) -> None:
    plain = Interpreter(classifier.model.data)
    plain.input_view()[...] = preprocess(frame, classifier.contract.input)
    plain.invoke()
    tensor = classifier.contract.output.tensor
    assert tensor.scale is not None
    np.testing.assert_array_equal(
        classifier.scores(frame), (plain.output().astype(int) - tensor.zero_point) * tensor.scale
    )


def _sure_of_one(contract: ModelContract, best: float) -> np.ndarray:
    labels = len(contract.labels)
    scores = np.full(labels, (1 - best) / (labels - 1))
    scores[4] = best
    return scores


def test_unknown_below_the_threshold_of_the_score_only(classifier: Classifier) -> None:
    contract = classifier.contract.replace(calibration=Calibration(unknown_threshold=0.5))
    for best, unknown in ((0.49, True), (0.5, False), (0.99, False)):
        prediction = rank(_sure_of_one(contract, best), contract, 3)
        assert (prediction.label, prediction.unknown) == (contract.labels[4], unknown)


def test_where_there_is_a_threshold_of_the_energy_the_score_does_not_matter(classifier: Classifier) -> None:
    contract = classifier.contract.replace(
        calibration=Calibration(unknown_threshold=0.5, energy_threshold=2.5)
    )
    for best, energy, unknown in ((0.4, 2.5, False), (0.99, 2.49, True), (0.4, -9.0, True)):
        prediction = rank(_sure_of_one(contract, best), contract, 3, energy)
        assert (prediction.unknown, prediction.energy) == (unknown, energy)
        assert prediction.label == contract.labels[4]
    with pytest.raises(ValueError, match="decides by the energy"):
        rank(_sure_of_one(contract, 0.9), contract, 3)


def test_the_bundled_model_decides_by_the_energy(classifier: Classifier) -> None:
    threshold = classifier.contract.calibration.energy_threshold
    assert threshold is not None
    timed = classifier.timed_scores(np.full((200, 300, 3), 128, np.uint8))
    assert timed.energy is not None
    # A grey wall.
    assert timed.energy < threshold
    assert classifier.classify(np.full((200, 300, 3), 128, np.uint8)).unknown


def test_a_model_without_a_threshold_computes_no_energy_unless_asked(classifier: Classifier) -> None:
    contract = classifier.contract.replace(calibration=Calibration(unknown_threshold=0.5))
    model = dataclasses.replace(classifier.model, contract=contract)
    frame = np.full((200, 300, 3), 128, np.uint8)
    plain, asked = Classifier(model), Classifier(model, energy=True)
    assert (plain.timed_scores(frame).energy, plain.logits) == (None, None)
    assert asked.timed_scores(frame).energy == classifier.timed_scores(frame).energy
    np.testing.assert_array_equal(plain.scores(frame), asked.scores(frame))


def test_ties_go_to_the_first_label(classifier: Classifier) -> None:
    scores = np.full(len(classifier.contract.labels), 0.1)
    assert classifier.predict(scores, top=2, energy=9.0).top == tuple(
        (label, 0.1) for label in classifier.contract.labels[:2]
    )


@pytest.mark.parametrize(
    ("image", "error"),
    [
        (None, TypeError),
        (np.zeros((4, 4, 3), np.float32), TypeError),
        (np.zeros((4, 4), np.uint8), ValueError),
        (np.zeros((4, 4, 4), np.uint8), ValueError),
        (np.zeros((0, 4, 3), np.uint8), ValueError),
    ],
)
def test_what_is_no_frame_is_a_mistake_of_the_caller(
    classifier: Classifier, image: object, error: type[Exception]
) -> None:
    with pytest.raises(error):
        classifier.classify(image)  # type: ignore[arg-type]


@pytest.mark.parametrize("arguments", [{"threads": 0}, {"engine": "tensorrt"}])
def test_odd_settings_are_refused(arguments: dict) -> None:
    with pytest.raises(ValueError, match="wanted"):
        Classifier.bundled(**arguments)


@pytest.mark.parametrize("arguments", [{"top": 0}, {"top": -1}])
def test_top_below_one_is_refused(classifier: Classifier, frame: np.ndarray, arguments: dict) -> None:
    with pytest.raises(ValueError, match="top"):
        classifier.classify(frame, **arguments)


def test_threads_may_share_a_classifier(classifier: Classifier) -> None:
    rng = np.random.default_rng(0)
    frames = [render_garment(label, rng, 160)[0] for label in GARMENTS[:6]]
    wanted = [classifier.scores(frame).tolist() for frame in frames]
    got: dict[int, list] = {}

    def work(number: int) -> None:
        got[number] = [classifier.scores(frames[number]).tolist() for _ in range(10)]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(frames))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(rows == [wanted[number]] * 10 for number, rows in got.items())
    assert len(got) == len(frames)


def test_two_threads_and_batches_change_nothing(classifier: Classifier, frame: np.ndarray) -> None:
    one = classifier.classify(frame)
    assert Classifier.bundled(threads=2).classify(frame) == one
    assert classifier.classify_batch([frame, frame]) == [one, one]


@pytest.mark.parametrize(
    ("kind", "tensor", "output", "wanted"),
    [
        (OutputKind.SOFTMAX, TensorFormat(), [0.25, 0.75], [0.25, 0.75]),
        (OutputKind.SOFTMAX, TensorFormat(dtype="uint8", scale=1 / 256), [64, 192], [0.25, 0.75]),
        (
            OutputKind.SOFTMAX,
            TensorFormat(dtype="int8", scale=1 / 256, zero_point=-128),
            [-64, 64],
            [0.25, 0.75],
        ),
        (OutputKind.SIGMOID, TensorFormat(), [0.9], [0.1, 0.9]),
        (OutputKind.LOGITS, TensorFormat(), [0.0, np.log(3)], [0.25, 0.75]),
        (OutputKind.LOGITS, TensorFormat(), [1000.0, 0.0], [1.0, 0.0]),
        (OutputKind.LOGITS, TensorFormat(dtype="uint8", scale=1.0, zero_point=200), [100, 100], [0.5, 0.5]),
    ],
)
def test_raw_outputs_become_scores(
    kind: OutputKind, tensor: TensorFormat, output: list, wanted: list[float]
) -> None:
    raw = np.array(output, tensor.dtype)
    np.testing.assert_allclose(to_scores(raw, OutputSpec(kind=kind, tensor=tensor)), wanted, atol=1e-6)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=200))
def test_the_best_score_comes_first_and_equal_ones_in_their_order(scores: list[int]) -> None:
    wanted = sorted(range(len(scores)), key=lambda index: (-scores[index], index))
    assert ranking([score / 5 for score in scores]) == wanted


@pytest.mark.parametrize(("dtype", "zero_point"), [("uint8", 3), ("int8", -128)])
def test_a_table_of_scores_holds_what_each_byte_becomes(dtype: str, zero_point: int) -> None:
    spec = OutputSpec(tensor=TensorFormat(dtype=dtype, scale=1 / 255, zero_point=zero_point))
    table = score_table(spec)
    assert table is not None
    raw = np.arange(256, dtype=np.uint8).view(dtype)
    np.testing.assert_array_equal(table.take(raw), to_scores(raw, spec))


@pytest.mark.parametrize(
    "spec",
    [
        OutputSpec(),
        OutputSpec(tensor=TensorFormat(dtype="int16", scale=1 / 32768)),
        OutputSpec(kind=OutputKind.SIGMOID, tensor=TensorFormat(dtype="uint8", scale=1 / 256)),
        OutputSpec(kind=OutputKind.LOGITS, tensor=TensorFormat(dtype="uint8", scale=1.0)),
    ],
    ids=["float", "int16", "sigmoid", "logits"],
)
def test_scores_that_are_more_than_a_bytes_value_have_no_table(spec: OutputSpec) -> None:
    assert score_table(spec) is None


def test_scores_that_are_no_numbers_are_an_error() -> None:
    for bad in (np.nan, np.inf):
        with pytest.raises(ModelFileError, match="not finite"):
            to_scores(np.array([0.5, bad], np.float32), OutputSpec())


def test_a_kept_exception_does_not_keep_the_classifier(classifier: Classifier, frame: np.ndarray) -> None:
    with pytest.raises(ValueError, match="shape") as kept:
        classifier.classify(np.zeros((4, 4), np.uint8))
    assert classifier.classify(frame).top
    assert kept.value


def test_opening_classifiers_in_threads_leaves_standard_error_alone() -> None:
    before = os.fstat(2)
    threads = [threading.Thread(target=Classifier.bundled) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    after = os.fstat(2)
    assert (before.st_dev, before.st_ino) == (after.st_dev, after.st_ino)


def test_load_takes_a_path_as_text(tmp_path: Path, classifier: Classifier) -> None:
    path = tmp_path / "copy.tflite"
    path.write_bytes(classifier.model.data)
    assert Classifier.load(str(path)).contract == classifier.contract


def test_public_names_are_there_and_nothing_else() -> None:
    assert all(getattr(hangtag, name) is not None for name in hangtag.__all__)
    with pytest.raises(AttributeError):
        _ = hangtag.Nonsense  # type: ignore[attr-defined]
