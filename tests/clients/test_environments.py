"""An environment is made once, whole or not at all, and what it lacks is said."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from client_environments import ClientEnvironment, EnvironmentUnavailable, python_in


@pytest.fixture
def empty(tmp_path: Path) -> ClientEnvironment:
    """An environment of nothing but Python, which needs no registry."""
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("# nothing\n")
    return ClientEnvironment("empty", requirements, (sys.version_info[:2],), check="import json")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "environments"


def _stamped(root: Path) -> Path:
    """Leave a file in the environment, which goes when it is made again."""
    stamp = root / "empty" / "stamp"
    stamp.touch()
    return stamp


def test_one_is_made_however_many_ask_and_used_again(empty: ClientEnvironment, root: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        pythons = set(pool.map(lambda _: python_in(empty, root), range(4)))
    (python,) = pythons
    where = subprocess.run(
        [python, "-c", "import sys; print(sys.prefix)"], check=True, capture_output=True, text=True
    )
    assert Path(where.stdout.strip()) == root / "empty"
    stamp = _stamped(root)
    assert python_in(empty, root) == python
    assert stamp.exists()


def test_other_requirements_make_another_one(empty: ClientEnvironment, root: Path) -> None:
    python_in(empty, root)
    stamp = _stamped(root)
    empty.requirements.write_text("# nothing, said otherwise\n")
    python_in(empty, root)
    assert not stamp.exists()


@pytest.mark.parametrize("scrap", ["made-from.txt", "bin/python"], ids=["killed half way", "Python gone"])
def test_what_is_not_whole_is_made_again(empty: ClientEnvironment, root: Path, scrap: str) -> None:
    python = python_in(empty, root)
    (root / "empty" / scrap).unlink()
    stamp = _stamped(root)
    assert python_in(empty, root) == python
    assert python.exists()
    assert not stamp.exists()


def test_a_client_that_does_not_start_leaves_nothing(empty: ClientEnvironment, root: Path) -> None:
    broken = dataclasses.replace(empty, check="raise OSError('libGLESv2.so.2: cannot open')")
    with pytest.raises(EnvironmentUnavailable, match=r"does not start here: .*libGLESv2\.so\.2"):
        python_in(broken, root)
    assert not (root / "empty").exists()


def test_a_missing_python_is_named(empty: ClientEnvironment, root: Path) -> None:
    old = dataclasses.replace(empty, pythons=((3, 4), (3, 5)))
    with pytest.raises(EnvironmentUnavailable, match=r"empty needs Python 3\.4 or 3\.5"):
        python_in(old, root)


@pytest.mark.parametrize(
    ("index", "requirement", "said"),
    [
        ("http://127.0.0.1:9/simple", "hangtag-needs-this==1.0", "registry, which cannot be reached"),
        (None, "hangtag-needs-this==1.0", "does not find for this machine"),
    ],
    ids=["no registry", "no such package"],
)
def test_what_pip_cannot_get_is_said(
    empty: ClientEnvironment,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    index: str | None,
    requirement: str,
    said: str,
) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    if index is None:
        monkeypatch.setenv("PIP_NO_INDEX", "1")
    else:
        monkeypatch.setenv("PIP_INDEX_URL", index)
    empty.requirements.write_text(requirement + "\n")
    with pytest.raises(EnvironmentUnavailable, match=said):
        python_in(empty, root)
    assert not (root / "empty").exists()


def test_wrong_requirements_are_no_reason_to_skip(empty: ClientEnvironment, root: Path) -> None:
    empty.requirements.write_text("this is no requirement\n")
    with pytest.raises(RuntimeError, match="pip cannot install"):
        python_in(empty, root)
    assert not (root / "empty").exists()
