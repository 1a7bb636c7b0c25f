"""What both platforms' templates say of a contract, written in the platform's language."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hangtag.contract import TensorFormat
from hangtag.model_file import LABELS_NAME, label_files
from hangtag_convert.mobile.facts import (
    MobileFacts,
    geometry_sentence,
    mediapipe_sentence,
    region_advice,
)
from hangtag_convert.mobile.literals import markdown, number, numbers


@dataclass(frozen=True, slots=True)
class Language:
    """How a language writes what templates are filled with.

    Args:
        string: gives a string literal, quotes included.
        null: the word for nothing.
        member: gives the name of an enumeration's member from the contract's word (``centre-crop``).
        entry: gives one entry of a dictionary of strings from two string literals.
        empty: what an empty dictionary holds between its brackets.
    """

    string: Callable[[str], str]
    null: str
    member: Callable[[str], str]
    entry: Callable[[str, str], str]
    empty: str


def common_values(facts: MobileFacts, language: Language) -> dict[str, str]:
    """Return what stands in place of placeholders, by their names."""
    contract, string = facts.contract, language.string
    spec, output = contract.input, contract.output
    labels_sha256, translated = _digests(label_files(contract))
    pairs = [language.entry(string(locale), string(sha)) for locale, sha in translated.items()]
    return {
        "NAME": string(contract.name),
        "MODEL_SHA256": string(hashlib.sha256(facts.model.data).hexdigest()),
        "WIDTH_PX": str(spec.width_px),
        "HEIGHT_PX": str(spec.height_px),
        "COLOUR_ORDER": language.member(spec.colour_order.value),
        "GEOMETRY": language.member(spec.geometry.value),
        "PAD_VALUE": str(spec.pad_value),
        "MEAN": numbers(spec.mean),
        "STD": numbers(spec.std),
        **_tensor("INPUT", spec.tensor, language),
        "OUTPUT_KIND": language.member(output.kind.value),
        **_tensor("OUTPUT", output.tensor, language),
        "UNKNOWN_THRESHOLD": number(contract.calibration.unknown_threshold, language.null),
        "LABEL_COUNT": str(len(contract.labels)),
        "LABELS_SHA256": string(labels_sha256),
        "TRANSLATIONS_SHA256": ", ".join(pairs) or language.empty,
        "TITLE": markdown(contract.name),
        "GEOMETRY_SENTENCE": geometry_sentence(contract),
        "REGION_ADVICE": region_advice(contract),
        "MEDIAPIPE_SENTENCE": mediapipe_sentence(facts),
        "NOTE": "" if facts.note is None else f"\n{facts.note}\n",
    }


def _digests(files: Mapping[str, bytes]) -> tuple[str, dict[str, str]]:
    """Return the digest of the labels' file, and those of their translations by locale."""
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    labels = digests.pop(LABELS_NAME)
    return labels, {name.removeprefix("labels-").removesuffix(".txt"): sha for name, sha in digests.items()}


def _tensor(role: str, tensor: TensorFormat, language: Language) -> dict[str, str]:
    return {
        f"{role}_TYPE": language.member(tensor.dtype),
        f"{role}_SCALE": number(tensor.scale, language.null),
        f"{role}_ZERO_POINT": str(tensor.zero_point),
    }
