"""Learning from another run's scores as well as from labels (Hinton et al. 2015)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np
import numpy.typing as npt

from hangtag.errors import ContractError, RunError, TrainingError
from hangtag.run_seal import read_run
from hangtag_train.keras_file import load_keras

if TYPE_CHECKING:
    from hangtag.contract import InputSpec
    from hangtag_train.recipe import Recipe

Array = npt.NDArray[np.float32]


class Teacher:
    """A finished run that sees exactly what the student sees, brought to its own input's size and range."""

    def __init__(self, run: Path, labels: Sequence[str], student: InputSpec, temperature: float) -> None:
        """Load the run's model.

        Raises:
            TrainingError: it is no finished run, was changed since, or is one of other labels or colours.
        """
        try:
            sealed = read_run(run)
        except (RunError, ContractError) as error:
            raise TrainingError(f"the teacher cannot be used: {error}") from None
        contract = sealed.contract
        if contract.labels != tuple(labels):
            raise TrainingError(
                f"the teacher {run} knows {', '.join(contract.labels)}; wanted the student's labels: "
                f"{', '.join(labels)}"
            )
        teacher = contract.input
        if teacher.colour_order != student.colour_order:
            raise TrainingError(
                f"the teacher {run} sees {teacher.colour_order.value}, "
                f"the student {student.colour_order.value}"
            )
        model = load_keras(sealed.model)
        model.trainable = False
        image = keras.Input(student.shape[1:])
        seen = image
        if (teacher.mean, teacher.std) != (student.mean, student.std):
            mean, std = (np.array(values, np.float32) for values in (student.mean, student.std))
            other_mean, other_std = (np.array(values, np.float32) for values in (teacher.mean, teacher.std))
            seen = (seen * std + (mean - other_mean)) / other_std
        if teacher.shape != student.shape:
            seen = keras.layers.Resizing(teacher.height_px, teacher.width_px, "bilinear")(seen)
        self._model = keras.Model(image, model(seen, training=False))
        self._temperature = temperature

    def probabilities(self, tensors: Array) -> Array:
        """Return the teacher's scores (n, labels) at the recipe's temperature, for the student's tensors."""
        scores = np.asarray(self._model.predict_on_batch(tensors), np.float64)
        if scores.shape[1] == 1:
            scores = np.concatenate([1 - scores, scores], axis=1)
        # Scores are a softmax: their logarithms are logits up to a constant, which the softmax takes away.
        softened = np.maximum(scores, 1e-9) ** (1 / self._temperature)
        return np.asarray(softened / softened.sum(axis=1, keepdims=True), np.float32)


def find_teacher(recipe: Recipe, labels: Sequence[str], student: InputSpec) -> Teacher | None:
    """Return the teacher that a recipe's fine-tuning learns from, or None where it has none.

    Raises:
        TrainingError: as :class:`Teacher`.
    """
    if recipe.teacher is None or recipe.epochs == 0:
        return None
    return Teacher(Path(recipe.teacher), labels, student, recipe.teacher_temperature)
