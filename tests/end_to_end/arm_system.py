"""Prepares an emulated 64-bit ARM system in a folder: ``python tests/end_to_end/arm_system.py FOLDER``.

It holds Debian's arm64 Python with its libraries and the ARM wheels of what ``hangtag`` depends on, in the
versions that the running interpreter has. ``FOLDER/python`` then runs scripts on an emulated Cortex-A76, the
CPU of a Raspberry Pi 5; set ``QEMU_CPU`` for that of a Pi 4 (``cortex-a72``) or a Pi 3 (``cortex-a53``).

Needs a Debian machine with the package ``qemu-user-static``, and no root. Packages come from the machine's
own apt sources, wheels from pip's; neither apt's state nor its list of architectures is changed.
"""

from __future__ import annotations

import importlib.metadata
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

QEMU_NAMES = ("qemu-aarch64-static", "qemu-aarch64")
LAUNCHER = "python"

_DEBIAN_PACKAGES = ("python3", "libstdc++6")

_WHEELS = {
    "ai-edge-litert": ("ai-edge-litert",),
    "click": ("click",),
    "numpy": ("numpy",),
    # No desktop libraries there, whichever of the two builds is here.
    "opencv-python-headless": ("opencv-python", "opencv-python-headless"),
}
"""Wheel for the emulated system -> distributions here, the first installed of which gives its version."""

_WHEEL_TAGS = ("manylinux2014", "manylinux_2_17", "manylinux_2_27", "manylinux_2_28", "manylinux_2_34")

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

# One block per core. LiteRT chooses its kernels by these fields: given another CPU's it dies of an illegal
# instruction, and given those of an x86 host it crashes.
_CPUINFO = """\
processor\t: {core}
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm crc32 cpuid{features}
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x0
CPU part\t: {part}
CPU revision\t: 3

"""

_CPUS = {
    "cortex-a53": {"part": "0xd03", "features": ""},
    "cortex-a72": {"part": "0xd08", "features": ""},
    "cortex-a76": {"part": "0xd0b", "features": " atomics fphp asimdhp asimdrdm lrcpc dcpop asimddp"},
}
"""What ``QEMU_CPU`` may be -> what sets it apart in ``/proc/cpuinfo``."""

# QEMU 7.2 computes silent garbage unless a CPU is named. -S: no packages but those beside it.
_LAUNCHER = """\
#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
qemu=$(command -v {qemu[0]} || command -v {qemu[1]}) || {{
    echo "needs {qemu[0]}: sudo apt install qemu-user-static" >&2
    exit 127
}}
export QEMU_CPU="${{QEMU_CPU:-cortex-a76}}" PYTHONNOUSERSITE=1
[ -d "$here/roots/$QEMU_CPU" ] || {{
    echo "QEMU_CPU is $QEMU_CPU; wanted one of {cpus}" >&2
    exit 2
}}
export PYTHONPATH="$here/site${{PYTHONPATH:+:$PYTHONPATH}}"
exec "$qemu" -L "$here/roots/$QEMU_CPU" "$here/arm64/usr/bin/python3" -S "$@"
"""

_CHECK = """\
import platform, ai_edge_litert.interpreter, click, cv2, numpy
print(f"{platform.machine()}: Python {platform.python_version()}, NumPy {numpy.__version__}, "
      f"OpenCV {cv2.__version__}")
"""


def main() -> None:
    """Prepare the folder named on the command line."""
    if len(sys.argv) != 2:
        _fail(f"usage: python {sys.argv[0]} FOLDER")
    folder = Path(sys.argv[1]).absolute()
    _check_machine(folder)
    print("Debian's arm64 Python …", file=sys.stderr)
    _unpack_python(folder)
    _make_roots(folder)
    print("the aarch64 wheels …", file=sys.stderr)
    _install_wheels(folder)
    # The launcher comes last: a folder that has one is complete.
    launcher = _write_launcher(folder)
    _run([str(launcher), "-c", _CHECK])
    print(f"ready: export HANGTAG_ARM_SYSTEM={shlex.quote(str(folder))}", file=sys.stderr)


def _check_machine(folder: Path) -> None:
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            _fail(f"{tool} is missing: this works on Debian and its kin")
    if not any(shutil.which(name) for name in QEMU_NAMES):
        _fail(f"{QEMU_NAMES[0]} is missing: sudo apt install qemu-user-static")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        _fail(f"{folder} exists and is not an empty folder: remove it, or name another one")


def _unpack_python(folder: Path) -> None:
    root, apt = folder / "arm64", folder / "apt"
    for part in ("state/lists/partial", "cache/archives/partial"):
        (apt / part).mkdir(parents=True)
    (apt / "status").touch()
    configuration = apt / "apt.conf"
    configuration.write_text(_APT_CONFIGURATION.format(apt=apt))
    apt_get = ["apt-get", "-qq", "-c", str(configuration)]
    _run([*apt_get, "update"])
    _run([*apt_get, "install", "--yes", "--download-only", "--no-install-recommends", *_DEBIAN_PACKAGES])
    root.mkdir()
    for package in sorted((apt / "cache" / "archives").glob("*.deb")):
        _run(["dpkg-deb", "-x", str(package), str(root)])
    shutil.rmtree(apt)
    if not (root / "lib").exists():
        # From Debian 13 on, packages rely on a link that the installer makes.
        (root / "lib").symlink_to("usr/lib")


def _make_roots(folder: Path) -> None:
    """Make what the emulator shows as ``/``, one for each CPU: the same files, another ``/proc/cpuinfo``."""
    for cpu, fields in _CPUS.items():
        root = folder / "roots" / cpu
        (root / "proc").mkdir(parents=True)
        cores = range(os.cpu_count() or 1)
        (root / "proc" / "cpuinfo").write_text(
            "".join(_CPUINFO.format(core=core, **fields) for core in cores)
        )
        for entry in (folder / "arm64").iterdir():
            if entry.name != "proc":
                (root / entry.name).symlink_to(Path("../../arm64") / entry.name)


def _install_wheels(folder: Path) -> None:
    version = (folder / "arm64" / "usr" / "bin" / "python3").readlink().name.removeprefix("python")
    tags = [option for tag in _WHEEL_TAGS for option in ("--platform", f"{tag}_aarch64")]
    wheels = [f"{wheel}=={_installed_version(ours)}" for wheel, ours in _WHEELS.items()]
    _run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--no-compile"),
            *("--target", str(folder / "site"), "--only-binary=:all:"),
            *("--implementation", "cp", "--python-version", version),
            *tags,
            *wheels,
        ]
    )


def _installed_version(names: Sequence[str]) -> str:
    found = [found for name in names for found in importlib.metadata.distributions(name=name)]
    if not found:
        _fail(f"{names[0]} is not installed here: run this with the Python that hangtag is installed in")
    return found[0].version


def _write_launcher(folder: Path) -> Path:
    launcher = folder / LAUNCHER
    launcher.write_text(_LAUNCHER.format(qemu=QEMU_NAMES, cpus=", ".join(_CPUS)))
    launcher.chmod(0o755)
    return launcher


def _run(command: Sequence[str]) -> None:
    # All that tools report goes to standard error: this script prepares, it has no output of its own.
    status = subprocess.run(command, check=False, stdout=sys.stderr).returncode
    if status != 0:
        _fail(f"{' '.join(command[:3])} … failed with status {status}; its messages stand above")


def _fail(message: str) -> NoReturn:
    raise SystemExit(message)


if __name__ == "__main__":
    main()
