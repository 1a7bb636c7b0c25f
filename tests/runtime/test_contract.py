"""The contract as a value: what it takes from Python, that it stays as it was made, and what follows."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from contract_examples import CONTRACT, INPUT

from hangtag.contract import (
    SCHEMA_VERSION,
    ColourOrder,
    InputSpec,
    ModelContract,
    OutputKind,
    OutputSpec,
    Provenance,
    TensorFormat,
)
from hangtag.errors import ContractError


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        # a text equals the enum member it names, but is not it: "letterbox" would silently stretch
        (InputSpec, {"width_px": 8, "height_px": 8, "geometry": "letterbox"}),
        (InputSpec, {"width_px": 8, "height_px": 8, "colour_order": "grey"}),
        (InputSpec, {"width_px": 8, "height_px": 8, "kernel": "area"}),
        (InputSpec, {"width_px": 8.0, "height_px": 8}),
        (InputSpec, {"width_px": True, "height_px": 8}),
        (TensorFormat, {"dtype": "uint8", "scale": 1.0, "zero_point": 0.5}),
        (OutputSpec, {"kind": "sigmoid"}),
        (ModelContract, {"labels": "abc", "input": INPUT}),
        (ModelContract, {"labels": (1, 2), "input": INPUT}),
        (ModelContract, {"labels": ("a", "b"), "input": INPUT, "name": 3}),
    ],
)
def test_misuse_from_python_is_a_type_error(kind: Any, arguments: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        kind(**arguments)


@pytest.mark.parametrize("value", [CONTRACT, CONTRACT.input, CONTRACT.output, CONTRACT.calibration])
def test_contracts_do_not_change(value: Any) -> None:
    for field in dataclasses.fields(value):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, field.name, getattr(value, field.name))
    with pytest.raises((AttributeError, TypeError)):
        value.surprise = 1


def test_a_contract_does_not_follow_the_dictionaries_it_was_made_from() -> None:
    metrics = {"validation_top1": 0.9}
    provenance = Provenance(metrics=metrics)
    metrics["validation_top1"] = 0.1
    assert provenance.metrics == {"validation_top1": 0.9}


def test_lists_become_tuples_so_that_the_contract_equals_the_one_read_back() -> None:
    made = ModelContract(
        labels=["a", "b"],  # type: ignore[arg-type]
        input=InputSpec(
            width_px=8,
            height_px=8,
            mean=[1.0, 2.0, 3.0],  # type: ignore[arg-type]
            std=[1.0, 2.0, 3.0],  # type: ignore[arg-type]
        ),
    )
    assert ModelContract.from_json(made.to_json()) == made


def test_translations_are_copied_in_the_order_of_their_locales() -> None:
    given = {"fr": ("un", "deux"), "es": ("una", "dos")}
    contract = CONTRACT.replace(labels=("a", "b"), translations=given)
    given["fr"] = ("x", "y")
    assert list(contract.translations.items()) == [("es", ("una", "dos")), ("fr", ("un", "deux"))]
    with pytest.raises(TypeError, match="tuple of labels"):
        CONTRACT.replace(labels=("a", "b"), translations={"es": "ab"})


def test_another_schema_version_cannot_be_made_in_memory() -> None:
    with pytest.raises(ContractError, match="schema"):
        CONTRACT.replace(schema_version=SCHEMA_VERSION + 1)


def test_equal_contracts_hash_alike() -> None:
    assert hash(ModelContract.from_json(CONTRACT.to_json())) == hash(CONTRACT)


def test_replace_checks_again() -> None:
    assert CONTRACT.replace(name="new").name == "new"
    assert CONTRACT.name == "classifier"
    with pytest.raises(ContractError):
        CONTRACT.replace(labels=("a", "a"))


@pytest.mark.parametrize(
    ("order", "channels"), [(ColourOrder.RGB, 3), (ColourOrder.BGR, 3), (ColourOrder.GREY, 1)]
)
def test_shape_is_batch_height_width_channels(order: ColourOrder, channels: int) -> None:
    ones = (1.0,) * channels
    spec = InputSpec(width_px=5, height_px=3, colour_order=order, mean=ones, std=ones)
    assert spec.shape == (1, 3, 5, channels)


@pytest.mark.parametrize(
    ("kind", "labels", "units"),
    [
        (OutputKind.SOFTMAX, ("a", "b", "c"), 3),
        (OutputKind.LOGITS, ("a", "b"), 2),
        (OutputKind.SIGMOID, ("a", "b"), 1),
    ],
)
def test_output_units(kind: OutputKind, labels: tuple[str, ...], units: int) -> None:
    assert ModelContract(labels=labels, input=INPUT, output=OutputSpec(kind=kind)).output_units == units


@pytest.mark.parametrize(
    "name", ["", "a/b", "../x", "..", "a\\b", "c:d", ".hidden", "end.", " a", "a\n", "x" * 101]
)
def test_a_name_that_is_no_file_name_is_refused(name: str) -> None:
    with pytest.raises(ContractError, match="name"):
        CONTRACT.replace(name=name)


@pytest.mark.parametrize("field", ["description", "author", "licence"])
def test_terminal_escapes_and_line_ends_are_refused(field: str) -> None:
    for text in ("\x1b[2J", "one\nError: two", "\x07"):
        with pytest.raises(ContractError, match=field):
            CONTRACT.replace(**{field: text})
