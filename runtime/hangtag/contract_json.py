"""Reads contracts from JSON: strictly, and older schemas migrated first."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from hangtag.contract import (
    SCHEMA_VERSION,
    Calibration,
    ColourOrder,
    Geometry,
    InputSpec,
    Kernel,
    ModelContract,
    OutputKind,
    OutputSpec,
    Provenance,
    TensorFormat,
)
from hangtag.errors import ContractError, shortened
from hangtag.json_fields import Fields


def parse_contract(text: str | bytes) -> ModelContract:
    """Read a contract from its JSON text; callers use :meth:`ModelContract.from_json`.

    Raises:
        ContractError: not JSON, a newer schema, an unknown or missing field, a wrong type or value.
    """
    try:
        plain = json.loads(text, object_pairs_hook=_unrepeated)
    except (ValueError, RecursionError) as error:
        raise ContractError(f"the contract is not valid JSON: {error}") from None
    return _contract(_migrated(plain))


def _unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    if len(plain) != len(pairs):
        twice = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        raise ContractError(f"the contract holds the field {shortened(twice)} twice")
    return plain


def _from_1(plain: dict[str, Any]) -> dict[str, Any]:
    """Version 2 brought translations of the labels."""
    return {**plain, "schema_version": 2, "translations": {}}


def _from_2(plain: dict[str, Any]) -> dict[str, Any]:
    """Version 3 brought a threshold of the energy."""
    calibration = plain.get("calibration")
    if isinstance(calibration, dict):
        calibration = {**calibration, "energy_threshold": None}
    return {**plain, "schema_version": 3, "calibration": calibration}


_MIGRATIONS: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = {1: _from_1, 2: _from_2}
"""Schema version -> function that rewrites a contract of that version as the next one."""


def _migrated(plain: Any) -> dict[str, Any]:
    if not isinstance(plain, dict):
        raise ContractError(f"the contract is a JSON {type(plain).__name__}; wanted an object")
    version = plain.get("schema_version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise ContractError(
            f"the contract's schema_version is {shortened(version)}; wanted a whole number from 1"
        )
    if version > SCHEMA_VERSION:
        raise ContractError(
            f"the contract has schema version {shortened(version)}, "
            f"this Hangtag reads up to {SCHEMA_VERSION}: upgrade with pip install --upgrade hangtag"
        )
    while version < SCHEMA_VERSION:
        plain = _MIGRATIONS[version](plain)
        version = plain["schema_version"]
    migrated: dict[str, Any] = plain
    return migrated


class _Reader(Fields):
    """Takes the fields of a contract's objects."""

    error = ContractError


def _contract(plain: dict[str, Any]) -> ModelContract:
    reader = _Reader(plain, "contract")
    contract = ModelContract(
        labels=reader.take_texts("labels"),
        input=_parse_input(reader.take("input", dict)),
        output=_parse_output(reader.take("output", dict)),
        name=reader.take("name", str),
        description=reader.take("description", str),
        author=reader.take("author", str),
        licence=reader.take("licence", str),
        calibration=_parse_calibration(reader.take("calibration", dict)),
        provenance=_parse_provenance(reader.take("provenance", dict)),
        translations={
            locale: reader.all_texts(texts, f"translations.{locale}")
            for locale, texts in reader.take_mapping("translations", list).items()
        },
        flatbuffer_sha256=reader.take("flatbuffer_sha256", str, type(None)),
        schema_version=reader.take("schema_version", int),
    )
    reader.done()
    return contract


def _parse_input(plain: dict[str, Any]) -> InputSpec:
    reader = _Reader(plain, "contract.input")
    spec = InputSpec(
        width_px=reader.take("width_px", int),
        height_px=reader.take("height_px", int),
        colour_order=reader.take_enum("colour_order", ColourOrder),
        geometry=reader.take_enum("geometry", Geometry),
        kernel=reader.take_enum("kernel", Kernel),
        pad_value=reader.take("pad_value", int),
        mean=reader.take_numbers("mean"),
        std=reader.take_numbers("std"),
        tensor=_parse_tensor(reader.take("tensor", dict), "contract.input.tensor"),
    )
    reader.done()
    return spec


def _parse_output(plain: dict[str, Any]) -> OutputSpec:
    reader = _Reader(plain, "contract.output")
    spec = OutputSpec(
        kind=reader.take_enum("kind", OutputKind),
        tensor=_parse_tensor(reader.take("tensor", dict), "contract.output.tensor"),
    )
    reader.done()
    return spec


def _parse_tensor(plain: dict[str, Any], where: str) -> TensorFormat:
    reader = _Reader(plain, where)
    tensor = TensorFormat(
        dtype=reader.take("dtype", str),
        scale=reader.take("scale", float, type(None)),
        zero_point=reader.take("zero_point", int),
    )
    reader.done()
    return tensor


def _parse_calibration(plain: dict[str, Any]) -> Calibration:
    reader = _Reader(plain, "contract.calibration")
    calibration = Calibration(
        temperature=reader.take("temperature", float),
        unknown_threshold=reader.take("unknown_threshold", float, type(None)),
        energy_threshold=reader.take("energy_threshold", float, type(None)),
    )
    reader.done()
    return calibration


def _parse_provenance(plain: dict[str, Any]) -> Provenance:
    reader = _Reader(plain, "contract.provenance")
    provenance = Provenance(
        dataset_sha256=reader.take("dataset_sha256", str, type(None)),
        backbone=reader.take("backbone", str, type(None)),
        recipe=reader.take("recipe", str, type(None)),
        metrics=reader.take_mapping("metrics", float),
        versions=reader.take_mapping("versions", str),
    )
    reader.done()
    return provenance
