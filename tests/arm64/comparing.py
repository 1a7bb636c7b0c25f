"""The same photos here and on an emulated CPU, compared: bytes, outputs and labels."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arm64.system import ArmSystem, plain_environment
from hangtag.device import usable_cores

_PROBE = Path(__file__).resolve().parent / "photo_probe.py"

_SOURCES = Path(__file__).resolve().parents[2] / "runtime"

Seen = dict[str, dict[str, Any]]
"""Photo -> what ``photo_probe.py`` says of it."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two CPUs agree on photos.

    Args:
        photos: how many there are.
        other_tensors: photos whose input tensors differ in a byte.
        other_labels: photos whose best labels differ.
        worst_lsb: the largest difference of two outputs, in steps of the output tensor.
        differing_outputs: how many outputs differ, of ``outputs``.
        outputs: how many there are of all photos.
    """

    photos: int
    other_tensors: tuple[str, ...]
    other_labels: tuple[str, ...]
    worst_lsb: int
    differing_outputs: int
    outputs: int

    @property
    def same_labels_percent(self) -> float:
        """The share of photos with the same best label."""
        return 100 * (1 - len(self.other_labels) / self.photos)


def seen_here(photos: Sequence[Path]) -> Seen:
    """Look at photos on this machine, with the source tree's code.

    Raises:
        RuntimeError: the probe failed.
    """
    return _seen([sys.executable], photos, PYTHONPATH=str(_SOURCES))


def seen_there(system: ArmSystem, cpu: str, photos: Sequence[Path]) -> Seen:
    """Look at photos on an emulated CPU, with the code of the installed wheel.

    Raises:
        RuntimeError: the probe failed, or it is not our wheel that was loaded.
    """
    return _seen([str(system.python)], photos, inside=system.folder, QEMU_CPU=cpu)


def compared(here: Seen, there: Seen) -> Agreement:
    """Compare what was seen of the same photos."""
    assert here.keys() == there.keys()
    differences = [
        abs(ours - theirs)
        for name, seen in here.items()
        for ours, theirs in zip(seen["output"], there[name]["output"], strict=True)
    ]
    return Agreement(
        photos=len(here),
        other_tensors=tuple(name for name in here if here[name]["tensor"] != there[name]["tensor"]),
        other_labels=tuple(name for name in here if here[name]["label"] != there[name]["label"]),
        worst_lsb=max(differences),
        differing_outputs=sum(difference > 0 for difference in differences),
        outputs=len(differences),
    )


def _seen(python: list[str], photos: Sequence[Path], inside: Path | None = None, **variables: str) -> Seen:
    """Run the probe in as many processes as there are cores, each with its share of the photos."""
    shares = [share for number in range(usable_cores()) if (share := photos[number :: usable_cores()])]

    def run(share: Sequence[Path]) -> Seen:
        done = subprocess.run(
            [*python, str(_PROBE), *map(str, share)],
            env=plain_environment() | variables,
            capture_output=True,
            check=False,
            text=True,
        )
        if done.returncode != 0:
            raise RuntimeError(f"the probe failed with status {done.returncode}: {done.stderr}")
        report = json.loads(done.stdout)
        if inside is not None and not Path(report["package"]).resolve().is_relative_to(inside.resolve()):
            raise RuntimeError(f"{report['package']} was loaded, which is not in {inside}")
        photos_seen: Seen = report["photos"]
        return photos_seen

    with ThreadPoolExecutor(len(shares)) as pool:
        return {name: seen for part in pool.map(run, shares) for name, seen in part.items()}
