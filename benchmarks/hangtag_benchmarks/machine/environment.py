"""What the numbers depend on besides the model: the machine and what it was doing."""

from __future__ import annotations

import os

import cv2

from hangtag import __version__
from hangtag.device import (
    cpu_model,
    cpu_temperature_c,
    memory_mb,
    platform_line,
    usable_cores,
    version_of,
)
from hangtag.raspberry_pi.firmware import throttled
from hangtag_benchmarks.machine.clocks import cooling_steps, core_groups, frequency_mhz, heat_events
from hangtag_benchmarks.machine.energy import energy_source
from hangtag_benchmarks.machine.power import power_source
from hangtag_benchmarks.machine.records import Conditions, Environment

BUSY_LOAD_AVERAGE = 0.5
"""Above this many waiting or running processes a machine is called busy."""

_PACKAGES = ("ai-edge-litert", "numpy")
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OMP_PROC_BIND",
    "OMP_WAIT_POLICY",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENCV_FOR_THREADS_NUM",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)


def conditions() -> Conditions:
    """Look at what changes while one measures."""
    return Conditions(
        load_average_1min=_load_average_1min(),
        cpu_frequency_mhz=frequency_mhz(),
        cpu_temperature_c=cpu_temperature_c(),
        throttled=throttled(),
        heat_events=heat_events(),
        cooling_steps=cooling_steps(),
    )


def environment(before: Conditions, after: Conditions) -> Environment:
    """Describe the machine, with its conditions before and after measuring."""
    memory = memory_mb()
    versions = {name: version_of(name) for name in _PACKAGES}
    groups = core_groups()
    governors = dict.fromkeys(group.governor for group in groups if group.governor is not None)
    return Environment(
        cpu=cpu_model(),
        usable_cores=usable_cores(),
        memory_mb=None if memory is None else memory[0],
        platform=platform_line(),
        versions={
            "hangtag": __version__,
            **{name: version for name, version in versions.items() if version is not None},
            "opencv": cv2.__version__,
        },
        frequency_governor=", ".join(governors) or None,
        most_frequency_mhz=max(
            (group.most_mhz for group in groups if group.most_mhz is not None), default=None
        ),
        power_source=power_source(),
        thread_variables={name: os.environ[name] for name in _THREAD_VARIABLES if name in os.environ},
        before=before,
        after=after,
        core_groups=tuple(group.line() for group in groups),
        energy=energy_source(),
    )


def busy_note(before: Conditions) -> str | None:
    """Return a warning where the machine had other work to do before the benchmark began."""
    load = before.load_average_1min
    if load is None or load <= BUSY_LOAD_AVERAGE:
        return None
    return (
        f"the machine was busy from the start (load average {load:.1f}): "
        "the numbers may be too high and scatter"
    )


def _load_average_1min() -> float | None:
    try:
        return os.getloadavg()[0]
    except (OSError, AttributeError):
        return None
