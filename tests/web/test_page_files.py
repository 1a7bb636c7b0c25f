"""The page's own files: small, strict, in two whole languages, with nothing from elsewhere."""

from __future__ import annotations

import gzip
import json
import re
import struct
from html.parser import HTMLParser
from pathlib import Path

import pytest

import hangtag.web

PAGE = Path(hangtag.web.__file__).parent / "page"
SCRIPTS = sorted(PAGE.rglob("*.js"))
LARGEST_BYTES = 120_000
"""Of our own code as it goes over the wire."""

_KEYED = re.compile(r'^    "([\w-]+)":\s*"((?:[^"\\]|\\.)*)",$', re.MULTILINE)


def _texts() -> dict[str, dict[str, str]]:
    source = (PAGE / "ui" / "text.js").read_text(encoding="utf-8")
    table = source[source.index("const TEXTS = {") :]
    languages = re.split(r"^  (\w\w): \{$", table, flags=re.MULTILINE)[1:]
    return {
        code: dict(_KEYED.findall(body)) for code, body in zip(languages[::2], languages[1::2], strict=True)
    }


class _Reader(HTMLParser):
    """Collects elements, their attributes and the texts between them."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.elements.append((tag, attributes))
        if tag not in {"meta", "link", "img", "input", "rect", "circle", "path", "use"}:
            self._open.append(attributes.get("id") or tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002
        self._open.pop()

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append((" ".join(self._open), data.strip()))


@pytest.fixture(scope="module")
def index() -> _Reader:
    reader = _Reader()
    reader.feed((PAGE / "index.html").read_text(encoding="utf-8"))
    return reader


def test_the_page_is_small() -> None:
    code = [path for path in PAGE.rglob("*") if path.is_file() and path.suffix != ".png"]
    packed = {str(path.relative_to(PAGE)): len(gzip.compress(path.read_bytes())) for path in code}
    assert sum(packed.values()) < LARGEST_BYTES, sorted(packed.items(), key=lambda item: -item[1])[:5]


def test_nothing_is_written_where_the_policy_forbids_it(index: _Reader) -> None:
    for tag, attributes in index.elements:
        assert "style" not in attributes, (tag, attributes)
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
        assert tag != "style"
        if tag == "script":
            assert attributes.get("src"), "a script inside the page"


def test_scripts_build_no_code_and_no_html() -> None:
    forbidden = re.compile(r"\beval\(|new Function|innerHTML|outerHTML|insertAdjacentHTML|document\.write")
    for path in SCRIPTS:
        assert not forbidden.search(path.read_text(encoding="utf-8")), path


def test_nothing_comes_from_elsewhere() -> None:
    namespaces = {"http://www.w3.org/2000/svg"}
    examples = {"http://localhost:{port}`"}
    for path in (*SCRIPTS, PAGE / "index.html", PAGE / "page.css", PAGE / "icon.svg"):
        found = set(re.findall(r"""https?://[^\s"')]+""", path.read_text(encoding="utf-8")))
        assert found <= namespaces | examples, (path, found)


def test_links_are_relative_and_their_files_are_there(index: _Reader) -> None:
    links = [attributes.get("src") or attributes.get("href") for _, attributes in index.elements]
    manifest = json.loads((PAGE / "manifest.webmanifest").read_text(encoding="utf-8"))
    for link in (*filter(None, links), *(icon["src"] for icon in manifest["icons"])):
        if not link.startswith(("#", "vendor/")):
            assert (PAGE / link).is_file(), link
    assert manifest["start_url"] == manifest["scope"] == "./"


def test_imports_are_relative_and_their_files_are_there() -> None:
    for path in SCRIPTS:
        for name in re.findall(
            r'^(?:import|export)[^;]*?from "([^"]+)";', path.read_text(encoding="utf-8"), re.MULTILINE
        ):
            assert name.startswith("."), (path, name)
            if "/vendor/" not in name:
                assert (path.parent / name).is_file(), (path, name)


def test_all_modules_are_fetched_at_once(index: _Reader) -> None:
    """Else each import would be a journey to the server and back, one after the other."""
    announced = {
        attributes["href"] for _, attributes in index.elements if attributes.get("rel") == "modulepreload"
    }
    needed: set[Path] = set()
    found = [PAGE / "app.js"]
    while found:
        path = found.pop()
        if path in needed:
            continue
        needed.add(path)
        names = re.findall(
            r'^(?:import|export)[^;]*?from "([^"]+)";', path.read_text(encoding="utf-8"), re.MULTILINE
        )
        found.extend((path.parent / name).resolve() for name in names if "/vendor/" not in name)
    ours = {str(path.relative_to(PAGE)) for path in needed} - {"app.js"}
    vendor = {name for name in announced if name and name.startswith("vendor/")}
    assert announced - vendor == ours


def test_icons_have_the_sizes_that_the_manifest_says() -> None:
    manifest = json.loads((PAGE / "manifest.webmanifest").read_text(encoding="utf-8"))
    sizes = {icon["src"]: icon["sizes"] for icon in manifest["icons"] if icon["type"] == "image/png"}
    for name, size in {**sizes, "apple-touch-icon.png": "180x180"}.items():
        head = (PAGE / name).read_bytes()[:24]
        assert "{}x{}".format(*struct.unpack(">II", head[16:24])) == size, name


def test_both_languages_say_the_same_things() -> None:
    texts = _texts()
    assert set(texts) == {"en", "es"}
    assert texts["en"].keys() == texts["es"].keys()
    for key, english in texts["en"].items():
        spanish = texts["es"][key]
        fields = re.compile(r"\{\w+\}")
        assert sorted(set(fields.findall(english))) == sorted(set(fields.findall(spanish))), key
        assert re.findall(r"`[^`]+`", english) == re.findall(r"`[^`]+`", spanish), key
        assert english, key
        assert spanish, key


def test_every_text_is_used_and_every_used_text_is_there(index: _Reader) -> None:
    known = set(_texts()["en"])
    written = {value for _, attributes in index.elements for name, value in attributes.items()
               if name in {"data-text", "data-name"}}  # fmt: skip
    assert written <= known, written - known
    source = "\n".join(path.read_text(encoding="utf-8") for path in SCRIPTS if path.name != "text.js")
    said = set(re.findall(r'\bsay\("([\w-]+)"', source)) | set(re.findall(r'\.clear\("([\w-]+)"', source))
    assert said <= known, said - known
    quoted = set(re.findall(r'"([\w-]+)"', source)) | written
    made = re.compile(r"^(loading-(engine|check)|\w+-title|\w+-\d|language|about)$")
    unused = {key for key in known - quoted if not made.match(key)}
    assert not unused


def test_no_text_stands_in_the_page_itself(index: _Reader) -> None:
    allowed = {("html head title", "Hangtag"), ("html body header h1", "Hangtag")}
    texts = {(place, text) for place, text in index.texts if "stranded" not in place}
    assert texts <= allowed


def test_each_button_and_field_has_a_name(index: _Reader) -> None:
    for tag, attributes in index.elements:
        if tag in {"select", "dialog", "section", "ul", "ol"} and attributes.get("id") in {
            "stage", "result", "top", "photos-row", "settings",
        }:  # fmt: skip
            assert attributes.get("data-name") or attributes.get("aria-labelledby"), attributes
        if tag == "img":
            assert attributes.get("alt") == "", attributes
