"""A systemd unit that runs a camera command as a service."""

from __future__ import annotations

import getpass
import glob
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hangtag.address import STREAM, without_secrets
from hangtag.errors import OutputError
from hangtag.systemd_quoting import words

SECRETS_FILE = "/etc/hangtag/camera.env"
"""Where the unit expects addresses with passwords, as a file that only root may read."""

_FOLDERS = ("--clip", "--record", "--snapshots")
_FILES = ("--model",)
_SECRET = {"--source": "HANGTAG_SOURCE", "--mqtt": "HANGTAG_MQTT", "--webhook": "HANGTAG_WEBHOOK"}
_FLAGS = ("--print-systemd", "--list")
_PRIVILEGED_PORTS = 1024
# As root, before the service's own narrow view of the disk is made, which needs the folder to be there.
_MAKE_FOLDER = 'test -d "$1" || install -d -o "$0" "$1"'


@dataclass(slots=True)
class _Command:
    """A camera command, taken apart for a unit."""

    arguments: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    source: str = "0"
    port: int | None = None


def unit_of_this_command(
    arguments: Sequence[str] | None = None, environment: Mapping[str, str] | None = None
) -> str:
    """Return a unit that runs this very command, with absolute paths and without its secrets.

    Args:
        arguments: what stands after ``hangtag camera``; None for this program's own.
        environment: where addresses may come from as well; None for this program's own.

    Raises:
        OutputError: the command cannot stand in a unit.
    """
    given = list(sys.argv[2:] if arguments is None else arguments)
    command = _taken_apart(given, os.environ if environment is None else environment)
    try:
        return "\n".join([*_head(command), *_service(command), *_hardening(command), *_install()]) + "\n"
    except ValueError as error:
        raise OutputError(str(error)) from None


def _taken_apart(given: Sequence[str], environment: Mapping[str, str]) -> _Command:
    """Return the command's parts; options are ``--name value`` or ``--name=value``."""
    command = _Command()
    waiting = list(given)
    while waiting:
        name, equals, value = waiting.pop(0).partition("=")
        if name in _FLAGS:
            continue
        if name not in (*_FOLDERS, *_FILES, *_SECRET, "--serve"):
            command.arguments.append(name + equals + value)
            continue
        if not equals:
            value = waiting.pop(0) if waiting else ""
        _take(command, name, value)
    for name, variable in _SECRET.items():
        # The command line's word goes before that of the environment.
        if environment.get(variable) and name not in {one.partition("=")[0] for one in given}:
            _hide(command, variable, environment[variable])
    if "--headless" not in command.arguments:
        command.arguments.append("--headless")
    return command


def _take(command: _Command, name: str, value: str) -> None:
    if name in _SECRET and (name == "--webhook" or without_secrets(value) != value):
        _hide(command, _SECRET[name], value)
        return
    if name in _FOLDERS:
        value = str(Path(value).absolute())
        command.folders.append(value)
    elif name in _FILES:
        value = str(Path(value).absolute())
        command.paths.append(value)
    elif name == "--source":
        if value == "-":
            raise OutputError("a service has no standard input: --source - cannot be one; name a camera")
        value = command.source = _absolute_source(value)
        command.paths.append(value.removeprefix("scene:"))
    elif name == "--serve" and value.isdigit():
        command.port = int(value)
    command.arguments += [name, value]


def _hide(command: _Command, variable: str, value: str) -> None:
    command.secrets.append(variable)
    if variable == _SECRET["--source"]:
        command.source = value


def _absolute_source(spelling: str) -> str:
    if spelling.startswith("scene:"):
        photos = spelling.removeprefix("scene:")
        return f"scene:{Path(photos).absolute()}" if photos else spelling
    is_file = Path(spelling).exists() or (glob.has_magic(spelling) and "://" not in spelling)
    return str(Path(spelling).absolute()) if is_file and not spelling.isdigit() else spelling


def _head(command: _Command) -> list[str]:
    online = ["Wants=network-online.target", "After=network-online.target"]
    return [
        "# Save as /etc/systemd/system/hangtag-camera.service, then:",
        "#   systemctl daemon-reload && systemctl enable --now hangtag-camera",
        *_about_secrets(command),
        "",
        "[Unit]",
        "Description=Hangtag camera classifier",
        *(online if _on_network(command) else []),
        "# It is started again for as long as it takes: nobody may be there to do it.",
        "StartLimitIntervalSec=0",
        "",
    ]


def _about_secrets(command: _Command) -> list[str]:
    if not command.secrets:
        return []
    lines = [f"#   {variable}='…'" for variable in command.secrets]
    return [
        f"# Addresses that may hold passwords are not written here. Put them into {SECRETS_FILE}",
        "# (chown root, chmod 600), a line each, as they stood on the command line:",
        *lines,
    ]


def _on_network(command: _Command) -> bool:
    networked = ("--mqtt", "--webhook", "--host")
    return (
        bool(STREAM.match(command.source))
        or any(variable != _SECRET["--source"] for variable in command.secrets)
        or any(argument.partition("=")[0] in networked for argument in command.arguments)
    )


def _service(command: _Command) -> list[str]:
    user = getpass.getuser()
    # The colon keeps systemd from putting variables in the place of words with a dollar.
    start = words([sys.executable, "-m", "hangtag", "camera", *command.arguments])
    made = [
        f"ExecStartPre=+:{words(['/bin/sh', '-c', _MAKE_FOLDER, user, folder])}" for folder in command.folders
    ]
    return [
        "[Service]",
        "Type=notify",
        "NotifyAccess=main",
        *([f"EnvironmentFile={SECRETS_FILE}"] if command.secrets else []),
        *made,
        f"ExecStart=:{start}",
        f"User={user}",
        "# A camera that hangs is noticed, and the service started again.",
        "WatchdogSec=30",
        "TimeoutStartSec=120",
        "Restart=always",
        "RestartSec=5",
        "# A wrong option does not become right by trying it again.",
        "RestartPreventExitStatus=2",
        "KillSignal=SIGTERM",
        "TimeoutStopSec=5",
        "",
    ]


def _hardening(command: _Command) -> list[str]:
    temporary = any(re.match(r"/(var/)?tmp(/|$)", path) for path in (*command.folders, *command.paths))
    low_port = command.port is not None and 0 < command.port < _PRIVILEGED_PORTS
    capabilities = "CAP_NET_BIND_SERVICE" if low_port else ""
    return [
        "# It may read the system and write to its own folders only.",
        "ProtectSystem=strict",
        "ProtectHome=read-only",
        *([] if temporary else ["PrivateTmp=yes"]),
        *([f"ReadWritePaths={words(command.folders)}"] if command.folders else []),
        "CacheDirectory=hangtag",
        "Environment=HANGTAG_CACHE=/var/cache/hangtag",
        *_devices(command),
        f"CapabilityBoundingSet={capabilities}",
        *([f"AmbientCapabilities={capabilities}"] if low_port else []),
        "NoNewPrivileges=yes",
        "ProtectClock=yes",
        "ProtectControlGroups=yes",
        "ProtectKernelLogs=yes",
        "ProtectKernelModules=yes",
        "ProtectKernelTunables=yes",
        "LockPersonality=yes",
        "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
        "RestrictNamespaces=yes",
        "RestrictRealtime=yes",
        "RestrictSUIDSGID=yes",
        "SystemCallArchitectures=native",
        "UMask=0027",
        "",
    ]


def _is_camera(source: str) -> bool:
    return source.isdigit() or source.startswith(("/dev/", "picamera://", "rpicam://"))


def _devices(command: _Command) -> list[str]:
    """Return which devices it may use: a camera's (a Raspberry Pi's needs several), or none."""
    if not _is_camera(command.source):
        return ["PrivateDevices=yes"]
    kinds = ("char-video4linux", "char-media", "char-dma_heap", "char-drm", "/dev/vchiq")
    return [
        "SupplementaryGroups=video",
        "DevicePolicy=closed",
        *(f"DeviceAllow={kind} rw" for kind in kinds),
    ]


def _install() -> list[str]:
    return ["[Install]", "WantedBy=multi-user.target"]
