"""One tiny run, trained for real, that all conversion tests share."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest
from tiny_run import TinyRun

from hangtag.progress import Progress

_LABELS = ("blue", "green", "red")


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory) -> TinyRun:
    """An EfficientNet-Lite0 at 64 px that tells noisy blue, green and red pictures apart."""
    from hangtag_train.recipe import load_recipe
    from hangtag_train.training import RunPlan, train

    root = tmp_path_factory.mktemp("tiny")
    rng = np.random.default_rng(5)
    for split, count in (("train", 12), ("validation", 5)):
        for channel, label in enumerate(_LABELS):
            folder = root / "data" / split / label
            folder.mkdir(parents=True)
            for number in range(count):
                image = rng.integers(0, 120, (70, 50, 3)).astype(np.uint8)
                image[..., channel] = np.minimum(image[..., channel].astype(int) + 135, 255)
                cv2.imwrite(str(folder / f"{number}.png"), image)
    recipe = dataclasses.replace(load_recipe("clothing-quick"), size_px=64, head_epochs=15, model_name="tiny")
    plan = RunPlan(data=root / "data", out=root / "run", cache=root / "cache")
    train(plan, recipe, Progress(quiet=True))
    return TinyRun(root / "run", root / "data")
