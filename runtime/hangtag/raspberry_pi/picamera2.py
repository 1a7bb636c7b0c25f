"""Whether apt's picamera2 can be used from this Python, and what is to be done where it cannot.

picamera2 comes from apt alone, compiled for the system's own Python and NumPy. A virtual environment sees it
when it was made with ``--system-site-packages``. What pip then puts before apt's packages, NumPy above all,
must be of the kind that apt's were compiled for: on Debian 12 that is NumPy 1, and apt's simplejpeg does not
load beside the NumPy 2 that OpenCV's wheels want (raspberrypi/picamera2, issues 1088 and 1211); a simplejpeg
from pip, which is compiled for NumPy 2, does. Debian 13 has NumPy 2 itself.
"""

from __future__ import annotations

import enum
import re
import shlex
from dataclasses import dataclass

from hangtag.raspberry_pi.os_image import OsImage
from hangtag.system import System, succeeded

OWN_SIMPLEJPEG = "pip install --force-reinstall --no-deps simplejpeg"
"""Not ``--upgrade``: apt's may be as new as pip's, and be left."""

_APT_PACKAGES = "/usr/lib/python3/dist-packages"
_SYSTEM_PYTHON = "/usr/bin/python3"
_NUMPY_1_UNTIL = 12
"""The last Debian whose packages are compiled for NumPy 1."""
_OPEN = "include-system-site-packages"
_IMPORT_S = 30.0
"""On a Zero 2 W it takes some seconds."""


class Obstacle(enum.Enum):
    """What keeps picamera2 from this Python."""

    MISSING = "is not installed"
    OTHER_PYTHON = "is compiled for another Python"
    HIDDEN = "is not to be seen from this virtual environment"
    OTHER_NUMPY = "has a part, simplejpeg, that is compiled for another NumPy"


@dataclass(frozen=True, slots=True)
class Picamera2:
    """What is known of picamera2 without importing it.

    Args:
        version: of apt's package; None where it is not installed.
        obstacles: what keeps it from being used, in the order in which to mend them.
        apt_python: the version of the system's own Python (``3.11``); None where there is none.
        apt_numpy: the major version of the NumPy that apt's packages are compiled for.
    """

    version: str | None
    obstacles: tuple[Obstacle, ...]
    apt_python: str | None
    apt_numpy: int


def picamera2(system: System, image: OsImage | None) -> Picamera2:
    """Look for apt's picamera2, and for what is between it and this Python."""
    python = system.python()
    version = _apt_version(system, "picamera2")
    if version is None and system.has(f"{_APT_PACKAGES}/picamera2"):
        version = "of an unknown version"
    said = re.match(r"Python (\d+\.\d+)", succeeded(system.ask(_SYSTEM_PYTHON, "--version")) or "")
    apt_python = said[1] if said else None
    apt_numpy = _apt_numpy(system, image)
    obstacles = []
    if version is None:
        obstacles.append(Obstacle.MISSING)
    if apt_python is not None and apt_python != python.short:
        obstacles.append(Obstacle.OTHER_PYTHON)
    if python.is_venv and not _sees_system_packages(system, python.prefix):
        obstacles.append(Obstacle.HIDDEN)
    if _has_other_numpy(system, apt_numpy):
        obstacles.append(Obstacle.OTHER_NUMPY)
    return Picamera2(version, tuple(obstacles), apt_python, apt_numpy)


def commands_to_mend(found: Picamera2, system: System, *, has_desktop: bool) -> list[str]:
    """Return the commands that make picamera2 visible to this Python, in order."""
    prefix = system.python().prefix
    commands = []
    if Obstacle.MISSING in found.obstacles:
        # Without a desktop, what it recommends (Qt and its kin) is for windows that nobody can open.
        spare = "" if has_desktop else "--no-install-recommends "
        commands.append(f"sudo apt install -y {spare}python3-picamera2")
    if Obstacle.OTHER_PYTHON in found.obstacles:
        # A new environment; what it held must be installed again, which setting up does.
        return [
            *commands,
            f"{_SYSTEM_PYTHON} -m venv --clear --system-site-packages {shlex.quote(prefix)}",
            "sh runtime/setup-device",
        ]
    if Obstacle.HIDDEN in found.obstacles:
        settings = shlex.quote(f"{prefix}/pyvenv.cfg")
        commands.append(f"sed -i 's/^include-system-site-packages.*/{_OPEN} = true/' {settings}")
    if Obstacle.OTHER_NUMPY in found.obstacles:
        commands.append(OWN_SIMPLEJPEG)
    return commands


def import_error(system: System) -> str | None:
    """Import picamera2 in a process of its own; return its last line where that fails, None where it works.

    None as well where this Python cannot be started again.
    """
    python = system.python()
    answer = system.ask(f"{python.prefix}/bin/python3", "-c", "import picamera2", patience_s=_IMPORT_S)
    if answer is None or answer.status == 0:
        return None
    lines = [line.strip() for line in answer.text.splitlines() if line.strip()]
    return lines[-1] if lines else f"exit status {answer.status}"


def _apt_version(system: System, package: str) -> str | None:
    """Return the version of a Python package that apt installed."""
    for name in system.names(_APT_PACKAGES, f"{package}-*-info"):
        found = re.fullmatch(rf"{package}-([^-]+)\.(egg|dist)-info", name)
        if found:
            return found[1]
    return None


def _apt_numpy(system: System, image: OsImage | None) -> int:
    """Return the major version of NumPy that apt's packages are compiled for."""
    version = _apt_version(system, "numpy")
    if version is not None:
        return int(version.partition(".")[0])
    return 1 if image is not None and image.version is not None and image.version <= _NUMPY_1_UNTIL else 2


def _sees_system_packages(system: System, prefix: str) -> bool:
    settings = system.text(f"{prefix}/pyvenv.cfg") or ""
    return re.search(rf"^{_OPEN}\s*=\s*true\s*$", settings, re.MULTILINE | re.IGNORECASE) is not None


def _has_other_numpy(system: System, apt_numpy: int) -> bool:
    """Return whether this Python's NumPy is not of apt's kind, with no simplejpeg of its own beside it."""
    python = system.python()
    ours = system.version_of("numpy")
    if ours is None or int(ours.partition(".")[0]) == apt_numpy:
        return False
    own = system.names(f"{python.prefix}/lib/python{python.short}/site-packages", "simplejpeg-*.dist-info")
    return not (python.is_venv and own)
