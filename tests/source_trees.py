"""Parses generated Kotlin and Swift with tree-sitter and reads the constants out of the syntax tree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import tree_sitter_kotlin
import tree_sitter_swift
from tree_sitter import Language, Node, Parser

_LANGUAGES = {
    ".kt": Language(tree_sitter_kotlin.language()),
    ".kts": Language(tree_sitter_kotlin.language()),
    ".swift": Language(tree_sitter_swift.language()),
}


def faults(suffix: str, source: bytes) -> list[str]:
    """Return where a file is no valid source of its language: line and text of each fault."""
    root = Parser(_LANGUAGES[suffix]).parse(source).root_node
    return [
        f"line {node.start_point.row + 1}: {_text(node)[:60]!r}"
        for node in _below(root)
        if node.is_error or node.is_missing
    ]


def constants(suffix: str, source: bytes) -> dict[str, Any]:
    """Return the values of a ModelContract's properties by name; a call is a dictionary."""
    root = Parser(_LANGUAGES[suffix]).parse(source).root_node
    read = _kotlin if suffix == ".kt" else _swift
    return {
        _property_name(node): read(node.named_children[-1])
        for node in _below(root)
        if node.type == "property_declaration"
    }


def _below(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _below(child)


def _text(node: Node) -> str:
    return (node.text or b"").decode()


def _property_name(node: Node) -> str:
    return next(_text(child) for child in _below(node) if child.type in {"identifier", "simple_identifier"})


def _kotlin(node: Node) -> Any:  # noqa: PLR0911 - one for each kind of node
    if node.type == "string_literal":
        return _unescaped(_text(node)[1:-1])
    if node.type in {"number_literal", "float_literal"}:
        return _number(_text(node))
    if node.type == "unary_expression":
        return -_kotlin(node.named_children[-1])
    if node.type == "identifier":
        assert _text(node) == "null"
        return None
    if node.type == "navigation_expression":
        return _text(node.named_children[-1])
    if node.type == "infix_expression":
        key, _, value = node.named_children
        return (_kotlin(key), _kotlin(value))
    assert node.type == "call_expression", node.type
    name, arguments = node.named_children
    return _call(_text(name), [_kotlin_argument(argument) for argument in arguments.named_children])


def _kotlin_argument(node: Node) -> tuple[str | None, Any]:
    *name, value = node.named_children
    return (_text(name[0]) if name else None, _kotlin(value))


def _swift(node: Node) -> Any:  # noqa: PLR0911 - one for each kind of node
    if node.type == "line_string_literal":
        return _unescaped(_text(node)[1:-1])
    if node.type in {"integer_literal", "real_literal"}:
        return _number(_text(node))
    if node.type == "nil_literal":
        return None
    if node.type == "prefix_expression":
        operand = node.named_children[-1]
        return _text(operand) if _text(node).startswith(".") else -_swift(operand)
    if node.type == "array_literal":
        return [_swift(element) for element in node.named_children]
    if node.type == "dictionary_literal":
        items = [_swift(element) for element in node.named_children]
        return dict(zip(items[::2], items[1::2], strict=True))
    assert node.type == "call_expression", node.type
    name, suffix = node.named_children
    arguments = [argument.named_children[:2] for argument in suffix.named_children[0].named_children]
    return _call(_text(name), [(_text(key), _swift(value)) for key, value in arguments])


def _call(name: str, arguments: list[tuple[str | None, Any]]) -> Any:
    if name == "listOf":
        return [value for _, value in arguments]
    if name == "mapOf":
        return dict(value for _, value in arguments)
    return {key or "type": value for key, value in arguments}


def _number(text: str) -> float | int:
    return int(text) if re.fullmatch(r"\d+", text) else float(text)


_ESCAPE = re.compile(r"\\(?:u\{([0-9a-f]+)\}|u([0-9a-f]{4})|(.))", re.DOTALL)


def _unescaped(literal: str) -> str:
    """Return what a literal's content stands for."""
    assert literal.isascii()
    return _ESCAPE.sub(_character, literal).encode("utf-16", "surrogatepass").decode("utf-16")


def _character(match: re.Match[str]) -> str:
    code, unit, plain = match.groups()
    if plain is None:
        return chr(int(code or unit, 16))
    assert plain in '"\\$', f"an escape that means something: {match.group()}"
    return plain
