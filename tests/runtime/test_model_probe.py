"""What could still kill is loaded once in a child process: death is one line, passing is remembered."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from crafting import crashing, indices, seed, with_tables
from model_parts import whole

from hangtag.cli import main
from hangtag.errors import ModelFileError
from hangtag.model_probe import open_untrusted, probe, try_in_child, verdict
from hangtag.tflite_schema import read_model_info

TILE = 69


def _endless() -> bytes:
    """A model whose loop counts backwards."""

    def edit(tables: Any) -> None:
        for buffer in tables.buffers:
            if buffer.data is not None and bytes(buffer.data) == b"\1\0\0\0":
                buffer.data = np.full(4, 255, np.uint8)

    return with_tables(seed("looping-float32"), edit)


def _greedy() -> bytes:
    """A model that asks for four GiB only as it runs: a row of numbers, repeated."""

    def edit(tables: Any) -> None:
        graph = tables.subgraphs[0]
        codes = [entry.deprecatedBuiltinCode for entry in tables.operatorCodes]
        tile = next(entry for entry in graph.operators if codes[entry.opcodeIndex] == TILE)
        times = graph.tensors[tile.inputs[1]]
        tables.buffers[times.buffer].data = np.frombuffer(indices(1, 2**28).tobytes(), np.uint8)

    return with_tables(seed("looping-float32"), edit)


@pytest.mark.parametrize(
    ("craft", "said"),
    [
        (crashing, r"crashes the engine litert \(SIG"),
        (_greedy, "too little memory"),
        (_endless, "within 2 s"),
    ],
)
def test_what_kills_the_engine_is_one_line(craft: Callable[[], bytes], said: str) -> None:
    data = craft()
    read_model_info(data)
    reason = try_in_child(data, threads=1, engine="litert", timeout_s=2)
    assert reason is not None
    assert reason.isprintable()
    assert re.search(said, reason), reason


@pytest.mark.parametrize("name", ["plain-int8", "plain-int16", "assorted-float32", "looping-float32"])
def test_an_honest_model_passes(name: str) -> None:
    assert try_in_child(seed(name), threads=2, engine="litert") is None


def test_a_command_ends_in_one_line_and_not_in_a_signal(tmp_path: Path) -> None:
    path = tmp_path / "crash.tflite"
    path.write_bytes(whole(crashing()))
    done = subprocess.run(
        [sys.executable, "-m", "hangtag", "verify", str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"Error: {path}: it crashes the engine litert (SIG")
    assert done.stdout == ""


@pytest.fixture
def tries(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The models that were tried in a child process so far, one after the other."""
    tried: list[bytes] = []

    def counted(data: bytes, **options: Any) -> str | None:
        tried.append(data)
        return try_in_child(data, **options)

    monkeypatch.setattr("hangtag.model_probe.try_in_child", counted)
    return tried


def test_a_model_that_passed_is_not_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tries: list[bytes]
) -> None:
    monkeypatch.setenv("HANGTAG_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "model.tflite"
    path.write_bytes(whole(seed("plain-int8")))
    for _ in range(2):
        open_untrusted(path)
    assert len(tries) == 1
    # Other threads run other code, another file is another model, and a failure is no proof of anything.
    open_untrusted(path, threads=2)
    path.write_bytes(whole(seed("plain-float32")))
    open_untrusted(path)
    assert len(tries) == 3
    for _ in range(2):
        with pytest.raises(ModelFileError, match="crashes"):
            probe(crashing(), "model")
    assert len(tries) == 5


def test_without_a_place_to_remember_models_are_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tries: list[bytes]
) -> None:
    model = seed("plain-int8")
    (tmp_path / "cache").write_text("a file where the folder should be")
    monkeypatch.setenv("HANGTAG_CACHE", str(tmp_path / "cache"))
    for _ in range(2):
        probe(model, "model")
    assert tries == [model] * 2
    monkeypatch.delenv("HANGTAG_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", _no_home)
    for _ in range(2):
        probe(model, "model")
    assert tries == [model] * 4


def _no_home() -> Path:
    raise RuntimeError("Could not determine home directory.")


def test_the_bundled_model_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hangtag.model_probe.try_in_child", None)
    assert CliRunner().invoke(main, ["verify"]).exit_code == 0


def test_files_in_the_users_folder_do_not_become_modules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("json", "numpy", "hangtag"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(9)")
    monkeypatch.chdir(tmp_path)
    assert try_in_child(seed("plain-int8"), threads=1, engine="litert") is None


def test_the_child_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    try_in_child(crashing(), threads=1, engine="litert")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("returncode", "answer", "said"),
    [
        (0, b"", None),
        (0, b"two\nlines", "two lines"),
        (-11, b"", "SIGSEGV"),
        (-6, b"ignored", "SIGABRT"),
        (-99, b"", "signal 99"),
        (3, b"", "exit code 3"),
    ],
)
def test_every_end_of_the_child_has_a_line(returncode: int, answer: bytes, said: str | None) -> None:
    found = verdict(returncode, answer, "litert")
    assert found is None if said is None else said in str(found)


def test_an_engine_that_is_not_known_or_not_there_is_said_so() -> None:
    with pytest.raises(ValueError, match="engine is 'other'"):
        probe(seed("plain-int8"), "model", engine="other")
    if not _installed("tflite_runtime"):
        with pytest.raises(ModuleNotFoundError):
            probe(seed("plain-int8"), "model", engine="tflite-runtime")


def _installed(module: str) -> bool:
    try:
        __import__(module)
    except ImportError:
        return False
    return True
