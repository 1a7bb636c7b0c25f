from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest
from small_run import write_run

from hangtag.contract import ColourOrder, InputSpec, ModelContract, OutputKind, OutputSpec
from hangtag.errors import TrainingError
from hangtag.preprocess import preprocess
from hangtag_train.distillation import Teacher
from hangtag_train.network import input_spec
from hangtag_train.recipe import Recipe
from hangtag_train.trainer import Trainer

LABELS = ("disc", "square", "stripe")
STUDENT = input_spec(Recipe(size_px=32))
OTHER = InputSpec(
    width_px=32, height_px=32, mean=(123.0, 116.0, 103.0), std=(58.0, 57.0, 57.5)
)  # fmt: skip

Make = Callable[..., Path]


@pytest.fixture
def teacher_run(tmp_path: Path) -> Make:
    """Gives folders of finished runs whose network looks at the means of nine parts of the picture."""

    def make(spec: InputSpec, labels: tuple[str, ...] = LABELS, units: int | None = None) -> Path:
        keras.utils.set_random_seed(2)
        count = units or len(labels)
        network = keras.Sequential(
            [
                keras.Input(spec.shape[1:]),
                keras.layers.AveragePooling2D((spec.height_px // 3, spec.width_px // 3)),
                keras.layers.Flatten(),
                keras.layers.Dense(count, activation="sigmoid" if count == 1 else "softmax"),
            ]
        )
        kind = OutputKind.SIGMOID if count == 1 else OutputKind.SOFTMAX
        contract = ModelContract(labels=labels, input=spec, output=OutputSpec(kind=kind))
        return write_run(tmp_path / "teacher", network, contract)

    return make


def add_a_space(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b" ")


def smooth_frame() -> np.ndarray:
    coarse = np.random.default_rng(4).integers(0, 256, (5, 5, 3)).astype(np.uint8)
    return np.asarray(cv2.resize(coarse, (96, 96), interpolation=cv2.INTER_CUBIC))


def own_scores(run: Path, spec: InputSpec, frame: np.ndarray) -> np.ndarray:
    model = keras.models.load_model(run / "model.keras", compile=False)
    return np.asarray(model.predict_on_batch(preprocess(frame, spec)))


def test_a_teacher_of_other_normalisation_sees_the_same_picture(teacher_run: Make) -> None:
    run = teacher_run(OTHER)
    frame = smooth_frame()
    seen = Teacher(run, LABELS, STUDENT, 1.0).probabilities(preprocess(frame, STUDENT))
    np.testing.assert_allclose(seen, own_scores(run, OTHER, frame), atol=1e-4)


@pytest.mark.parametrize("size_wh", [(48, 48), (24, 24), (60, 60)])
def test_a_teacher_of_another_size_sees_the_same_picture(size_wh: tuple[int, int], teacher_run: Make) -> None:
    spec = dataclasses.replace(OTHER, width_px=size_wh[0], height_px=size_wh[1])
    run = teacher_run(spec)
    frame = smooth_frame()
    seen = Teacher(run, LABELS, STUDENT, 1.0).probabilities(preprocess(frame, STUDENT))
    np.testing.assert_allclose(seen, own_scores(run, spec, frame), atol=0.03)


@pytest.mark.parametrize("temperature", [1.0, 2.0, 5.0])
def test_scores_are_softened_as_their_logits_would_be(temperature: float, teacher_run: Make) -> None:
    run = teacher_run(STUDENT)
    tensor = preprocess(smooth_frame(), STUDENT)
    scores = own_scores(run, STUDENT, smooth_frame())
    powers = np.exp(np.log(scores) / temperature)
    np.testing.assert_allclose(
        Teacher(run, LABELS, STUDENT, temperature).probabilities(tensor),
        powers / powers.sum(axis=1, keepdims=True),
        atol=1e-5,
    )


def test_a_sigmoid_teacher_gives_both_labels(teacher_run: Make) -> None:
    labels = LABELS[:2]
    run = teacher_run(STUDENT, labels, 1)
    seen = Teacher(run, labels, STUDENT, 1.0).probabilities(preprocess(smooth_frame(), STUDENT))
    second = own_scores(run, STUDENT, smooth_frame())[0, 0]
    np.testing.assert_allclose(seen, [[1 - second, second]], atol=1e-5)


@pytest.mark.parametrize(
    ("labels", "spec", "message"),
    [
        (("disc", "square"), STUDENT, "knows disc, square; wanted the student's labels: disc, square, str"),
        (("square", "disc", "stripe"), STUDENT, "wanted the student's labels"),
        (
            LABELS,
            dataclasses.replace(STUDENT, colour_order=ColourOrder.GREY, mean=(1.0,), std=(1.0,)),
            "sees grey, the student rgb",
        ),
    ],
)
def test_a_teacher_of_something_else_is_refused(
    labels: tuple[str, ...], spec: InputSpec, message: str, teacher_run: Make
) -> None:
    run = teacher_run(spec, labels)
    with pytest.raises(TrainingError, match=message) as caught:
        Teacher(run, LABELS, STUDENT, 2.0)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda run: (run / "run.json").unlink(), "holds no finished training run"),
        (lambda run: (run / "contract.json").unlink(), "is not a whole training run"),
        (lambda run: (run / "model.keras").unlink(), "is not a whole training run"),
        (shutil.rmtree, "holds no finished training run"),
        (lambda run: add_a_space(run / "model.keras"), r"model\.keras was changed after training"),
        (lambda run: add_a_space(run / "contract.json"), r"contract\.json was changed after training"),
    ],
)
def test_a_teacher_that_is_no_finished_run_is_one_line(
    damage: Callable[[Path], object], message: str, teacher_run: Make
) -> None:
    run = teacher_run(STUDENT)
    damage(run)
    with pytest.raises(TrainingError, match=f"the teacher cannot be used: .*{message}") as caught:
        Teacher(run, LABELS, STUDENT, 2.0)
    assert "\n" not in str(caught.value)


def test_a_student_comes_to_say_what_its_teacher_says(teacher_run: Make, small_network) -> None:
    keras.utils.set_random_seed(1)
    recipe = Recipe(
        size_px=32, batch_size=12, dropout=0, weight_decay=0, teacher="named", teacher_share=1.0,
        teacher_temperature=1.0, optimizer="adam",
    )  # fmt: skip
    teacher = Teacher(teacher_run(STUDENT), LABELS, STUDENT, 1.0)
    rng = np.random.default_rng(1)
    tensors = rng.uniform(-1, 1, (12, 1, 1, 3)).astype(np.float32) * np.ones((12, 32, 32, 3), np.float32)
    wrong = np.eye(3, dtype=np.float32)[rng.integers(0, 3, 12)]  # labels are not listened to
    network = small_network(3)
    trainer = Trainer(network, recipe, wrong.argmax(axis=1), 3, teacher)
    trainer.start_epoch(0)
    losses = [trainer.step(number, tensors, wrong, 0.05)[0] for number in range(60)]
    assert losses[-1] < 0.1 * losses[0]
    said = np.asarray(network.scores.predict_on_batch(tensors))
    assert np.abs(said - teacher.probabilities(tensors)).mean() < 0.1
