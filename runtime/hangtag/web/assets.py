"""The engine's files: LiteRT.js, which is not in the repository and comes from pinned npm packages.

``vendor.json`` pins every file by its digest. What is in ``vendor`` is looked at each time it is used: a page
with another version of the engine, or half of one, would be wrong in ways that nobody sees.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hangtag.errors import HangtagError

ENGINE = "vendor/litertjs/"
"""Where the engine's files stand below the page's root."""

WASM = f"{ENGINE}wasm/"
"""Where its builds stand: a browser fetches one of them."""

VERSIONS = "VERSIONS.json"
"""What the engine's folder says of itself: the pins it was made by."""

LEGAL = ("LICENSE", "NOTICE.txt", VERSIONS)
"""Files that travel with the engine and that no browser needs."""

_HERE = Path(__file__).parent
PINS = _HERE / "vendor.json"
"""What the engine must be; :func:`pins` reads it."""

FOLDER = _HERE / "vendor" / "litertjs"
"""Where ``make web-assets`` puts the engine's files."""


class MissingAssets(HangtagError):  # noqa: N818 - a state of the installation, like MissingExtra
    """The engine's files are not there, or are not those that this version of Hangtag goes with."""


@dataclass(frozen=True, slots=True)
class Pins:
    """What the engine is: ``packages`` (npm name: version) and ``files`` (path: SHA-256, hexadecimal)."""

    packages: Mapping[str, str]
    files: Mapping[str, str]

    def to_bytes(self) -> bytes:
        """Return them as the text that ``vendor.json`` and ``VERSIONS.json`` hold."""
        plain = {"packages": dict(sorted(self.packages.items())), "sha256": dict(sorted(self.files.items()))}
        return (json.dumps(plain, indent=2) + "\n").encode()


def pins() -> Pins:
    """Return what this version of Hangtag goes with."""
    plain: dict[str, Any] = json.loads(PINS.read_bytes())
    return Pins(plain["packages"], plain["sha256"])


def engine_files(folder: Path | None = None) -> dict[str, bytes]:
    """Return the engine's files by their paths below the page's root, each compared with its pin.

    Raises:
        MissingAssets: one is not there, or is another.
    """
    wanted = pins()
    files = {
        f"{ENGINE}{name}": _checked(folder or FOLDER, name, digest) for name, digest in wanted.files.items()
    }
    return {**files, f"{ENGINE}{VERSIONS}": wanted.to_bytes()}


def _checked(folder: Path, name: str, digest: str) -> bytes:
    try:
        data = folder.joinpath(*name.split("/")).read_bytes()
    except OSError:
        raise MissingAssets(
            f"this installation lacks the page's engine, LiteRT.js ({name}): run `make web-assets` in a "
            "clone of the project, or install a wheel that `make wheel` built there"
        ) from None
    if hashlib.sha256(data).hexdigest() != digest:
        raise MissingAssets(
            f"the page's engine is not the one that this version of Hangtag goes with ({name} is another "
            "file): run `make web-assets` in a clone of the project"
        )
    return data
