"""The cameras at a Raspberry Pi's own connector: the programs for them, ``config.txt`` and picamera2."""

from __future__ import annotations

from collections.abc import Iterator

from hangtag.cli.findings import Finding
from hangtag.raspberry_pi.board import Board
from hangtag.raspberry_pi.boot_config import BootConfig, boot_config
from hangtag.raspberry_pi.os_image import OsImage, os_image
from hangtag.raspberry_pi.picamera2 import Obstacle, commands_to_mend, import_error, picamera2
from hangtag.sources.pi_cameras import Listing
from hangtag.system import System

_WITHOUT = "rpicam://0 works without it"
_CABLE = "check the cable, its direction and both its ends; then sudo reboot, and rpicam-hello --list-cameras"
_FIRST_WITH_RPICAM = 12
_DETECT = "-e '$a[all]\\ncamera_auto_detect=1'"
"""For sed: at the end, outside of whatever filter stands before it."""


def pi_camera_findings(system: System, pi: Board, listed: Listing, *, has_usb: bool) -> Iterator[Finding]:
    """Yield what is to be said beyond the cameras that are listed.

    Args:
        system: the machine.
        pi: the board.
        listed: what the program for cameras answered.
        has_usb: there is another camera, so that nothing need be at the connector.
    """
    image = os_image(system)
    if listed.program is None:
        yield Finding("note", "no programs for the Raspberry Pi's camera", _install(image))
    elif listed.cameras is None:
        what = f"{listed.program} --list-cameras does not answer"
        yield Finding("note", what, f"{listed.program} --list-cameras (shows why); then sudo reboot")
    elif not listed.cameras:
        yield from _none(boot_config(system, pi), has_usb=has_usb)
    else:
        if listed.is_busy:
            what = "the Raspberry Pi camera is in use by another program"
            yield Finding("note", what, "sudo fuser -v /dev/media* (names it); a service of ours: "
                          "sudo systemctl stop hangtag-camera")  # fmt: skip
        yield from _picamera2(system, image)


def _install(image: OsImage | None) -> str:
    if image is not None and image.version is not None and image.version < _FIRST_WITH_RPICAM:
        return "sudo apt install -y libcamera-apps"
    lite = image is not None and not image.has_desktop
    return f"sudo apt install -y {'rpicam-apps-lite' if lite else 'rpicam-apps'}"


def _none(config: BootConfig | None, *, has_usb: bool) -> Iterator[Finding]:
    """Yield why no camera is found at the connector, as far as ``config.txt`` tells."""
    state = "note" if has_usb else "wrong"
    if config is not None and config.is_legacy_camera:
        yield Finding(
            state,
            f"the legacy camera stack is switched on (start_x=1 in {config.path}): rpicam and picamera2 see "
            "no camera",
            f"sudo sed -i -e 's/^start_x=1/#&/' {_DETECT} {config.path} && sudo reboot",
        )
    elif config is not None and not config.looks_for_cameras:
        yield Finding(
            state,
            f"cameras are not looked for (no camera_auto_detect=1 in {config.path})",
            f"sudo sed -i -e 's/^camera_auto_detect=0/#&/' {_DETECT} {config.path} && sudo reboot",
        )
    elif config is not None and config.camera_overlays:
        named = config.camera_overlays[-1]
        yield Finding(
            "note",
            f"{config.path} names a camera (dtoverlay={named}), and none answers",
            f"sudo sed -i -e 's/^dtoverlay={named}/#&/' -e 's/^camera_auto_detect=0/#&/' "
            f"{_DETECT} {config.path} && sudo reboot (looks for any); or {_CABLE}",
        )
    elif not has_usb:
        yield Finding("note", "no camera at the Raspberry Pi's connector", _CABLE)


def _picamera2(system: System, image: OsImage | None) -> Iterator[Finding]:
    """Yield whether picamera2 can be used from this Python."""
    found = picamera2(system, image)
    if not found.obstacles:
        error = import_error(system)
        if error is None:
            yield Finding("ok", f"picamera2 {found.version}: picamera:// works")
        else:
            yield Finding(
                "note", f"picamera2 {found.version} does not load ({error}); {_WITHOUT}", _REINSTALL
            )
        return
    has_desktop = image is not None and image.has_desktop
    commands = commands_to_mend(found, system, has_desktop=has_desktop)
    what = _worded(found.obstacles[0], found.version, found.apt_python, found.apt_numpy)
    yield Finding("note", f"{what}; {_WITHOUT}", " && ".join(commands))


_REINSTALL = "sudo apt install -y --reinstall python3-picamera2 python3-libcamera"


def _worded(obstacle: Obstacle, version: str | None, apt_python: str | None, apt_numpy: int) -> str:
    more = {
        Obstacle.OTHER_PYTHON: f", {apt_python}",
        Obstacle.OTHER_NUMPY: f", {apt_numpy}",
    }.get(obstacle, "")
    return f"picamera2{f' {version}' if version else ''} {obstacle.value}{more}"
