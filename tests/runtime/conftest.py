"""What tests of the runtime share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the tests' own: none leaves anything in the user's, nor finds anything there."""
    folder = tmp_path_factory.getbasetemp() / "runtime-cache"
    monkeypatch.setenv("HANGTAG_CACHE", str(folder))
    return folder
