"""A contract written as JSON is read back as it was, and so are those of older schemas."""

from __future__ import annotations

import json
import math
import re

import pytest
from contract_examples import CONTRACT, edited
from hypothesis import given
from hypothesis import strategies as st

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
from hangtag.errors import ContractError

# What can stand in a JSON file that is written as UTF-8: anything but half a character.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
label_texts = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=20
).filter(lambda text: text == text.strip())
lines = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=20)
names = label_texts.map(lambda text: re.sub(r"[/\\:.]", "-", text))
finite = st.floats(allow_nan=False, allow_infinity=False)
quantized = st.sampled_from([("uint8", 0, 255), ("int8", -128, 127), ("int16", -32768, 32767)]).flatmap(
    lambda kind: st.builds(
        TensorFormat,
        dtype=st.just(kind[0]),
        scale=st.floats(1e-6, 1e6),
        zero_point=st.integers(kind[1], kind[2]),
    )
)
tensors = st.just(TensorFormat()) | quantized


@st.composite
def input_specs(draw: st.DrawFn) -> InputSpec:
    order = draw(st.sampled_from(ColourOrder))
    channels = 1 if order is ColourOrder.GREY else 3
    return InputSpec(
        width_px=draw(st.integers(1, 4096)),
        height_px=draw(st.integers(1, 4096)),
        colour_order=order,
        geometry=draw(st.sampled_from(Geometry)),
        kernel=draw(st.sampled_from(Kernel)),
        pad_value=draw(st.integers(0, 255)),
        mean=draw(st.tuples(*[st.floats(-1000, 1000)] * channels)),
        std=draw(st.tuples(*[st.floats(1e-3, 1000)] * channels)),
        tensor=draw(tensors),
    )


@st.composite
def contracts(draw: st.DrawFn) -> ModelContract:
    kind = draw(st.sampled_from(OutputKind))
    two = kind is OutputKind.SIGMOID
    labels = draw(
        st.lists(label_texts, min_size=2 if two else 1, max_size=2 if two else 30, unique=True).map(tuple)
    )
    return ModelContract(
        labels=labels,
        input=draw(input_specs()),
        output=OutputSpec(kind=kind, tensor=draw(tensors)),
        name=draw(names),
        description=draw(lines),
        author=draw(lines),
        licence=draw(lines),
        calibration=Calibration(
            temperature=draw(st.floats(1e-3, 1e3)),
            unknown_threshold=draw(st.none() | st.floats(0, 1)),
            energy_threshold=None if two else draw(st.none() | finite),
        ),
        provenance=Provenance(
            dataset_sha256=draw(st.none() | texts),
            backbone=draw(st.none() | texts),
            recipe=draw(st.none() | texts),
            metrics=draw(st.dictionaries(texts, finite, max_size=5)),
            versions=draw(st.dictionaries(texts, texts, max_size=5)),
        ),
        translations={
            locale: draw(st.lists(label_texts, min_size=len(labels), max_size=len(labels)).map(tuple))
            for locale in draw(st.sets(st.sampled_from(["es", "de", "pt-BR", "zh-Hans-CN"])))
        },
        flatbuffer_sha256=draw(st.none() | texts),
    )


@given(contracts())
def test_json_round_trip(contract: ModelContract) -> None:
    text = contract.to_json()
    assert ModelContract.from_json(text) == contract
    assert ModelContract.from_json(text.encode()) == contract
    assert ModelContract.from_json(text).to_json() == text


def test_json_is_for_people_and_diffs() -> None:
    text = CONTRACT.replace(labels=("Kleid", "T-Shirt für Mädchen")).to_json()
    plain = json.loads(text)
    assert text.endswith("}\n")
    assert list(plain) == sorted(plain)
    assert "für Mädchen" in text
    assert '\n  "author"' in text


def test_a_number_that_is_none_is_not_written() -> None:
    contract = CONTRACT.replace(provenance=Provenance(metrics={"validation_top1": math.nan}))
    with pytest.raises(ValueError, match="JSON compliant"):
        contract.to_json()


def test_a_newer_schema_names_both_versions_and_the_cure() -> None:
    newer = SCHEMA_VERSION + 41
    with pytest.raises(ContractError) as caught:
        ModelContract.from_json(edited(schema_version=newer, surprise=1))
    assert str(newer) in str(caught.value)
    assert str(SCHEMA_VERSION) in str(caught.value)
    assert "pip install --upgrade hangtag" in str(caught.value)


def test_a_contract_of_the_first_schema_is_migrated() -> None:
    plain = json.loads(edited(schema_version=1))
    del plain["translations"], plain["calibration"]["energy_threshold"]
    assert ModelContract.from_json(json.dumps(plain)) == CONTRACT


def test_a_contract_of_the_second_schema_decides_by_the_score_alone() -> None:
    plain = json.loads(edited(schema_version=2))
    del plain["calibration"]["energy_threshold"]
    migrated = ModelContract.from_json(json.dumps(plain))
    assert migrated == CONTRACT
    assert (migrated.calibration.unknown_threshold, migrated.calibration.energy_threshold) == (0.4, None)
