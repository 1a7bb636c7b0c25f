"""JSON that is no contract is refused in one line that quotes what is wrong, however hostile it is."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

import pytest
from contract_examples import CONTRACT, edited
from hypothesis import given
from hypothesis import strategies as st

from hangtag.contract import ModelContract
from hangtag.errors import ContractError


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
        ({"calibration__energy_threshold": math.inf}, "finite"),
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
        ({"calibration__energy_threshold": "3"}, "energy_threshold is '3'"),
        ({"output__kind": "sigmoid", "calibration__energy_threshold": 3.5}, "a sigmoid output has no energy"),
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


def test_a_field_given_twice_is_refused() -> None:
    text = CONTRACT.to_json().replace('"name": "classifier"', '"name": "classifier", "name": "other"')
    with pytest.raises(ContractError, match="'name' twice"):
        ModelContract.from_json(text)


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
