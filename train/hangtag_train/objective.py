"""What fine-tuning minimises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

if TYPE_CHECKING:
    from hangtag_train.recipe import Recipe

Array = npt.NDArray[np.float32]


class Objective(keras.losses.Loss):  # type: ignore[misc]
    """Cross-entropy of soft targets and, where a teacher's are beside them, the divergence from those.

    Targets are (n, labels), or (n, 2 x labels) with the teacher's probabilities on the right; predictions are
    logits (n, labels). The divergence is Kullback-Leibler's at ``temperature``, times its square, so that its
    gradients keep their size whatever the temperature (Hinton et al. 2015).
    """

    def __init__(self, labels: int, *, teacher_share: float, temperature: float) -> None:
        super().__init__(name="objective")
        self._labels = labels
        self._share = teacher_share
        self._temperature = temperature

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each photo, (n,)."""
        targets = y_true[:, : self._labels]
        loss = -ops.sum(targets * ops.log_softmax(y_pred), axis=1)
        if y_true.shape[1] == self._labels:
            return loss
        taught = y_true[:, self._labels :]
        softened = ops.log_softmax(y_pred / self._temperature)
        divergence = ops.sum(taught * (ops.log(ops.maximum(taught, 1e-9)) - softened), axis=1)
        return (1 - self._share) * loss + self._share * self._temperature**2 * divergence


def top1_of(labels: int) -> Any:
    """Return a Keras metric: the share of photos whose heaviest target has the highest logit."""

    def top1(y_true: Any, y_pred: Any) -> Any:
        hit = ops.equal(ops.argmax(y_true[:, :labels], axis=1), ops.argmax(y_pred, axis=1))
        return ops.cast(hit, "float32")

    return top1


def smoothed(targets: Array, share: float) -> Array:
    """Return targets (n, labels) with ``share`` of each row spread evenly over all labels."""
    spread: Array = targets * np.float32(1 - share) + np.float32(share / targets.shape[1])
    return spread


def photo_weights(recipe: Recipe, targets: npt.NDArray[np.int64], labels: int) -> Array | None:
    """Return one weight per label, inverse to its photos and 1 on average over photos; None without."""
    if not recipe.class_weights:
        return None
    counts = np.bincount(targets, minlength=labels)
    return np.asarray(len(targets) / (labels * np.maximum(counts, 1)), np.float32)
