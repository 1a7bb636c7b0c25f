"""Debian's arm64 packages, downloaded and unpacked, without touching this machine's own."""

from __future__ import annotations

import hashlib
import platform
import shutil
from pathlib import Path
from typing import Any

from arm64.tools import answer, fail, run

# Python with what its extension modules and those in wheels load, and the files that say which Debian it is.
_PACKAGES = ("base-files", "libstdc++6", "python3")

# The host's configuration is read first, for its sources, keys and proxies; this then turns apt away from the
# host's state. Hooks are cleared because they may clean the host's caches.
_APT_CONFIGURATION = """\
#clear APT::Architectures;
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Invoke;
#clear DPkg::Post-Invoke;
#clear DPkg::Pre-Install-Pkgs;
APT::Architecture "arm64";
APT::Architectures {{ "arm64"; }};
APT::Sandbox::User "root";
Dir::State "{apt}/state";
Dir::State::status "{apt}/status";
Dir::Cache "{apt}/cache";
"""

# Another release's packages, from where this machine gets its own and with the same keys.
_OTHER_RELEASE = """\
Dir::Etc::sourcelist "{apt}/sources.list";
Dir::Etc::sourceparts "/dev/null";
"""


def release_here() -> str:
    """Return the code name of this machine's release, such as ``bookworm``.

    Raises:
        SystemExit: it does not tell.
    """
    try:
        return platform.freedesktop_os_release()["VERSION_CODENAME"]
    except (OSError, KeyError):
        fail("/etc/os-release does not say which release of Debian this machine has (VERSION_CODENAME)")


def made_from(release: str) -> dict[str, Any]:
    """Return what the unpacked tree depends on."""
    script = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    return {"packages": _PACKAGES, "release": release, "script": script}


def unpack(root: Path, release: str) -> None:
    """Download the packages of a release, and all that they depend on, and unpack them into a folder.

    Raises:
        SystemExit: a program failed.
    """
    apt = root / "apt"
    for part in ("state/lists/partial", "cache/archives/partial"):
        (apt / part).mkdir(parents=True)
    (apt / "status").touch()
    configuration = apt / "apt.conf"
    settings = _APT_CONFIGURATION.format(apt=apt)
    if release != release_here():
        settings += _OTHER_RELEASE.format(apt=apt)
        (apt / "sources.list").write_text(_sources(release), encoding="utf-8")
    configuration.write_text(settings, encoding="utf-8")
    apt_get = ["apt-get", "-qq", "-c", str(configuration)]
    run([*apt_get, "update"])
    run([*apt_get, "install", "--yes", "--download-only", "--no-install-recommends", *_PACKAGES])
    for package in sorted((apt / "cache" / "archives").glob("*.deb")):
        run(["dpkg-deb", "-x", str(package), str(root)])
    shutil.rmtree(apt)
    if not (root / "lib").exists():
        # From Debian 13 on, packages rely on a link that the installer makes.
        (root / "lib").symlink_to("usr/lib")


def _sources(release: str) -> str:
    """Return apt's sources of another release: those of this machine's own, renamed."""
    here = release_here()
    fields = "$(RELEASE) $(REPO_URI) $(SIGNED_BY)"
    targets = answer(["apt-get", "indextargets", "--format", fields, "Created-By: Packages"]).splitlines()
    found = sorted({rest for name, _, rest in (target.partition(" ") for target in targets) if name == here})
    if not found:
        fail(f"apt has no source of {here} from which {release} could be had")
    return "".join(_source(*target.split(), release=release) for target in found)


def _source(uri: str, keys: str = "", *, release: str) -> str:
    signed = f"[signed-by={keys}] " if keys else ""
    return f"deb {signed}{uri} {release} main\n"


def python_version(root: Path) -> str:
    """Return the major and minor version of the unpacked Python, such as ``3.11``."""
    return (root / "usr" / "bin" / "python3").readlink().name.removeprefix("python")
