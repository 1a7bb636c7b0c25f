"""Where Hangtag keeps what it can make again: prepared data sets, downloads, features, models tried once."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """Return the cache's folder, which need not exist yet; everything below it may be deleted at any time.

    It is ``$HANGTAG_CACHE`` where that is set, else ``$XDG_CACHE_HOME/hangtag``, else ``~/.cache/hangtag``.
    """
    own = os.environ.get("HANGTAG_CACHE")
    if own:
        return Path(own)
    shared = os.environ.get("XDG_CACHE_HOME")
    # The XDG base directory specification has relative paths ignored.
    root = Path(shared) if shared and Path(shared).is_absolute() else Path.home() / ".cache"
    return root / "hangtag"
