"""The first phase: one linear layer on the features of a backbone that stays as it is."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
import math
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from hangtag.errors import TrainingError
from hangtag.files import make_folder, whole_file
from hangtag.versions import versions
from hangtag_train.datasets.screening import check_kept
from hangtag_train.history import HistoryRow, best_row
from hangtag_train.loading import predict_readable
from hangtag_train.network import Array, Network, input_spec, label_logits, validation_figures
from hangtag_train.objective import photo_weights
from hangtag_train.training_data import TrainingData, without_unreadable

if TYPE_CHECKING:
    from hangtag.labelled_folder import LabelledFolder
    from hangtag.progress import Progress
    from hangtag_train.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Features:
    """What a frozen backbone sees of the photos that can be read: (photos, width) of each split."""

    data: TrainingData
    train: Array
    validation: Array


def read_features(
    network: Network, data: TrainingData, recipe: Recipe, *, cache: Path, progress: Progress
) -> Features:
    """Return the frozen backbone's features of each split, from the cache where it has them.

    Each photo is decoded once, and one that cannot be read is named and left out. What is cached belongs to
    exactly these photos, these weights and this preparation of pixels: another of any of them is another
    file.

    Raises:
        DatasetError: too many photos cannot be read.
        TrainingError: a feature is not finite.
        OutputError: the cache cannot be written to.
    """
    path = cache / "features" / f"{_features_key(network, recipe, data.sha256)}.npz"
    known = _cached(path, data, progress)
    if known is not None:
        progress.say(f"features: from {path}")
        return known
    spec = input_spec(recipe)
    arrays: dict[str, Any] = {}
    kept: list[LabelledFolder] = []
    reasons: list[str] = []
    for split in (data.train, data.validation):
        title = f"features of {split.path.name}"
        features, readable, errors = predict_readable(network.features, split, spec, progress, title)
        kept.append(readable)
        reasons += [str(error) for error in check_kept(split, readable, errors)]
        _check_finite(features, split.path.name, recipe)
        arrays[split.path.name] = features
        left = set(readable.photos)
        arrays[f"{split.path.name}_kept"] = np.array([photo in left for photo in split.photos])
    make_folder(path.parent)
    with whole_file(path) as temporary, temporary.open("wb") as file:
        np.savez(file, skipped=np.array(json.dumps(reasons)), **arrays)
    usable = without_unreadable(data, kept, reasons, progress)
    return Features(usable, arrays[data.train.path.name], arrays[data.validation.path.name])


def _check_finite(features: Array, split: str, recipe: Recipe) -> None:
    bad = int((~np.isfinite(features).all(axis=1)).sum())
    if bad:
        raise TrainingError(
            f"the backbone {recipe.backbone} gives features that are not finite for {bad} of "
            f"{len(features)} photos of {split}: its weights or its input's preparation do not fit"
        )


def _features_key(network: Network, recipe: Recipe, dataset_sha256: str) -> str:
    total = hashlib.sha256(dataset_sha256.encode())
    total.update(repr(input_spec(recipe)).encode())
    for layer in network.features.layers:
        total.update(json.dumps([layer.name, layer.get_config()], sort_keys=True, default=str).encode())
    total.update(json.dumps(versions(), sort_keys=True).encode())
    for weight in network.features.get_weights():
        total.update(np.ascontiguousarray(weight).tobytes())
    return total.hexdigest()[:32]


def _cached(path: Path, data: TrainingData, progress: Progress) -> Features | None:
    """Return the cached features, or None where there are none that can be used."""
    splits = (data.train, data.validation)
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            found = [np.asarray(stored[split.path.name], np.float32) for split in splits]
            masks = [np.asarray(stored[f"{split.path.name}_kept"], bool) for split in splits]
            reasons = [str(reason) for reason in json.loads(str(stored["skipped"]))]
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        return None
    fits = all(
        part.ndim == 2 and mask.shape == (len(split.photos),) and len(part) == mask.sum()
        for part, mask, split in zip(found, masks, splits, strict=True)
    )
    if not fits:
        return None
    kept = [
        dataclasses.replace(split, photos=tuple(itertools.compress(split.photos, mask)))
        for split, mask in zip(splits, masks, strict=True)
    ]
    return Features(without_unreadable(data, kept, reasons, progress), *found)


def fit_head(network: Network, features: Features, recipe: Recipe, progress: Progress) -> list[HistoryRow]:
    """Fit the last layer on features; the best epoch by validation is kept in it.

    Raises:
        TrainingError: the loss is not finite any more.
    """
    train_targets = np.array(features.data.train.targets)
    targets = np.array(features.data.validation.targets)
    head = _head(network, features.train.shape[1], recipe)
    weights = photo_weights(recipe, train_targets, len(features.data.train.labels))
    photo_weight = None if weights is None else weights[train_targets]
    history: list[HistoryRow] = []
    best: list[Array] = head.get_weights()
    with progress.bar("linear head", recipe.head_epochs) as advance:
        for epoch in range(recipe.head_epochs):
            begun = time.monotonic()
            fitted = head.fit(
                features.train,
                train_targets,
                batch_size=recipe.batch_size,
                sample_weight=photo_weight,
                verbose=0,
            )
            logits = label_logits(head.predict(features.validation, batch_size=1024, verbose=0))
            means = {name: float(values[-1]) for name, values in fitted.history.items()}
            if not (math.isfinite(means["loss"]) and np.isfinite(logits).all()):
                raise TrainingError(
                    f"the linear head diverged in epoch {epoch + 1} of {recipe.head_epochs}: its loss or its "
                    "weights are not finite any more; lower head_learning_rate, which is "
                    f"{recipe.head_learning_rate:g}"
                )
            figures = validation_figures(logits, targets)
            history.append(_row(epoch, means, figures, recipe=recipe, begun=begun))
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
    means: Mapping[str, float],
    figures: Mapping[str, float],
    *,
    recipe: Recipe,
    begun: float,
) -> HistoryRow:
    return HistoryRow(
        phase="head",
        epoch=epoch + 1,
        train_loss=means["loss"],
        train_top1=means["accuracy"],
        seconds=time.monotonic() - begun,
        learning_rate=recipe.head_learning_rate,
        **figures,
    )
