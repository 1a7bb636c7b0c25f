from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Iterator
from typing import Any

import pytest
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

INPUT = InputSpec(width_px=224, height_px=160)
CONTRACT = ModelContract(
    labels=("dress", "t-shirt"),
    input=INPUT,
    calibration=Calibration(temperature=1.25, unknown_threshold=0.4),
    provenance=Provenance(metrics={"validation_top1": 0.9}, versions={"hangtag": "0.1.0"}),
)

# What can stand in a JSON file that is written as UTF-8: anything but half a character.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
label_texts = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=20
).filter(lambda text: text == text.strip())
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


lines = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=20)
names = label_texts.map(lambda text: re.sub(r"[/\\:.]", "-", text))


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
            temperature=draw(st.floats(1e-3, 1e3)), unknown_threshold=draw(st.none() | st.floats(0, 1))
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


def edited(**changes: Any) -> str:
    """CONTRACT's JSON with dotted fields (``input__mean``) changed."""
    plain = json.loads(CONTRACT.to_json())
    for path, value in changes.items():
        *parents, last = path.split("__")
        place = plain
        for parent in parents:
            place = place[parent]
        place[last] = value
    return json.dumps(plain)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        # fields of the wrong type: JSON's true is not 1, 224.0 is not a count of pixels
        ({"input__width_px": True}, "input.width_px is True; wanted int"),
        ({"input__width_px": 224.0}, "input.width_px is 224.0; wanted int"),
        ({"input__width_px": "224"}, "input.width_px is '224'; wanted int"),
        ({"input__pad_value": False}, "pad_value"),
        ({"input__tensor__zero_point": True}, "zero_point"),
        ({"calibration__temperature": True}, "temperature"),
        ({"provenance__metrics__validation_top1": True}, "validation_top1"),
        ({"provenance__metrics__validation_top1": "0.9"}, "validation_top1"),
        ({"provenance__versions__hangtag": 1}, "versions.hangtag"),
        ({"provenance__metrics": []}, "metrics"),
        ({"input__mean": [127, 127, True]}, "input.mean holds True; wanted a number"),
        ({"input__mean": "127"}, "input.mean"),
        ({"labels": "dress"}, "labels is 'dress'; wanted list"),
        ({"labels": ["dress", 1]}, "wanted a list of strings"),
        ({"labels": ["dress", None]}, "wanted a list of strings"),
        ({"name": None}, "contract.name is None; wanted str"),
        ({"input": []}, "contract.input"),
        ({"schema_version": True}, "schema_version is True"),
        ({"schema_version": 1.0}, "schema_version is 1.0"),
        ({"schema_version": "1"}, "schema_version is '1'"),
        ({"schema_version": 0}, "schema_version is 0"),
        ({"schema_version": -1}, "schema_version is -1"),
        # numbers that are none, and numbers too large for any tensor
        ({"calibration__temperature": math.nan}, "finite"),
        ({"calibration__unknown_threshold": math.nan}, "finite"),
        ({"input__std": [128, 128, math.nan]}, "finite"),
        ({"input__mean": [127, math.inf, 127]}, "finite"),
        ({"provenance__metrics__validation_top1": -math.inf}, "finite"),
        ({"calibration__temperature": 10**400}, "finite"),
        ({"input__mean": [10**400, 0, 0]}, "finite"),
        ({"input__width_px": 10**4000}, "input width_px is 1000"),
        ({"input__tensor__zero_point": 10**30}, "zero point"),
        ({"input__std": [1e-320, 1, 1]}, "float32 cannot hold"),
        ({"input__mean": [1e300, 1, 1]}, "float32 cannot hold"),
        # values out of range
        ({"input__width_px": 0}, "wanted 1 to 4096"),
        ({"input__height_px": 4097}, "wanted 1 to 4096"),
        ({"input__pad_value": 256}, "wanted 0 to 255"),
        ({"input__pad_value": -1}, "wanted 0 to 255"),
        ({"input__mean": [1, 2]}, "one per channel of rgb"),
        ({"input__mean": [1, 2, 3, 4]}, "one per channel of rgb"),
        ({"input__colour_order": "grey"}, "one per channel of grey"),
        ({"input__colour_order": "rgba"}, "wanted one of rgb, bgr, grey"),
        ({"input__geometry": "crop"}, "wanted one of centre-crop, stretch, letterbox"),
        ({"input__kernel": ""}, "wanted one of linear-exact"),
        ({"input__std": [1, 0, 1]}, "std"),
        ({"input__std": [1, -1, 1]}, "std"),
        ({"input__tensor__dtype": "float64"}, "wanted one of float32"),
        ({"input__tensor__scale": 0.5}, "a float32 tensor has no scale"),
        ({"input__tensor__zero_point": 3}, "a float32 tensor has no scale"),
        ({"input__tensor__dtype": "uint8"}, "needs a scale"),
        ({"input__tensor": {"dtype": "uint8", "scale": 0, "zero_point": 0}}, "above 0"),
        ({"input__tensor": {"dtype": "uint8", "scale": -1.0, "zero_point": 0}}, "above 0"),
        ({"input__tensor": {"dtype": "uint8", "scale": 1.0, "zero_point": 256}}, "0 to 255"),
        ({"input__tensor": {"dtype": "int8", "scale": 1.0, "zero_point": 128}}, "-128 to 127"),
        ({"calibration__temperature": 0}, "above 0"),
        ({"calibration__unknown_threshold": 1.1}, "0 to 1"),
        ({"output__kind": "argmax"}, "wanted one of softmax, sigmoid, logits"),
        ({"output__kind": "sigmoid", "labels": ["a", "b", "c"]}, "two labels apart, got 3"),
        ({"output__kind": "sigmoid", "labels": ["a"]}, "two labels apart, got 1"),
        # labels that labels.txt could not hold, or that would be confused
        ({"labels": []}, "0 labels"),
        ({"labels": ["a", "a"]}, "'a' stands twice"),
        ({"labels": ["a", ""]}, "'' is empty"),
        ({"labels": ["a", "  "]}, "empty, padded"),
        ({"labels": ["a", " b"]}, "padded"),
        ({"labels": ["a", "b\u00a0"]}, "padded"),
        ({"labels": ["a", "b\nc"]}, "control character"),
        ({"labels": ["a", "b\rc"]}, "control character"),
        ({"labels": ["a", "b\x00c"]}, "control character"),
        ({"labels": ["a", "b\x7fc"]}, "control character"),
        ({"labels": ["a", "b\x85c"]}, "control character"),
        ({"labels": ["a", "b\u2028c"]}, "control character"),
        ({"labels": ["a", "b\u2029c"]}, "control character"),
        # half a character, which JSON can spell and no file can hold
        ({"labels": ["a", "\ud800"]}, "not valid Unicode"),
        ({"name": "\udcff"}, "not valid Unicode"),
        ({"provenance__backbone": "\udcff"}, "not valid Unicode"),
        ({"provenance__versions": {"\udcff": ""}}, "not valid Unicode"),
    ],
)
def test_bad_values_are_refused_and_quoted(changes: dict[str, Any], message: str) -> None:
    text = edited(**changes)
    with pytest.raises(ContractError) as caught:
        ModelContract.from_json(text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def places(plain: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value inside a JSON object."""
    for key, value in plain.items():
        yield (*path, key)
        if isinstance(value, dict):
            yield from places(value, (*path, key))


def at(plain: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        plain = plain[key]
    return plain


FREE = {("provenance", "metrics"), ("provenance", "versions"), ("translations",)}
PLACES = [path for path in places(json.loads(CONTRACT.to_json())) if path[:-1] not in FREE]


@pytest.mark.parametrize("path", PLACES, ids=".".join)
def test_every_field_must_be_there(path: tuple[str, ...]) -> None:
    plain = json.loads(CONTRACT.to_json())
    del at(plain, path[:-1])[path[-1]]
    with pytest.raises(ContractError, match=path[-1]):
        ModelContract.from_json(json.dumps(plain))


@pytest.mark.parametrize("path", PLACES, ids=".".join)
def test_no_field_takes_a_boolean_or_a_nested_list(path: tuple[str, ...]) -> None:
    for wrong in (True, [[]], {"": []}):
        plain = json.loads(CONTRACT.to_json())
        at(plain, path[:-1])[path[-1]] = wrong
        with pytest.raises(ContractError):
            ModelContract.from_json(json.dumps(plain))


OBJECTS = [(), *(path for path in PLACES if isinstance(at(json.loads(CONTRACT.to_json()), path), dict))]


@pytest.mark.parametrize("path", [path for path in OBJECTS if path not in FREE], ids=".".join)
def test_unknown_fields_are_refused_by_name(path: tuple[str, ...]) -> None:
    plain = json.loads(CONTRACT.to_json())
    at(plain, path)["confidence"] = 1
    with pytest.raises(ContractError, match="unknown fields: 'confidence'"):
        ModelContract.from_json(json.dumps(plain))


def test_a_newer_schema_names_both_versions_and_the_cure() -> None:
    newer = SCHEMA_VERSION + 41
    with pytest.raises(ContractError) as caught:
        ModelContract.from_json(edited(schema_version=newer, surprise=1))
    assert str(newer) in str(caught.value)
    assert str(SCHEMA_VERSION) in str(caught.value)
    assert "pip install --upgrade hangtag" in str(caught.value)


def test_a_contract_of_the_first_schema_is_migrated() -> None:
    plain = json.loads(edited(schema_version=1))
    del plain["translations"]
    assert ModelContract.from_json(json.dumps(plain)) == CONTRACT


@pytest.mark.parametrize(
    ("translations", "said"),
    [
        ({"es": ["una"]}, "translations of es has 1 labels"),
        ({"es": ["una", "dos\nuna"]}, "control character"),
        ({"es": ["una", ""]}, "empty"),
        ({"es": ["una", 2]}, "list of strings"),
        ({"es": "ab"}, "wanted list"),
        ({"Español": ["una", "dos"]}, "the locale 'Español'"),
        ({"../x": ["una", "dos"]}, "the locale"),
        ({"": ["una", "dos"]}, "the locale"),
        ([], "wanted dict"),
    ],
)
def test_translations_that_do_not_fit_are_refused(translations: Any, said: str) -> None:
    with pytest.raises(ContractError, match=re.escape(said)):
        ModelContract.from_json(edited(labels=["a", "b"], translations=translations))


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


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "1", '"labels"', b"\xff\xfe\x00", b"\x00", "{}", '{"schema_version": 1}', "NaN"],
)
def test_what_is_no_contract_is_refused(text: str | bytes) -> None:
    with pytest.raises(ContractError):
        ModelContract.from_json(text)


@given(st.binary(max_size=80))
def test_any_bytes_are_refused_cleanly(data: bytes) -> None:
    with pytest.raises(ContractError):
        ModelContract.from_json(data)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from(PLACES), json_values)
def test_any_value_in_any_place_is_read_or_refused(path: tuple[str, ...], value: Any) -> None:
    plain = json.loads(CONTRACT.to_json())
    at(plain, path[:-1])[path[-1]] = value
    try:
        contract = ModelContract.from_json(json.dumps(plain))
    except ContractError:
        return
    assert ModelContract.from_json(contract.to_json()) == contract


@pytest.mark.parametrize("depth", [50, 300, 900, 950, 980, 990, 1000, 5000, 200_000])
@pytest.mark.parametrize("opening", ["[", '{"a":'])
@pytest.mark.parametrize("place", ["{}", '{{"schema_version": {}}}', '{{"schema_version": 1, "labels": {}}}'])
def test_deep_nesting_is_a_contract_error(depth: int, opening: str, place: str) -> None:
    closing = "]" if opening == "[" else "}"
    middle = "" if opening == "[" else "1"
    with pytest.raises(ContractError):
        ModelContract.from_json(place.format(opening * depth + middle + closing * depth))


def test_a_field_given_twice_is_refused() -> None:
    text = CONTRACT.to_json().replace('"name": "classifier"', '"name": "classifier", "name": "other"')
    with pytest.raises(ContractError, match="'name' twice"):
        ModelContract.from_json(text)


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
