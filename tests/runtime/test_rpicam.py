"""The Raspberry Pi's camera program, as a stand-in that behaves as it was seen to: no such camera is here."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from hangtag.errors import SourceError
from hangtag.sources import open_source
from hangtag.sources.rpicam import PROGRAMS, RpicamSource

pytestmark = pytest.mark.skipif(
    os.name != "posix", reason="needs a POSIX system: child processes and signals"
)

# What rpicam-vid 1.5 and libcamera-vid wrote on Raspberry Pis.
_NO_CAMERA = "ERROR: *** no cameras available ***"
_BUSY = """\
[0:19:06.390293141] [2746]  INFO Camera camera_manager.cpp:293 libcamera v0.0.1+54-d528119f
[0:19:06.419783286] [2746]  INFO Camera camera.cpp:839 Pipeline handler in use by another process
ERROR: *** failed to acquire camera /base/soc/i2c0mux/i2c@1/ov5647@36 ***"""
_TIMEOUT = "ERROR: Device timeout detected, attempting a restart!!!"

_COMMAND = [sys.executable, "-m", "hangtag", "camera", "--headless", "--json"]

_PREAMBLE = """\
import os, sys, time
import pathlib
folder = pathlib.Path(__file__).parent
(folder / "pid").write_text(str(os.getpid()))
(folder / "arguments").write_text("\\n".join(sys.argv[1:]))
jpeg = (folder / "frame.jpg").read_bytes()
def frames(count, fps=50):
    for _ in range(count):
        os.write(1, jpeg[:100])
        os.write(1, jpeg[100:])
        time.sleep(1 / fps)
def say(text):
    os.write(2, text.encode() + b"\\n")
"""

Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put a program of this behaviour into PATH; return the folder where it leaves its traces."""

    def put(behaviour: str, name: str = PROGRAMS[0]) -> Path:
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        cv2.imwrite(
            str(folder / "frame.jpg"), np.random.default_rng(1).integers(0, 255, (48, 64, 3), np.uint8)
        )
        program = folder / name
        program.write_text(f"#!{sys.executable}\n{_PREAMBLE}{behaviour}\n")
        program.chmod(0o755)
        tools = [str(Path(found).parent) for tool in ("setpriv",) if (found := shutil.which(tool))]
        monkeypatch.setenv("PATH", os.pathsep.join([str(folder), *tools]))
        return folder

    return put


def _is_alive(folder: Path) -> bool:
    pid = int((folder / "pid").read_text())
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # One that has ended and was not waited for yet is a zombie.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def _ends(folder: Path, within_s: float) -> bool:
    until = time.monotonic() + within_s
    while _is_alive(folder):
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


@pytest.mark.parametrize("name", PROGRAMS)
def test_frames_come_through_and_the_program_ends_with_the_source(install: Install, name: str) -> None:
    folder = install("frames(10_000)", name)
    with open_source("rpicam://1", size_wh=(640, 480), fps=30) as source:
        frames = iter(source)
        first, second = next(frames), next(frames)
        assert _is_alive(folder)
        began = time.monotonic()
    assert time.monotonic() - began < 3
    assert not _is_alive(folder)
    assert first.image_bgr.shape == (48, 64, 3)
    assert second.number > first.number
    assert source.live
    assert source.shown == "rpicam://1"
    arguments = (folder / "arguments").read_text().split()
    for option, value in {"--camera": "1", "--codec": "mjpeg", "--timeout": "0", "--output": "-"}.items():
        assert arguments[arguments.index(option) + 1] == value
    for option, value in {"--width": "640", "--height": "480", "--framerate": "30"}.items():
        assert arguments[arguments.index(option) + 1] == value
    assert {"--nopreview", "--flush"} <= set(arguments)


def test_nothing_is_asked_for_that_was_not_given(install: Install) -> None:
    folder = install("frames(1000)")
    RpicamSource().close()
    assert not {"--width", "--height", "--framerate"} & set((folder / "arguments").read_text().split())


@pytest.mark.parametrize(
    ("messages", "code", "said"),
    [
        (_NO_CAMERA, 255, "no cameras available (check the cable"),
        (_BUSY, 255, "failed to acquire camera /base/soc/i2c0mux/i2c@1/ov5647@36 (another program has it)"),
        ("Illegal instruction", 132, "Illegal instruction"),
        ("", 3, "exit code 3, no message"),
        ("x" * 10_000, 1, "x" * 300),
    ],
)
def test_what_it_says_when_it_cannot_begin_is_the_error(
    install: Install, messages: str, code: int, said: str
) -> None:
    install(f"say({messages!r}) if {messages!r} else None\nsys.exit({code})")
    with pytest.raises(SourceError) as caught:
        RpicamSource()
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_a_program_that_is_killed_in_the_middle_is_an_error(install: Install) -> None:
    install("frames(3)\nos.kill(os.getpid(), 11)")
    source = RpicamSource()
    with pytest.raises(SourceError, match="ended after 3 frames: killed by SIGSEGV"):
        for _ in source.delivered():
            pass
    source.close()


def test_a_camera_that_hangs_is_an_error_with_its_last_message(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hangtag.sources.rpicam._SILENT_S", 0.5)
    folder = install(f"frames(3)\nsay({_TIMEOUT!r})\ntime.sleep(1000)")
    source = RpicamSource()
    with pytest.raises(SourceError, match=r"delivers nothing: Device timeout .* check the cable"):
        for _ in source.delivered():
            pass
    source.close()
    assert not _is_alive(folder)


def test_a_program_that_ignores_being_asked_is_killed(install: Install) -> None:
    folder = install("import signal\nsignal.signal(15, signal.SIG_IGN)\nframes(100_000)")
    source = RpicamSource()
    next(iter(source.delivered()))
    began = time.monotonic()
    source.close()
    assert time.monotonic() - began < 2
    assert not _is_alive(folder)


def test_messages_without_end_fill_no_memory_and_hold_nothing_up(install: Install) -> None:
    install("for i in range(20_000): os.write(2, b'#%d (30.00 fps) exp 33223.00\\n' % i)\nframes(1000)")
    source = RpicamSource()
    assert next(iter(source.delivered())).number == 0
    assert len(source._child._said) <= 20
    source.close()


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs setpriv: sudo apt install util-linux")
@pytest.mark.parametrize("behaviour", ["frames(100_000)", "frames(1)\ntime.sleep(1000)"])
def test_it_ends_with_a_process_that_is_killed(install: Install, behaviour: str) -> None:
    folder = install(behaviour)
    code = (
        "from hangtag.sources.rpicam import RpicamSource; import time\nsource ="
        " RpicamSource(); next(iter(source.delivered())); print('there', flush=True); time.sleep(1000)"
    )
    owner = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert owner.stdout is not None
    assert owner.stdout.readline() == b"there\n"
    assert _is_alive(folder)
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    owner.stdout.close()
    assert _ends(folder, within_s=3)


def test_without_the_program_the_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourceError, match=r"needs the program rpicam-vid.*sudo apt install rpicam-apps"):
        open_source("rpicam://0")


@pytest.mark.parametrize("camera", ["", "front", "0 --output x", "-1"])
def test_cameras_have_numbers(camera: str) -> None:
    with pytest.raises(SourceError, match="has a number"):
        RpicamSource(camera)


def test_the_real_command_starts_it_again_when_it_crashed(install: Install, tmp_path: Path) -> None:
    folder = install(
        "runs = folder / 'runs'\nruns.write_text(runs.read_text() + 'x' if runs.exists() else 'x')\n"
        "say('it crashes')\nframes(10)\nsys.exit(1)"
    )
    done = subprocess.run(
        [*_COMMAND, "--source", "rpicam://0", "--max-frames", "15"],
        capture_output=True,
        text=True,
        timeout=90,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert sum(not line["stale"] for line in lines) == 15
    assert done.stderr.count("ended after 10 frames: it crashes; waiting until it is back") >= 1
    assert "rpicam://0 is back after" in done.stderr
    assert len((folder / "runs").read_text()) >= 2
    assert _ends(folder, within_s=3)
