"""Engines that are programs which the user names: TFLite's ``benchmark_model``, here or on a phone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hangtag.errors import BenchmarkError
from hangtag_benchmarks.engines.registry import EngineKind
from hangtag_benchmarks.native.adb import Adb
from hangtag_benchmarks.native.benchmark_model import GPU, NNAPI, XNNPACK
from hangtag_benchmarks.native.desktop_program import DesktopProgram
from hangtag_benchmarks.native.phone import connected
from hangtag_benchmarks.native.program_runner import Place, ProgramRunner

HERE = "benchmark_model"

_DELEGATES = {HERE: XNNPACK, "adb-cpu": XNNPACK, "adb-gpu": GPU, "adb-nnapi": NNAPI}


@dataclass(frozen=True, slots=True)
class Programs:
    """The program that the user named, and the phone that it is for; None where none was."""

    binary: Path | None = None
    serial: str | None = None

    def engines(self, device: str) -> tuple[str, ...]:
        """Return the engines that are measured where none are named, on ``cpu``, ``gpu`` or ``all``."""
        if self.binary is None:
            return ()
        wanted = [HERE] if self.serial is None else [name for name in _DELEGATES if name != HERE]
        return tuple(
            name for name in wanted if device == "all" or _DELEGATES[name].on_cpu == (device == "cpu")
        )

    def why_unusable(self, engines: Sequence[str]) -> str | None:
        """Return what is wrong with how options were put together, None where nothing is."""
        if self.serial is not None and self.binary is None:
            return "--adb needs --binary PATH: TFLite's benchmark_model, built for the phone's processor"
        for name in engines:
            if name not in _DELEGATES:
                continue
            if self.binary is None:
                return f"--engine {name} needs --binary PATH: TFLite's benchmark_model"
            if name == HERE and self.serial is not None:
                return (
                    f"--engine {name} is for a program of this machine; with --adb it is one of the phone's"
                )
            if name != HERE and self.serial is None:
                return f"--engine {name} needs --adb SERIAL; adb devices lists what is connected"
        return None


NO_PROGRAMS = Programs()


@dataclass(frozen=True, slots=True)
class Places:
    """Where programs run while a benchmark lasts, by the name of the engine."""

    by_engine: Mapping[str, Place]

    def runner(
        self,
        kind: EngineKind,
        path: Path | None,
        threads: int,
        frames_path: Path,
        check_paths: Sequence[Path],
    ) -> ProgramRunner | None:
        """Return what runs blocks of a model; None for an engine that is no program.

        Raises:
            BenchmarkError: the program was not named.
        """
        if kind.name not in _DELEGATES:
            return None
        place = self.by_engine.get(kind.name)
        if place is None:
            raise BenchmarkError(f"{kind.name} is a program that was not named; {kind.how}")
        return ProgramRunner(
            place,
            _DELEGATES[kind.name],
            path,
            threads if kind.by_threads else None,
            frames_path,
            check_paths,
        )


@contextmanager
def opened(programs: Programs, scratch: Path) -> Iterator[Places]:
    """Give the places of the programs that were named, and clear them away at the end.

    Args:
        programs: what the user named.
        scratch: a folder for files.
    """
    if programs.binary is None:
        yield Places({})
    elif programs.serial is None:
        folder = scratch / "program"
        folder.mkdir()
        yield Places({HERE: DesktopProgram(programs.binary, folder)})
    else:
        with connected(Adb(programs.serial), programs.binary) as phone:
            yield Places({name: phone for name in _DELEGATES if name != HERE})
