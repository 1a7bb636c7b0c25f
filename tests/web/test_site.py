"""The phone page as files: what is in it, what of it is kept, and which models it takes."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from urllib.parse import urljoin

import pytest
from mobile_contracts import CONTRACTS, contract_of, model_of
from model_parts import joined, split
from tiny_models import whole_model

from hangtag.classifier import bundled_model
from hangtag.contract import Kernel, TensorFormat
from hangtag.errors import ModelFileError
from hangtag.model_file import CONTRACT_NAME, ModelFile, parse_model
from hangtag.web import assets
from hangtag.web.assets import MissingAssets, engine_files
from hangtag.web.site import (
    assembled,
    check_model,
    first_visit_bytes,
    gzipped,
    page_files,
    site_files,
    url_name,
)

MOST_FIRST_VISIT_BYTES = 8_000_000

FILES = {
    "index.html": b"<!doctype html>",
    "sw.js": b'const SITE = "@SITE@";\n',
    "models/m.tflite": b"model",
    "vendor/litertjs/core.js": b"core",
    "vendor/litertjs/LICENSE": b"licence",
    "vendor/litertjs/wasm/a.wasm": b"wasm",
}


def _told(files: dict[str, bytes]) -> dict[str, object]:
    script = files["sw.js"].decode()
    told: dict[str, object] = json.loads(script.removeprefix("const SITE = ").rstrip(";\n"))
    return told


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# --- putting it together -----------------------------------------------------------------------------------


def test_the_worker_is_told_every_file_that_the_page_needs_with_its_digest() -> None:
    site = assembled(FILES, "models/m.tflite", "m")
    told = _told(site)
    needed = ["index.html", "models/m.tflite", "site.json", "vendor/litertjs/core.js"]
    assert told["precache"] == {path: _sha256(site[path]) for path in needed}
    assert told["kept"] == {"vendor/litertjs/wasm/a.wasm": _sha256(b"wasm")}
    assert told["model"] == "models/m.tflite"
    facts = json.loads(site["site.json"])
    assert facts == {"model": "models/m.tflite", "name": "m", "version": told["version"]}
    assert list(site) == sorted([*FILES, "site.json"])


@pytest.mark.parametrize("path", [path for path in FILES if path != "sw.js"])
def test_any_change_is_another_version(path: str) -> None:
    before = _told(assembled(FILES, "models/m.tflite", "m"))["version"]
    again = _told(assembled(dict(reversed(FILES.items())), "models/m.tflite", "m"))["version"]
    after = _told(assembled({**FILES, path: FILES[path] + b"!"}, "models/m.tflite", "m"))["version"]
    moved = {name if name != path else f"{name}.old": data for name, data in FILES.items()}
    renamed = _told(assembled(moved, "models/m.tflite", "m"))["version"]
    assert again == before
    assert len({before, after, renamed}) == 3


def test_what_is_moved_from_one_file_to_the_next_is_another_version() -> None:
    one = assembled({**FILES, "a": b"12", "b": b"3"}, "m", "m")
    other = assembled({**FILES, "a": b"1", "b": b"23"}, "m", "m")
    assert _told(one)["version"] != _told(other)["version"]


@pytest.mark.parametrize("worker", [b"", b'"@SITE@" "@SITE@"'])
def test_a_worker_that_cannot_be_told_is_a_defect(worker: bytes) -> None:
    with pytest.raises(RuntimeError, match="must hold"):
        assembled({**FILES, "sw.js": worker}, "models/m.tflite", "m")


# --- our own files -----------------------------------------------------------------------------------------


def _references(path: str, text: str) -> set[str]:
    """Return what a file of the page loads, as it stands there."""
    if path.endswith(".js"):
        code = re.sub(r"(?m)^\s*(//|\*|/\*).*$", "", text)
        return set(re.findall(r"""\b(?:from\s+|import\s+|import\(\s*)["']([^"']+)["']""", code))
    if path.endswith(".html"):
        return {found for found in re.findall(r"""\b(?:src|href)="([^"#]+)["#]""", text) if found}
    if path.endswith(".webmanifest"):
        manifest = json.loads(text)
        return {icon["src"] for icon in manifest["icons"]} | {manifest["start_url"], manifest["scope"]}
    return set()


def test_the_page_loads_nothing_but_what_is_there_by_relative_paths() -> None:
    files = page_files()
    there = {*files, *(f"{assets.ENGINE}{name}" for name in assets.pins().files), "site.json"}
    checked = 0
    for path, data in files.items():
        if not path.endswith((".js", ".html", ".webmanifest")):
            continue
        for reference in _references(path, data.decode()):
            assert not reference.startswith(("/", "http:", "https:", "//")), (path, reference)
            found = urljoin(f"https://page/{path}", reference).removeprefix("https://page/")
            assert (found or "index.html") in there, (path, reference)
            checked += 1
    assert checked > 20


def test_the_page_names_no_other_host() -> None:
    # A namespace, and what a hint tells people to open.
    harmless = {"http://www.w3.org/2000/svg", "http://localhost"}
    for path, data in page_files().items():
        if not path.endswith(".png"):
            assert set(re.findall(r"https?://[\w./-]+", data.decode())) <= harmless, path


def test_only_what_browsers_need_is_on_the_page() -> None:
    suffixes = {Path(path).suffix for path in page_files()}
    assert suffixes <= {".html", ".css", ".js", ".svg", ".png", ".webmanifest", ".json"}


def test_the_files_are_found_without_a_server() -> None:
    program = "import sys; import hangtag.web.site; print({'starlette', 'uvicorn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


# --- the engine's files ------------------------------------------------------------------------------------


def test_an_installation_without_the_engine_says_which_command_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingAssets, match="run `make web-assets` in a clone") as caught:
        engine_files(tmp_path)
    assert "\n" not in str(caught.value)


def test_every_file_of_the_engine_is_compared_with_its_pin(web_assets: None, tmp_path: Path) -> None:
    files = engine_files()
    for path, data in files.items():
        place = tmp_path / path.removeprefix(assets.ENGINE)
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(data)
    assert engine_files(tmp_path) == files
    for path, data in files.items():
        name = path.removeprefix(assets.ENGINE)
        if name == assets.VERSIONS:
            continue
        (tmp_path / name).write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        with pytest.raises(MissingAssets, match=re.escape(name)):
            engine_files(tmp_path)
        (tmp_path / name).write_bytes(data)


def test_the_engine_travels_with_its_licence_and_says_what_was_changed(web_assets: None) -> None:
    files = engine_files()
    assert b"Apache License" in files["vendor/litertjs/LICENSE"]
    notice = files["vendor/litertjs/NOTICE.txt"].decode()
    core, utils = files["vendor/litertjs/core.js"], files["vendor/litertjs/wasm-utils.js"]
    assert "Hangtag changed core.js" in notice
    assert core.startswith(b"// Changed by Hangtag")
    assert b'from "./wasm-utils.js"' in core
    assert b"sourceMappingURL" not in core + utils
    versions = json.loads(files["vendor/litertjs/VERSIONS.json"])
    assert versions["packages"].keys() == {"@litertjs/core", "@litertjs/wasm-utils"}
    assert all(version in notice for version in versions["packages"].values())


# --- the model ---------------------------------------------------------------------------------------------


def _model(**changes: object) -> ModelFile:
    """Return a model that was never packed: what looks at contracts alone need not have one."""
    model = parse_model(model_of("plain"), "folder/plain.tflite")
    spec = dataclasses.replace(model.contract.input, **changes)
    return dataclasses.replace(model, contract=model.contract.replace(input=spec))


@pytest.mark.parametrize("kernel", [Kernel.LINEAR, Kernel.AREA])
def test_a_kernel_that_is_not_exact_is_refused_in_one_line(kernel: Kernel) -> None:
    with pytest.raises(
        ModelFileError, match=rf"plain.tflite: .* kernel {kernel.value}, .*halved-linear-exact"
    ):
        check_model(_model(kernel=kernel))


@pytest.mark.parametrize("kernel", [Kernel.LINEAR_EXACT, Kernel.HALVED])
def test_exact_kernels_are_taken(kernel: Kernel) -> None:
    check_model(_model(kernel=kernel))


@pytest.mark.parametrize("dtype", ["int8", "int16"])
def test_tensors_that_the_engine_has_not_are_refused_in_one_line(dtype: str) -> None:
    with pytest.raises(ModelFileError, match=rf"its input is {dtype}, .*--format int8"):
        check_model(_model(tensor=TensorFormat(dtype=dtype, scale=1 / 128, zero_point=0)))
    model = _model()
    output = dataclasses.replace(
        model.contract.output, tensor=TensorFormat(dtype=dtype, scale=1 / 256, zero_point=0)
    )
    with pytest.raises(ModelFileError, match=f"its output is {dtype}"):
        check_model(dataclasses.replace(model, contract=model.contract.replace(output=output)))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("clothing.tflite", "clothing.tflite"),
        ("Clothing v2 (int8).TFLITE", "Clothing-v2-int8.tflite"),
        ("../../etc/passwd", "passwd.tflite"),
        ("C:\\models\\a.tflite", "a.tflite"),
        ("a.b.tflite", "a.b.tflite"),
        (".tflite", "model.tflite"),
        ("..", "model.tflite"),
        ("", "model.tflite"),
        ("été?x=1#y%2e.tflite", "ete-x-1-y-2e.tflite"),
        ("字", "model.tflite"),
        ("\u202egnp\x00\n.tflite", "gnp.tflite"),
        ("x" * 300, "x" * 80 + ".tflite"),
    ],
)
def test_the_model_keeps_its_name_as_far_as_a_url_takes_it(name: str, expected: str) -> None:
    assert url_name(name) == expected


@pytest.mark.parametrize("name", sorted(set(CONTRACTS) - {"int8", "int16", "logits"}))
def test_a_model_goes_into_the_site_as_it_is(web_assets: None, name: str) -> None:
    files = site_files(parse_model(model_of(name), "mine.tflite"), "mine.tflite")
    assert files["models/mine.tflite"] == model_of(name)
    assert json.loads(files["site.json"])["name"] == contract_of(name).name


@pytest.mark.parametrize("name", ["int8", "int16"])
def test_a_model_that_no_browser_runs_is_refused_before_anything_else(name: str) -> None:
    with pytest.raises(ModelFileError, match=f"is {name}"):
        site_files(parse_model(model_of(name), "mine.tflite"))


def test_a_compressed_contract_is_unpacked_for_the_page(web_assets: None) -> None:
    flatbuffer, parts = split(model_of("plain"))
    packed = io.BytesIO(flatbuffer)
    with zipfile.ZipFile(packed, "a", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    model = parse_model(packed.getvalue(), "packed.tflite")
    served = site_files(model, "packed.tflite")["models/packed.tflite"]
    with zipfile.ZipFile(io.BytesIO(served)) as archive:
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}
    assert parse_model(served, "served").contract == model.contract


def test_a_contract_of_an_older_schema_is_brought_up_to_date_for_the_page(web_assets: None) -> None:
    flatbuffer, parts = split(whole_model(CONTRACTS["plain"]))
    older = json.loads(parts[CONTRACT_NAME])
    assert older["schema_version"] == 3
    older["schema_version"] = 2
    del older["calibration"]["energy_threshold"]
    data = joined(flatbuffer, {**parts, CONTRACT_NAME: json.dumps(older).encode()})
    model = parse_model(data, "older.tflite")
    served = site_files(model, "older.tflite")["models/older.tflite"]
    assert json.loads(split(served)[1][CONTRACT_NAME])["schema_version"] == 3
    assert parse_model(served, "served").contract == model.contract


# --- its size ----------------------------------------------------------------------------------------------


def test_a_first_visit_is_small(web_assets: None) -> None:
    files = site_files(bundled_model(), "clothing.tflite")
    total = first_visit_bytes(files)
    print(f"\na first visit, compressed: {total / 1e6:.2f} MB")
    assert total <= MOST_FIRST_VISIT_BYTES
    wasm = next(data for path, data in files.items() if path.endswith("threaded_internal.wasm"))
    assert total > len(gzipped(wasm) or b"")


def test_compressed_files_are_the_same_each_time() -> None:
    data = b"the same " * 1000
    packed = gzipped(data)
    assert packed is not None
    assert packed == gzipped(data)
    assert gzipped(bytes(range(256))) is None
