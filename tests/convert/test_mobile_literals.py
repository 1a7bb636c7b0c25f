"""Any text becomes a literal that holds that text and nothing else."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mobile_contracts import HOSTILE_TEXTS
from source_trees import faults

from hangtag_convert.mobile.literals import kotlin_string, markdown, number, numbers, swift_string

_TEXTS = st.text(st.characters(blacklist_categories=["Cs"]))


@given(_TEXTS)
def test_kotlin_reads_the_text_back(text: str) -> None:
    literal = kotlin_string(text)
    assert literal.isascii()
    assert not re.search(r"(?<!\\)(?:\\\\)*\$", literal)
    # But for the dollar, Kotlin's escapes are those of JSON.
    assert json.loads(literal.replace("\\$", "$")) == text


@given(_TEXTS)
def test_swift_reads_the_text_back(text: str) -> None:
    literal = swift_string(text)
    assert literal.isascii()
    assert not re.search(r"(?<!\\)(?:\\\\)*\\\(", literal)
    plain = re.sub(r"\\u\{([0-9a-f]+)\}", lambda match: chr(int(match.group(1), 16)), literal[1:-1])
    if "\\" not in text:
        assert plain.replace('\\"', '"') == text


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_real_parsers_see_one_literal(text: str) -> None:
    assert faults(".kt", f"val x = {kotlin_string(text)}\n".encode()) == []
    assert faults(".swift", f"let x = {swift_string(text)}\n".encode()) == []


def test_markdown_shows_the_text_and_no_more() -> None:
    assert markdown("a*b_c`d[e](f)") == r"a\*b\_c\`d\[e\]\(f\)"
    assert markdown("<b>&amp;") == "&lt;b&gt;&amp;amp;"
    assert markdown("\u202egnp.exe\u200b") == r"(U+202E)gnp\.exe(U+200B)"
    assert markdown("größe 字") == "größe 字"


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_come_back_to_the_bit(value: float) -> None:
    text = number(value, "null")
    assert float(text) == value
    # Both languages take these as doubles: a point or an exponent, digits on both sides of the point.
    assert re.fullmatch(r"-?\d+(\.\d+)?(e[-+]\d+)?", text)
    assert "." in text or "e" in text


def test_lists_of_numbers_and_nothing() -> None:
    assert numbers((1, 0.5, 1e-05)) == "1.0, 0.5, 1e-05"
    assert number(None, "nil") == "nil"
