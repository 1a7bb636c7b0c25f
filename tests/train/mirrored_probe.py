"""Trains the same steps on one device and on several, in a process of its own: two CPUs stand for two GPUs.

Prints, as JSON, the largest difference of losses and of weights, and how many photos each device took.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from hangtag_train import trainer as trainer_module
from hangtag_train.compute import mirrored
from hangtag_train.network import build_network
from hangtag_train.recipe import Recipe
from hangtag_train.trainer import Trainer

RECIPE = Recipe(
    backbone="mlp", pretrained=False, size_px=8, head_epochs=0, epochs=1, dropout=0.0, class_weights=True,
    norm_from_epoch=1,
)  # fmt: skip


def trained(devices: list[str]) -> tuple[list[float], list[np.ndarray]]:
    """Return the losses of three steps, the last of an uneven batch, and the weights after them."""
    rng = np.random.default_rng(3)
    targets = rng.integers(0, 3, 25)
    tensors = rng.normal(size=(25, 8, 8, 3)).astype(np.float32)
    keras.utils.set_random_seed(7)
    with mirrored(devices):
        network = build_network(RECIPE, 3)
        trainer = Trainer(network, RECIPE, targets, 3, None)
        trainer.start_epoch(0)
        losses = []
        for number, rows in enumerate((slice(0, 10), slice(10, 20), slice(20, 25))):
            one_hot = np.eye(3, dtype=np.float32)[targets[rows]]
            losses.append(trainer.step(number, tensors[rows], one_hot, 1e-3)[0])
        return losses, network.logits.get_weights()


def main() -> None:
    """Compare one device with two."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    parts: list[list[int]] = []
    spread = trainer_module._spread

    def watched(batch: tuple[Any, ...], strategy: Any) -> tuple[Any, ...]:
        found = spread(batch, strategy)
        parts.append([len(part) for part in strategy.experimental_local_results(found[0])])
        return found

    trainer_module._spread = watched
    (alone, weights), (together, others) = trained([]), trained(["CPU:0", "CPU:1"])
    json.dump(
        {
            "losses": max(abs(one - other) for one, other in zip(alone, together, strict=True)),
            "weights": max(float(abs(a - b).max()) for a, b in zip(weights, others, strict=True)),
            "parts": parts,
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
