"""Which system is on the card: its release, with a desktop or without, and how many bits of what."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from hangtag.system import System, succeeded

_IMAGE = re.compile(r"Raspberry Pi reference (\d{4}-\d\d-\d\d)")
_STAGE = re.compile(r"\bstage(\d)\b")
_LITE_STAGE = 2
"""pi-gen builds images in stages and writes the last one's name into them: 2 is Lite, 4 the desktop."""
_SESSIONS = ("/usr/share/wayland-sessions", "/usr/share/xsessions")
_BITS = {"arm64": 64, "amd64": 64, "armhf": 32, "armel": 32, "i386": 32}


@dataclass(frozen=True, slots=True)
class OsImage:
    """A system.

    Args:
        name: with its version (``Debian GNU/Linux 12 (bookworm)``).
        codename: ``bookworm``; empty where it has none.
        version: 12; None where it has no number.
        image_date: when the image of Raspberry Pi OS was made; None on another system.
        has_desktop: whether a desktop can be logged in to.
        kernel: the kernel's machine (``aarch64``).
        userland_bits: of the programs, the Python that apt installs among them; None where unknown.
    """

    name: str
    codename: str
    version: int | None
    image_date: str | None
    has_desktop: bool
    kernel: str
    userland_bits: int | None

    @property
    def is_mixed(self) -> bool:
        """Whether the kernel has 64 bits and the programs 32: ``uname`` then says what wheels are not for."""
        return self.kernel in {"aarch64", "x86_64"} and self.userland_bits == 32

    @property
    def shown(self) -> str:
        """Return it in a few words."""
        image = f", image of {self.image_date}" if self.image_date else ""
        lite = " (Lite)" if image else ""
        kind = "with a desktop" if self.has_desktop else f"without a desktop{lite}"
        name = re.sub("^(Debian|Raspbian) GNU/Linux", "Raspberry Pi OS", self.name) if image else self.name
        return f"{name}, {kind}{image}"


def os_image(system: System) -> OsImage | None:
    """Return which system this is; None where it does not tell."""
    facts = _facts(system.text("/etc/os-release") or system.text("/usr/lib/os-release") or "")
    if not facts:
        return None
    issue = system.text("/etc/rpi-issue") or ""
    image = _IMAGE.search(issue)
    version = facts.get("VERSION_ID", "")
    architecture = succeeded(system.ask("dpkg", "--print-architecture"))
    return OsImage(
        name=facts.get("PRETTY_NAME", facts.get("NAME", "an unnamed system")),
        codename=facts.get("VERSION_CODENAME", ""),
        version=int(version) if version.isdigit() else None,
        image_date=image[1] if image else None,
        has_desktop=_has_desktop(system, issue),
        kernel=system.machine(),
        userland_bits=_BITS.get(architecture or ""),
    )


def _facts(text: str) -> dict[str, str]:
    """Return the variables of an os-release file."""
    found = {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals and name.isidentifier():
            try:
                found[name] = "".join(shlex.split(value))
            except ValueError:  # a quote that is not closed
                continue
    return found


def _has_desktop(system: System, issue: str) -> bool:
    """Return whether there is a desktop: in the image, or installed into it later."""
    stage = _STAGE.search(issue)
    if stage is not None and int(stage[1]) > _LITE_STAGE:
        return True
    return any(system.names(folder, "*.desktop") for folder in _SESSIONS)
