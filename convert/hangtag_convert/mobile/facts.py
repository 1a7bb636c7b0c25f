"""What a model's contract asks of a phone, and what of it a phone can do."""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from dataclasses import dataclass

from hangtag.contract import Geometry, Kernel, ModelContract
from hangtag.errors import ConversionError
from hangtag.mediapipe import why_no_mediapipe
from hangtag.model_file import ModelFile
from hangtag.preprocess import Rectangle, source_rectangle

_MAX_SLUG = 40
_KEYWORDS = frozenset(
    # Kotlin's and Java's; one word a line would be a page.
    (  # noqa: SIM905
        "abstract as assert boolean break byte case catch char class const continue default do "
        "double else enum extends false final finally float for fun goto if implements import in "
        "instanceof int interface is long native new null object package private protected public "
        "return short static strictfp super switch synchronized this throw throws transient true "
        "try typealias typeof val var void volatile when while"
    ).split()
)
_PACKAGE = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+")


@dataclass(frozen=True, slots=True)
class MobileFacts:
    """A model as the generated source takes it.

    Args:
        model: the model file; its contract's kernel is one that the source has.
        slug: the model's name as files and packages can bear it: ASCII letters, digits and underscores.
        why_no_mediapipe: None where MediaPipe Tasks runs the model as it is, else the reason in one sentence.
        note: what the reader must know of a difference to the contract, or None.
    """

    model: ModelFile
    slug: str
    why_no_mediapipe: str | None
    note: str | None

    @property
    def contract(self) -> ModelContract:
        """The contract that the source is generated from."""
        return self.model.contract


def mobile_facts(model: ModelFile) -> MobileFacts:
    """Look at a model that was read whole.

    Raises:
        ConversionError: its kernel is one that the generated source does not have.
    """
    contract = model.contract
    kernel, note = contract.input.kernel, None
    if kernel in {Kernel.AREA, Kernel.HALVED}:
        raise ConversionError(
            f"{model.name} resizes with the kernel {kernel.value}, which the source for phones has not; "
            f"wanted {Kernel.LINEAR_EXACT.value} or {Kernel.LINEAR.value} in its contract"
        )
    if kernel is Kernel.LINEAR:
        note = (
            "The contract resizes with the kernel `linear`, which differs from one processor to the next. "
            "This source does the same interpolation in whole numbers (`linear-exact`), at most two grey "
            "levels away, and the golden cases were computed with that."
        )
        spec = dataclasses.replace(contract.input, kernel=Kernel.LINEAR_EXACT)
        model = dataclasses.replace(model, contract=contract.replace(input=spec))
    return MobileFacts(model, slug(contract.name), why_no_mediapipe(model), note)


def slug(name: str) -> str:
    """Return a name that file systems, Kotlin and Java packages take, as near to ``name`` as they allow."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:_MAX_SLUG].strip("_")
    if not words or not words[0].isalpha() or words in _KEYWORDS:
        return f"model_{words}".rstrip("_")
    return words


def checked_package(package: str) -> str:
    """Return a Kotlin package name that is one.

    Raises:
        ValueError: it is not; the message says what is wanted.
    """
    if not _PACKAGE.fullmatch(package) or _KEYWORDS & set(package.split(".")):
        raise ValueError(
            f"{package!r} is no package name; wanted lower-case words joined by dots, no keyword among them, "
            "such as com.example.wardrobe"
        )
    return package


def region_in_frame(frame_wh: tuple[int, int], degrees: int, contract: ModelContract) -> Rectangle:
    """Return what the model sees of a frame that has yet to be turned clockwise, in that frame's pixels.

    MediaPipe cuts its region of interest out of the frame as delivered and turns the cutting afterwards
    (mediapipe: ``ImageProcessingOptions.java``, ``base_vision_task_api.h``).
    """
    width, height = frame_wh
    upright_wh = (height, width) if degrees % 180 else frame_wh
    left, top, crop_w, crop_h = source_rectangle(upright_wh, contract.input)
    return {
        0: (left, top, crop_w, crop_h),
        90: (top, height - left - crop_w, crop_h, crop_w),
        180: (width - left - crop_w, height - top - crop_h, crop_w, crop_h),
        270: (width - top - crop_h, left, crop_h, crop_w),
    }[degrees]


def geometry_sentence(contract: ModelContract) -> str:
    """Return what the model sees of a frame, in a sentence for people."""
    spec = contract.input
    size = f"{spec.width_px} x {spec.height_px}"
    shape = "square" if spec.width_px == spec.height_px else f"rectangle of the shape {size}"
    seen = {
        Geometry.CENTRE_CROP: f"the **centred {shape}** of a picture, not on all of it.",
        Geometry.STRETCH: f"whole pictures, **stretched** to {size}.",
        Geometry.LETTERBOX: f"whole pictures, **padded with bars** to the shape {size}.",
    }
    return f"This model was trained on {seen[spec.geometry]}"


def region_advice(contract: ModelContract) -> str:
    """Return what follows from the geometry for whoever writes an app, as lines of a Markdown quotation."""
    geometry = contract.input.geometry
    if geometry is Geometry.STRETCH:
        return (
            "MediaPipe and plain resizing do just that with a whole frame.\n"
            "> Do not cut or pad frames before: give `classify` the whole frame."
        )
    does = "cuts this region out" if geometry is Geometry.CENTRE_CROP else "pads the frame"
    return (
        "MediaPipe, and any plain resize, would *stretch* the whole frame and be wrong without saying so.\n"
        f"> `classify` {does} itself: give it the whole frame, and never a frame to the library underneath."
    )


def mediapipe_sentence(facts: MobileFacts) -> str:
    """Return which of the two libraries to choose, for the README."""
    if facts.why_no_mediapipe is not None:
        return f"**MediaPipe Tasks is left out**: {facts.why_no_mediapipe}. LiteRT runs the model as it is."
    return (
        "LiteRT gets exactly the bytes of training. MediaPipe resizes in its own way, so its scores differ a "
        "little on frames that must be resized; choose it where an app uses MediaPipe already."
    )
