"""Our own wheel, and the ARM wheels of what it depends on."""

from __future__ import annotations

import email.parser
import hashlib
import importlib.metadata
import importlib.util
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from arm64.tools import fail, run

PROJECT = Path(__file__).resolve().parents[2]

_PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input")

_TAGS = ("manylinux2014", "manylinux_2_17", "manylinux_2_27", "manylinux_2_28", "manylinux_2_34")

_HEADLESS = {"opencv-python": "opencv-python-headless"}
"""There are no desktop libraries in the emulated system, whichever of the two builds is here."""


def build_wheel(folder: Path) -> Path:
    """Build the project's wheel, of the tree as it is, into an empty folder.

    Raises:
        SystemExit: it cannot be built.
    """
    # What builds it need not be fetched where it is here.
    isolation = ["--no-build-isolation"] if importlib.util.find_spec("hatchling") else []
    run([*_PIP, "wheel", "--quiet", "--no-deps", *isolation, "--wheel-dir", str(folder), str(PROJECT)])
    (wheel,) = folder.glob("*.whl")
    return wheel


def requirements(wheel: Path) -> list[Requirement]:
    """Return what a wheel says that it depends on, extras and all."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        text = archive.read(name).decode("utf-8")
    fields = email.parser.Parser().parsestr(text).get_all("Requires-Dist", [])
    return [Requirement(field) for field in fields]


def pins(wanted: Iterable[Requirement], python_version: str) -> list[str]:
    """Return ``name==version`` of all that is wanted without an extra, and of what that wants in its turn.

    Versions are those that are installed here: what is compared must not differ in them.

    Args:
        wanted: what to start from.
        python_version: of the emulated system's Python, such as ``3.11``.

    Raises:
        SystemExit: one of them is not installed here.
    """
    there = {
        "extra": "",
        "platform_machine": "aarch64",
        "python_full_version": f"{python_version}.0",
        "python_version": python_version,
        "sys_platform": "linux",
    }
    found: dict[str, str] = {}
    left = list(wanted)
    while left:
        requirement = left.pop()
        name = canonicalize_name(requirement.name)
        if name in found or not (requirement.marker is None or requirement.marker.evaluate(there)):
            continue
        here = _installed(name)
        found[name] = here.version
        left += [Requirement(line) for line in here.requires or ()]
    return sorted(f"{_HEADLESS.get(name, name)}=={version}" for name, version in found.items())


def _installed(name: str) -> importlib.metadata.Distribution:
    names = (name, _HEADLESS.get(name, name))
    found = [found for one in names for found in importlib.metadata.distributions(name=one)]
    if not found:
        fail(f"{name} is not installed here: run this with the Python that hangtag is installed in")
    return found[0]


def install_dependencies(site_packages: Path, python_version: str, wanted: Iterable[str]) -> None:
    """Download ARM wheels and unpack them; ``wanted`` is the whole list, with versions.

    Raises:
        SystemExit: pip failed.
    """
    run(
        [
            *(*_PIP, "install", "--quiet", "--no-compile", "--no-deps", "--only-binary=:all:"),
            *("--target", str(site_packages), "--implementation", "cp", "--python-version", python_version),
            *(option for tag in _TAGS for option in ("--platform", f"{tag}_aarch64")),
            *wanted,
        ]
    )


def installation(python: Path, wheel: Path) -> list[str]:
    """Return the command that lets pip install our wheel, on the emulated CPU, in place of an earlier one."""
    return [
        *(*_PIP, "--python", str(python), "install", "--quiet", "--no-compile", "--no-index"),
        *("--no-deps", "--force-reinstall", str(wheel)),
    ]


def digest() -> str:
    """Return a digest of how wheels are installed."""
    return hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
