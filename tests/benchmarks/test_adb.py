"""A phone through adb: a program that pretends to be adb, and what a phone answers from a recording."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pretend_adb
import pretend_benchmark_model
import pytest
from click.testing import CliRunner

from hangtag.errors import BenchmarkError
from hangtag_benchmarks import frames
from hangtag_benchmarks.commands import benchmark
from hangtag_benchmarks.measurements import RemoteDevice
from hangtag_benchmarks.native.adb import Adb, is_serial
from hangtag_benchmarks.native.benchmark_model import GPU, NNAPI, XNNPACK, Delegate
from hangtag_benchmarks.native.phone import Phone, connected
from hangtag_benchmarks.native.phone_facts import PhoneState, read_facts, read_state
from hangtag_benchmarks.native.program_runner import ProgramRunner
from hangtag_benchmarks.plans import BlockPlan
from hangtag_benchmarks.reports.result_json import read_result

RECORDED = Path(__file__).parent / "recorded_phone"
SHORT = BlockPlan(warmup_s=0.01, warmup_runs=2, invoke_s=0.02, invoke_runs=5, pipeline_s=0, pipeline_runs=1)
EXPECTED = RemoteDevice(
    name="Example Phone 7",
    soc="Maker SoC 9",
    system="Android 14 (arm64-v8a)",
    frequency_governor="schedutil, performance",
    most_frequency_mhz=2800.0,
    temperature_c=44.5,
    throttling=0,
)

GETPROP = '#!/bin/sh\nsed -n "s/^$1=//p" "{phone}/getprop.txt"\n'
DUMPSYS = '#!/bin/sh\ncat "{phone}/$1.txt"\n'
STARTER = '#!/bin/sh\nexec "{python}" "{script}" "$@"\n'


def write_program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture
def phone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that is the phone; adb is the first on the PATH."""
    folder = tmp_path / "phone"
    (folder / "data/local/tmp").mkdir(parents=True)
    for recorded in RECORDED.glob("*.txt"):
        shutil.copy(recorded, folder)
    write_program(folder / "bin/getprop", GETPROP.format(phone=folder))
    write_program(folder / "bin/dumpsys", DUMPSYS.format(phone=folder))
    for core, (governor, khz) in enumerate((("schedutil", 1803000), ("performance", 2800000))):
        cpufreq = folder / f"sys/devices/system/cpu/cpu{core}/cpufreq"
        cpufreq.mkdir(parents=True)
        (cpufreq / "scaling_governor").write_text(f"{governor}\n")
        (cpufreq / "cpuinfo_max_freq").write_text(f"{khz}\n")
    write_program(tmp_path / "host/adb", STARTER.format(python=sys.executable, script=pretend_adb.__file__))
    monkeypatch.setenv("PRETEND_PHONE", str(folder))
    monkeypatch.setenv("PATH", str(tmp_path / "host"), prepend=":")
    return folder


@pytest.fixture
def binary(tmp_path: Path) -> Path:
    return write_program(
        tmp_path / "bench mark; $(touch hacked) 'model'",
        STARTER.format(python=sys.executable, script=pretend_benchmark_model.__file__),
    )


@pytest.fixture
def adb(phone: Path) -> Adb:
    return Adb(pretend_adb.SERIAL)


@pytest.fixture
def runner(tmp_path: Path, adb: Adb, binary: Path) -> Callable[[Delegate], ProgramRunner]:
    frames.write_frames(tmp_path / "frames.npy")
    place = Phone(adb, binary)
    return lambda delegate: ProgramRunner(place, delegate, None, 1, tmp_path / "frames.npy")


def left_on(phone: Path) -> list[Path]:
    return sorted((phone / "data/local/tmp").iterdir())


# --- adb itself


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("R58M12ABCDE", True),
        ("192.168.1.20:5555", True),
        ("emulator-5554", True),
        ("adb-R58M12-x1Y2._adb-tls-connect._tcp", True),
        ("[fe80::1%wlan0]:5555", True),
        *((text, False) for text in ("", "-d", "a b", "a;b", "$(a)", "a\nb", "é", "'a'", "x" * 200)),
    ],
)
def test_serials(text: str, is_one: bool) -> None:
    assert is_serial(text) == is_one
    if not is_one:
        with pytest.raises(ValueError, match="wanted a serial number"):
            Adb(text)


def test_a_script_runs_with_its_status_and_everything_that_it_prints(adb: Adb) -> None:
    assert adb.shell("echo one; echo two >&2; exit 3") == (3, "one\ntwo\n")


def test_a_phone_that_is_not_there_says_so_without_its_serial(phone: Path) -> None:
    reason = Adb("OTHER99").missing()

    assert reason == "adb says: device 'SERIAL' not found; adb devices lists what is connected"


def test_a_phone_that_does_not_trust_us_says_what_to_do(phone: Path, adb: Adb) -> None:
    (phone / "unauthorized").touch()

    assert "allow debugging on the phone's screen" in (adb.missing() or "")


def test_without_adb_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert "apt install adb" in (Adb("X").missing() or "")


# --- what a phone is


def test_facts_and_state_are_those_of_the_recording(runner: Callable[[Delegate], ProgramRunner]) -> None:
    assert runner(XNNPACK).place.device() == EXPECTED


def test_zones_that_may_be_read_come_before_the_service(phone: Path) -> None:
    zones = ("cpu-0-1 51200", "battery 90000", "gpu 80000", "soc_max 53100", " ")
    said = "".join(f"zone={zone}\n" for zone in zones) + "Thermal Status: 2\n"

    assert read_state(said) == PhoneState(temperature_c=53.1, throttling=2)


@pytest.mark.parametrize(
    ("zone", "expected"),
    [("cpu 51234", 51.234), ("cpu 512", 51.2), ("cpu 51", 51.0), ("cpu -40000", None), ("cpu 900000", None)],
)
def test_temperatures_in_the_units_of_vendors(zone: str, expected: float | None) -> None:
    assert read_state(f"zone={zone}").temperature_c == expected


def test_a_phone_that_tells_nothing_has_nothing() -> None:
    facts = read_facts("maker=\nmodel=\nsh: dumpsys: inaccessible or not found\n")

    assert facts.device(read_state("")) == RemoteDevice(
        "an Android device", None, "Android of unknown version (unknown ABI)", None, None, None, None
    )
    assert facts.gpu is None


def test_a_maker_in_the_models_name_is_not_said_twice() -> None:
    assert read_facts("maker=Example\nmodel=Example One").name == "Example One"


# --- blocks


def test_a_block_on_the_phone_is_proven_by_what_it_leaves_behind(
    runner: Callable[[Delegate], ProgramRunner], phone: Path
) -> None:
    program = runner(XNNPACK)
    assert program.missing() is None
    outcome = program.block(SHORT)

    assert outcome.error is None, outcome.log
    found = outcome.measurement
    assert found is not None
    assert found.told is not None
    assert found.told.count >= SHORT.invoke_runs
    assert (found.check.cases, found.check.failed_cases, found.device) == (1, 0, EXPECTED)
    assert found.peak_memory_mb == 31.5 * 2**20 / 1e6


def test_what_is_pushed_once_is_not_pushed_again_and_all_is_removed(
    adb: Adb, binary: Path, tmp_path: Path, phone: Path
) -> None:
    frames.write_frames(tmp_path / "frames.npy")
    with connected(adb, binary) as place:
        for delegate in (XNNPACK, GPU):
            program = ProgramRunner(place, delegate, None, 1, tmp_path / "frames.npy")
            assert program.block(SHORT).error is None
        assert [path.name[:8] for path in left_on(phone)] == ["hangtag-"]
    asked = (phone / "asked.txt").read_text().splitlines()

    assert left_on(phone) == []
    assert sum("push" in line and line.endswith("/benchmark_model") for line in asked) == 1
    assert sum("push" in line and line.endswith("/model.tflite") for line in asked) == 1
    # Nothing comes back but the output's few bytes.
    assert not any(" pull " in line for line in asked)
    assert {line.split()[3] for line in asked if "exec-out" in line} == {"cat"}
    # A program with such a name has run no command of its own, here or there.
    assert not list(tmp_path.rglob("hacked"))


@pytest.mark.parametrize(("delegate", "name"), [(GPU, "Mali-G78 by OpenCL"), (NNAPI, "edge-npu")])
def test_an_accelerator_is_named(
    runner: Callable[[Delegate], ProgramRunner], delegate: Delegate, name: str
) -> None:
    program = runner(delegate)
    found = program.accelerator(program.block(SHORT).log)

    assert found is not None
    assert (found.name, found.is_software) == (name, False)


def test_nnapi_without_an_accelerator_is_software(
    runner: Callable[[Delegate], ProgramRunner], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRETEND", "cpu-only")
    program = runner(NNAPI)
    found = program.accelerator(program.block(SHORT).log)

    assert found is not None
    assert (found.name, found.is_software) == ("nnapi-reference", True)


def test_an_emulated_gpu_is_software(runner: Callable[[Delegate], ProgramRunner], phone: Path) -> None:
    gles = "GLES: Google (Google Inc.), Android Emulator OpenGL ES Translator (Google SwiftShader), OpenGL ES"
    (phone / "SurfaceFlinger.txt").write_text(f"{gles} 3.0\n")
    program = runner(GPU)
    found = program.accelerator(program.block(SHORT).log)

    assert found is not None
    assert found.is_software


@pytest.mark.parametrize(
    ("mode", "delegate", "reason"),
    [
        ("partly", GPU, "GPU runs 59 of 64 operations"),
        ("nothing", NNAPI, "NNAPI runs nothing"),
        ("refused", GPU, "exit code 1: Failed to apply GPU delegate"),
        ("no-output", GPU, "nothing proves that it computed the right thing"),
        ("crashes", XNNPACK, "exit code 139"),
    ],
)
def test_a_fallback_fails_with_the_reason(
    runner: Callable[[Delegate], ProgramRunner],
    monkeypatch: pytest.MonkeyPatch,
    mode: str,
    delegate: Delegate,
    reason: str,
) -> None:
    monkeypatch.setenv("PRETEND", mode)
    outcome = runner(delegate).block(SHORT)

    assert outcome.measurement is None
    assert reason in (outcome.error or "")


@pytest.mark.parametrize(
    ("state", "reason"), [("full", "No space left on device"), ("unplugged", "the phone was lost")]
)
def test_a_phone_that_fails_says_how(
    runner: Callable[[Delegate], ProgramRunner], phone: Path, state: str, reason: str
) -> None:
    (phone / state).touch()
    outcome = runner(XNNPACK).block(SHORT)

    assert outcome.measurement is None
    assert reason in (outcome.error or "")
    assert str(phone) not in (outcome.error or "")


def test_what_was_measured_outlives_a_phone_that_is_unplugged(adb: Adb, binary: Path, phone: Path) -> None:
    with connected(adb, binary) as place:
        place.device()
        place._prepare()
        (phone / "unauthorized").touch()

    assert len(left_on(phone)) == 1


def test_what_still_runs_is_stopped(adb: Adb, binary: Path, phone: Path) -> None:
    with connected(adb, binary) as place:
        place._prepare()
        (folder,) = left_on(phone)
        # As it is left where adb dies before the program ends.
        adb.shell(f"sleep 60 >/dev/null 2>&1 & echo $! > /data/local/tmp/{folder.name}/pid")
        pid = int((folder / "pid").read_text())
        assert Path(f"/proc/{pid}/cmdline").read_bytes()

    assert left_on(phone) == []
    assert not Path(f"/proc/{pid}/cmdline").is_file() or not Path(f"/proc/{pid}/cmdline").read_bytes()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 an apk"])
def test_a_file_that_is_no_program_is_not_pushed(adb: Adb, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "benchmark_model"
    path.write_bytes(content)

    assert "is no program" in (Phone(adb, path).missing() or "")


# --- the whole command


def test_rows_of_a_phone_name_it_and_what_it_is(
    adb: Adb, binary: Path, phone: Path, model_path: Path, tmp_path: Path
) -> None:
    thermal = (phone / "thermalservice.txt").read_text().replace("Thermal Status: 0", "Thermal Status: 3")
    (phone / "thermalservice.txt").write_text(thermal)
    arguments = ["--engine", "adb-cpu,adb-gpu,adb-nnapi", "--adb", adb.serial, "--binary", str(binary)]
    report = ["--quick", "--rounds", "1", "--report", str(tmp_path / "out")]
    done = CliRunner().invoke(benchmark, [str(model_path), *arguments, *report])

    assert done.exit_code == 0, done.output
    rows = read_result(tmp_path / "out" / "benchmark.json").rows
    assert [(row.engine, row.threads, row.accelerator) for row in rows] == [
        ("adb-cpu", 1, None),
        ("adb-gpu", None, "Mali-G78 by OpenCL"),
        ("adb-nnapi", None, "edge-npu"),
    ]
    assert all(row.device is not None and row.device.name == "Example Phone 7" for row in rows)
    assert all(
        any("the device throttled itself in 1 of 1 blocks" in note for note in row.notes) for row in rows
    )
    for text in ("Example Phone 7, Mali-G78 by OpenCL", "Maker SoC 9", "44.5 °C"):
        assert text in done.output
    assert adb.serial not in done.output + (tmp_path / "out" / "benchmark.json").read_text()
    assert left_on(phone) == []


def test_a_phone_that_is_not_there_is_a_row_that_says_so(
    phone: Path, binary: Path, model_path: Path, tmp_path: Path
) -> None:
    arguments = ["--engine", "adb-cpu", "--adb", "OTHER99", "--binary", str(binary)]
    done = CliRunner().invoke(benchmark, [str(model_path), *arguments, "--report", str(tmp_path / "out")])

    assert isinstance(done.exception, BenchmarkError)
    assert "adb devices lists what is connected" in str(done.exception)
