"""An engine in another Python: what must be there, what it is lent, and what the command says."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from hangtag.cli import main
from hangtag_benchmarks.engines import registry
from hangtag_benchmarks.engines.other_python import lent_packages, why_missing_there
from hangtag_benchmarks.engines.registry import KINDS, why_missing

KIND = KINDS["mediapipe"]
PACKAGED = [name for name, kind in KINDS.items() if kind.modules]
"""Engines that are Python packages."""


@pytest.mark.parametrize("name", PACKAGED)
def test_every_engine_says_how_to_get_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry.importlib.util, "find_spec", lambda _: None)
    reason = why_missing(KINDS[name])
    assert reason == f"not installed ({', '.join(KINDS[name].modules)}); {KINDS[name].how}"
    assert "\n" not in reason


@pytest.mark.parametrize("name", PACKAGED)
def test_so_it_does_in_another_python(name: str) -> None:
    kind = dataclasses.replace(KINDS[name], modules=("no_such_module", "json"))
    assert why_missing_there(kind, sys.executable) == f"not installed there (no_such_module); {kind.how}"


def test_what_is_there_is_not_missing() -> None:
    assert why_missing_there(KINDS["litert"], sys.executable) is None


def _program(folder: Path, lines: str) -> str:
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{lines}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


@pytest.mark.skipif(sys.platform == "win32", reason="the programs are shell scripts")
@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("exit 0", "python is no Python that answers"),
        ("echo '[]'", "python is no Python that answers"),
        ('echo \'{"version": [3, 9], "missing": []}\'', "python is Python 3.9; wanted 3.10 or newer"),
    ],
)
def test_a_program_that_will_not_do_is_named(lines: str, expected: str, tmp_path: Path) -> None:
    assert why_missing_there(KIND, _program(tmp_path, lines)) == f"{expected}; {KIND.how}"


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    reason = why_missing_there(KIND, str(tmp_path / "gone"))
    assert reason == f"cannot start gone: No such file or directory; {KIND.how}"


@pytest.mark.parametrize("may_link", [True, False], ids=["links", "copies"])
def test_another_python_is_lent_our_packages_and_no_others(
    may_link: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError("not allowed")

    if not may_link:
        monkeypatch.setattr(Path, "symlink_to", refused)
    lent = lent_packages(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"hangtag", "hangtag_benchmarks"}
    assert (tmp_path / "hangtag").is_symlink() == may_link
    done = subprocess.run(
        # Without its own packages, as a Python that has none of them.
        [sys.executable, "-S", "-c", "import hangtag_benchmarks; print(hangtag_benchmarks.__file__)"],
        env={**os.environ, **lent},
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(done.stdout.strip()).parent == tmp_path / "hangtag_benchmarks"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--python", "litert"), "wanted ENGINE=PATH, the engine one of litert,"),
        (("--python", "abacus=python3"), "'abacus=python3'; wanted ENGINE=PATH"),
        (("--python", "litert=no/such/python"), "'no/such/python' is no program that can be started"),
        (
            ("--engine", "litert", "--python", f"mediapipe={sys.executable}"),
            "--python mediapipe=… has no use without --engine mediapipe",
        ),
    ],
)
def test_the_option_says_what_it_wants(arguments: tuple[str, ...], expected: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["benchmark", *arguments, "--report", str(tmp_path / "report")])
    assert done.exit_code == 2
    assert expected in " ".join(done.stderr.replace("\n", " ").split())
    assert not (tmp_path / "report").exists()


def test_a_row_comes_out_of_another_python(
    model_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A path from where the command is started, though its processes start elsewhere.
    monkeypatch.chdir(Path(sys.executable).parent)
    python = f"litert=./{Path(sys.executable).name}"
    options = ("--quick", "--rounds", "1", "--engine", "litert", "--python", python, "--json")
    done = CliRunner().invoke(
        main, ["benchmark", str(model_path), *options, "--report", str(tmp_path / "report")]
    )
    assert done.exit_code == 0, done.output
    (row,) = json.loads(done.stdout)["rows"]
    assert row["engine"] == "litert"
