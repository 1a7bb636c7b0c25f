"""What cameras are listed, from recorded answers of the kernel and of rpicam-hello: there are none here."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest
import v4l2_cameras as recorded
from click.testing import CliRunner

from hangtag import device
from hangtag.cli import camera_list
from hangtag.cli.camera import camera
from hangtag.cli.doctor import cameras, doctor
from hangtag.raspberry_pi.board import Board
from hangtag.sources import v4l2_kernel
from hangtag.sources.pi_cameras import listed_cameras
from hangtag.system import System

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs a POSIX system: scripts in PATH")

_IMX219 = """\
Available cameras
-----------------
0 : imx219 [3280x2464 10-bit RGGB] (/base/soc/i2c0mux/i2c@1/imx219@10)
    Modes: 'SRGGB10_CSI2P' : 640x480 [206.65 fps - (1000, 752)/1280x960 crop]
                             1640x1232 [41.85 fps - (0, 0)/3280x2464 crop]
                             1920x1080 [47.57 fps - (680, 692)/1920x1080 crop]
                             3280x2464 [21.19 fps - (0, 0)/3280x2464 crop]
           'SRGGB8' : 640x480 [206.65 fps - (1000, 752)/1280x960 crop]
                      1640x1232 [83.70 fps - (0, 0)/3280x2464 crop]
                      1920x1080 [47.57 fps - (680, 692)/1920x1080 crop]
                      3280x2464 [21.19 fps - (0, 0)/3280x2464 crop]

"""
_IMX708 = """\
[0:00:52.077980292] [981]  INFO Camera camera_manager.cpp:299 libcamera v0.0.4+22-923f5d70
Available cameras
-----------------
0 : imx708_wide [4608x2592] (/base/soc/i2c0mux/i2c@1/imx708@1a)
    Modes: 'SRGGB10_CSI2P' : 1536x864 [120.13 fps - (768, 432)/3072x1728 crop]
                             2304x1296 [56.03 fps - (0, 0)/4608x2592 crop]
                             4608x2592 [14.35 fps - (0, 0)/4608x2592 crop]

    Available controls for 4608x2592 SRGGB10_CSI2P mode:
    ----------------------------------------------------
    AeEnable : [false..true]

"""
_OLD = """\
Available cameras
-----------------
0 : imx477 [4056x3040] (/base/soc/i2c0mux/i2c@1/pca@70/i2c@1/imx477@1a)
    Modes: 'SRGGB10_CSI2P' : 1332x990 (120.00 fps)
           'SRGGB12_CSI2P' : 2028x1080 (50.00 fps), 2028x1520 (40.00 fps), 4056x3040 (10.00 fps)
1 : ov5647 [2592x1944] (/base/soc/i2c0mux/i2c@1/pca@70/i2c@0/ov5647@36)
    Modes: 'SGBRG10_CSI2P' : 640x480 2592x1944
"""
_NONE = "No cameras available!\n"


_IMX219_MODES = {(640, 480): 206.65, (1640, 1232): 83.7, (1920, 1080): 47.57, (3280, 2464): 21.19}
_IMX708_MODES = {(1536, 864): 120.13, (2304, 1296): 56.03, (4608, 2592): 14.35}
_IMX477_MODES = {(1332, 990): 120.0, (2028, 1080): 50.0, (2028, 1520): 40.0, (4056, 3040): 10.0}
_OV5647_MODES = {(640, 480): None, (2592, 1944): None}


@pytest.mark.parametrize(
    ("text", "cameras"),
    [
        (_IMX219, [(0, "imx219", (3280, 2464), _IMX219_MODES)]),
        (_IMX708, [(0, "imx708_wide", (4608, 2592), _IMX708_MODES)]),
        (_OLD, [(0, "imx477", (4056, 3040), _IMX477_MODES), (1, "ov5647", (2592, 1944), _OV5647_MODES)]),
        (
            _IMX219.replace("206.65", "nan"),
            [(0, "imx219", (3280, 2464), {**_IMX219_MODES, (640, 480): None})],
        ),
        (_NONE, []),
        ("ERROR: *** no cameras available ***", []),
        ("", []),
    ],
)
def test_what_the_program_prints_is_read(text: str, cameras: list[tuple[object, ...]]) -> None:
    found = [(one.number, one.model, one.size_wh, dict(one.modes)) for one in listed_cameras(text)]
    assert found == cameras


class _Machine:
    """A machine with these devices, programs and modules."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self._monkeypatch = monkeypatch
        self.devices: dict[Path, recorded.RecordedDevice] = {}
        (folder / "bin").mkdir()
        monkeypatch.setenv("PATH", str(folder / "bin"))
        monkeypatch.setattr(device, "cameras", lambda *_: dict.fromkeys(self.devices, "unnamed"))
        monkeypatch.setattr(v4l2_kernel, "kernel", lambda: self._answer)
        self._be(None)

    def _answer(self, descriptor: int, number: int, query: object) -> object:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        return self.devices[path](descriptor, number, query)

    def plug_in(self, number: int, found: recorded.RecordedDevice) -> Path:
        path = self.folder / f"video{number}"
        path.touch()
        self.devices[path] = found
        return path

    def _be(self, board: Board | None) -> None:
        for module in (camera_list, cameras):
            self._monkeypatch.setattr(module, "board", lambda _: board)

    def be_a_pi(self, says: str | None) -> None:
        self._be(Board("Raspberry Pi 4 Model B Rev 1.4", "4"))
        if says is None:
            return
        (self.folder / "says").write_text(says)
        program = self.folder / "bin" / "rpicam-hello"
        program.write_text(
            f"#!{sys.executable}\nimport sys\nassert sys.argv[1:] == ['--list-cameras']\n"
            f"print(open({str(self.folder / 'says')!r}).read())\n"
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> _Machine:
    return _Machine(tmp_path, monkeypatch)


def _listed() -> str:
    result = CliRunner().invoke(camera, ["--list"])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_formats_sizes_rates_and_spellings_are_listed_by_number(machine: _Machine) -> None:
    machine.plug_in(10, recorded.fast_camera())
    machine.plug_in(0, recorded.c920())
    metadata = machine.plug_in(1, recorded.metadata_node())
    said = _listed()
    assert said.index("HD Pro Webcam C920") < said.index("HD USB Camera")
    assert "--source 0\n" in said
    assert "--source 10\n" in said
    assert "YUYV  640x480 at 5 to 30 fps, 1280x720 at 5 to 10 fps, 1920x1080 at 5 fps" in said
    assert f"{metadata}  HD Pro Webcam C920: delivers no pictures" in said
    assert "--source 1\n" not in said
    assert "none: plug one in" not in said


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (recorded.c920(busy=True), ": in use by another program\n      -> end the program that uses it"),
        (recorded.sensor(), "raw data of a Raspberry Pi's camera\n      -> use rpicam://0 or picamera://0"),
        (recorded.loopback(), "1920x1080 at 30 fps, 8192x8192 at 30 fps and sizes between"),
    ],
)
def test_what_keeps_a_device_from_use_and_the_fix_are_said(
    machine: _Machine, found: recorded.RecordedDevice, said: str
) -> None:
    machine.plug_in(0, found)
    assert said in _listed()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may open everything")
def test_a_device_of_somebody_else_is_said(machine: _Machine) -> None:
    machine.plug_in(0, recorded.c920()).chmod(0)
    assert "not yours to open\n      -> sudo usermod -aG video $USER" in _listed()


def test_a_machine_without_cameras_is_told_of_the_simulated_one(machine: _Machine) -> None:
    said = _listed()
    assert "none: plug one in, or try the simulated one: hangtag camera --source scene:" in said
    assert "rpicam-hello is not installed" in said
    assert "apt install" not in said  # which would help nobody here


def test_cameras_of_a_pi_are_listed_with_their_spelling(machine: _Machine) -> None:
    machine.be_a_pi(_IMX708)
    said = _listed()
    assert "imx708_wide, 4608x2592 pixels" in said
    assert "--source rpicam://0 or picamera://0" in said
    assert "1536x864 at up to 120.13 fps, 2304x1296 at up to 56.03 fps" in said
    assert "needs the Python package picamera2" in said
    assert "--system-site-packages" in said


@pytest.mark.parametrize(
    ("says", "said"), [(_NONE, "sees none: check the cable"), (None, "sudo apt install rpicam-apps")]
)
def test_what_a_pi_lacks_comes_with_the_fix(machine: _Machine, says: str | None, said: str) -> None:
    machine.be_a_pi(says)
    assert said in _listed()


def test_a_program_that_hangs_is_no_hang(machine: _Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.be_a_pi("")
    program = machine.folder / "bin" / "rpicam-hello"
    program.write_text(f"#!{sys.executable}\nimport time\ntime.sleep(1000)\n")
    monkeypatch.setattr("hangtag.sources.pi_cameras._PATIENCE_S", 0.5)
    assert "does not answer" in _listed()


def test_doctor_says_the_same_in_short(machine: _Machine) -> None:
    path = machine.plug_in(0, recorded.c920())
    machine.plug_in(1, recorded.metadata_node())
    busy = machine.plug_in(2, recorded.c920(busy=True))
    machine.be_a_pi(_IMX219)
    findings = list(cameras.camera_findings(System()))
    assert [(one.state, one.what) for one in findings[:3]] == [
        ("ok", f"camera device {path} (HD Pro Webcam C920)"),
        ("note", f"camera device {busy} (HD Pro Webcam C920): in use by another program"),
        ("ok", "Raspberry Pi camera 0 (imx219): --source rpicam://0 or picamera://0"),
    ]
    assert "picamera2" in findings[3].what
    assert f"camera device {path}" in CliRunner().invoke(doctor).output
