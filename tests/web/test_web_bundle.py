"""``hangtag bundle --for web``: the same files as the server's, and how to host them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from mobile_contracts import model_of

from hangtag.cli import main
from hangtag.model_file import parse_model
from hangtag.web import assets
from hangtag.web.headers import ALWAYS, ISOLATION
from hangtag.web.site import site_files


def _bundle(folder: Path, model: bytes, *options: str) -> Result:
    (folder / "my model.tflite").write_bytes(model)
    command = [
        "bundle",
        str(folder / "my model.tflite"),
        "--for",
        "web",
        "--out",
        str(folder / "out"),
        *options,
    ]
    return CliRunner().invoke(main, command)


def _contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize("case", ["clothing", "hostile", "grey", "letterbox", "sigmoid"])
def test_the_folder_is_what_the_server_serves_and_how_to_host_it(
    web_assets: None, tmp_path: Path, case: str
) -> None:
    result = _bundle(tmp_path, model_of(case))
    assert result.exit_code == 0, result.output
    assert (result.stdout, result.stderr.count("\n")) == ("", 1)
    files = _contents(tmp_path / "out")
    model = parse_model(model_of(case), "model")
    assert files == site_files(model, "my model.tflite") | {
        name: files[name] for name in ("README.md", "_headers")
    }
    assert files["models/my-model.tflite"] == model_of(case)
    readme = files["README.md"].decode()
    assert "@@" not in readme
    assert "\u202e" not in readme
    assert 'Classifier.load("models/my-model.tflite")' in readme
    assert max(map(len, re.sub(r"(?m)^\|.*$", "", readme).splitlines()[3:])) <= 120


def test_hosts_are_told_what_threads_need(web_assets: None, tmp_path: Path) -> None:
    assert _bundle(tmp_path, model_of("plain")).exit_code == 0
    files = _contents(tmp_path / "out")
    readme = files["README.md"].decode()
    for name, value in ISOLATION.items():
        assert f'add_header {name} "{value}" always;' in readme
        assert f'    {name} "{value}"\n' in readme
    first, *lines = files["_headers"].decode().splitlines()
    assert first == "/*"
    assert dict(line.strip().split(": ", 1) for line in lines) == ALWAYS


def test_the_same_model_gives_the_same_folder(web_assets: None, tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        assert _bundle(tmp_path / name, model_of("plain")).exit_code == 0
    assert _contents(tmp_path / "first" / "out") == _contents(tmp_path / "second" / "out")


def test_what_cannot_be_bundled_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = [(model_of("int8"), "its input is int8"), (b"nothing of the kind", "not a TFLite model")]
    for model, words in cases:
        result = _bundle(tmp_path, model)
        assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
        assert words in result.stderr
    monkeypatch.setattr(assets, "FOLDER", tmp_path / "no engine")
    result = _bundle(tmp_path, model_of("plain"))
    assert result.exit_code == 1
    assert "run `make web-assets`" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["my model.tflite"]


def test_a_package_is_kotlins(web_assets: None, tmp_path: Path) -> None:
    result = _bundle(tmp_path, model_of("plain"), "--package", "com.example.a")
    assert result.exit_code == 2
    assert "for web" in result.stderr
