"""What cameras are here, and what keeps those that are not from being found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from hangtag.cli.camera_list import spelling, v4l2_devices
from hangtag.cli.doctor.pi_cameras import pi_camera_findings
from hangtag.cli.findings import Finding
from hangtag.raspberry_pi.board import board
from hangtag.system import System

if TYPE_CHECKING:
    from hangtag.sources.v4l2_formats import Device

_NONE = "plug one in, or try the simulated one: hangtag camera --source scene:"
_GROUP = "video"
_OPEN_TO_ALL = {"root", _GROUP}


def camera_findings(system: System) -> Iterator[Finding]:
    """Yield what doctor says about cameras."""
    from hangtag.sources.pi_cameras import listing

    usb = [one for one in v4l2_devices(system) if one.is_camera]
    yield from map(_usb, usb)
    pi, listed = board(system), listing(system)
    for camera in listed.cameras or ():
        yield Finding(
            "ok", f"Raspberry Pi camera {camera.number} ({camera.model}): --source {spelling(camera)}"
        )
    if pi is not None:
        yield from pi_camera_findings(system, pi, listed, has_usb=bool(usb))
        yield from _group(system, usb, has_pi=bool(listed.cameras))
    if not listed.cameras and not usb:
        yield Finding("note", "no camera found", _NONE)


def _usb(one: Device) -> Finding:
    if not one.problem:
        return Finding("ok", f"camera device {one.path} ({one.name})")
    # One that is in use, by this program even, works.
    state = "note" if one.formats else "wrong"
    return Finding(state, f"camera device {one.path} ({one.name}): {one.problem}", one.fix)


def _group(system: System, usb: Sequence[Device], *, has_pi: bool) -> Iterator[Finding]:
    """Yield whether the user may open cameras, where no device has said so already."""
    answer = system.ask("id", "-nG")
    if answer is None or answer.status != 0 or not (usb or has_pi) or any(one.problem for one in usb):
        return
    if _OPEN_TO_ALL.isdisjoint(answer.text.split()):
        fix = "sudo usermod -aG video $USER, then log in again"
        yield Finding("wrong", "this user is not in the group video, whom cameras are for", fix)
