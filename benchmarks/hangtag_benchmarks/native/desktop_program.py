"""TFLite's ``benchmark_model`` on this machine, at the path that the user gives."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from hangtag.errors import BenchmarkError
from hangtag.model_file import ModelFile
from hangtag_benchmarks.child import JOB_TIMEOUT_S
from hangtag_benchmarks.measurements import RemoteDevice
from hangtag_benchmarks.native.benchmark_model import INPUT_FILE, MODEL_FILE, OUTPUT_FILE
from hangtag_benchmarks.native.program_runner import Ran
from hangtag_benchmarks.targets import Accelerator

_IN_A_SMALL_PROCESS = ("/bin/sh", "-c", '"$@"; exit $?', "sh")
"""What its own parent has held in memory is what Linux first counts as its own: so that is a shell."""


class DesktopProgram:
    """A :class:`~hangtag_benchmarks.native.program_runner.Place`.

    Args:
        binary: the program.
        scratch: an empty folder for its files.
    """

    def __init__(self, binary: Path, scratch: Path) -> None:
        self._binary, self._scratch = binary.absolute(), scratch
        self._model_sha256 = ""
        self.binary_sha256 = hashlib.sha256(binary.read_bytes()).hexdigest() if binary.is_file() else ""

    def missing(self) -> str | None:
        """Return why the program cannot be started."""
        if not self._binary.is_file():
            return f"there is no program {self._binary.name} where --binary says"
        if not os.access(self._binary, os.X_OK):
            return f"{self._binary.name} may not be executed: chmod +x it"
        return None

    def run(self, model: ModelFile, tensor: bytes, arguments: Sequence[str]) -> Ran:
        """Run it in the scratch folder.

        Raises:
            BenchmarkError: it cannot be started, or does not end.
        """
        if self._model_sha256 != model.sha256:
            (self._scratch / MODEL_FILE).write_bytes(model.data)
            self._model_sha256 = model.sha256
        (self._scratch / INPUT_FILE).write_bytes(tensor)
        output = self._scratch / OUTPUT_FILE
        output.unlink(missing_ok=True)
        try:
            done = subprocess.run(
                [*_IN_A_SMALL_PROCESS, str(self._binary), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=JOB_TIMEOUT_S,
                check=False,
                cwd=self._scratch,
            )
        except OSError as error:
            raise BenchmarkError(f"cannot start {self._binary.name}: {error.strerror}") from None
        except subprocess.TimeoutExpired:
            raise BenchmarkError(f"{self._binary.name} did not end within {JOB_TIMEOUT_S:g} s") from None
        log = done.stdout.decode(errors="replace")
        return Ran(log, done.returncode, output.read_bytes() if output.is_file() else b"")

    def device(self) -> RemoteDevice | None:
        """Return None: it is this machine."""

    def gpu(self) -> Accelerator | None:
        """Return None: the program's GPU delegate is made for phones, and it is asked for the CPU alone."""
