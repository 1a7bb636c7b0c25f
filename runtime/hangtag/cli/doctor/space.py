"""Memory, swap and room on the card."""

from __future__ import annotations

from collections.abc import Iterator

from hangtag import device
from hangtag.cli.findings import Finding
from hangtag.raspberry_pi.board import board
from hangtag.raspberry_pi.os_image import OsImage, os_image
from hangtag.system import System, succeeded

_LOW_MEMORY_MB = 200
_SMALL_BOARD_MB = 600
"""Of a board with 512 MB some 430 are left for programs."""
_SWAP_WANTED_MB = 100
_LOW_DISK_MB = 500
_NO_DISK_MB = 50
_DPHYS = "/etc/dphys-swapfile"
_RPI_SWAP = "/etc/rpi/swap.conf"


def space_findings(system: System) -> Iterator[Finding]:
    """Yield what there is of memory, swap and disk, and what there should be."""
    memory = device.memory_mb(system.path("/proc/meminfo"))
    if memory is not None:
        total, available = memory
        yield _memory(total, available)
        if board(system) is not None and total < _SMALL_BOARD_MB:
            yield from _small_board(system, os_image(system))
    yield from _disk(system)


def _memory(total_mb: float, available_mb: float) -> Finding:
    low = available_mb < _LOW_MEMORY_MB
    fix = "stop other programs: a camera's classifier wants about 200 MB" if low else ""
    what = f"memory: {available_mb:.0f} of {total_mb:.0f} MB available"
    return Finding("note" if low else "ok", what, fix)


def _small_board(system: System, image: OsImage | None) -> Iterator[Finding]:
    """Yield what a board with 512 MB needs: swap for the moments of installing, and no desktop."""
    swap = device.swap_mb(system.path("/proc/meminfo"))
    if swap is not None:
        enough = swap >= _SWAP_WANTED_MB
        yield Finding(
            "ok" if enough else "note",
            f"swap: {swap:.0f} MB" + ("" if enough else ", which with so little memory is too small"),
            "" if enough else _more_swap(system),
        )
    if image is not None and image.has_desktop:
        yield Finding(
            "note",
            "a desktop runs in little memory",
            "sudo raspi-config nonint do_boot_behaviour B1 && sudo reboot (starts without it)",
        )


def _more_swap(system: System) -> str:
    if system.has(_RPI_SWAP):  # Debian 13: compressed memory, and the card behind it
        return (
            "sudo mkdir -p /etc/rpi/swap.conf.d && printf '[Main]\\nMechanism=auto\\n' | "
            "sudo tee /etc/rpi/swap.conf.d/90-hangtag.conf && sudo reboot"
        )
    if system.has(_DPHYS):
        return (
            f"sudo sed -i 's/^#*CONF_SWAPSIZE=.*/CONF_SWAPSIZE=512/' {_DPHYS} && "
            "sudo systemctl restart dphys-swapfile"
        )
    return "sudo apt install -y zram-tools"


def _disk(system: System) -> Iterator[Finding]:
    """Yield how much room there is where this Python's packages are."""
    folder = system.python().prefix
    free_mb = _free_mb(succeeded(system.ask("df", "-kP", folder)) or "")
    if free_mb is None:
        return
    state = "wrong" if free_mb < _NO_DISK_MB else "note" if free_mb < _LOW_DISK_MB else "ok"
    fix = "" if state == "ok" else "sudo apt clean (du -xh --max-depth=2 / | sort -h | tail names the rest)"
    yield Finding(state, f"disk: {free_mb:.0f} MB free below {folder}", fix)


def _free_mb(said: str) -> float | None:
    """Return what ``df -kP`` says is free, in megabytes."""
    lines = said.splitlines()
    words = lines[-1].split() if len(lines) > 1 else []
    # file system, blocks, used, available, capacity, mounted on
    return int(words[3]) * 1024 / 1e6 if len(words) >= 6 and words[3].isdigit() else None
