"""``PYTHONPATH=tests python -m arm64 FOLDER``: prepare the folder, or bring it up to date."""

from __future__ import annotations

import argparse
import shlex
import tempfile
from pathlib import Path

from arm64 import debian, environment, wheels
from arm64.cpus import make_roots
from arm64.layers import claimed, forget, layer
from arm64.system import VARIABLE, ArmSystem
from arm64.tools import check_machine, fail, say, succeeds

_LOADS = """\
import platform, ai_edge_litert.interpreter, click, cv2, h11, numpy, hangtag
print(f"{platform.machine()}: Python {platform.python_version()}, NumPy {numpy.__version__}, "
      f"OpenCV {cv2.__version__}, Hangtag {hangtag.__version__}")
"""


def main() -> None:
    """Prepare the folder named on the command line."""
    parser = argparse.ArgumentParser(prog="PYTHONPATH=tests python -m arm64", description=__doc__)
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="a new one, or one prepared before")
    parser.add_argument("--release", help="Debian's, such as trixie [this machine's]")
    arguments = parser.parse_args()
    check_machine()
    prepare(arguments.folder.absolute(), arguments.release or debian.release_here())


def prepare(folder: Path, release: str) -> None:
    """Prepare a folder, or bring it up to date; ``release`` is Debian's code name.

    Raises:
        SystemExit: it cannot be done.
    """
    with claimed(folder), tempfile.TemporaryDirectory(prefix="hangtag-wheel-") as built:
        say("our wheel …")
        wheel = wheels.build_wheel(Path(built))
        is_new = _make_layers(folder, wheel, release)
        if not _installed(folder, wheel):
            if is_new:
                fail("the system that was made does not work; the messages stand above")
            say("what was there does not work: making it anew")
            forget(folder / "debian")
            _make_layers(folder, wheel, release)
            if not _installed(folder, wheel):
                fail("the system that was made does not work; the messages stand above")
    say(f"ready: export {VARIABLE}={shlex.quote(str(folder))}")


def _make_layers(folder: Path, wheel: Path, release: str) -> bool:
    """Make all that is not there, but our own package; return whether nothing was there."""
    debian_root, env = folder / "debian", folder / "env"

    def unpack(root: Path) -> None:
        say(f"arm64 Python of Debian {release} …")
        debian.unpack(root, release)

    is_new = layer(debian_root, debian.made_from(release), unpack)
    if is_new:
        forget(env)
    make_roots(folder / "roots", debian_root)
    version = debian.python_version(debian_root)
    pins = wheels.pins(wheels.requirements(wheel), version)

    def fill(env: Path) -> None:
        say("the aarch64 wheels …")
        environment.make_environment(env, version)
        wheels.install_dependencies(environment.site_packages(env, version), version, pins)

    layer(env, {"python": version, "pins": pins, "scripts": [environment.digest(), wheels.digest()]}, fill)
    return is_new


def _installed(folder: Path, wheel: Path) -> bool:
    """Install our wheel on the emulated CPU; return whether everything then loads."""
    system = ArmSystem(folder)
    say("our wheel, installed on the emulated CPU …")
    return (
        succeeds(wheels.installation(system.python, wheel))
        and succeeds([str(system.python), "-c", _LOADS])
        and succeeds([str(system.hangtag), "--version"])
    )


if __name__ == "__main__":
    main()
