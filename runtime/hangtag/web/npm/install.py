"""Puts the phone page's engine in place: what ``make web-assets`` runs.

npm fetches what ``package-lock.json`` pins into a folder that is removed again; what the page needs of it
goes to ``hangtag/web/vendor``. Every file is compared with ``vendor.json``.

To move to another version of the engine, change ``package.json``, write the lock anew (``npm install
--package-lock-only`` in this folder) and then the pins (``--pin``), and look at the differences.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from hangtag.files import write_bytes
from hangtag.web import assets

_HERE = Path(__file__).parent
_LICENCE = _HERE.parents[3] / "LICENSE"
"""Ours is the text of the licence and nothing else, and the engine's is the same."""

_BUILDS = ("compat_internal", "internal", "jspi_internal", "threaded_internal")
_BARE_IMPORT = b'from "@litertjs/wasm-utils"'
_CHANGED = b"// Changed by Hangtag: NOTICE.txt beside this file says how.\n"


def main() -> None:
    """Fetch, change, compare, put in place."""
    arguments = sys.argv[1:]
    if arguments not in ([], ["--pin"]):
        sys.exit(f"usage: python {sys.argv[0]} [--pin]")
    files, pins = fetched()
    if arguments:
        write_bytes(assets.PINS, pins.to_bytes())
    wrong = differences(assets.pins(), pins)
    if wrong:
        sys.exit(f"npm brought another engine than vendor.json pins: {', '.join(wrong)}")
    put(files, pins, assets.FOLDER)
    size_mb = sum(map(len, files.values())) / 1e6
    print(
        f"{len(files)} files of the page's engine, {size_mb:.1f} MB, are in {assets.FOLDER}", file=sys.stderr
    )


def fetched() -> tuple[dict[str, bytes], assets.Pins]:
    """Return the engine's files and what they are."""
    if shutil.which("npm") is None:
        sys.exit("npm is missing, which fetches the page's engine: sudo apt install npm")
    with tempfile.TemporaryDirectory() as folder:
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(_HERE / name, folder)
        done = subprocess.run(["npm", "ci", "--no-progress", "--loglevel=error"], cwd=folder, check=False)  # noqa: S607
        if done.returncode != 0:
            sys.exit("npm could not fetch the page's engine: see above")
        return engine(Path(folder) / "node_modules")


def engine(modules: Path) -> tuple[dict[str, bytes], assets.Pins]:
    """Return what the page needs of a ``node_modules`` folder, changed as NOTICE.txt says, and what it is."""
    core, utils = modules / "@litertjs" / "core", modules / "@litertjs" / "wasm-utils"
    versions = {f"@litertjs/{folder.name}": _version(folder) for folder in (core, utils)}
    files = {
        "core.js": _without_bare_import((core / "dist" / "index.js").read_bytes()),
        "wasm-utils.js": _without_map((utils / "dist" / "index.js").read_bytes()),
        "LICENSE": _LICENCE.read_bytes(),
        "NOTICE.txt": _notice(*versions.values()),
    }
    for build in _BUILDS:
        for name in (f"litert_wasm_{build}.js", f"litert_wasm_{build}.wasm"):
            files[f"wasm/{name}"] = (core / "wasm" / name).read_bytes()
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    return files, assets.Pins(versions, digests)


def differences(wanted: assets.Pins, got: assets.Pins) -> list[str]:
    """Return what differs, named, in order."""
    return sorted(
        name
        for one, other in ((wanted.packages, got.packages), (wanted.files, got.files))
        for name in {*one, *other}
        if one.get(name) != other.get(name)
    )


def put(files: dict[str, bytes], pins: assets.Pins, folder: Path) -> None:
    """Put files in place of those that are there; what tells of them comes last."""
    shutil.rmtree(folder, ignore_errors=True)
    for name, data in files.items():
        write_bytes(folder.joinpath(*name.split("/")), data)
    write_bytes(folder / assets.VERSIONS, pins.to_bytes())


def _version(package: Path) -> str:
    facts = json.loads((package / "package.json").read_bytes())
    if facts["license"] != "Apache-2.0":
        sys.exit(
            f"{facts['name']} is now under {facts['license']}: NOTICE.txt and LICENSE are about Apache-2.0"
        )
    return str(facts["version"])


def _without_bare_import(script: bytes) -> bytes:
    if script.count(_BARE_IMPORT) != 1:
        sys.exit("@litertjs/core no longer imports @litertjs/wasm-utils in one place: look at it")
    return _without_map(script.replace(_BARE_IMPORT, b'from "./wasm-utils.js"'))


def _without_map(script: bytes) -> bytes:
    lines = script.splitlines(keepends=True)
    return _CHANGED + b"".join(line for line in lines if not line.startswith(b"//# sourceMappingURL="))


def _notice(core: str, utils: str) -> bytes:
    return (_HERE / "NOTICE.txt").read_text(encoding="utf-8").format(core=core, utils=utils).encode()


if __name__ == "__main__":
    main()
