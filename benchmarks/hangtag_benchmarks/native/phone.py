"""TFLite's ``benchmark_model`` on an Android phone: pushed, run, read and removed again through adb."""

from __future__ import annotations

import hashlib
import re
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from hangtag.errors import BenchmarkError
from hangtag.model_file import ModelFile
from hangtag_benchmarks.child import JOB_TIMEOUT_S
from hangtag_benchmarks.measurements import RemoteDevice
from hangtag_benchmarks.native.adb import Adb, command_line
from hangtag_benchmarks.native.benchmark_model import INPUT_FILE, MODEL_FILE, OUTPUT_FILE
from hangtag_benchmarks.native.phone_facts import (
    FACTS_SCRIPT,
    STATE_SCRIPT,
    PhoneFacts,
    read_facts,
    read_state,
)
from hangtag_benchmarks.native.program_runner import Ran
from hangtag_benchmarks.targets import Accelerator

_BINARY_FILE, _PID_FILE = "benchmark_model", "pid"
_TEMPORARY = "/data/local/tmp"
"""Where Android lets a debugger put programs and start them."""

_SOFTWARE_GPU = re.compile(r"swiftshader|llvmpipe|software|emulator", re.IGNORECASE)


class Phone:
    """A :class:`~hangtag_benchmarks.native.program_runner.Place`; :func:`connected` makes and clears it.

    Args:
        adb: the device.
        binary: the program, built for Android.
    """

    def __init__(self, adb: Adb, binary: Path) -> None:
        self._adb, self._binary = adb, binary
        self._folder = f"{_TEMPORARY}/hangtag-{secrets.token_hex(4)}"
        self._has_folder = False
        self._model_sha256 = ""
        self._why_missing: str | None = None
        self._was_asked = False
        self._facts: PhoneFacts | None = None
        self.binary_sha256 = hashlib.sha256(binary.read_bytes()).hexdigest() if binary.is_file() else ""

    def missing(self) -> str | None:
        """Return why the phone or the program is not there; asked once."""
        if not self._was_asked:
            self._why_missing = self._look()
            self._was_asked = True
        return self._why_missing

    def _look(self) -> str | None:
        if not self._binary.is_file():
            return f"there is no program {self._binary.name} where --binary says"
        if not self._binary.read_bytes().startswith((b"\x7fELF", b"#!")):
            return (
                f"{self._binary.name} is no program; wanted benchmark_model built for the phone's processor"
            )
        return self._adb.missing()

    def run(self, model: ModelFile, tensor: bytes, arguments: Sequence[str]) -> Ran:
        """Push what is not there yet, run it, and read the tensor that it leaves behind.

        Raises:
            BenchmarkError: the phone is gone, or it does not end.
        """
        self._prepare()
        if self._model_sha256 != model.sha256:
            self._push_bytes(model.data, MODEL_FILE)
            self._model_sha256 = model.sha256
        self._push_bytes(tensor, INPUT_FILE)
        command = command_line([f"./{_BINARY_FILE}", *arguments])
        # In the background, so that its number is known and it can be stopped with us.
        script = (
            f"cd {self._folder} && rm -f {OUTPUT_FILE} && {{ {command} & echo $! > {_PID_FILE}; wait $!; "
            f"code=$?; rm -f {_PID_FILE}; exit $code; }}"
        )
        code, log = self._adb.shell(script, timeout_s=JOB_TIMEOUT_S)
        output = f"{self._folder}/{OUTPUT_FILE}"
        wanted = any(argument.endswith(f"={OUTPUT_FILE}") for argument in arguments)
        return Ran(log, code, self._adb.read(output) if wanted and code == 0 else b"")

    def device(self) -> RemoteDevice | None:
        """Return what the phone is and how warm it is now."""
        state = read_state(self._adb.shell(STATE_SCRIPT)[1])
        return self._known().device(state)

    def gpu(self) -> Accelerator | None:
        """Return the GPU that Android draws its screen with."""
        name = self._known().gpu
        return None if name is None else Accelerator(name, bool(_SOFTWARE_GPU.search(name)))

    def clear(self) -> None:
        """Stop what still runs and remove what was pushed; a phone that is gone keeps it."""
        if not self._has_folder:
            return
        pid = f"{self._folder}/{_PID_FILE}"
        script = f"[ -f {pid} ] && kill $(cat {pid}); rm -rf {self._folder}"
        self._has_folder = False
        self._adb.shell(script)

    def _known(self) -> PhoneFacts:
        if self._facts is None:
            self._facts = read_facts(self._adb.shell(FACTS_SCRIPT)[1])
        return self._facts

    def _prepare(self) -> None:
        """Make the folder and put the program there."""
        if self._has_folder:
            return
        self._done(f"mkdir {self._folder}")
        self._has_folder = True
        self._adb.push(self._binary, f"{self._folder}/{_BINARY_FILE}")
        self._done(f"chmod 755 {self._folder}/{_BINARY_FILE}")

    def _done(self, script: str) -> None:
        code, said = self._adb.shell(script)
        if code != 0:
            raise BenchmarkError(f"the phone refuses {script!r}: {said.strip() or f'status {code}'}")

    def _push_bytes(self, data: bytes, name: str) -> None:
        with tempfile.TemporaryDirectory(prefix="hangtag-benchmark-") as folder:
            path = Path(folder) / name
            path.write_bytes(data)
            self._adb.push(path, f"{self._folder}/{name}")


@contextmanager
def connected(adb: Adb, binary: Path) -> Iterator[Phone]:
    """Give a phone, and clear away at the end what was put there.

    Args:
        adb: the device.
        binary: ``benchmark_model``, built for Android.
    """
    phone = Phone(adb, binary)
    try:
        yield phone
    finally:
        # What was measured is worth more than a phone that was unplugged.
        with suppress(BenchmarkError):
            phone.clear()
