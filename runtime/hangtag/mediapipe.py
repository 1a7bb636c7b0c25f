"""Which models MediaPipe Tasks, the usual way to run a classifier in a phone's app, runs as they are.

Found by giving models of every kind to MediaPipe 1.2.2; ``tests/clients`` does so again.
"""

from __future__ import annotations

from hangtag.contract import ColourOrder, InputSpec, OutputKind
from hangtag.model_file import ModelFile
from hangtag.preprocess import Preprocessor, source_rectangle


def why_no_mediapipe(model: ModelFile) -> str | None:
    """Return None where MediaPipe Tasks gives a model what its contract asks for, else the reason."""
    spec, output = model.contract.input, model.contract.output
    if spec.colour_order is not ColourOrder.RGB:
        return f"it gives a model RGB pixels, and this one wants {spec.colour_order.value}"
    if output.kind is not OutputKind.SOFTMAX:
        kinds = {OutputKind.SIGMOID: "one sigmoid unit", OutputKind.LOGITS: "logits"}
        return (
            f"it takes a model's numbers for one probability per label; this one gives {kinds[output.kind]}"
        )
    for role, dtype in (("input", spec.tensor.dtype), ("output", output.tensor.dtype)):
        if dtype not in {"uint8", "float32"}:
            return f"it takes uint8 and float32 tensors, and this model's {role} is {dtype}"
    return _why_not_these_pixels(model)


def _why_not_these_pixels(model: ModelFile) -> str | None:
    spec, metadata = model.contract.input, model.info.metadata
    if spec.tensor.dtype == "uint8":
        if Preprocessor(spec).is_byte_copy:
            return None
        return "it passes pixel bytes on as they are, and this model's input bytes are something else"
    if len(set(spec.mean)) > 1 or len(set(spec.std)) > 1:
        return "it takes one mean and one std for all colours, and this model has them by colour"
    if metadata is None or not metadata.mean:
        return "it reads the normalisation of a float input from TFLite metadata, and this file has none"
    return None


def region_of_interest(image_wh: tuple[int, int], spec: InputSpec) -> dict[str, float]:
    """Return the part of a picture that the model is to see, in 0 to 1, as MediaPipe's ``RectF`` names it.

    Without it MediaPipe stretches the whole picture.
    """
    width, height = image_wh
    x, y, part_width, part_height = source_rectangle(image_wh, spec)
    return {
        "left": x / width,
        "top": y / height,
        "right": (x + part_width) / width,
        "bottom": (y + part_height) / height,
    }
