"""A page that does nothing by itself, the models and pictures beside it, and what tests have it do."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from crafting import with_tables
from input_specs import BYTE_COPY, spec_of
from model_parts import joined, split, whole
from tiny_models import whole_model

from hangtag.classifier import Classifier, bundled_model
from hangtag.contract import (
    ColourOrder,
    Geometry,
    Kernel,
    ModelContract,
    OutputKind,
    OutputSpec,
    TensorFormat,
)
from hangtag.model_file import CONTRACT_NAME, parse_model

if TYPE_CHECKING:
    from playwright.sync_api import Page

Image = npt.NDArray[np.uint8]

BLANK = "blank.html"
"""A page of the site that does nothing by itself."""

BLANK_PAGE = b'<!doctype html><html lang="en"><meta charset="utf-8"><title>blank</title><body></body></html>'

BUNDLED = "models/clothing.tflite"
SIZES = ((640, 480), (480, 640), (333, 217), (224, 224))
_SEEDS = Path(__file__).parents[1] / "fuzzing" / "seeds"


def _tiny(**changes: Any) -> ModelContract:
    values: dict[str, Any] = {
        "name": "tiny",
        "labels": ("disc", "square", "stripe"),
        "input": spec_of(),
        "output": OutputSpec(kind=OutputKind.SOFTMAX),
    }
    return ModelContract(**{**values, **changes})


_BYTES = OutputSpec(kind=OutputKind.SOFTMAX, tensor=TensorFormat(dtype="uint8", scale=1 / 256))
_SIGNED = TensorFormat(dtype="int8", scale=1 / 128, zero_point=-1)

CONTRACTS = {
    "float-centre": _tiny(),
    "float-letterbox": _tiny(input=spec_of(geometry=Geometry.LETTERBOX, pad_value=90)),
    "float-stretch-grey": _tiny(input=spec_of(order=ColourOrder.GREY, geometry=Geometry.STRETCH)),
    "bytes-halved": _tiny(input=spec_of(32, 32, kernel=Kernel.HALVED, tensor=BYTE_COPY), output=_BYTES),
    "float-sigmoid": _tiny(labels=("no", "yes"), output=OutputSpec(kind=OutputKind.SIGMOID)),
    "float-logits": _tiny(output=OutputSpec(kind=OutputKind.LOGITS)),
}


def _looping() -> bytes:
    """A model with a loop in it, which no GPU runs."""
    return whole((_SEEDS / "looping-float32.tflite").read_bytes())


def _with_an_unknown_operator() -> bytes:
    """A model that is whole, with an operator that no engine has."""

    def edit(tables: Any) -> None:
        tables.operatorCodes[0].deprecatedBuiltinCode = 127
        tables.operatorCodes[0].builtinCode = 9999

    flatbuffer, files = split(whole_model(_tiny()))
    flatbuffer = with_tables(flatbuffer, edit)
    contract = json.loads(files[CONTRACT_NAME])
    contract["flatbuffer_sha256"] = hashlib.sha256(flatbuffer).hexdigest()
    return joined(flatbuffer, {**files, CONTRACT_NAME: json.dumps(contract).encode()})


def _with_a_flipped_bit(model: bytes) -> bytes:
    changed = bytearray(model)
    changed[len(model) // 3] ^= 1
    return bytes(changed)


def rgba_bytes(image_bgr: Image) -> bytes:
    """Return a BGR picture as a browser holds it: red, green, blue, opaque."""
    return np.dstack([image_bgr[..., ::-1], np.full(image_bgr.shape[:2], 255, np.uint8)]).tobytes()


def made_models() -> dict[str, bytes]:
    """Return model files by name: those of :data:`CONTRACTS`, the bundled one, and some that are no good."""
    bundled = bundled_model().data
    signed = _tiny(input=spec_of(tensor=_SIGNED), output=OutputSpec(tensor=_SIGNED))
    return {
        **{name: whole_model(contract) for name, contract in CONTRACTS.items()},
        "signed-bytes": whole_model(signed),
        "looping": _looping(),
        "unknown-operator": _with_an_unknown_operator(),
        "damaged": _with_a_flipped_bit(bundled),
        "bundled": bundled,
    }


def python_classifier(model: bytes) -> Classifier:
    """Return Python's classifier of a model file's bytes."""
    return Classifier(parse_model(model, "model"))


class Driven:
    """A page that does nothing by itself, and what tests have it do."""

    def __init__(self, page: Page, site: str) -> None:
        self.page, self._site = page, site
        page.goto(f"{site}{BLANK}")

    def run(self, body: str, **values: Any) -> Any:
        """Run JavaScript; ``on`` is the module :file:`page_side.js`, ``given`` holds the values."""
        script = f"async ({{ url, given }}) => {{ const on = await import(url); {body} }}"
        return self.page.evaluate(script, {"url": f"{self._site}t/page_side.js", "given": values})

    def open(self, model: str = BUNDLED, **options: Any) -> dict[str, Any]:
        """Open a model under its own name."""
        found: dict[str, Any] = self.run(
            "return on.open(given.model, given.model, given.options)", model=model, options=options
        )
        return found

    def refusal(self, model: str = BUNDLED, **options: Any) -> dict[str, str] | None:
        """Return how opening a model fails."""
        found: dict[str, str] | None = self.run(
            "return on.refusal(given.model, given.options)", model=model, options=options
        )
        return found

    def scores(self, size: tuple[int, int], model: str = BUNDLED) -> npt.NDArray[np.float64]:
        """Return the scores of a picture."""
        return np.array(
            self.run(
                "return on.scores(given.model, await on.picture(given.path, ...given.size))",
                model=model,
                path=f"t/{size[0]}x{size[1]}.rgba",
                size=size,
            )
        )

    def tensor(self, size: tuple[int, int], model: str = BUNDLED) -> bytes:
        """Return the bytes of a picture's input tensor."""
        text: str = self.run(
            """
            const picture = await on.picture(given.path, ...given.size);
            return on.bytesOf(on.classifier(given.model).tensor(picture));
            """,
            model=model,
            path=f"t/{size[0]}x{size[1]}.rgba",
            size=size,
        )
        return base64.b64decode(text)
