"""The page reads a model file as Python does, and refuses what is hostile in one line, never with a hang."""

from __future__ import annotations

import hashlib
import json
import random
from typing import Any

import pytest
from crafting import seed
from fuzzing.archive_mutations import MUTATIONS, Mutation
from fuzzing.cases import make_case
from mobile_contracts import ALL_CASES, model_of
from model_parts import joined, split, with_json_edited
from web.node_process import NodePage, Thrown, unpacked
from web.page_models import check_message, plain, refused

from hangtag.classifier import bundled_model
from hangtag.contract_template import contract_template
from hangtag.errors import HangtagError
from hangtag.model_file import parse_model
from hangtag.tflite_schema import read_model_info
from hangtag_convert.metadata import embed


def _same_as_python(page: NodePage, data: bytes) -> None:
    model = parse_model(data, "model")
    found = page.call("model", data)
    assert found["contract"] == plain(model.contract)
    assert found["labels"] == list(model.contract.labels)
    assert hashlib.sha256(data[: found["start"]]).hexdigest() == model.contract.flatbuffer_sha256
    if model.golden is None:
        assert found["cases"] is found["tolerance"] is None
        return
    assert found["tolerance"] == model.golden.score_tolerance
    for case, wanted in zip(found["cases"], model.golden.cases, strict=True):
        assert unpacked(case["png"]) == wanted.png
        assert case == {
            "name": wanted.name,
            "png": case["png"],
            "tensorSha256": wanted.tensor_sha256,
            "scores": list(wanted.scores),
        }


@pytest.mark.parametrize("case", ALL_CASES)
def test_every_kind_of_model_is_read_as_python_reads_it(node_page: NodePage, case: str) -> None:
    """Labels of every script, all number formats, a thousand labels with few scores written down."""
    _same_as_python(node_page, model_of(case))


def test_a_model_without_golden_cases_is_read(node_page: NodePage) -> None:
    flatbuffer, files = split(bundled_model().data)
    _same_as_python(
        node_page, joined(flatbuffer, {name: files[name] for name in ("hangtag.json", "labels.txt")})
    )


# --- what is no model ------------------------------------------------------------------------------------

_BUNDLED = bundled_model().data
_FLATBUFFER, _FILES = split(_BUNDLED)


def _without(name: str) -> bytes:
    return joined(_FLATBUFFER, {key: content for key, content in _FILES.items() if key != name})


def _with(**files: bytes) -> bytes:
    """The bundled model with files changed; two underscores in a name stand for a point."""
    return joined(_FLATBUFFER, {**_FILES, **{name.replace("__", "."): data for name, data in files.items()}})


def _golden(edit: Any) -> bytes:
    return with_json_edited(_BUNDLED, edit, "golden.json")


_NO_MODELS = {
    "nothing": (b"", "empty (0 bytes)"),
    "a page": (
        b"<!doctype html><title>404</title>",
        'not a TFLite model: it has "ctyp" where "TFL3" is wanted',
    ),
    "three bytes": (b"TFL", 'it has "" where'),
    "cut in its weights": (_BUNDLED[:1_000_000], "without a Hangtag contract, or cut short"),
    "cut in its archive": (_BUNDLED[:-30], "without a Hangtag contract, or cut short"),
    "bare": (seed("plain-int8"), "without a Hangtag contract"),
    "no contract": (_without("hangtag.json"), "without a Hangtag contract"),
    "other weights": (
        _FLATBUFFER[:3000] + bytes([_FLATBUFFER[3000] ^ 1]) + _BUNDLED[3001:],
        "its weights are not those",
    ),
    "more weights": (joined(_FLATBUFFER + b"x", _FILES), "its weights are not those"),
    "other labels": (_with(labels__txt=b"a\nb\n"), '"labels.txt" and its contract disagree'),
    "another language": (
        joined(_FLATBUFFER, {**_FILES, "labels-xx.txt": b""}),
        '"labels-xx.txt" and its contract disagree',
    ),
    "golden: no JSON": (_with(golden__json=b"{"), "golden.json is not valid JSON"),
    "golden: no object": (_with(golden__json=b"[]"), "golden.json is a list of 0; wanted an object"),
    "golden: not there": (_without("golden-0.png"), 'names the frame "golden-0.png", which'),
    "golden: no PNG": (joined(_FLATBUFFER, {**_FILES, "golden-0.png": b"x" * 99}), "is no PNG"),
    "golden: a huge PNG": (
        joined(
            _FLATBUFFER,
            {**_FILES, "golden-0.png": _FILES["golden-0.png"][:16] + b"\0\0\xff\xff" * 2},
        ),
        "is 65535 x 65535 pixels",
    ),
    "golden: too many": (
        _golden(lambda index: index.update(cases=index["cases"] * 100)),
        "cases is a list of 500; wanted at most 50",
    ),
    "golden: tolerance": (_golden(lambda index: index.update(score_tolerance=2)), "score_tolerance is 2"),
    "golden: few scores": (
        _golden(lambda index: index["cases"][0]["scores"].pop()),
        "has 9 scores of a frame",
    ),
    "golden: a text": (_golden(lambda index: index["cases"][0].update(scores="ab")), '"ab" for the scores'),
    "golden: null": (_golden(lambda index: index["cases"][0].update(scores=None)), "null for the scores"),
    "golden: far label": (
        _golden(lambda index: index["cases"][0].update(scores={"10": 1})),
        'the score 1 of label "10"',
    ),
    "golden: odd label": (
        _golden(lambda index: index["cases"][0].update(scores={"__proto__": 1})),
        'the score 1 of label "__proto__"',
    ),
    "golden: odd name": (
        _golden(lambda index: index["cases"][0].update(image="__proto__")),
        'names the frame "__proto__"',
    ),
}


@pytest.mark.parametrize(("data", "said"), _NO_MODELS.values(), ids=_NO_MODELS)
def test_what_is_no_whole_model_is_refused_with_a_reason(node_page: NodePage, data: bytes, said: str) -> None:
    assert said in refused(node_page, "model", data)


_MORE_LENIENT = ("which this page does not read", "archive holds a", "schema version", "golden")
"""In messages about models that Python takes and the page does not: it inflates nothing and migrates nothing,
takes no odd names, and golden cases only as Hangtag writes them."""
_ELSEWHERE = ("the metadata for phones", "energy")
"""In Python's about models that the page takes: of the tables it reads the input and the output alone."""


@pytest.mark.parametrize("mutate", MUTATIONS, ids=lambda mutate: mutate.__name__)
def test_mutated_models_are_judged_as_python_judges_them(node_page: NodePage, mutate: Mutation) -> None:
    bare = seed("plain-float32")
    flatbuffer, files = split(embed(bare, contract_template("tiny", read_model_info(bare)), None))
    files["golden.json"] = json.dumps({"score_tolerance": 0.1, "cases": []}).encode()
    refusals = 0
    for number in range(40 * MUTATIONS[mutate]):
        data = mutate(flatbuffer, files, random.Random(f"page/{number}"))  # noqa: S311 - to be repeated
        wanted, why = _python_verdict(data)
        found, said = _page_verdict(node_page, data)
        if found is None:
            assert wanted is None or any(part in said for part in _MORE_LENIENT), (number, said)
            refusals += 1
        else:
            assert wanted == found or any(part in why for part in _ELSEWHERE), (number, why)
    assert refusals > 0


def _python_verdict(data: bytes) -> tuple[dict[str, Any] | None, str]:
    """What Python reads, or why it refuses."""
    try:
        return plain(parse_model(data, "m").contract), ""
    except HangtagError as error:
        return None, str(error)


def _page_verdict(page: NodePage, data: bytes) -> tuple[dict[str, Any] | None, str]:
    """What the page reads, or why it refuses."""
    try:
        return page.call("model", data)["contract"], ""
    except Thrown as thrown:
        check_message(thrown)
        return None, str(thrown)


def test_tables_that_contradict_the_contract_or_lead_nowhere_are_refused(node_page: NodePage) -> None:
    """Mutated FlatBuffers whose contracts vouch for them: the page says of tensors what Python says."""
    disagreements = 0
    for number in range(200):
        case = make_case(3, number)
        found, said = _page_verdict(node_page, case.data)
        wanted, why = _python_verdict(case.data)
        if "the contract says" in why:
            assert found is None, (number, why)
            disagreements += 1
        if wanted is not None:
            assert found == wanted or any(part in said for part in _MORE_LENIENT), (number, said)
    assert disagreements > 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"input": {"width_px": 225}}, "input shape 1 x 224 x 225 x 3, the model has 1 x 224 x 224 x 3"),
        ({"input": {"tensor": {"zero_point": 126}}}, "zero point 126, the model has"),
        ({"input": {"tensor": {"scale": 0.0079}}}, "input scale 0.0079 and"),
        ({"input": {"tensor": {"dtype": "int8"}}}, "input dtype int8, the model has uint8"),
        ({"input": {"tensor": {"dtype": "float32", "scale": None, "zero_point": 0}}}, "input dtype float32"),
        ({"output": {"tensor": {"scale": 0.004}}}, "output scale 0.004 and"),
        (
            {"output": {"kind": "sigmoid"}, "labels": ["a", "b"], "translations": {}},
            "output shape 1 x 1, the",
        ),
    ],
)
def test_a_contract_for_other_tensors_is_refused(
    node_page: NodePage, changes: dict[str, Any], said: str
) -> None:
    flatbuffer, files = split(bundled_model().data)
    contract = _merged(json.loads(files["hangtag.json"]), changes)
    contract["calibration"]["energy_threshold"] = None
    data = joined(flatbuffer, {"hangtag.json": json.dumps(contract).encode()})
    assert said in refused(node_page, "model", data)


def _merged(plain: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    for name, value in changes.items():
        merge = isinstance(value, dict) and value
        plain[name] = _merged(plain[name], value) if merge else value
    return plain
