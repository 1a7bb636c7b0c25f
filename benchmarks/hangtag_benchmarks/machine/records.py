"""What is known of the machine that measures, as plain frozen data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Conditions:
    """What changes while one measures; None where the system does not tell.

    Of a block they are those while it ran: ``cpu_frequency_mhz`` is the median of the working core's,
    ``others_load`` how many cores other programs kept busy, ``stolen`` the share of the wanted time that a
    hypervisor gave to others. ``throttled`` are the firmware's flags (``vcgencmd get_throttled``),
    ``heat_events`` how often an Intel processor has slowed down for heat since the machine's start, and
    ``cooling_steps`` by how many steps the kernel slows the processor down.
    """

    load_average_1min: float | None
    cpu_frequency_mhz: float | None
    cpu_temperature_c: float | None
    throttled: int | None = None
    others_load: float | None = None
    stolen: float | None = None
    heat_events: int | None = None
    cooling_steps: int | None = None


@dataclass(frozen=True, slots=True)
class Environment:
    """The machine, without naming it: no host name, no user, no paths.

    ``core_groups`` are its kinds of cores in words, and ``energy`` what measures energies, or why nothing
    does.
    """

    cpu: str
    usable_cores: int
    memory_mb: float | None
    platform: str
    versions: Mapping[str, str]
    frequency_governor: str | None
    most_frequency_mhz: float | None
    power_source: str | None
    thread_variables: Mapping[str, str]
    before: Conditions
    after: Conditions
    core_groups: tuple[str, ...] = ()
    energy: str = "not readable"
