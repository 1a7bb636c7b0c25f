"""Reading ``.keras`` files without trusting them."""

from __future__ import annotations

from pathlib import Path

import keras

from hangtag.errors import TrainingError


def load_keras(path: Path) -> keras.Model:
    """Load a Keras model without its training state.

    Raises:
        TrainingError: it cannot be read, is damaged, or holds code (which safe mode refuses to run).
    """
    try:
        model = keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # noqa: BLE001 # a hostile file raises anything
        reason = " ".join(str(error).split())[:300]
        raise TrainingError(f"{path} cannot be loaded as a Keras model: {reason}") from None
    if isinstance(model, keras.Sequential) and model.built:
        # The same layers as a functional network, which knows its inputs and outputs.
        model = keras.Model(model.inputs[0], model.outputs[0], name=model.name)
    if not isinstance(getattr(model, "input", None), keras.KerasTensor):
        raise TrainingError(f"{path} is not a network from one picture to one output")
    return model
