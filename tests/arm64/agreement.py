"""``PYTHONPATH=tests python -m arm64.agreement``: all photos of a split, here and on emulated ARM CPUs.

Needs ``HANGTAG_ARM_SYSTEM`` (the folder of a prepared system) and ``HANGTAG_DATA`` (the folder that holds
``clothing-dataset-small``). Some minutes for each CPU. Exit code 1 where a label differs.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from arm64.comparing import Agreement, compared, seen_here, seen_there
from arm64.cpus import CPUS
from arm64.system import named_system, why_none
from arm64.tools import fail
from hangtag.photos import find_photos


def main() -> None:
    """Compare and print a line for each CPU."""
    arguments = _arguments()
    missing = why_none()
    if missing is not None:
        fail(missing)
    system = named_system()
    fault = system.fault()
    if fault is not None:
        fail(fault)
    photos = _photos(arguments.split)
    here = seen_here(photos)
    differing = 0
    for name in arguments.cpu or [cpu.name for cpu in CPUS]:
        begun = time.monotonic()
        agreement = compared(here, seen_there(system, name, photos))
        print(f"{name}: {_line(agreement)} ({time.monotonic() - begun:.0f} s)", flush=True)
        for photo in agreement.other_labels:
            print(f"  other label: {photo}")
        differing += len(agreement.other_labels)
    sys.exit(differing > 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m arm64.agreement", description=__doc__)
    parser.add_argument("--split", default="test", choices=("train", "validation", "test"))
    parser.add_argument("--cpu", action="append", choices=[cpu.name for cpu in CPUS], help="default: all")
    return parser.parse_args()


def _photos(split: str) -> list[Path]:
    data = os.environ.get("HANGTAG_DATA")
    if not data:
        fail("needs the real photos: set HANGTAG_DATA to the folder that holds clothing-dataset-small")
    folder = Path(data).absolute() / "clothing-dataset-small" / split
    if not folder.is_dir():
        fail(f"HANGTAG_DATA is {data}, and there is no folder {folder}")
    return list(find_photos([folder]))


def _line(agreement: Agreement) -> str:
    return (
        f"top-1 agreement {agreement.same_labels_percent:.2f} % on {agreement.photos} photos; "
        f"{len(agreement.other_tensors)} input tensors differ; {agreement.differing_outputs} of "
        f"{agreement.outputs} outputs differ, by at most {agreement.worst_lsb} LSB"
    )


if __name__ == "__main__":
    main()
