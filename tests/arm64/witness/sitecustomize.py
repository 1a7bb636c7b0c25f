"""Says at the end of every Python what it loaded and how much memory it held.

Python imports this where the folder stands on ``PYTHONPATH``, also in the processes that a program starts;
each leaves a file in the folder that ``HANGTAG_WITNESS`` names. One that is killed leaves none.
"""

import atexit
import json
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

_NOT_PACKAGES = {"__main__", "__mp_main__", "sitecustomize", "usercustomize", "apport_python_hook"}

_exit_at_once = os._exit


def _testify() -> None:
    folder = os.environ.get("HANGTAG_WITNESS")
    if folder is None:
        return
    said: dict[str, Any] = {"command": sys.orig_argv, "packages": _packages(), "peak_kib": _peak_kib()}
    path = Path(folder) / f"{os.getpid()}.json"
    path.write_text(json.dumps(said), encoding="utf-8")


def _packages() -> list[str]:
    """Return the top-level packages that were loaded from files and are not Python's own."""
    loaded = {
        name.partition(".")[0]
        for name, module in list(sys.modules.items())
        if getattr(module, "__file__", None) is not None
    }
    foreign = loaded - _NOT_PACKAGES - set(sys.stdlib_module_names)
    return sorted(name for name in foreign if not name.startswith("_"))


def _peak_kib() -> int | None:
    """Return the most that this process held; in an emulated one the emulator's own memory is part of it."""
    for line in Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return None


def _testify_and_exit(status: int) -> NoReturn:
    _testify()
    _exit_at_once(status)


atexit.register(_testify)
# A command of ours may end without cleaning up, where a thread hangs in native code.
os._exit = _testify_and_exit
