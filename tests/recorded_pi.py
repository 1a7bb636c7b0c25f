"""Recorded machines for what looks at a machine: see ``runtime/recorded_pi/README.md``."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hangtag.system import Answer, RunningPython, System

_FOLDER = Path(__file__).parent / "runtime" / "recorded_pi"

CASES = tuple(sorted(path.stem for path in _FOLDER.glob("*.json")))


class RecordedSystem(System):
    """A machine whose files stand below a folder and whose programs say what they said."""

    def __init__(self, case: str, root: Path) -> None:
        super().__init__(root)
        self.record: dict[str, Any] = json.loads((_FOLDER / f"{case}.json").read_text(encoding="utf-8"))
        for path, held in self.record["files"].items():
            self.put(path, held if isinstance(held, str) else "".join(f"{line}\n" for line in held))

    def put(self, path: str, text: str) -> Path:
        """Write a file of the machine."""
        file = self.path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def says(self, command: str, *lines: str, status: int = 0) -> None:
        """Let a program say something else."""
        self.record["says"][command] = {"status": status, "lines": list(lines)}

    def lacks(self, program: str) -> None:
        """Take a program away."""
        said = self.record["says"]
        self.record["says"] = {command: said[command] for command in said if command.split()[0] != program}

    def ask(self, *command: str, patience_s: float = 5.0) -> Answer | None:
        del patience_s
        said = self.record["says"].get(" ".join(command))
        if said is None:
            return None
        if isinstance(said, list):
            said = {"status": 0, "lines": said}
        return Answer(said["status"], "".join(f"{line}\n" for line in said["lines"]))

    def has_program(self, *names: str) -> str | None:
        programs = {command.split()[0] for command in self.record["says"]}
        return next((name for name in names if name in programs), None)

    def machine(self) -> str:
        machine: str = self.record["machine"]
        return machine

    @property
    def environment(self) -> Mapping[str, str]:
        environment: dict[str, str] = self.record["environment"]
        return environment

    def python(self) -> RunningPython:
        python = self.record["python"]
        major, minor, micro = (int(part) for part in python["version"].split("."))
        return RunningPython((major, minor, micro), python["bits"], python["prefix"], python["base_prefix"])

    def version_of(self, package: str) -> str | None:
        version: str | None = self.record["packages"].get(package)
        return version

    def now_s(self) -> float:
        return dt.datetime.fromisoformat(self.record["now"]).timestamp()
