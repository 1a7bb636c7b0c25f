"""The processors that are emulated, and what the system says of each."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Cpu:
    """A processor.

    Args:
        name: what ``QEMU_CPU`` calls it.
        board: whose it is, as a Raspberry Pi names itself.
        part: its number in ``/proc/cpuinfo``.
        features: what it has, there, beyond those that all of them have.
    """

    name: str
    board: str
    part: str
    features: str = ""


CPUS = (
    Cpu(
        "cortex-a76",
        "Raspberry Pi 5 Model B Rev 1.0",
        "0xd0b",
        " atomics fphp asimdhp asimdrdm lrcpc dcpop asimddp",
    ),
    Cpu("cortex-a72", "Raspberry Pi 4 Model B Rev 1.4", "0xd08"),
    Cpu("cortex-a53", "Raspberry Pi 3 Model B Plus Rev 1.3", "0xd03"),
)
"""With and without the dot product, in order and out of order: each has kernels of its own in LiteRT. A Zero
2 W has the last one."""

# One block per core. LiteRT chooses its kernels by these fields: given another CPU's it dies of an illegal
# instruction, and given those of an x86 host it crashes.
_CPUINFO = """\
processor\t: {core}
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm crc32 cpuid{features}
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x0
CPU part\t: {part}
CPU revision\t: 3

"""

# Nothing else of Debian's tree: where the emulated system has no /tmp of its own, the host's is seen.
_SHOWN = ("bin", "etc", "lib", "lib64", "sbin", "usr")


def make_roots(roots: Path, debian: Path) -> None:
    """Make what the emulator shows as ``/``, one for each CPU: the same files, another ``/proc``.

    Args:
        roots: gets a folder for each, named as the CPU; what is there is written anew.
        debian: the tree of unpacked packages, on the same level as ``roots``.
    """
    for cpu in CPUS:
        root = roots / cpu.name
        (root / "proc" / "device-tree").mkdir(parents=True, exist_ok=True)
        (root / "proc" / "cpuinfo").write_text(_cpuinfo(cpu), encoding="ascii")
        # So that no number measured here passes for a board's.
        (root / "proc" / "device-tree" / "model").write_bytes(f"{cpu.board} (emulated)\0".encode())
        for name in _SHOWN:
            link = root / name
            link.unlink(missing_ok=True)
            if (debian / name).exists():
                link.symlink_to(Path("../..") / debian.name / name)


def _cpuinfo(cpu: Cpu) -> str:
    cores = range(os.cpu_count() or 1)
    return "".join(_CPUINFO.format(core=core, part=cpu.part, features=cpu.features) for core in cores)
