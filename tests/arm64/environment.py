"""The virtual environment of the emulated system: its Python is a script that starts the emulator."""

from __future__ import annotations

import hashlib
from pathlib import Path

from arm64.cpus import CPUS
from arm64.tools import QEMU_NAMES

# What a virtual environment is to Python is this file beside the folder of its program.
_PYVENV = """\
home = /usr/bin
include-system-site-packages = false
version = {version}
"""

# QEMU 7.2 computes silent garbage unless a CPU is named. The name that Python is started by makes it belong
# to the environment, and is what it starts other Pythons by: they go through this script again.
_LAUNCHER = """\
#!/bin/sh
env=$(dirname "$(dirname "$(readlink -f "$0")")")
system=$(dirname "$env")
qemu=$(command -v {qemu[0]} || command -v {qemu[1]}) || {{
    echo "needs {qemu[0]}: sudo apt install qemu-user-static" >&2
    exit 127
}}
export QEMU_CPU="${{QEMU_CPU:-{default}}}"
[ -d "$system/roots/$QEMU_CPU" ] || {{
    echo "QEMU_CPU is $QEMU_CPU; wanted one of {cpus}" >&2
    exit 2
}}
exec "$qemu" -0 "$env/bin/python3" -L "$system/roots/$QEMU_CPU" "$system/debian/usr/bin/python{version}" "$@"
"""


def make_environment(env: Path, version: str) -> None:
    """Make the environment, without a package in it.

    Args:
        env: an empty folder, beside ``debian`` and ``roots``.
        version: of Python, such as ``3.11``.
    """
    site_packages(env, version).mkdir(parents=True)
    (env / "pyvenv.cfg").write_text(_PYVENV.format(version=version), encoding="utf-8")
    programs = env / "bin"
    programs.mkdir()
    launcher = programs / "python3"
    cpus = ", ".join(cpu.name for cpu in CPUS)
    launcher.write_text(
        _LAUNCHER.format(qemu=QEMU_NAMES, default=CPUS[0].name, cpus=cpus, version=version), encoding="utf-8"
    )
    launcher.chmod(0o755)
    for name in ("python", f"python{version}"):
        (programs / name).symlink_to(launcher.name)


def site_packages(env: Path, version: str) -> Path:
    """Return where the environment's packages lie."""
    return env / "lib" / f"python{version}" / "site-packages"


def digest() -> str:
    """Return a digest of how environments are made."""
    return hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
