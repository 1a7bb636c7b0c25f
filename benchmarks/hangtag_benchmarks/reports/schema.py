"""The published JSON Schema of a result, made of the records themselves.

After a change of the records: ``python -m hangtag_benchmarks.reports.schema > docs/benchmark-2.schema.json``.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
import sys
import types
import typing
from typing import Any

from hangtag_benchmarks.measurements import STAGES
from hangtag_benchmarks.records import SCHEMA_VERSION, Result
from hangtag_benchmarks.reports.result_json import KIND

_DIGEST = {"pattern": "^[0-9a-f]{64}$"}
_LIMITS: dict[str, dict[str, Any]] = {
    "sha256": _DIGEST,
    "contract_sha256": _DIGEST,
    "dataset_sha256": _DIGEST,
    "created_utc": {"pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$"},
    "quantiles_ms": {"anyOf": [{"minItems": 101, "maxItems": 101}, {"maxItems": 0}]},
    "threads": {"minimum": 1},
    "photos": {"minimum": 1},
    "stages": {"propertyNames": {"enum": list(STAGES)}},
    "schema_version": {"const": SCHEMA_VERSION},
    "Verdict.kind": {"enum": ["invoke", "end_to_end"]},
}
"""What the types of fields do not say, by their names, or with their class's."""

_NEVER_NEGATIVE = re.compile(r"_(ms|mb|mj|mhz|s|load)$")
_JSON_WORDS = {"None": "null", "True": "true", "False": "false"}
_PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean"}


def schema() -> dict[str, Any]:
    """Return the schema of ``benchmark.json`` (draft 2020-12)."""
    definitions: dict[str, Any] = {}
    whole = _object(Result, definitions)
    properties = {"kind": {"const": KIND, "description": "What this file is."}, **whole["properties"]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{KIND}-{SCHEMA_VERSION}",
        "title": f"A result of `hangtag benchmark`, layout {SCHEMA_VERSION}",
        "description": (
            "Numbers have six significant digits; null is what the system or the engine does not tell. "
            "Names end in their units: _s, _ms, _mhz, _c, _mb (10**6 bytes), _mj (thousandths of a joule)."
        ),
        **whole,
        "properties": properties,
        "required": list(properties),
        "$defs": dict(sorted(definitions.items())),
    }


def _object(kind: type, definitions: dict[str, Any]) -> dict[str, Any]:
    hints, told = typing.get_type_hints(kind), _arguments(kind)
    properties = {}
    for field in dataclasses.fields(kind):
        limits = _LIMITS.get(f"{kind.__name__}.{field.name}", _LIMITS.get(field.name, {}))
        described = {"description": told[field.name]} if field.name in told else {}
        properties[field.name] = {**_of(hints[field.name], field.name, limits, definitions), **described}
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(properties),
        "properties": properties,
    }


def _of(hint: Any, name: str, limits: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a value of a type; ``definitions`` takes the records that it refers to."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in {typing.Union, types.UnionType}:
        (wanted,) = (one for one in arguments if one is not types.NoneType)
        return _or_null(_of(wanted, name, limits, definitions))
    if origin is tuple:
        return {"type": "array", **_items(arguments, name, definitions), **limits}
    if origin is not None:
        return {
            "type": "object",
            "additionalProperties": _of(arguments[1], name, {}, definitions),
            **limits,
        }
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if hint.__name__ not in definitions:
            about = inspect.cleandoc(hint.__doc__ or "").partition("\n\nArgs:")[0]
            definitions[hint.__name__] = {"description": _prose(about), **_object(hint, definitions)}
        return {"$ref": f"#/$defs/{hint.__name__}"}
    at_least = {"minimum": 0} if hint is int or (hint is float and _NEVER_NEGATIVE.search(name)) else {}
    return {"type": _PLAIN[hint], **at_least, **limits}


def _items(arguments: tuple[Any, ...], name: str, definitions: dict[str, Any]) -> dict[str, Any]:
    if arguments[-1] is Ellipsis:
        return {"items": _of(arguments[0], name, {}, definitions)}
    return {
        "prefixItems": [_of(argument, name, {}, definitions) for argument in arguments],
        "items": False,
        "minItems": len(arguments),
    }


def _or_null(value: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in value:
        return {"anyOf": [value, {"type": "null"}]}
    return {**value, "type": [value["type"], "null"]}


def _arguments(kind: type) -> dict[str, str]:
    """Return what a class's docstring says of each of its fields."""
    section = inspect.cleandoc(kind.__doc__ or "").partition("\nArgs:\n")[2]
    # A field begins four spaces in; what is further in goes on with the one before.
    fields = re.findall(r"^ {4}(\w+): (.*(?:\n {5,}.*)*)", section, re.MULTILINE)
    return {name: _prose(words) for name, words in fields}


def _prose(words: str) -> str:
    """Return a docstring's text for those who do not read Python."""
    prose = re.sub(r":\w+:`~?(?:[\w.]+\.)?(\w+)`", r"\1", " ".join(words.split())).replace("``", "`")
    return re.sub(r"\b(?:None|True|False)\b", lambda found: _JSON_WORDS[found[0]], prose)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(schema(), indent=2, ensure_ascii=False) + "\n")
