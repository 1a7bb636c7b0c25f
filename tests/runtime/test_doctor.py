"""What ``hangtag doctor`` finds on recorded machines, and that the commands which it names mend it."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import v4l2_cameras
from click.testing import CliRunner
from recorded_pi import CASES, RecordedSystem

from hangtag.classifier import Classifier, bundled_model
from hangtag.cli import main
from hangtag.cli.doctor import command
from hangtag.cli.doctor.command import LOOKS_AT_THE_MACHINE, with_own_pip
from hangtag.cli.doctor.model import model_findings
from hangtag.cli.doctor.opencv import described
from hangtag.cli.findings import Finding
from hangtag.raspberry_pi.board import Board, board
from hangtag.raspberry_pi.boot_config import boot_config
from hangtag.sources import v4l2_kernel
from hangtag.system import System
from hangtag.verification import verify_cases

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs a POSIX system: device files")

Machine = Callable[[str], RecordedSystem]

_CLOSED = "/home/pi/hangtag/.venv/pyvenv.cfg"
_CONFIG = "/boot/firmware/config.txt"
_IMPORT = "/home/pi/hangtag/.venv/bin/python3 -c import picamera2"
_LIST = "rpicam-hello --list-cameras"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Makes recorded machines, with their cameras behind the kernel's interface."""

    def make(case: str) -> RecordedSystem:
        system = RecordedSystem(case, tmp_path / case)
        devices = {name: getattr(v4l2_cameras, kind)() for name, kind in system.record["v4l2"].items()}

        def answer(descriptor: int, number: int, query: object) -> object:
            name = Path(f"/proc/self/fd/{descriptor}").readlink().name
            # What is not in the table is a plain file, which knows no ioctl.
            return devices.get(name, v4l2_cameras.RecordedDevice("a codec", "codec", 0))(
                descriptor, number, query
            )

        monkeypatch.setattr(v4l2_kernel, "kernel", lambda: answer)
        monkeypatch.setattr("sys.platform", "linux")
        return system

    return make


def _found(system: System) -> list[tuple[str, Finding]]:
    return [(topic, finding) for topic, look in LOOKS_AT_THE_MACHINE.items() for finding in look(system)]


def _remarks(system: System) -> list[tuple[str, str, str]]:
    """Return all that is not well: topic, state, what."""
    return [(topic, one.state, one.what) for topic, one in _found(system) if one.state != "ok"]


def _one(system: System, words: str) -> Finding:
    matching = [one for _, one in _found(system) if words in one.what]
    assert len(matching) == 1, [one.what for _, one in _found(system)]
    return matching[0]


def _says(system: System, words: str) -> bool:
    return any(words in one.what for _, one in _found(system))


@pytest.mark.parametrize(
    ("case", "remarks"),
    [
        ("pi5_trixie_desktop", []),
        (
            "pi4_bookworm_lite_under_voltage",
            [
                ("power", "wrong", "the board reports: under-voltage, throttled (throttled=0x50005)"),
                ("cameras", "note", "no camera at the Raspberry Pi's connector"),
                ("cameras", "note", "no camera found"),
            ],
        ),
        (
            "pi3_32_bits",
            [
                (
                    "machine",
                    "wrong",
                    "kernel armv7l, 32-bit programs, Python 3.11.2 (32-bit): a 32-bit system",
                ),
                ("engines", "wrong", "LiteRT has no wheels for 32 bits"),
            ],
        ),
        (
            "pi4_64_bit_kernel_32_bit_programs",
            [
                (
                    "machine",
                    "wrong",
                    "kernel aarch64, 32-bit programs, Python 3.13.5 (32-bit): only the kernel",
                ),
                (
                    "engines",
                    "wrong",
                    "LiteRT has no wheels for 32 bits, nor has tflite-runtime for Python 3.13",
                ),
                ("cameras", "note", "no camera at the Raspberry Pi's connector"),
                ("cameras", "note", "no camera found"),
            ],
        ),
        (
            "zero2w_trixie_lite_low_memory",
            [
                ("space", "note", "memory: 165 of 436 MB available"),
                ("space", "note", "swap: 0 MB"),
                ("space", "note", "disk: 420 MB free"),
                ("cameras", "note", "picamera2 is not installed; rpicam://0 works without it"),
            ],
        ),
        ("usb_camera_only", []),
        (
            "venv_without_system_packages",
            [("cameras", "note", "picamera2 0.3.31 is not to be seen from this virtual environment")],
        ),
        ("not_a_pi", [("cameras", "note", "no camera found")]),
    ],
)
def test_what_is_not_well(machine: Machine, case: str, remarks: list[tuple[str, str, str]]) -> None:
    found = _remarks(machine(case))
    assert [one[:2] for one in found] == [one[:2] for one in remarks], found
    for (*_, what), (*_, wanted) in zip(found, remarks, strict=True):
        assert what.startswith(wanted)


@pytest.mark.parametrize("case", CASES)
def test_every_remark_has_a_way_out(machine: Machine, case: str) -> None:
    assert [one.what for _, one in _found(machine(case)) if one.state != "ok" and not one.fix] == []


@pytest.mark.parametrize(
    ("case", "facts"),
    [
        (
            "pi5_trixie_desktop",
            [
                "Raspberry Pi 5 Model B Rev 1.0, Cortex-A76",
                "Raspberry Pi OS 13 (trixie), with a desktop, image of 2025-12-04",
                "kernel aarch64, 64-bit programs, Python 3.13.5 (64-bit)",
                "power: nothing holds the board back now (throttled=0x0)",
                "CPU temperature: 52 degrees Celsius",
                "frequency governor: ondemand",
                "time: 2026-03-01 10:00 UTC, from the network",
                "Raspberry Pi camera 0 (imx708): --source rpicam://0 or picamera://0",
                "picamera2 0.3.31: picamera:// works",
                "screen: there is one",
            ],
        ),
        (
            "zero2w_trixie_lite_low_memory",
            [
                "Raspberry Pi Zero 2 W Rev 1.0, Cortex-A53",
                "Raspberry Pi OS 13 (trixie), without a desktop (Lite), image of 2025-12-04",
                "screen: none here, use --headless",
            ],
        ),
        ("pi3_32_bits", ["Raspberry Pi OS 12 (bookworm), with a desktop, image of 2025-05-13"]),
        ("usb_camera_only", ["camera device"]),
    ],
)
def test_what_is_said_of_a_board(machine: Machine, case: str, facts: list[str]) -> None:
    said = [one.what for _, one in _found(machine(case))]
    assert [fact for fact in facts if not any(line.startswith(fact) for line in said)] == [], said


def test_a_machine_that_is_no_pi_is_told_nothing_of_pis(machine: Machine) -> None:
    found = _found(machine("not_a_pi"))
    assert {"power", "clock"}.isdisjoint(topic for topic, _ in found)
    assert not any("Raspberry" in one.what or "rpicam" in one.what for _, one in found)


@pytest.mark.parametrize(
    ("name", "family", "can_64_bits"),
    [
        ("Raspberry Pi 5 Model B Rev 1.1", "5", True),
        ("Raspberry Pi 500 Rev 1.0", "5", True),
        ("Raspberry Pi Compute Module 5 Rev 1.0", "5", True),
        ("Raspberry Pi 400 Rev 1.0", "4", True),
        ("Raspberry Pi Compute Module 4 Rev 1.1", "4", True),
        ("Raspberry Pi 3 Model A Plus Rev 1.0", "3", True),
        ("Raspberry Pi Zero 2 W Rev 1.0", "Zero 2", True),
        ("Raspberry Pi 2 Model B Rev 1.2", "2", True),
        ("Raspberry Pi 2 Model B Rev 1.1", "2", False),
        ("Raspberry Pi Zero W Rev 1.1", "Zero", False),
        ("Raspberry Pi Model B Rev 2", "1", False),
    ],
)
def test_boards_are_known_by_their_names(
    machine: Machine, name: str, family: str, *, can_64_bits: bool
) -> None:
    system = machine("not_a_pi")
    system.put("/proc/device-tree/model", f"{name}\0")
    known = board(system)
    assert known == Board(name, family)
    assert known.can_64_bits is can_64_bits


def test_a_board_that_has_only_32_bits_is_not_told_of_a_64_bit_card(machine: Machine) -> None:
    system = machine("pi3_32_bits")
    system.put("/proc/device-tree/model", "Raspberry Pi Zero W Rev 1.1\0")
    assert _one(system, "this board runs 32-bit systems only").fix.startswith("take a Raspberry Pi 3")


def test_32_bits_with_the_older_interpreter_are_no_failure(machine: Machine) -> None:
    system = machine("pi3_32_bits")
    system.record["packages"]["tflite-runtime"] = "2.14.0"
    assert [state for _, state, _ in _remarks(system)] == ["note", "note"]
    assert _says(system, "tflite-runtime 2.14.0 (--engine tflite-runtime)")
    system.record["packages"]["numpy"] = "2.4.0"
    assert "cannot work with NumPy 2" in _one(system, "tflite-runtime 2.14.0").what


@pytest.mark.parametrize(
    ("version", "said", "fix"),
    [
        ("3.13.5", "the interpreter ai-edge-litert is not installed", "pip install ai-edge-litert"),
        ("3.9.2", "there is no ai-edge-litert for Python 3.9, only for 3.10 to 3.14", "setup-device --venv"),
        ("3.15.0", "there is no ai-edge-litert for Python 3.15", "setup-device --venv"),
    ],
)
def test_the_interpreter_for_this_python(machine: Machine, version: str, said: str, fix: str) -> None:
    system = machine("pi5_trixie_desktop")
    del system.record["packages"]["ai-edge-litert"]
    system.record["python"]["version"] = version
    found = _one(system, said)
    assert found.state == "wrong"
    assert fix in found.fix


@pytest.mark.parametrize(
    ("flags", "remarks"),
    [
        ("0x1", [("wrong", "reports: under-voltage (", "5 V and 5 A")]),
        ("0x8", [("note", "reports: soft temperature limit (", "cool it")]),
        ("0x50000", [("note", "has also reported: under-voltage, throttled", "5 V and 5 A")]),
        ("0x60006", [("note", "reports: frequency capped, throttled (", "cool it")]),
        (
            "0x50004",
            [
                ("note", "reports: throttled (", "cool it"),
                ("note", "has also reported: under-voltage", "5 V"),
            ],
        ),
    ],
)
def test_what_the_firmware_reports(machine: Machine, flags: str, remarks: list[tuple[str, str, str]]) -> None:
    system = machine("pi5_trixie_desktop")
    system.says("vcgencmd get_throttled", f"throttled={flags}")
    found = [one for topic, one in _found(system) if topic == "power" and one.state != "ok"]
    assert len(found) == len(remarks)
    for one, (state, what, fix) in zip(found, remarks, strict=True):
        assert one.state == state
        assert what in one.what
        assert fix in one.fix


def test_firmware_that_cannot_be_asked_is_no_all_clear(machine: Machine) -> None:
    system = machine("pi5_trixie_desktop")
    system.says("vcgencmd get_throttled", "VCHI initialization failed", status=255)
    assert "usermod -aG video" in _one(system, "get_throttled does not answer").fix
    system.lacks("vcgencmd")
    assert _one(system, "vcgencmd is not installed").fix == "sudo apt install -y raspi-utils"
    assert not _says(system, "nothing holds the board back")


def test_heat_and_a_slow_governor_are_notes(machine: Machine) -> None:
    system = machine("pi4_bookworm_lite_under_voltage")
    system.put("/sys/class/thermal/thermal_zone0/temp", "81200\n")
    system.put("/sys/devices/system/cpu/cpufreq/policy0/scaling_governor", "powersave\n")
    assert _one(system, "CPU temperature: 81").state == "note"
    assert "echo ondemand | sudo tee" in _one(system, "governor: powersave").fix


@pytest.mark.parametrize(
    ("now", "synchronized", "state", "said"),
    [
        ("2019-02-14T10:11:00+00:00", "no", "wrong", "the time is not set (2019-02-14 10:11 UTC)"),
        (
            "2026-03-01T10:00:00+00:00",
            "no",
            "note",
            "does not come from the network, and this board has no clock",
        ),
        ("2026-03-01T10:00:00+00:00", "yes", "ok", "from the network"),
    ],
)
def test_whether_the_time_is_known(
    machine: Machine, now: str, synchronized: str, state: str, said: str
) -> None:
    system = machine("zero2w_trixie_lite_low_memory")
    system.record["now"] = now
    system.says("timedatectl show --property=NTPSynchronized --value", synchronized)
    (found,) = [one for topic, one in _found(system) if topic == "clock"]
    assert found.state == state
    assert said in found.what


@pytest.mark.parametrize(("free_kb", "state"), [(9_000_000, "ok"), (400_000, "note"), (20_000, "wrong")])
def test_room_on_the_card(machine: Machine, free_kb: int, state: str) -> None:
    system = machine("pi5_trixie_desktop")
    system.says(
        "df -kP /home/pi/hangtag/.venv",
        "Filesystem 1024-blocks Used Available Capacity Mounted on",
        f"/dev/mmcblk0p2 30322304 3812000 {free_kb} 14% /",
    )
    assert _one(system, "MB free below").state == state


# Cameras at the connector


def test_no_program_for_the_camera(machine: Machine) -> None:
    for case, fix in (
        ("zero2w_trixie_lite_low_memory", "sudo apt install -y rpicam-apps-lite"),
        ("pi5_trixie_desktop", "sudo apt install -y rpicam-apps"),
    ):
        system = machine(case)
        system.lacks("rpicam-hello")
        assert _one(system, "no programs for the Raspberry Pi's camera").fix == fix


def test_an_older_system_has_the_older_program(machine: Machine) -> None:
    system = machine("pi5_trixie_desktop")
    said = system.record["says"].pop(_LIST)
    system.says("libcamera-hello --list-cameras", *said)
    assert _says(system, "Raspberry Pi camera 0 (imx708)")


def test_a_busy_camera_is_a_note(machine: Machine) -> None:
    system = machine("pi5_trixie_desktop")
    said = system.record["says"][_LIST]
    busy = (
        "[0:19:06.419783286] [2746]  INFO Camera camera.cpp:1014 Pipeline handler in use by another process"
    )
    system.says(_LIST, *said, busy)
    found = _one(system, "the Raspberry Pi camera is in use by another program")
    assert found.state == "note"
    assert "fuser" in found.fix


def test_a_user_who_may_not_open_cameras(machine: Machine) -> None:
    system = machine("pi5_trixie_desktop")
    system.says("id -nG", "guest")
    found = _one(system, "not in the group video")
    assert (found.state, found.fix) == ("wrong", "sudo usermod -aG video $USER, then log in again")


def _mend(system: RecordedSystem, fix: str) -> None:
    """Run what a fix changes in files, as it stands but for sudo, a restart and where the root is."""
    shown = fix.partition(" (")[0].replace("sudo ", "").replace(" && reboot", "")
    shown = re.sub(r"(?<![\w:/])/(boot|etc|home)/", lambda at: f"{system.root}/{at[1]}/", shown)
    subprocess.run(["sh", "-euc", shown], check=True, capture_output=True)  # noqa: S607


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("start_x=1\ngpu_mem=128\n[cm5]\n", "the legacy camera stack is switched on"),
        ("camera_auto_detect=0\n[cm5]\nx=1\n", "cameras are not looked for"),
        ("[pi5]\ncamera_auto_detect=1\n", "cameras are not looked for"),
        ("camera_auto_detect=0\ndtoverlay=imx219\n", "names a camera (dtoverlay=imx219), and none answers"),
    ],
)
def test_settings_that_hide_a_camera_are_mended_by_the_command(
    machine: Machine, lines: str, said: str
) -> None:
    system = machine("pi4_bookworm_lite_under_voltage")
    system.put(_CONFIG, lines)
    _mend(system, _one(system, said).fix)
    assert not _says(system, said), system.text(_CONFIG)
    config = boot_config(system, Board("Raspberry Pi 4 Model B Rev 1.4", "4"))
    assert config is not None
    assert config.settings["camera_auto_detect"] == "1"
    assert not config.is_legacy_camera
    assert config.camera_overlays == ()


@pytest.mark.parametrize(
    ("text", "settings", "overlays"),
    [
        ("a=1\na=2\n#b=3\n", {"a": "2"}, ()),
        ("[pi4]\na=1\n[pi5]\na=5\n[all]\nb=1", {"a": "1", "b": "1"}, ()),
        ("[none]\na=1\n[pi3]\na=3\n[pi02]\na=2", {}, ()),
        ("[cm4]\na=1\n[pi400]\nb=1", {"b": "1"}, ()),
        ("[HDMI:0]\na=1\n", {"a": "1"}, ()),
        ("dtoverlay=imx219,cam0\ndtoverlay = vc4-kms-v3d", {}, ("imx219,cam0", "vc4-kms-v3d")),
    ],
)
def test_settings_are_read_as_the_firmware_reads_them(
    machine: Machine, text: str, settings: dict[str, str], overlays: tuple[str, ...]
) -> None:
    system = machine("pi4_bookworm_lite_under_voltage")
    system.put(_CONFIG, text)
    found = boot_config(system, Board("Raspberry Pi 4 Model B Rev 1.4", "4"))
    assert found is not None
    assert (found.settings, found.overlays) == (settings, overlays)


def test_the_old_place_of_the_settings_is_read_where_there_is_no_new_one(machine: Machine) -> None:
    system = machine("pi4_bookworm_lite_under_voltage")
    system.path(_CONFIG).unlink()
    pi = Board("Raspberry Pi 4 Model B Rev 1.4", "4")
    assert boot_config(system, pi) is None  # what stands there says only where it went
    system.put("/boot/config.txt", "start_x=1\n")
    found = boot_config(system, pi)
    assert found is not None
    assert found.path == "/boot/config.txt"
    assert found.is_legacy_camera


# picamera2


def test_a_closed_environment_is_opened_by_the_command(machine: Machine) -> None:
    system = machine("venv_without_system_packages")
    found = _one(system, "picamera2 0.3.31 is not to be seen")
    opening, _, own = found.fix.partition(" && ")
    assert own == "pip install --force-reinstall --no-deps simplejpeg"  # NumPy 2 here, 1 at apt's
    _mend(system, opening)
    assert "include-system-site-packages = true\n" in (system.path(_CLOSED)).read_text()
    found = _one(system, "picamera2 0.3.31")
    assert found.what.startswith(
        "picamera2 0.3.31 has a part, simplejpeg, that is compiled for another NumPy, 1"
    )
    assert found.fix == own
    system.put("/home/pi/hangtag/.venv/lib/python3.11/site-packages/simplejpeg-1.9.0.dist-info/METADATA", "")
    system.says(_IMPORT)
    assert _one(system, "picamera2 0.3.31").what == "picamera2 0.3.31: picamera:// works"


@pytest.mark.parametrize(
    ("case", "fix"),
    [
        (
            "zero2w_trixie_lite_low_memory",
            "sudo apt install -y --no-install-recommends python3-picamera2",
        ),
        ("pi5_trixie_desktop", "sudo apt install -y python3-picamera2"),
    ],
)
def test_picamera2_comes_from_apt(machine: Machine, case: str, fix: str) -> None:
    system = machine(case)
    shutil.rmtree(system.path("/usr/lib"), ignore_errors=True)
    assert _one(system, "picamera2 is not installed").fix == fix


def test_what_a_package_to_come_will_need_is_foreseen(machine: Machine) -> None:
    """On Debian 12 it takes an own simplejpeg as well, which is said at once."""
    system = machine("venv_without_system_packages")
    shutil.rmtree(system.path("/usr/lib"))
    fix = _one(system, "picamera2 is not installed").fix
    assert [step.split()[0] for step in fix.split(" && ")] == ["sudo", "sed", "pip"]


def test_an_environment_of_another_python_is_made_anew(machine: Machine) -> None:
    system = machine("pi5_trixie_desktop")
    system.record["python"]["version"] = "3.12.1"
    found = _one(system, "picamera2 0.3.31 is compiled for another Python, 3.13")
    assert found.fix == (
        "/usr/bin/python3 -m venv --clear --system-site-packages /home/pi/hangtag/.venv && "
        "sh runtime/setup-device"
    )


def test_an_import_that_fails_all_the_same_is_quoted(machine: Machine) -> None:
    system = machine("pi5_trixie_desktop")
    system.says(
        _IMPORT, "Traceback (most recent call last):", "ImportError: libcamera.so.0.5: gone", status=1
    )
    assert "ImportError: libcamera.so.0.5: gone" in _one(system, "picamera2 0.3.31 does not load").what


def test_the_systems_own_python_needs_no_opening(machine: Machine) -> None:
    system = machine("venv_without_system_packages")
    system.record["python"] |= {"prefix": "/usr", "base_prefix": "/usr"}
    system.record["packages"]["numpy"] = "1.24.2"
    system.says("/usr/bin/python3 -c import picamera2")
    assert _one(system, "picamera2").what == "picamera2 0.3.31: picamera:// works"


# Swap


@pytest.mark.parametrize(
    ("file", "before", "after"),
    [
        ("/etc/dphys-swapfile", "#CONF_SWAPSIZE=\nX=1\n", "CONF_SWAPSIZE=512\nX=1\n"),
        ("/etc/dphys-swapfile", "CONF_SWAPSIZE=0\n", "CONF_SWAPSIZE=512\n"),
    ],
)
def test_swap_is_made_by_the_command(machine: Machine, file: str, before: str, after: str) -> None:
    system = machine("zero2w_trixie_lite_low_memory")
    system.path("/etc/rpi/swap.conf").unlink()
    path = system.put(file, before)
    _mend(system, _one(system, "swap: 0 MB").fix.partition(" && ")[0])
    assert path.read_text() == after


def test_swap_of_debian_13_is_made_by_the_command(machine: Machine) -> None:
    system = machine("zero2w_trixie_lite_low_memory")
    _mend(system, _one(system, "swap: 0 MB").fix)
    assert system.text("/etc/rpi/swap.conf.d/90-hangtag.conf") == "[Main]\nMechanism=auto"


def test_a_desktop_in_512_mb_is_a_note(machine: Machine) -> None:
    system = machine("zero2w_trixie_lite_low_memory")
    system.put("/usr/share/wayland-sessions/labwc.desktop", "[Desktop Entry]\n")
    assert "do_boot_behaviour B1" in _one(system, "a desktop runs in little memory").fix


# OpenCV

_BUILD = """\
  GUI:                           {gui}
  Video I/O:
    DC1394:                      NO
    FFMPEG:                      {ffmpeg}
    GStreamer:                   {gstreamer}
"""
_WHEEL = _BUILD.format(gui="QT5", ffmpeg="YES", gstreamer="NO")
_HEADLESS = _BUILD.format(gui="NONE", ffmpeg="YES", gstreamer="NO")
_APT = _BUILD.format(gui="GTK3", ffmpeg="YES", gstreamer="YES (1.22.0)")
_BARE = _BUILD.format(gui="GTK3", ffmpeg="NO", gstreamer="YES (1.22.0)")


@pytest.mark.parametrize(
    ("build", "state", "said"),
    [
        (_WHEEL, "ok", "opens windows; without GStreamer"),
        (_APT, "ok", "opens windows"),
        (_HEADLESS, "ok", "headless build: opens no windows, use --headless; without GStreamer"),
        (_BARE, "note", "without FFMPEG: reads no RTSP"),
    ],
)
def test_builds_of_opencv(build: str, state: str, said: str) -> None:
    found = described("4.12.0", "opencv-python", build)
    assert found.state == state
    assert found.what.startswith("OpenCV 4.12.0 (opencv-python), ")
    assert said in found.what


# The command


def test_pip_is_this_environments_own(machine: Machine) -> None:
    system = machine("pi5_trixie_desktop")
    fix = "pip uninstall -y a && pip install b && sudo apt install python3-pip"
    own = "/home/pi/hangtag/.venv/bin/pip"
    assert (
        with_own_pip(fix, system)
        == f"{own} uninstall -y a && {own} install b && sudo apt install python3-pip"
    )
    system.record["python"]["prefix"] = "/home/pi/my things"
    assert with_own_pip("pip install b", system) == "'/home/pi/my things/bin/pip' install b"
    system.record["python"] |= {"prefix": "/usr", "base_prefix": "/usr"}
    assert with_own_pip("pip install b", system) == "python3 -m pip install b"


@pytest.mark.parametrize(
    ("case", "wrong"), [("pi5_trixie_desktop", 0), ("pi4_bookworm_lite_under_voltage", 1), ("pi3_32_bits", 2)]
)
def test_the_exit_code_and_the_json_say_how_much_is_wrong(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, case: str, wrong: int
) -> None:
    system = machine(case)
    monkeypatch.setattr(command, "System", lambda: system)
    result = CliRunner().invoke(main, ["doctor", "--json"])
    assert result.exit_code == (1 if wrong else 0), result.output
    said = json.loads(result.stdout)
    assert said["wrong"] == wrong
    assert {one["topic"] for one in said["findings"]} >= {"machine", "power", "cameras", "opencv", "model"}
    assert all(set(one) == {"topic", "state", "what", "fix"} for one in said["findings"])
    assert sum(one["state"] == "wrong" for one in said["findings"]) == wrong
    if wrong:
        assert result.stderr.strip().endswith("to mend, see in the findings")


def test_people_read_the_same(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    system = machine("pi4_bookworm_lite_under_voltage")
    monkeypatch.setattr(command, "System", lambda: system)
    result = CliRunner().invoke(main, ["doctor"])
    assert result.exit_code == 1
    assert "wrong  the board reports: under-voltage, throttled" in result.stdout
    assert "       -> take a power supply that gives 5.1 V and 3 A" in result.stdout
    assert "1 thing to mend, see above" in result.stderr


def test_an_opencv_that_does_not_load_is_found_and_not_fallen_over() -> None:
    """Neither are NumPy and LiteRT needed to be told that they are missing."""
    code = (
        "import sys\n"
        "for name in ('cv2', 'numpy', 'ai_edge_litert'):\n    sys.modules[name] = None\n"
        "from hangtag.cli import main\nmain(['doctor'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, text=True)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "wrong  OpenCV" in done.stdout
    assert "screen:" in done.stdout


# The model


def test_another_interpreter_is_asked_where_the_usual_one_is_missing(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its scores are its own, which is no defect of the device."""
    asked = []

    def bundled(*, engine: str) -> Classifier:
        asked.append(engine)
        return Classifier(bundled_model())  # tflite-runtime cannot be beside this NumPy

    monkeypatch.setattr(Classifier, "bundled", bundled)
    results = verify_cases(Classifier(bundled_model()))
    failed = [dataclasses.replace(one, same_tensor=False) for one in results]
    monkeypatch.setattr("hangtag.verification.verify_cases", lambda _: failed)
    system = machine("pi3_32_bits")
    system.record["packages"]["tflite-runtime"] = "2.14.0"
    found = next(model_findings(system))
    assert (found.state, found.what) == (
        "note",
        "bundled model: 0 of 5 golden cases pass on this device with tflite-runtime",
    )
    assert next(model_findings(machine("pi5_trixie_desktop"))).state == "wrong"
    assert asked == ["tflite-runtime", "litert"]
