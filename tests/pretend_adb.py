"""Stands in for ``adb`` with one phone connected, which a folder is: ``PRETEND_PHONE`` names it.

Scripts for the phone really go through a shell, in which Android's commands answer from a recording
(``tests/benchmarks/recorded_phone``). Every command line is written down in ``asked.txt``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

SERIAL = "PRETEND01"


def main() -> None:
    phone = Path(os.environ["PRETEND_PHONE"])
    with (phone / "asked.txt").open("a", encoding="utf-8") as asked:
        asked.write(" ".join(sys.argv[1:]) + "\n")
    option, serial, verb, *words = sys.argv[1:]
    assert option == "-s"
    if serial != SERIAL:
        sys.exit(f"error: device '{serial}' not found")
    if (phone / "unauthorized").exists():
        sys.exit("error: device unauthorized.\nThis adb server's $ADB_VENDOR_KEYS is not set")
    if verb == "get-state":
        print("device")
    elif verb == "push":
        source, target = words
        if (phone / "full").exists():
            sys.exit(f"adb: error: failed to copy '{source}' to '{target}': remote No space left on device")
        shutil.copyfile(source, on_phone(phone, target))
        print(f"{source}: 1 file pushed")
    elif verb in {"shell", "exec-out"}:
        (script,) = words
        sys.exit(in_shell(phone, script))
    else:
        sys.exit(f"adb: unknown command {verb}")


def on_phone(phone: Path, text: str) -> str:
    """Return a path or script of the phone as one of the folder that stands for it."""
    return text.replace("/data/local/tmp", f"{phone}/data/local/tmp").replace("/sys/", f"{phone}/sys/")


def in_shell(phone: Path, script: str) -> int:
    if (phone / "unplugged").exists() and "benchmark_model" in script:
        return 1
    path = f"{phone}/bin:{os.environ['PATH']}"
    done = subprocess.run(
        ["/bin/sh", "-c", on_phone(phone, script)],
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        check=False,
    )
    return done.returncode


if __name__ == "__main__":
    main()
