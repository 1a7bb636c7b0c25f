"""What machine this is: system and processor; of a Raspberry Pi board, image, and how many bits of what."""

from __future__ import annotations

from collections.abc import Iterator

from hangtag import device
from hangtag.cli.findings import Finding
from hangtag.raspberry_pi.board import Board, board
from hangtag.raspberry_pi.os_image import OsImage, os_image
from hangtag.system import RunningPython, System

NEW_CARD = "write a card with Raspberry Pi OS (64-bit) by Raspberry Pi Imager, and set it up anew"
"""There is no way from a 32-bit system to a 64-bit one but a new card."""

_OLDEST = 12
"""Debian 12, called Bookworm: the first whose Python can install Hangtag's wheels."""


def machine_findings(system: System) -> Iterator[Finding]:
    """Yield what machine this is, and what of it keeps Hangtag from running."""
    pi = board(system)
    if pi is None:
        yield Finding("ok", device.platform_line())
        yield Finding("ok", f"{device.cpu_model()}, {device.usable_cores()} cores usable")
        return
    image, python = os_image(system), system.python()
    cpu = f", {pi.cpu}" if pi.cpu else ""
    yield Finding("ok", f"{pi.name}{cpu}")
    if image is not None:
        yield _system(image)
    # Not wrong where another interpreter stands in.
    state = "wrong" if system.version_of("tflite-runtime") is None else "note"
    yield _bits(pi, image, python, state)


def _system(image: OsImage) -> Finding:
    if image.version is not None and image.version < _OLDEST:
        what = f"{image.shown}: too old, Hangtag is made for Debian 12 (Bookworm) and later"
        return Finding("note", what, NEW_CARD)
    if image.image_date is None:
        return Finding("ok", f"{image.shown} (not an image of Raspberry Pi OS)")
    return Finding("ok", image.shown)


def _bits(pi: Board, image: OsImage | None, python: RunningPython, otherwise: str) -> Finding:
    kernel = f"kernel {image.kernel}, " if image is not None and image.kernel else ""
    userland = image.userland_bits if image is not None and image.userland_bits else python.bits
    facts = (
        f"{kernel}{userland}-bit programs, Python {'.'.join(map(str, python.version))} ({python.bits}-bit)"
    )
    if userland == 64 and python.bits == 64:
        return Finding("ok", facts)
    if not pi.can_64_bits:
        return Finding(
            otherwise,
            f"{facts}: this board runs 32-bit systems only, LiteRT needs 64 bits",
            "take a Raspberry Pi 3, 4, 5 or Zero 2 W",
        )
    mixed = "only the kernel has 64 bits" if image is not None and image.is_mixed else "a 32-bit system"
    return Finding(otherwise, f"{facts}: {mixed}, LiteRT, NumPy and OpenCV have wheels for 64 bits", NEW_CARD)
