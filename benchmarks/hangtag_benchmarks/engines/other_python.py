"""Measuring in another Python, which has an engine that wants other packages than those of this one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import hangtag
from hangtag_benchmarks.engines.registry import EngineKind

LEAST_PYTHON = (3, 10)

NEEDED = ("numpy", "cv2")
"""What the measuring process itself imports, besides an engine's own modules."""

_TIMEOUT_S = 60.0

_PROBE = """
import importlib.util, json, sys
wanted = json.load(sys.stdin)
print(json.dumps({
    "version": sys.version_info[:2],
    "missing": [name for name in wanted if importlib.util.find_spec(name) is None],
}))
"""


def why_missing_there(kind: EngineKind, python: str) -> str | None:
    """Return why an engine cannot be measured in another Python and what to do, or None where it can be.

    Args:
        kind: the engine.
        python: the program.
    """
    name = Path(python).name
    try:
        done = subprocess.run(
            (python, "-c", _PROBE),
            input=json.dumps(tuple(dict.fromkeys((*NEEDED, *kind.modules)))),
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
            env={**os.environ, "PYTHONSAFEPATH": "1"},
        )
        answer = json.loads(done.stdout)
        version, missing = tuple(answer["version"]), answer["missing"]
    except OSError as error:
        return f"cannot start {name}: {error.strerror}; {kind.how}"
    except (subprocess.TimeoutExpired, ValueError, KeyError, TypeError):
        return f"{name} is no Python that answers; {kind.how}"
    if version < LEAST_PYTHON:
        wanted = ".".join(map(str, LEAST_PYTHON))
        return f"{name} is Python {'.'.join(map(str, version))}; wanted {wanted} or newer; {kind.how}"
    return f"not installed there ({', '.join(missing)}); {kind.how}" if missing else None


def lent_packages(folder: Path) -> dict[str, str]:
    """Return the environment's variables that let another Python find Hangtag, and nothing else of this one.

    Args:
        folder: an empty folder, which gets links to our packages (copies, where links are not allowed): where
            Hangtag was installed from a wheel, NumPy and all else of this Python lie beside them.
    """
    for package in (Path(hangtag.__file__).parent, Path(__file__).parents[1]):
        _link(folder / package.name, package)
    return {"PYTHONPATH": str(folder)}


def _link(link: Path, package: Path) -> None:
    try:
        link.symlink_to(package, target_is_directory=True)
    except OSError:
        shutil.copytree(package, link)
