"""The model contract: everything a device must know to use a model as its trainer did.

One frozen value, one JSON form (``hangtag.json``), carried inside the ``.tflite`` file. Training writes it,
conversion completes it with the tensors' quantization, the runtime obeys it. Nothing in here touches pixels:
:mod:`hangtag.preprocess` is the one place that turns a frame into the tensor a contract describes.
"""

from __future__ import annotations

import dataclasses
import enum
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hangtag.errors import ContractError, shortened

SCHEMA_VERSION = 3
"""The contract schema that this version of Hangtag writes. Older ones are migrated on reading."""

_MAX_SIDE_PX = 4096
PLACEHOLDER = "FILL IN"
"""Begins what a contract's template leaves to a person."""

MAX_LABELS = 100_000
"""Most labels that a model may have."""

MAX_TRANSLATIONS = 100
"""Most languages that labels may be translated to."""

_LARGEST_FLOAT32 = 3.4e38
_LOCALE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}")
_FILE_NAME = re.compile(r"[^/\\:.\s](?:[^/\\:]{0,98}[^/\\:.\s])?")
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")


class ColourOrder(str, enum.Enum):
    """The channel order that the model's input expects. Frames are always BGR; this is the tensor's order."""

    RGB = "rgb"
    BGR = "bgr"
    GREY = "grey"


class Geometry(str, enum.Enum):
    """How a frame of any shape becomes the input's rectangle."""

    CENTRE_CROP = "centre-crop"
    """The largest centred rectangle of the input's aspect (the centre square for a square input), resized."""
    STRETCH = "stretch"
    """The whole frame, resized without regard to its aspect."""
    LETTERBOX = "letterbox"
    """The whole frame, resized with its aspect, centred on bars of ``pad_value``."""


class Kernel(str, enum.Enum):
    """The resampling kernel, by the OpenCV interpolation it names."""

    LINEAR_EXACT = "linear-exact"
    """``cv2.INTER_LINEAR_EXACT``: the same bytes on every CPU. The default."""
    HALVED = "halved-linear-exact"
    """Of pictures twice the input's size or more means of four pixels first, then linear-exact: about as
    fast, much kinder to noise and fine detail, and the same bytes on every CPU."""
    LINEAR = "linear"
    """``cv2.INTER_LINEAR``: x86 and ARM differ by up to two grey levels, in up to a quarter of the bytes."""
    AREA = "area"
    """``cv2.INTER_AREA``: averages; slowest, kindest to fine detail; x86 and ARM differ by a grey level."""


class OutputKind(str, enum.Enum):
    """What the model's output numbers are."""

    SOFTMAX = "softmax"
    """One probability per label, adding up to 1."""
    SIGMOID = "sigmoid"
    """One unit: the probability of the second of exactly two labels."""
    LOGITS = "logits"
    """One unnormalised score per label; the runtime applies the softmax."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorFormat:
    """Element type of a tensor and, for integers, what its numbers stand for.

    A real value ``r`` is stored as ``q = round(r / scale) + zero_point`` (the affine quantization of
    TensorFlow Lite). ``scale`` is None exactly when ``dtype`` is ``float32``.
    """

    dtype: str = "float32"
    scale: float | None = None
    zero_point: int = 0

    def __post_init__(self) -> None:
        _check_kinds(self, zero_point=int)
        limits = {"float32": (0, 0), "uint8": (0, 255), "int8": (-128, 127), "int16": (-32768, 32767)}
        if self.dtype not in limits:
            raise ContractError(f"tensor dtype is {shortened(self.dtype)}; wanted one of {', '.join(limits)}")
        if self.dtype == "float32":
            if self.scale is not None or self.zero_point != 0:
                raise ContractError("a float32 tensor has no scale and zero point; leave them out")
            return
        if self.scale is None or not (math.isfinite(self.scale) and self.scale > 0):
            raise ContractError(f"an {self.dtype} tensor needs a scale above 0, got {self.scale}")
        low, high = limits[self.dtype]
        if not low <= self.zero_point <= high:
            raise ContractError(
                f"zero point {shortened(self.zero_point)} is outside {self.dtype}'s {low} to {high}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSpec:
    """The input tensor, shape ``(1, height_px, width_px, channels)``, and how a frame becomes it.

    The real value of a pixel byte ``b`` in channel ``c`` is ``(b - mean[c]) / std[c]``; ``tensor`` then says
    how that real value is stored. ``mean`` and ``std`` hold one number per channel, in ``colour_order``.
    ``pad_value`` (0 to 255) is the grey of letterbox bars and is used by no other geometry.
    """

    width_px: int
    height_px: int
    colour_order: ColourOrder = ColourOrder.RGB
    geometry: Geometry = Geometry.CENTRE_CROP
    kernel: Kernel = Kernel.LINEAR_EXACT
    pad_value: int = 0
    mean: tuple[float, ...] = (127.0, 127.0, 127.0)
    std: tuple[float, ...] = (128.0, 128.0, 128.0)
    tensor: TensorFormat = field(default_factory=TensorFormat)

    def __post_init__(self) -> None:
        _check_kinds(
            self,
            width_px=int,
            height_px=int,
            colour_order=ColourOrder,
            geometry=Geometry,
            kernel=Kernel,
            pad_value=int,
        )
        for name in ("mean", "std"):
            # A list would do for now, but would not equal the contract read back from its file.
            object.__setattr__(self, name, tuple(getattr(self, name)))
        for name in ("width_px", "height_px"):
            value = getattr(self, name)
            if not 1 <= value <= _MAX_SIDE_PX:
                raise ContractError(f"input {name} is {shortened(value)}; wanted 1 to {_MAX_SIDE_PX}")
        if not 0 <= self.pad_value <= 255:
            raise ContractError(f"input pad_value is {shortened(self.pad_value)}; wanted 0 to 255")
        for name in ("mean", "std"):
            values = getattr(self, name)
            if len(values) != self.channels or not all(math.isfinite(value) for value in values):
                raise ContractError(
                    f"input {name} is {shortened(list(values))}; wanted {self.channels} finite numbers, "
                    f"one per channel of {self.colour_order.value}"
                )
        if any(value <= 0 for value in self.std):
            raise ContractError(f"input std is {shortened(list(self.std))}; wanted numbers above 0")
        largest = max(
            max(abs(mean), abs(255 - mean)) / std for mean, std in zip(self.mean, self.std, strict=True)
        )
        if not largest / (self.tensor.scale or 1.0) < _LARGEST_FLOAT32:
            raise ContractError(
                f"input mean {list(self.mean)} and std {list(self.std)} give values that float32 cannot hold"
            )

    @property
    def channels(self) -> int:
        """Channels of the tensor: 1 for grey, else 3."""
        return 1 if self.colour_order is ColourOrder.GREY else 3

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Shape of the input tensor, batch first."""
        return (1, self.height_px, self.width_px, self.channels)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputSpec:
    """The output tensor, shape ``(1, units)``: what kind of score it holds and how it is stored."""

    kind: OutputKind = OutputKind.SOFTMAX
    tensor: TensorFormat = field(default_factory=TensorFormat)

    def __post_init__(self) -> None:
        _check_kinds(self, kind=OutputKind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What was done so that a score of 0.9 is right nine times in ten.

    ``temperature`` was already folded into the last layer's weights (Guo et al. 2017, "On Calibration of
    Modern Neural Networks"): it is a record, never applied again.

    Two thresholds, each None where none was chosen, tell what is "none of these". An energy (see
    :mod:`hangtag.logits_output`) below ``energy_threshold``, any finite number, decides where there is one. A
    best score below ``unknown_threshold`` (0 to 1) decides elsewhere: in a model without the other threshold,
    and in clients that see scores alone, as on phones.
    """

    temperature: float = 1.0
    unknown_threshold: float | None = None
    energy_threshold: float | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.temperature) and self.temperature > 0):
            raise ContractError(f"calibration temperature is {self.temperature}; wanted a number above 0")
        if self.unknown_threshold is not None and not 0 <= self.unknown_threshold <= 1:
            raise ContractError(f"unknown_threshold is {self.unknown_threshold}; wanted 0 to 1 or null")
        if self.energy_threshold is not None and not math.isfinite(self.energy_threshold):
            raise ContractError(f"energy_threshold is {self.energy_threshold}; wanted null or a finite one")


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where the model comes from: enough to make it again, nothing about the machine it was made on.

    ``metrics`` maps names such as ``validation_top1`` (fractions from 0 to 1) to numbers; ``versions`` maps
    package names to versions.
    """

    dataset_sha256: str | None = None
    backbone: str | None = None
    recipe: str | None = None
    metrics: Mapping[str, float] = field(default_factory=dict, hash=False)
    versions: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        # Copies: what the caller does to its own dictionaries later does not change the contract.
        object.__setattr__(self, "metrics", dict(self.metrics))
        object.__setattr__(self, "versions", dict(self.versions))
        texts = (self.dataset_sha256, self.backbone, self.recipe, *self.metrics, *self.versions)
        for text in (*texts, *self.versions.values()):
            if text is not None:
                _check_text("provenance", text)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelContract:
    """All that stands between a frame and a label, except the weights.

    Args:
        labels: the class names, in the order of the output's units.
        translations: for people who read another language, by locale (``"es"``, ``"pt-BR"``: a language
            subtag of BCP 47 with up to three more), one text per label in the labels' order. Programs go by
            ``labels``.
        input: the input tensor and the way to it.
        output: the output tensor.
        name: a short name of the model.
        description: one or two sentences for whoever finds the file.
        author: who made it.
        licence: the licence of the weights.
        calibration: temperature and thresholds of unknown.
        provenance: data set, backbone, recipe, metrics, versions.
        flatbuffer_sha256: digest of the model bytes in front of the embedded files; None before conversion.
        schema_version: always :data:`SCHEMA_VERSION` in memory; files of older versions are migrated.

    Raises:
        ContractError: a value is missing, out of range or contradicts another.
    """

    labels: tuple[str, ...]
    input: InputSpec
    output: OutputSpec = field(default_factory=OutputSpec)
    name: str = "classifier"
    description: str = ""
    author: str = ""
    licence: str = ""
    calibration: Calibration = field(default_factory=Calibration)
    provenance: Provenance = field(default_factory=Provenance)
    translations: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    flatbuffer_sha256: str | None = None
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        if self.schema_version != SCHEMA_VERSION:
            raise ContractError(f"contract schema is {self.schema_version}; wanted {SCHEMA_VERSION}")
        labels: object = self.labels
        if isinstance(labels, str):
            raise TypeError(f"labels is the text {labels!r}; wanted a tuple of labels")
        object.__setattr__(self, "labels", tuple(self.labels))
        _check_labels(self.labels)
        object.__setattr__(self, "translations", _checked_translations(self.translations, len(self.labels)))
        for name in ("name", "description", "author", "licence"):
            text = getattr(self, name)
            _check_text(name, text)
            if _CONTROL_CHARACTERS.search(text):
                raise ContractError(f"{name} holds a control character: {shortened(text)}")
        if not _FILE_NAME.fullmatch(self.name):
            raise ContractError(
                f"name is {shortened(self.name)}; it becomes part of file names: "
                "wanted up to 100 characters, no slash, no colon, no dot or blank at an end"
            )
        if self.output.kind is OutputKind.SIGMOID and len(self.labels) != 2:
            raise ContractError(f"a sigmoid output tells two labels apart, got {len(self.labels)} labels")
        if self.output.kind is OutputKind.SIGMOID and self.calibration.energy_threshold is not None:
            raise ContractError("a sigmoid output has no energy; leave its energy_threshold at null")

    @property
    def output_units(self) -> int:
        """Numbers in the output tensor: one per label, or a single one for a sigmoid."""
        return 1 if self.output.kind is OutputKind.SIGMOID else len(self.labels)

    def replace(self, **changes: Any) -> ModelContract:
        """Return a copy with the named fields changed and everything checked again."""
        return dataclasses.replace(self, **changes)

    def to_json(self) -> str:
        """Return the JSON text of ``hangtag.json``: sorted keys, two spaces, one final newline."""
        plain = dataclasses.asdict(self)
        return json.dumps(plain, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> ModelContract:
        """Read a contract from its JSON text, migrating older schemas.

        Raises:
            ContractError: not JSON, a newer schema, an unknown or missing field, a wrong type or value.
        """
        from hangtag.contract_json import parse_contract  # it builds this class, so it imports this module

        return parse_contract(text)


def _check_kinds(value: object, **kinds: type) -> None:
    """Raise TypeError unless each named field holds its type.

    A text in place of an enum member equals it, so nothing else would notice, but it is not the member
    that the code asks for with ``is``: ``geometry="letterbox"`` would silently stretch.
    """
    for name, kind in kinds.items():
        got = getattr(value, name)
        if not isinstance(got, kind) or (isinstance(got, bool) and kind is int):
            raise TypeError(f"{name} is {got!r}; wanted {kind.__name__}, got {type(got).__name__}")


def _check_text(where: str, text: str) -> None:
    """Raise unless ``text`` can be written to a file: JSON and file names can hold half characters."""
    if not isinstance(text, str):
        raise TypeError(f"{where} holds {text!r}; wanted text")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ContractError(f"{where} holds {shortened(text)}, which is not valid Unicode text") from None


def _check_labels(labels: tuple[str, ...]) -> None:
    if not 1 <= len(labels) <= MAX_LABELS:
        raise ContractError(f"the contract has {len(labels)} labels; wanted 1 to {MAX_LABELS}")
    seen: set[str] = set()
    for label in labels:
        _check_label(label)
        if label in seen:
            raise ContractError(f"label {shortened(label)} stands twice in the contract")
        seen.add(label)


def _check_label(label: str) -> None:
    _check_text("labels", label)
    # labels.txt holds one label a line, so whatever could end a line cannot be part of one.
    if not label or label != label.strip() or _CONTROL_CHARACTERS.search(label):
        raise ContractError(
            f"label {shortened(label)} is empty, padded with blanks or holds a control character"
        )


def _checked_translations(
    translations: Mapping[str, tuple[str, ...]], labels: int
) -> dict[str, tuple[str, ...]]:
    """Return a copy; two labels may share a translation, since languages divide the world differently."""
    if len(translations) > MAX_TRANSLATIONS:
        raise ContractError(f"the contract has {len(translations)} translations; at most {MAX_TRANSLATIONS}")
    texts: object
    for locale, texts in translations.items():
        if not isinstance(locale, str) or not _LOCALE.fullmatch(locale):
            raise ContractError(
                f"translations has the locale {shortened(locale)}; wanted a language such as es or pt-BR"
            )
        if not isinstance(texts, (tuple, list)):
            raise TypeError(f"translations of {locale} is {texts!r}; wanted a tuple of labels")
        if len(texts) != labels:
            raise ContractError(f"translations of {locale} has {len(texts)} labels; wanted {labels}")
        for text in texts:
            _check_label(text)
    return {locale: tuple(texts) for locale, texts in sorted(translations.items())}
