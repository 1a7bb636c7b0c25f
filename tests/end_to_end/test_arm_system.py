"""Preparing the emulated ARM system: what is kept, made anew and left alone. Nothing is emulated here."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from arm64.cpus import CPUS, make_roots
from arm64.environment import make_environment, site_packages
from arm64.layers import claimed, forget, layer
from arm64.memory import translations_kib
from arm64.system import ArmSystem, run_watched, why_none
from arm64.wheels import pins, requirements


class Maker:
    """Counts how often a layer is made, and can be interrupted in the middle."""

    def __init__(self) -> None:
        self.times = 0
        self.interrupted = False

    def __call__(self, folder: Path) -> None:
        self.times += 1
        assert not any(folder.iterdir())
        (folder / "first").touch()
        if self.interrupted:
            raise KeyboardInterrupt
        (folder / "second").touch()


@pytest.fixture
def maker() -> Maker:
    return Maker()


def test_a_whole_layer_is_kept(tmp_path: Path, maker: Maker) -> None:
    folder = tmp_path / "layer"
    assert layer(folder, {"version": 1, "packages": ("a", "b")}, maker)
    assert not layer(folder, {"version": 1, "packages": ("a", "b")}, maker)
    assert maker.times == 1


def test_a_layer_of_other_versions_is_made_anew(tmp_path: Path, maker: Maker) -> None:
    folder = tmp_path / "layer"
    layer(folder, {"version": 1}, maker)
    (folder / "left over").touch()
    assert layer(folder, {"version": 2}, maker)
    assert not (folder / "left over").exists()


def test_a_half_made_layer_is_made_anew(tmp_path: Path, maker: Maker) -> None:
    folder = tmp_path / "layer"
    maker.interrupted = True
    with pytest.raises(KeyboardInterrupt):
        layer(folder, {"version": 1}, maker)
    maker.interrupted = False
    assert layer(folder, {"version": 1}, maker)
    assert (folder / "second").exists()


def test_a_layer_whose_replacement_was_interrupted_is_made_anew(tmp_path: Path, maker: Maker) -> None:
    folder = tmp_path / "layer"
    layer(folder, {"version": 1}, maker)
    maker.interrupted = True
    with pytest.raises(KeyboardInterrupt):
        layer(folder, {"version": 2}, maker)
    maker.interrupted = False
    assert layer(folder, {"version": 1}, maker)


def test_a_forgotten_layer_is_made_anew(tmp_path: Path, maker: Maker) -> None:
    folder = tmp_path / "layer"
    layer(folder, {"version": 1}, maker)
    forget(folder)
    assert layer(folder, {"version": 1}, maker)


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(SystemExit, match="holds something else"), claimed(tmp_path):
        pytest.fail("it was claimed")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit, match="holds something else"), claimed(tmp_path / "file"):
        pytest.fail("it was claimed")


def test_a_folder_can_be_claimed_again(tmp_path: Path) -> None:
    for _ in range(2):
        with claimed(tmp_path / "new" / "folder"):
            (tmp_path / "new" / "folder" / "layer").mkdir(exist_ok=True)


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    path = tmp_path / "thing-1-py3-none-any.whl"
    fields = [
        "Metadata-Version: 2.4",
        "Name: thing",
        "Version: 1",
        "Requires-Dist: ai-edge-litert<3,>=2.1",
        "Requires-Dist: opencv-python<6,>=4.9",
        "Requires-Dist: tomli<3; python_version < '3.11'",
        "Requires-Dist: pytest; extra == 'dev'",
    ]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("thing-1.dist-info/METADATA", "\n".join(fields) + "\n\nRequires-Dist: prose\n")
    return path


def test_what_is_installed_follows_from_the_wheel(wheel: Path) -> None:
    found = dict(pin.split("==") for pin in pins(requirements(wheel), "3.11"))
    assert found["ai-edge-litert"] == importlib.metadata.version("ai-edge-litert")
    # What LiteRT wants, and no more: neither an extra nor what an older Python would need.
    assert "flatbuffers" in found
    assert "numpy" in found
    assert found.keys().isdisjoint({"pytest", "tomli", "tensorflow"})
    # There is no desktop in the emulated system.
    assert "opencv-python-headless" in found
    assert "opencv-python" not in found


def test_what_is_not_here_cannot_be_compared(tmp_path: Path, wheel: Path) -> None:
    missing = requirements(wheel)
    missing[0].name = "no-such-distribution"
    with pytest.raises(SystemExit, match="no-such-distribution is not installed here"):
        pins(missing, "3.11")


@pytest.fixture
def prepared(tmp_path: Path) -> ArmSystem:
    """A system without a file of Debian's, and a program in QEMU's place that says how it was called."""
    folder = tmp_path / "a system"
    (folder / "debian" / "usr" / "bin").mkdir(parents=True)
    make_roots(folder / "roots", folder / "debian")
    (folder / "env").mkdir()
    make_environment(folder / "env", "3.11")
    programs = tmp_path / "programs"
    programs.mkdir()
    qemu = programs / "qemu-aarch64-static"
    qemu.write_text('#!/bin/sh\necho "$QEMU_CPU"\nfor one; do echo "$one"; done\n', encoding="utf-8")
    qemu.chmod(0o755)
    return ArmSystem(folder)


def _start(system: ArmSystem, programs: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [system.python, "-c", "a b"],
        env={"PATH": f"{programs}:{os.environ['PATH']}"} | variables,
        capture_output=True,
        check=False,
        text=True,
    )


@pytest.mark.parametrize("asked", [None, "cortex-a53"])
def test_the_launcher_names_the_cpu_and_its_root(
    prepared: ArmSystem, tmp_path: Path, asked: str | None
) -> None:
    cpu = asked or CPUS[0].name
    done = _start(prepared, tmp_path / "programs", **({"QEMU_CPU": asked} if asked else {}))
    folder = prepared.folder
    assert done.stdout.splitlines() == [
        cpu, "-0", f"{folder}/env/bin/python3", "-L", f"{folder}/roots/{cpu}",
        f"{folder}/debian/usr/bin/python3.11", "-c", "a b",
    ]  # fmt: skip


def test_the_launcher_refuses_a_cpu_without_a_root(prepared: ArmSystem, tmp_path: Path) -> None:
    done = _start(prepared, tmp_path / "programs", QEMU_CPU="max")
    assert done.returncode == 2
    assert done.stderr == "QEMU_CPU is max; wanted one of cortex-a76, cortex-a72, cortex-a53\n"


def test_each_root_tells_of_its_cpu_alone(prepared: ArmSystem) -> None:
    for cpu in CPUS:
        root = prepared.folder / "roots" / cpu.name
        parts = {line for line in (root / "proc" / "cpuinfo").read_text().splitlines() if "CPU part" in line}
        assert parts == {f"CPU part\t: {cpu.part}"}
        assert (root / "proc" / "device-tree" / "model").read_text() == f"{cpu.board} (emulated)\0"
        # Nothing but Debian's own files: the host's /tmp is seen through the rest.
        assert {path.name for path in root.iterdir()} == {"proc", "usr"}


def test_an_unprepared_system_says_how_to_prepare_it(tmp_path: Path) -> None:
    fault = ArmSystem(tmp_path).fault()
    assert fault is not None
    assert fault.endswith("make it with: make test-arm64")


def test_without_a_system_the_line_that_makes_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HANGTAG_ARM_SYSTEM", raising=False)
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    missing = why_none()
    assert missing is not None
    assert missing.endswith("make test-arm64")


def test_packages_lie_where_the_environment_looks(prepared: ArmSystem) -> None:
    env = prepared.folder / "env"
    assert site_packages(env, "3.11").is_dir()
    assert (env / "pyvenv.cfg").is_file()


_LOADER = """
import subprocess, sys
from xml.dom import minidom
import click
if "--child" in sys.argv:
    import os, packaging.version
    print("here", flush=True)
    os._exit(3)
sys.exit(subprocess.run([sys.executable, __file__, "--child"]).returncode)
"""


def test_the_witness_hears_of_every_process(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(_LOADER, encoding="utf-8")
    ran = run_watched([sys.executable, program], tmp_path / "notes", {"LANG": "C"})
    assert (ran.status, ran.output) == (3, "here\n")
    by_child = {"--child" in testimony.command: testimony for testimony in ran.testimonies}
    assert by_child[False].packages == {"click"}
    assert by_child[True].packages == {"click", "packaging"}
    assert all(1 < testimony.peak_mb < 500 for testimony in ran.testimonies)


_SMAPS = """\
5563a000-5583a000 r-xp 00000000 fe:00 2170997                            /usr/bin/qemu-aarch64-static
Rss:                1000 kB
7fb3ec000000-7fb3f3fff000 rwxp 00000000 00:00 0
Size:             131068 kB
Rss:               51200 kB
Pss:               51200 kB
7fb3f4000000-7fb3f5000000 rw-p 00000000 00:00 0
Rss:               70000 kB
7fb3fb4a6000-7fb3fb4a8000 r-xp 00000000 00:00 0                          [vdso]
Rss:                   8 kB
"""


def test_translated_code_is_what_is_anonymous_and_executable() -> None:
    assert translations_kib(_SMAPS) == 51200


_SPIKE = """
import mmap, sys, time
if "code" in sys.argv:
    may = mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC
    code = mmap.mmap(-1, 60_000_000, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, may)
    code.write(bytes(60_000_000))
time.sleep(0.8)
spike = b"y" * 180_000_000
del spike
time.sleep(0.4)
"""


def test_the_peak_is_without_translations_and_misses_no_spike(tmp_path: Path) -> None:
    """A program that keeps memory as an emulator does, and for a moment takes as much as a greedy one."""
    program = tmp_path / "program.py"
    program.write_text(_SPIKE, encoding="utf-8")
    peaks = []
    for argument in ("code", "none"):
        ran = run_watched([sys.executable, program, argument], tmp_path / argument, {})
        assert ran.status == 0, ran.errors
        (testimony,) = ran.testimonies
        peaks.append(testimony.peak_mb)
    with_code, without = peaks
    assert 180 < without < 250
    assert with_code == pytest.approx(without, abs=10)


def test_the_marks_are_readable(tmp_path: Path, maker: Maker) -> None:
    layer(tmp_path / "layer", {"packages": ["python3"]}, maker)
    (mark,) = (tmp_path / "layer").glob("*.json")
    assert json.loads(mark.read_text(encoding="utf-8")) == {"packages": ["python3"]}
