"""Says whether a wheel holds the phone page, its engine and its licence: ``check_wheel.py WHEEL``."""

from __future__ import annotations

import hashlib
import sys
import zipfile
from pathlib import Path

from hangtag.web.assets import ENGINE, VERSIONS, pins
from hangtag.web.site import INDEX


def main() -> None:
    """Look into the wheel named on the command line."""
    if len(sys.argv) != 2:
        sys.exit(f"usage: python {sys.argv[0]} WHEEL")
    wheel = Path(sys.argv[1])
    wrong = faults(wheel)
    if wrong:
        sys.exit(f"{wheel.name} is not complete: {', '.join(wrong)}; run: make web-assets")
    print(
        f"{wheel}: {wheel.stat().st_size / 1e6:.1f} MB, with the phone page and its engine", file=sys.stderr
    )


def faults(wheel: Path) -> list[str]:
    """Return what is missing in a wheel, other than pinned, or too much; nothing where all is well."""
    wanted = pins()
    digests = {f"{ENGINE}{name}": digest for name, digest in wanted.files.items()}
    digests[f"{ENGINE}{VERSIONS}"] = hashlib.sha256(wanted.to_bytes()).hexdigest()
    root = "hangtag/web/"
    with zipfile.ZipFile(wheel) as archive:
        names = {name.removeprefix(root) for name in archive.namelist() if name.startswith(root)}
        wrong = [f"{name} is missing" for name in (*digests, f"page/{INDEX}") if name not in names]
        wrong += [
            f"{name} is another file"
            for name in sorted(names & set(digests))
            if hashlib.sha256(archive.read(root + name)).hexdigest() != digests[name]
        ]
    return wrong + [f"{name} does not belong there" for name in sorted(names) if name.startswith("npm/")]


if __name__ == "__main__":
    main()
