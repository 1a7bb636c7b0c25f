"""Makes the environments that other people's clients run in, each once, in ``.venv-clients/NAME``.

They are apart from the project's own because the clients bring another OpenCV, or want NumPy 1. Making one
needs what pip is configured to use and nothing else; a second use takes what is there as long as it is whole
and was made from the same requirements. Several processes may ask at once: one makes it, the others wait.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_HERE = Path(__file__).resolve().parent
PROJECT = _HERE.parents[1]
ROOT = PROJECT / ".venv-clients"

_MARK = "made-from.txt"
"""Written last: a folder that holds it is whole."""

_UNREACHABLE = (
    "connection broken",
    "Failed to establish",
    "Temporary failure in name resolution",
    "timed out",
    "ProxyError",
    "SSLError",
)
_NONE_FOUND = "No matching distribution found"


@dataclass(frozen=True, slots=True)
class ClientEnvironment:
    """What a client runs in.

    Args:
        name: of the folder.
        requirements: pip's list of everything in it, each with its version.
        pythons: (major, minor) of the Pythons that all of it exists for.
        check: Python code that fails where the client cannot run.
        with_project: Hangtag is installed as well, editable and without its dependencies.
    """

    name: str
    requirements: Path
    pythons: tuple[tuple[int, int], ...]
    check: str
    with_project: bool = False


MEDIAPIPE = ClientEnvironment(
    name="mediapipe",
    requirements=_HERE / "requirements-mediapipe.txt",
    pythons=((3, 10), (3, 11), (3, 12), (3, 13)),
    check="from mediapipe.tasks.python import vision",
)
TFLITE_RUNTIME = ClientEnvironment(
    name="tflite-runtime",
    requirements=_HERE / "requirements-tflite-runtime.txt",
    pythons=((3, 10), (3, 11)),
    check="import tflite_runtime.interpreter, hangtag.classifier",
    with_project=True,
)


class EnvironmentUnavailable(Exception):  # noqa: N818 - a lack, which tests answer with a skip
    """An environment cannot be made on this machine; the message says what it needs."""


def python_in(environment: ClientEnvironment, root: Path = ROOT) -> Path:
    """Return the Python of a client's environment, which is made if it is not there.

    Raises:
        EnvironmentUnavailable: this machine lacks what it needs: a Python, a registry, a wheel, a library.
        RuntimeError: pip failed in another way: the requirements are wrong.
    """
    base = _base_python(environment)
    folder = root / environment.name
    python = folder / "bin" / "python"
    wanted = _recipe(environment, base)
    root.mkdir(parents=True, exist_ok=True)
    (root / ".gitignore").write_text("*\n", encoding="utf-8")  # whatever searches the project passes it over
    with _locked(root / f"{environment.name}.lock"):
        if not (_mark(folder) == wanted and python.exists()):
            shutil.rmtree(folder, ignore_errors=True)
            try:
                _make(environment, base, folder)
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
            (folder / _MARK).write_text(wanted, encoding="utf-8")
    return python


def _base_python(environment: ClientEnvironment) -> str:
    if sys.version_info[:2] in environment.pythons:
        return sys.executable
    for major, minor in reversed(environment.pythons):
        found = shutil.which(f"python{major}.{minor}")
        if found is not None:
            return found
    wanted = " or ".join(f"{major}.{minor}" for major, minor in environment.pythons)
    raise EnvironmentUnavailable(
        f"{environment.name} needs Python {wanted}; this is {sys.version_info[0]}.{sys.version_info[1]}, "
        "and none of those is on the PATH"
    )


def _recipe(environment: ClientEnvironment, base: str) -> str:
    requirements = environment.requirements.read_bytes()
    parts = (hashlib.sha256(requirements).hexdigest(), base, environment.check, environment.with_project)
    return "".join(f"{part}\n" for part in parts)


def _mark(folder: Path) -> str | None:
    try:
        return (folder / _MARK).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    # The system lets go of it when the process ends, however it ends.
    with path.open("w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _make(environment: ClientEnvironment, base: str, folder: Path) -> None:
    name = environment.name
    print(f"making {folder} from {environment.requirements.name} …", file=sys.stderr)
    # It gets no pip of its own: ours installs into it, and that makes it ten times as fast.
    made = _run([base, "-m", "venv", "--without-pip", str(folder)])
    if made.returncode != 0:
        raise EnvironmentUnavailable(f"{name}: {base} cannot make a virtual environment: {_last(made)}")
    python = str(folder / "bin" / "python")
    _install(environment, python, "--only-binary=:all:", "-r", str(environment.requirements))
    if environment.with_project:
        _install(environment, python, "--no-deps", "--editable", str(PROJECT))
    checked = _run([python, "-c", environment.check])
    if checked.returncode != 0:
        raise EnvironmentUnavailable(f"{name} is installed and does not start here: {_last(checked)}")


def _install(environment: ClientEnvironment, python: str, *wanted: str) -> None:
    done = _run(
        [
            *(sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check", "--no-input"),
            *("install", "--retries=2", "--timeout=30", *wanted),
        ]
    )
    if done.returncode == 0:
        return
    printed = done.stdout + done.stderr
    if any(sign in printed for sign in _UNREACHABLE):
        raise EnvironmentUnavailable(f"{environment.name} needs pip's registry, which cannot be reached")
    if _NONE_FOUND in printed:
        raise EnvironmentUnavailable(
            f"{environment.name} needs packages that pip does not find for this machine: {_last(done)}"
        )
    raise RuntimeError(f"pip cannot install {environment.requirements}: {printed[-2000:]}")


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, check=False, capture_output=True, text=True)


def _last(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")]
    return (errors or lines or [f"status {done.returncode}, without a word"])[-1]
