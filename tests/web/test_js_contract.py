"""The page reads a contract as Python does, and refuses what is hostile in one line, never with a hang."""

from __future__ import annotations

import json
from typing import Any

import pytest
from contract_examples import CONTRACT, edited
from hypothesis import example, given, settings
from hypothesis import strategies as st
from web.node_process import NodePage
from web.page_models import plain, refused

from hangtag.contract import ModelContract
from hangtag.errors import ContractError

_TEXT = CONTRACT.to_json()
_OTHERS_READ = (1, 2)
"""Older schemas, which Python migrates and the page does not."""


def _places(plain: dict[str, Any], path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The path of every value inside a JSON object, and of a name that nothing has."""
    paths = [(*path, "odd")]
    for key, value in plain.items():
        paths.append((*path, key))
        if isinstance(value, dict):
            paths.extend(_places(value, (*path, key)))
    return paths


_PLACES = _places(plain(CONTRACT))

_json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
_near_values = st.sampled_from(
    [
        *[0, 1, 2, 3, 4, -1, 255, 256, 4096, 4097, 0.5, 1.5, 1e-300, 1e300, 10**400, 2**53 + 1, None, True],
        *["", " ", "a", "a.b", ".a", "a b", "\ufeffa", "a\ufeff", "\x1c", "\x85", "a\u2028", "\u3000", "/"],
        *["x" * 100, "x" * 101, "😀" * 100, "😀" * 101, "\ud83d", "\ud83d\ude00", "float32", "uint8", "int8"],
        *["grey", "bgr", "letterbox", "linear", "area", "sigmoid", "logits", "constructor", "__proto__"],
        *[["a"], ["a", "b"], ["a", "a"], [" a", "b"], ["a", "b\ufeff"], ["a", "b\x1f"], [1], [1, 2, 3]],
        *[[1, 2, 0], [1, 2, None], [1e308, -1e308, 0], [1e-40, 1, 1], {}, {"es": ["una", "dos"]}],
        *[{"es": ["una", "una"]}, {"pt-BR": ["a", "b"], "es": ["c", "d"]}, {"ES": ["a", "b"]}, {"e": []}],
        *[{"es-a1-b2-c3": ["a", "b"]}, {"es-a1-b2-c3-d4": ["a", "b"]}, {"es\n": ["a", "b"]}],
        *[{"__proto__": 1}, {"__proto__": "1"}, {"constructor": 1.5}, {"a": {}}],
    ]
)


def _verdict(text: str) -> dict[str, Any] | None:
    try:
        return plain(ModelContract.from_json(text))
    except ContractError:
        return None


def _differs_by_design(path: tuple[str, ...], value: Any) -> bool:
    """True where Python alone can tell: a whole number spelled as 224.0, an older schema."""
    return (isinstance(value, float) and value.is_integer()) or (
        path == ("schema_version",) and value in _OTHERS_READ
    )


@settings(deadline=None, max_examples=600)
@given(path=st.sampled_from(_PLACES), value=_near_values | _json_values)
@example(path=("labels",), value=["__proto__", "toString"])
@example(path=("provenance", "metrics"), value={"__proto__": 0.5, "toString": 1})
@example(path=("provenance", "versions"), value={"__proto__": "0.5", "hasOwnProperty": "1"})
@example(path=("output", "kind"), value="sigmoid")
@example(path=("input", "colour_order"), value="grey")
@example(path=("input", "mean"), value=[127.0, 127.0])
def test_any_value_in_any_place_is_judged_as_python_judges_it(
    node_page: NodePage, path: tuple[str, ...], value: Any
) -> None:
    text = edited(**{"__".join(path): value})
    wanted = _verdict(text)
    if wanted is not None and not _differs_by_design(path, value):
        assert node_page.call("contract", text.encode()) == wanted
    elif not _differs_by_design(path, value):
        refused(node_page, "contract", text.encode())


@pytest.mark.parametrize("path", [path for path in _PLACES if path[-1] != "odd"], ids=".".join)
def test_every_field_must_be_there(node_page: NodePage, path: tuple[str, ...]) -> None:
    whole = plain(CONTRACT)
    place = whole
    for key in path[:-1]:
        place = place[key]
    del place[path[-1]]
    text = json.dumps(whole)
    if _verdict(text) is None:
        assert path[-1] in refused(node_page, "contract", text.encode())
    else:  # of metrics and versions any may be missing
        assert node_page.call("contract", text.encode()) == _verdict(text)


_NO_CONTRACTS = {
    b"": "not valid JSON",
    b"{": "not valid JSON",
    b"\xef\xbb\xbf{}": "not valid JSON",
    b"\xff\xfe": "not valid JSON",
    b'{"a": \x00}': "not valid JSON",
    b"[]": "a list of 0; wanted an object",
    b"null": "null; wanted an object",
    b"1": "1; wanted an object",
    b'"labels"': '"labels"; wanted an object',
    b"{}": 'no field "schema_version"',
    b'{"schema_version": 1}': "schema version 1, this page reads 3: write the model anew with hangtag",
    b'{"schema_version": 4}': "schema version 4, this page reads 3: serve it with a newer Hangtag",
    b'{"schema_version": "3"}': 'schema_version is "3"; wanted a whole number',
    b'{"schema_version": 3}': 'no field "labels"',
    b'{"__proto__": {"schema_version": 3}}': 'no field "schema_version"',
    b'{"schema_version": 3, "labels": {"length": 2}}': "labels is an object; wanted a list of texts",
    _TEXT.replace('"name": "classifier"', '"name": "a", "name": "b"').encode(): 'the field "name" twice',
    _TEXT.replace(
        '"name": "classifier"', '"name": "a", "n\\u0061me": "b"'
    ).encode(): 'the field "name" twice',
    _TEXT.replace('"scale": null', '"scale": 1, "scale": null', 1).encode(): 'the field "scale" twice',
    edited(name="a\nb").encode(): 'holds a control character: "a\\u{a}b"',
    edited(name="\u202egnp/exe").encode(): "\\u{202e}gnp/exe",
    edited(labels=["x" * 10_000, "x" * 10_000]).encode(): "xxx...",
    edited(
        input__width_px=4097
    ).encode(): "contract.input.width_px is 4097; wanted a whole number from 1 to 4096",
    edited(confidence=1).encode(): 'unknown fields: "confidence"',
}


@pytest.mark.parametrize(("data", "said"), _NO_CONTRACTS.items(), ids=range(len(_NO_CONTRACTS)))
def test_what_is_no_contract_is_refused_with_a_reason(node_page: NodePage, data: bytes, said: str) -> None:
    assert said in refused(node_page, "contract", data)


@pytest.mark.parametrize("opening", ["[", '{"a":'])
@pytest.mark.parametrize("depth", [1000, 200_000])
@pytest.mark.parametrize("place", ["{}", '{{"schema_version": {}}}', '{{"schema_version": 3, "labels": {}}}'])
def test_deep_nesting_isrefused(node_page: NodePage, opening: str, depth: int, place: str) -> None:
    closing = "]" if opening == "[" else "}"
    middle = "" if opening == "[" else "1"
    refused(node_page, "contract", place.format(opening * depth + middle + closing * depth).encode())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"labels": [str(number) for number in range(100_001)]}, "100001 labels"),
        ({"labels": ["a"] * 100_000}, "stands twice"),
        ({"labels": [f"{number}" for number in range(100_000)] + [""]}, "100001 labels"),
        (
            {"translations": {f"a{chr(97 + n // 26)}{chr(97 + n % 26)}": ["a", "b"] for n in range(101)}},
            "101 t",
        ),
        ({"input__mean": [0.0] * 1_000_000}, "input.mean is a list of 1000000"),
        ({"provenance__versions": {f"{n}": n for n in range(100_000)}}, "versions.0 is 0; wanted a text"),
        ({f"odd{n}": n for n in range(100_000)}, 'unknown fields: "odd0", "odd1", "odd2"'),
        ({"name": "x" * 10_000_000}, "part of a file name"),
        ({"labels": ["\\" * 5_000_000, '"' * 5_000_000, 1]}, "wanted a list of texts"),
    ],
)
def test_large_numbers_of_things_are_refused_at_once(
    node_page: NodePage, changes: dict[str, Any], said: str
) -> None:
    assert said in refused(node_page, "contract", edited(**changes).encode())


def test_names_that_mean_something_to_javascript_mean_nothing_here(node_page: NodePage) -> None:
    names = {"__proto__": 0.5, "constructor": 1.0, "hasOwnProperty": 2.0}
    text = edited(provenance__metrics=names, labels=["__proto__", "constructor"])
    left = node_page.call("leftBehind", text.encode())
    assert left == {
        "frozen": True,
        "polluted": False,
        "metrics": [list(pair) for pair in names.items()],
        "prototype": None,
    }
    hostile = _TEXT.replace('"input": {', '"input": {"__proto__": {"polluted": 1}, ')
    assert 'unknown fields: "__proto__"' in refused(node_page, "contract", hostile.encode())
    assert not node_page.call("leftBehind", text.encode())["polluted"]
