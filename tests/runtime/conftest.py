"""What tests of the runtime share."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from kept_colours import model, record

from hangtag.result import Result


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the tests' own: none leaves anything in the user's, nor finds anything there."""
    folder = tmp_path_factory.getbasetemp() / "runtime-cache"
    monkeypatch.setenv("HANGTAG_CACHE", str(folder))
    return folder


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Result]]:
    """A folder with a record, and the results that are in it. Do not change it: copy it."""
    folder = tmp_path_factory.mktemp("recorded")
    return folder, record(folder)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "tiny.tflite"
    path.write_bytes(model().data)
    return path


@pytest.fixture
def copy(recorded: tuple[Path, list[Result]], tmp_path: Path) -> Path:
    """The only segment of a copy of the record."""
    (segment,) = shutil.copytree(recorded[0], tmp_path / "copy").iterdir()
    return segment
