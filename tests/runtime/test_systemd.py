"""The unit that is printed, as systemd reads it, and what systemd is told while the camera runs."""

from __future__ import annotations

import getpass
import os
import pwd
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from camera_results import outage
from hypothesis import example, given
from hypothesis import strategies as st
from made_results import made_result

from hangtag.errors import OutputError
from hangtag.systemd import ServiceNotes
from hangtag.systemd_quoting import words
from hangtag.systemd_unit import unit_of_this_command

_ANALYZE = shutil.which("systemd-analyze")
_MANAGER = Path("/lib/systemd/systemd")


def _unit(*arguments: str, **environment: str) -> str:
    return unit_of_this_command(arguments, environment)


def _lines(unit: str, key: str) -> list[str]:
    return [line.removeprefix(f"{key}=") for line in unit.splitlines() if line.startswith(f"{key}=")]


def _read_by_the_rules(line: str) -> list[str]:
    """Return a line's words by the rules of systemd.syntax(7): quotes, C escapes, then specifiers."""
    found: list[bytes] = []
    word, quote, position = None, "", 0
    while position < len(line):
        character = line[position]
        position += 1
        if character == "\\":
            escape = line[position]
            if escape == "x":
                plain = bytes([int(line[position + 1 : position + 3], 16)])
                position += 3
            else:
                plain = {"n": b"\n", "t": b"\t", "\\": b"\\", '"': b'"', "'": b"'", "s": b" "}[escape]
                position += 1
            word = (word or b"") + plain
        elif quote:
            quote = "" if character == quote else quote
            word = (word or b"") + (character.encode() if quote else b"")
        elif character in "\"'":
            quote, word = character, word or b""
        elif character in " \t\n":
            found += [word] if word is not None else []
            word = None
        else:
            word = (word or b"") + character.encode()
    assert not quote, "a quote that is not closed"
    found += [word] if word is not None else []
    assert not any(re.search(rb"(?<!%)(%%)*%(?!%)", one) for one in found), "an unknown specifier"
    return [one.replace(b"%%", b"%").decode(errors="surrogateescape") for one in found]


_WORDS = st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), max_size=6)


@given(_WORDS)
@example(
    ["a b", "100%", "$HOME ${X}", 'it\'s "so"', "", ";", "\\", "\\x41", "\n\t\x7f", "%h", "#", "衣服", " "]
)
@example(["\udcff\udc80"])
def test_words_come_back_as_they_were(several: list[str]) -> None:
    line = words(several)
    assert "\n" not in line
    assert _read_by_the_rules(line) == several


def test_nul_is_refused() -> None:
    with pytest.raises(OutputError, match="NUL"):
        _unit("--top", "a\0b")


def test_the_very_command_with_absolute_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clip.mp4").touch()
    unit = _unit(
        *("--source", "clip.mp4", "--loop", "--print-systemd", "--model=m odel.tflite", "--clip", "out"),
        *("--snapshots", "/data/shots", "--size", "640x480", "--roi=1,2,3,4", "--headless", "--json"),
    )
    (start,) = _lines(unit, "ExecStart")
    assert _read_by_the_rules(start.removeprefix(":")) == [
        *(sys.executable, "-m", "hangtag", "camera", "--source", str(tmp_path / "clip.mp4"), "--loop"),
        *("--model", str(tmp_path / "m odel.tflite"), "--clip", str(tmp_path / "out")),
        *("--snapshots", "/data/shots", "--size", "640x480", "--roi=1,2,3,4", "--headless", "--json"),
    ]
    (writable,) = _lines(unit, "ReadWritePaths")
    assert _read_by_the_rules(writable) == [str(tmp_path / "out"), "/data/shots"]
    assert len(_lines(unit, "ExecStartPre")) == 2


@pytest.mark.parametrize(
    ("arguments", "variables"),
    [
        (("--source", "rtsp://user:secret@host/path"), ["HANGTAG_SOURCE"]),
        (("--source=http://host/stream?token=secret",), ["HANGTAG_SOURCE"]),
        (("--mqtt", "mqtts://user:secret@host/topic"), ["HANGTAG_MQTT"]),
        (("--webhook", "https://host/services/secret"), ["HANGTAG_WEBHOOK"]),
        (("--source", "0", "--mqtt=mqtt://host/topic"), []),
    ],
)
def test_secrets_stay_out(arguments: tuple[str, ...], variables: list[str]) -> None:
    unit = _unit(*arguments)
    assert "secret" not in unit
    assert "user" not in unit.replace("User=", "").replace("multi-user", "")
    assert bool(_lines(unit, "EnvironmentFile")) is bool(variables)
    assert re.findall(r"HANGTAG_[A-Z]+(?==')", unit) == variables


def test_secrets_of_the_environment_stay_out_too() -> None:
    unit = _unit("--headless", HANGTAG_SOURCE="rtsp://user:secret@host/", HANGTAG_MQTT="mqtt://secret/t")
    assert "secret" not in unit
    assert "#   HANGTAG_SOURCE=" in unit
    assert "#   HANGTAG_MQTT=" in unit
    assert "HANGTAG_SOURCE" not in _unit("--source", "0", HANGTAG_SOURCE="rtsp://user:secret@host/")


@pytest.mark.parametrize(
    ("arguments", "there", "missing"),
    [
        (("--source", "0"), "DeviceAllow=char-video4linux rw", "PrivateDevices"),
        (("--source", "picamera://0"), "DeviceAllow=char-dma_heap rw", "PrivateDevices"),
        (("--source", "scene:"), "PrivateDevices=yes", "DeviceAllow"),
        (("--source", "scene:"), "PrivateTmp=yes", "network-online"),
        (("--source", "rtsp://host/"), "After=network-online.target", "DeviceAllow"),
        (("--source", "rtsp://u:p@host/"), "After=network-online.target", "DeviceAllow"),
        (("--source", "0", "--mqtt", "mqtt://h/t"), "After=network-online.target", "PrivateDevices"),
        (("--clip", "/var/tmp/clips"), "ReadWritePaths=/var/tmp/clips", "PrivateTmp"),  # noqa: S108
        (("--serve", "80"), "AmbientCapabilities=CAP_NET_BIND_SERVICE", "PrivateDevices"),
        (("--serve", "8000"), "CapabilityBoundingSet=\n", "AmbientCapabilities"),
        (("--source", "0"), "--headless", "--print-systemd"),
    ],
)
def test_it_may_do_what_it_must_and_no_more(arguments: tuple[str, ...], there: str, missing: str) -> None:
    unit = _unit(*arguments)
    assert there in unit
    assert missing not in unit


def test_a_wrong_option_is_not_tried_again_and_again() -> None:
    lines = _unit("--source", "0").splitlines()
    assert {"Restart=always", "RestartPreventExitStatus=2"} <= set(lines)


def test_a_service_has_no_standard_input() -> None:
    with pytest.raises(OutputError, match="standard input"):
        _unit("--source", "-")


_HARD = ("--clip", '/srv/100% "cl\'ips" $HOME \\x41 ü', "--source", "rtsp://u:p@h/", "--snapshots", "/srv/s")


@pytest.mark.skipif(_ANALYZE is None, reason="needs systemd-analyze: apt install systemd")
@pytest.mark.parametrize("arguments", [_HARD, ("--source", "0"), ("--source", "scene:", "--serve", "80")])
def test_systemd_finds_nothing_to_complain_about(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    unit = tmp_path / "hangtag-camera.service"
    unit.write_text(_unit(*arguments))
    assert _ANALYZE is not None
    found = subprocess.run(
        [_ANALYZE, "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False
    )
    complaints = [line for line in found.stderr.splitlines() if "hangtag-camera" in line]
    assert (found.returncode, complaints) == (0, [])


def test_the_command_prints_it(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hangtag", "camera", "--source", "rtsp://u:hush@h/", "--print-systemd"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert done.stdout == unit_of_this_command(["--source", "rtsp://u:hush@h/"], {})
    assert "hush" not in done.stdout + done.stderr


@pytest.fixture
def readable() -> Iterator[Path]:
    """A folder that another user may look into."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.skipif(not _MANAGER.exists(), reason="needs systemd: apt install systemd")
def test_systemd_itself_reads_the_very_command(readable: Path) -> None:
    """Its manager loads the unit (as a user's: root may not try) and shows how it understood it."""
    name = "hangtag-camera.service"
    (readable / name).write_text(_unit(*_HARD))
    (readable / name).chmod(0o644)
    user = "nobody" if os.getuid() == 0 else getpass.getuser()
    become = ["runuser", "-u", user, "--"] if os.getuid() == 0 else []
    run = readable / "run"
    run.mkdir()
    shutil.chown(run, pwd.getpwnam(user).pw_uid)
    settings = [f"XDG_RUNTIME_DIR={run}", f"HOME={run}", f"SYSTEMD_UNIT_PATH={readable}:"]
    command = [*become, "env", *settings, str(_MANAGER), "--user", "--test", f"--unit={name}"]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    commands = re.findall(r"Command Line: (.*-m hangtag camera.*)", shown.stdout)
    if not commands:
        pytest.skip(f"systemd's manager cannot be tried here: {shown.stderr[-200:]}")
    # It shows words as a shell would take them.
    command = ["bash", "-c", f"printf '%s\\0' {commands[0]}"]
    argv = subprocess.run(command, capture_output=True, check=True, text=True).stdout.split("\0")[:-1]
    start = _lines(_unit(*_HARD), "ExecStart")[0].removeprefix(":")
    assert argv == _read_by_the_rules(start)
    assert argv[4:6] == list(_HARD[:2])


# --- what it is told ---

_Listen = Callable[[], list[str]]


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, _Listen]]:
    """A socket like systemd's: its address, and what came since the last call."""
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        abstract = request.param == "abstract"
        listener.bind(f"\0{path}" if abstract else path)
        listener.setblocking(False)

        def heard() -> list[str]:
            lines = []
            while True:
                try:
                    lines.append(listener.recv(4096).decode())
                except BlockingIOError:  # noqa: PERF203
                    return lines

        yield (f"@{path}" if abstract else path), heard


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr("hangtag.systemd.time.monotonic", lambda: now[0])
    return now


def test_ready_alive_and_stopping(
    manager: tuple[str, _Listen], clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, heard = manager
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    monkeypatch.setenv("WATCHDOG_USEC", "20000000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    notes = ServiceNotes()
    assert heard() == [], "it is not ready before there is a result"
    notes.write(made_result().without_picture())
    first = heard()
    assert first[:2] == ["READY=1", "WATCHDOG=1"]
    assert first[2].startswith("STATUS=dress 0.90")
    alive = statuses = 0
    for _ in range(600):  # 60 s of 10 results each
        clock[0] += 0.1
        notes.write(made_result("hat"))
        lines = heard()
        alive += lines.count("WATCHDOG=1")
        statuses += any(line == "STATUS=hat 0.90, 10.0 frames a second" for line in lines)
        assert "READY=1" not in lines
    assert 5 <= alive <= 6, "every half of 20 s"
    assert 11 <= statuses <= 12
    clock[0] += 30
    assert heard() == [], "nothing comes by itself: a hung loop is noticed"
    notes.missing(outage(reason="unplugged"))
    assert heard() == ["WATCHDOG=1", "STATUS=stale: unplugged"]
    notes.close()
    assert heard() == ["STOPPING=1"]


def test_an_outage_at_the_start_is_ready_too(manager: tuple[str, _Listen]) -> None:
    address, heard = manager
    notes = ServiceNotes(address)
    notes.missing(outage())
    assert heard()[0] == "READY=1"
    notes.close()


def test_another_process_watchdog_is_not_ours(
    manager: tuple[str, _Listen], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, heard = manager
    monkeypatch.setenv("WATCHDOG_USEC", "1000000")
    monkeypatch.setenv("WATCHDOG_PID", "1")
    notes = ServiceNotes(address)
    notes.write(made_result())
    assert "WATCHDOG=1" not in heard()
    notes.close()


def test_a_label_says_nothing_but_itself(manager: tuple[str, _Listen]) -> None:
    address, heard = manager
    notes = ServiceNotes(address)
    notes.write(made_result("a\nSTOPPING=1\r\nb" + "x" * 5000))
    assert all("\n" not in line and len(line) < 200 for line in heard())
    notes.close()


@pytest.mark.parametrize("address", ["/nowhere/at/all", "", "@nobody-listens-here"])
def test_a_manager_that_cannot_be_reached_is_no_error(address: str) -> None:
    notes = ServiceNotes(address)
    notes.write(made_result())
    notes.missing(outage())
    assert notes.close() is None


def test_a_manager_that_listens_later_is_told_then(tmp_path: Path, clock: list[float]) -> None:
    address = str(tmp_path / "notify")
    notes = ServiceNotes(address)
    notes.write(made_result())
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        manager.settimeout(5)
        clock[0] += 10
        notes.write(made_result())
        assert b"READY=1" in manager.recv(4096)
    notes.close()


def test_a_full_queue_is_not_waited_for(manager: tuple[str, _Listen], clock: list[float]) -> None:
    address, heard = manager
    others = ServiceNotes(address)
    for _ in range(2000):  # more than any queue holds
        clock[0] += 10
        others.write(made_result())
    notes = ServiceNotes(address)
    notes.write(made_result())
    assert not {"READY=1"} & set(heard()[1:]), "there was no room for it"
    notes.write(made_result())
    assert heard()[0] == "READY=1", "it is said again until it is heard"
    notes.write(made_result())
    assert "READY=1" not in heard()
    notes.close()
    others.close()
