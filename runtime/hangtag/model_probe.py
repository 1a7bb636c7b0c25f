"""Loads and runs a model once in a child process: a hostile file ends in one line, not in a signal.

The reader (:mod:`hangtag.tflite_checks`) refuses what it can see to be wrong. What native code makes of the
rest is only known by trying: an operator may divide by a number that no table shows, or ask for memory
without end. So a model that a user names is tried once in a process of its own, its memory and time limited.
One that passed is remembered by its digest, the engine and the machine, and not tried again.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import json
import os
import platform
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from hangtag import child
from hangtag.errors import HangtagError, ModelFileError

if TYPE_CHECKING:
    from hangtag.classifier import Classifier
    from hangtag.preprocess import Tensor

TIMEOUT_S = 60.0
"""Longest that loading and running a model may take; a Raspberry Pi 3 needs a second or two."""

_FREE_BYTES = 2 * 2**30
_FREE_PER_BYTE = 8
"""Address space for a model: what the reader lets its tensors ask for, its weights unpacked, and room."""

_TRIAL = 2
"""What is tried: another number where more is tried than before."""


def open_untrusted(path: Path, *, threads: int = 1, engine: str = "litert") -> Classifier:
    """Open a model file that may be hostile: read, check, try in a child process, load.

    Raises:
        ModelFileError: it cannot be read, is damaged, carries no contract, or fails when it is tried.
        ContractError: its contract cannot be used.
        ModuleNotFoundError: the engine's package is not installed.
    """
    from hangtag.classifier import Classifier
    from hangtag.model_file import read_model_file

    model = read_model_file(path)
    probe(model.data, model.name, threads=threads, engine=engine)
    return Classifier(model, threads=threads, engine=engine)


def probe(data: bytes, name: str, *, threads: int = 1, engine: str = "litert") -> None:
    """Raise unless the engine loads and runs a model; one that passed here before is not tried again.

    Args:
        data: the file's bytes, already checked by :mod:`hangtag.tflite_schema`.
        name: what messages call the model.
        threads: CPU threads that it will be run with.
        engine: a key of :data:`hangtag.interpreter.ENGINES`.

    Raises:
        ModelFileError: the engine refuses the model, or the child process crashed, asked for too much memory
            or did not end.
        ModuleNotFoundError: the engine's package is not installed.
        ValueError: no such engine.
    """
    mark = _mark(data, threads, engine)
    if mark is not None and mark.exists():
        return
    reason = try_in_child(data, threads=threads, engine=engine)
    if reason is not None:
        raise ModelFileError(f"{name}: {reason}")
    if mark is not None:
        _leave(mark, engine)


def _mark(data: bytes, threads: int, engine: str) -> Path | None:
    """Return the file that stands for a model that passed, None where there is no place for one."""
    from hangtag import __version__
    from hangtag.cache import cache_folder
    from hangtag.device import cpu_model, version_of
    from hangtag.engines import PACKAGES

    package = PACKAGES.get(engine, engine)
    digest = hashlib.sha256(data).hexdigest()
    package_version = version_of(package)
    passed = [digest, engine, package_version, threads, __version__, platform.machine(), cpu_model(), _TRIAL]
    try:
        return cache_folder() / "tried" / hashlib.sha256(json.dumps(passed).encode()).hexdigest()
    except RuntimeError:
        # A user without a home.
        return None


def _module(engine: str) -> str:
    from hangtag.interpreter import ENGINES

    if engine not in ENGINES:
        raise ValueError(f"engine is {engine!r}; wanted one of {', '.join(ENGINES)}")
    return ENGINES[engine]


def _leave(mark: Path, engine: str) -> None:
    from hangtag.errors import OutputError
    from hangtag.files import write_bytes

    # Where nothing can be remembered, the model is tried again the next time.
    with contextlib.suppress(OutputError):
        write_bytes(mark, f"{engine} loads and runs the model of this digest\n".encode())


def try_in_child(data: bytes, *, threads: int, engine: str, timeout_s: float = TIMEOUT_S) -> str | None:
    """Load and run a model in a child process; return in one line why that failed, or None.

    Raises:
        ModuleNotFoundError: the engine's package is not installed.
    """
    importlib.import_module(_module(engine))
    try:
        done = subprocess.run(
            child.command(__name__, engine, str(threads), str(int(timeout_s) + 1)),
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"the engine {engine} does not load and run it within {timeout_s:g} s"
    except OSError as error:
        return f"it cannot be tried in a child process ({error.strerror or error})"
    return verdict(done.returncode, done.stdout, engine)


def verdict(returncode: int, answer: bytes, engine: str) -> str | None:
    """Return in one line why a child that tried a model failed, or None where it did not.

    Args:
        returncode: as :mod:`subprocess` gives it: below 0 for a child that a signal ended.
        answer: what the child answered; nothing where all went well.
        engine: the engine that it tried.
    """
    if returncode == 0:
        return " ".join(answer.decode(errors="replace").split()) or None
    if returncode > 0:
        return f"the engine {engine} ended the process that tried it (exit code {returncode})"
    try:
        ended = signal.Signals(-returncode).name
    except ValueError:
        ended = f"signal {-returncode}"
    return f"it crashes the engine {engine} ({ended}, in a process of its own): damaged, or made to do harm"


def try_model(data: bytes, *, threads: int, engine: str) -> str | None:
    """Load and run a model here; return in one line why the engine refuses it, or None where it does not.

    Only for processes that may die of it.
    """
    from hangtag.logits_output import probed

    try:
        _try_bytes(data, threads, engine)
        # Where the energy is wanted, the engine is given these in place of the file's own.
        with_logits = probed(data)
        if with_logits is not None:
            _try_bytes(with_logits, threads, engine)
    except HangtagError as error:
        return str(error)
    except MemoryError:
        return f"the engine {engine} finds too little memory for it"
    except Exception as error:  # noqa: BLE001 - whatever the engine's Python part raises, it refuses the model
        return f"the engine {engine} refuses the model: {error!r}"
    return None


def _try_bytes(data: bytes, threads: int, engine: str) -> None:
    from hangtag.interpreter import Interpreter

    interpreter = Interpreter(data, threads=threads, engine=engine)
    for noisy in (False, True):
        view = interpreter.input_view()
        view[...] = _noise(view) if noisy else 0
        del view
        interpreter.invoke()
        for number in range(interpreter.outputs):
            interpreter.output(number)


def _noise(like: Tensor) -> Tensor:
    """Return random bytes in a tensor's shape and dtype; float models get them as -1 to 1, as most expect."""
    import numpy as np

    noise = np.random.default_rng(0).integers(0, 256, like.shape, np.uint8)
    return noise / np.float32(127.5) - 1 if like.dtype.kind == "f" else noise.astype(like.dtype)


def limit_process(model_bytes: int, cpu_s: int) -> None:
    """Limit this process's address space and CPU time, where the system can; it leaves no core dump."""
    try:
        import resource
    except ImportError:
        # Windows: the parent's clock is the only limit.
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except OSError:
        return
    space = pages * resource.getpagesize() + _FREE_BYTES + _FREE_PER_BYTE * model_bytes
    limits = [limit for limit in resource.getrlimit(resource.RLIMIT_AS) if limit != resource.RLIM_INFINITY]
    space = min([space, *limits])
    # A 32-bit system cannot say so much, and has no more.
    with contextlib.suppress(ValueError, OverflowError):
        resource.setrlimit(resource.RLIMIT_AS, (space, space))


def main() -> None:
    """Try the model on standard input and answer on standard output: what the parent starts."""
    _, _, engine, threads, cpu_s = sys.argv
    answer_to = os.dup(1)
    os.dup2(2, 1)
    data = sys.stdin.buffer.read()
    importlib.import_module(_module(engine))
    limit_process(len(data), int(cpu_s))
    reason = try_model(data, threads=int(threads), engine=engine)
    os.write(answer_to, (reason or "").encode(errors="replace"))
    # No farewell of the interpreter's: there is nothing more to learn.
    os._exit(0)
