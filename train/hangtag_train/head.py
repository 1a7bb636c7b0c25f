"""The first phase: one linear layer on the features of a backbone that stays as it is."""

from __future__ import annotations

import hashlib
import json
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import numpy.typing as npt

from hangtag.files import make_folder, whole_file
from hangtag.metrics import negative_log_likelihood, top_k
from hangtag_train.history import HistoryRow, best_row
from hangtag_train.loading import predict
from hangtag_train.network import Array, Network, input_spec, label_logits, softmax
from hangtag_train.objective import photo_weights

if TYPE_CHECKING:
    from hangtag.labelled_folder import LabelledFolder
    from hangtag.progress import Progress
    from hangtag_train.recipe import Recipe


def read_features(
    network: Network,
    splits: Sequence[LabelledFolder],
    recipe: Recipe,
    *,
    dataset_sha256: str,
    cache: Path,
    progress: Progress,
) -> list[Array]:
    """Return the frozen backbone's features (photos, width) of each split, from the cache where it has them.

    What is cached belongs to exactly these photos, these weights and this preparation of pixels: another of
    any of them is another file.
    """
    path = cache / "features" / f"{_features_key(network, recipe, dataset_sha256)}.npz"
    known = _cached(path, splits)
    if known is not None:
        progress.say(f"features: from {path}")
        return known
    spec = input_spec(recipe)
    found = [
        predict(network.features, split, spec, progress, f"features of {split.path.name}") for split in splits
    ]
    make_folder(path.parent)
    with whole_file(path) as temporary, temporary.open("wb") as file:
        arrays: dict[str, Any] = {split.path.name: part for split, part in zip(splits, found, strict=True)}
        np.savez(file, **arrays)
    return found


def _features_key(network: Network, recipe: Recipe, dataset_sha256: str) -> str:
    total = hashlib.sha256(dataset_sha256.encode())
    total.update(repr(input_spec(recipe)).encode())
    total.update(json.dumps([layer.name for layer in network.features.layers]).encode())
    for weight in network.features.get_weights():
        total.update(np.ascontiguousarray(weight).tobytes())
    return total.hexdigest()[:32]


def _cached(path: Path, splits: Sequence[LabelledFolder]) -> list[Array] | None:
    """Return the cached features, or None where there are none that can be used."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            found = [np.asarray(stored[split.path.name], np.float32) for split in splits]
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):
        return None
    fits = all(
        part.ndim == 2 and len(part) == len(split.photos) for part, split in zip(found, splits, strict=True)
    )
    return found if fits else None


def fit_head(
    network: Network,
    features: Sequence[Array],
    splits: Sequence[LabelledFolder],
    recipe: Recipe,
    progress: Progress,
) -> list[HistoryRow]:
    """Fit the last layer on features; the best epoch by validation is kept in it.

    Args:
        network: whose last layer is fitted.
        features: of the training and the validation photos.
        splits: those photos.
        recipe: the settings.
        progress: where progress is shown.
    """
    train, validation = splits
    train_targets, targets = np.array(train.targets), np.array(validation.targets)
    head = _head(network, features[0].shape[1], recipe)
    weights = photo_weights(recipe, train_targets, len(train.labels))
    photo_weight = None if weights is None else weights[train_targets]
    history: list[HistoryRow] = []
    best: list[Array] = head.get_weights()
    with progress.bar("linear head", recipe.head_epochs) as advance:
        for epoch in range(recipe.head_epochs):
            begun = time.monotonic()
            fitted = head.fit(
                features[0],
                train_targets,
                batch_size=recipe.batch_size,
                sample_weight=photo_weight,
                verbose=0,
            )
            scores = softmax(label_logits(head.predict(features[1], batch_size=1024, verbose=0)))
            means = {name: float(values[-1]) for name, values in fitted.history.items()}
            history.append(_row(epoch, means, scores, targets, recipe=recipe, begun=begun))
            if best_row(history) is history[-1]:
                best = head.get_weights()
            advance()
    network.head.set_weights(best)
    return history


def _head(network: Network, width: int, recipe: Recipe) -> keras.Model:
    units = network.head.units
    head = keras.Sequential(
        [
            keras.Input((width,)),
            keras.layers.Dropout(recipe.dropout, seed=recipe.seed),
            keras.layers.Dense(units),
        ]
    )
    if units == 1:
        loss = keras.losses.BinaryCrossentropy(from_logits=True)
        accuracy = keras.metrics.BinaryAccuracy(threshold=0.0, name="accuracy")
    else:
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        accuracy = keras.metrics.SparseCategoricalAccuracy(name="accuracy")
    optimizer = keras.optimizers.AdamW(recipe.head_learning_rate, weight_decay=recipe.weight_decay)
    head.compile(optimizer, loss, metrics=[accuracy], jit_compile=False)
    return head


def _row(
    epoch: int,
    means: dict[str, float],
    scores: Array,
    targets: npt.NDArray[np.int64],
    *,
    recipe: Recipe,
    begun: float,
) -> HistoryRow:
    return HistoryRow(
        phase="head",
        epoch=epoch + 1,
        train_loss=means["loss"],
        train_top1=means["accuracy"],
        validation_loss=negative_log_likelihood(scores, targets),
        validation_top1=top_k(scores, targets, 1),
        seconds=time.monotonic() - begun,
        learning_rate=recipe.head_learning_rate,
    )
