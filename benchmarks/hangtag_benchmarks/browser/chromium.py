"""Starts a headless Chromium on a fresh profile, and leaves nothing of it behind."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hangtag.errors import BenchmarkError, shortened

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""The programs that are looked for, in this order."""

HOW = "apt-get install chromium, or give --browser PATH"
"""What to do where there is none."""

FLAGS = (
    "--headless",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-quic",
    "--disable-breakpad",
    "--disable-crash-reporter",
    # A page that nobody looks at is slowed down otherwise.
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    # Containers have a small /dev/shm, and a browser that fills it crashes.
    "--disable-dev-shm-usage",
    "--password-store=basic",
    "--mute-audio",
)
"""What every start has: no window, no network but ours, no service but the page."""

CPU_FLAGS = ("--disable-gpu",)
GPU_FLAGS = ("--enable-unsafe-webgpu", "--enable-features=Vulkan", "--ignore-gpu-blocklist")
SOFTWARE_GPU_FLAGS = ("--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader")

_VERSION = re.compile(r"[\w ]*Chrom(?:ium|e)[\w ]* [\d.]+")
_VERSION_TIMEOUT_S = 30.0
_POLITE_S = 5.0
_PROC = Path("/proc")


def found_browser(named: Path | None = None) -> Path | None:
    """Return the program that was named, else the first of :data:`NAMES` on the PATH; None for none."""
    if named is not None:
        found = shutil.which(named)
        return None if found is None else Path(found).absolute()
    return next((Path(path) for path in map(shutil.which, NAMES) if path is not None), None)


def sandbox_flags() -> tuple[str, ...]:
    """Return what Chromium wants where it runs as root, which its sandbox refuses."""
    return ("--no-sandbox",) if hasattr(os, "geteuid") and os.geteuid() == 0 else ()


def browser_version(program: Path) -> str:
    """Return what it calls itself, as "Chromium 140.0.7339.80".

    Raises:
        BenchmarkError: it cannot be started, or is no browser.
    """
    try:
        done = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=_VERSION_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BenchmarkError(f"cannot start the browser {program.name}: {error}") from None
    found = _VERSION.search(done.stdout)
    if done.returncode != 0 or found is None:
        raise BenchmarkError(
            f"{program.name} is no Chromium or Chrome: it answers --version with {shortened(done.stdout)}"
        )
    return found[0]


@dataclass(slots=True)
class RunningBrowser:
    """A browser that runs, with the process number of its first process."""

    pid: int
    _process: subprocess.Popen[bytes]
    _profile: Path
    _log: Path = field(repr=False)

    def has_ended(self) -> int | None:
        """Return the exit status, negative for a signal; None while it runs."""
        return self._process.poll()

    def log(self) -> str:
        """Return what it has printed."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def page_pid(self) -> int | None:
        """Return the process that runs the page: of those that could be, the one with the most memory."""
        found = [
            (_resident_pages(pid), pid)
            for pid in processes_of(self.pid, self._profile)
            if "--type=renderer" in _command(pid)
        ]
        return max(found)[1] if found else None


@contextlib.contextmanager
def started(program: Path, url: str, flags: Sequence[str]) -> Iterator[RunningBrowser]:
    """Start a browser on a page; end it, all its processes, and remove its profile.

    Args:
        program: the browser.
        url: the page.
        flags: beside :data:`FLAGS`.

    Raises:
        BenchmarkError: it cannot be started.
    """
    with tempfile.TemporaryDirectory(prefix="hangtag-browser-", ignore_cleanup_errors=True) as folder:
        profile = Path(folder)
        log = profile / "log.txt"
        with log.open("wb") as stream:
            try:
                process = subprocess.Popen(
                    [
                        *(str(program), *FLAGS, *sandbox_flags(), *flags),
                        f"--user-data-dir={profile}",
                        url,
                    ],
                    stdin=subprocess.DEVNULL,
                    stdout=stream,
                    stderr=stream,
                    cwd=profile,
                    env={**os.environ, "HOME": folder, "TMPDIR": folder, "XDG_CONFIG_HOME": folder}
                    | {"XDG_CACHE_HOME": folder},
                    start_new_session=True,
                )
            except OSError as error:
                raise BenchmarkError(f"cannot start the browser {program.name}: {error.strerror}") from None
        try:
            yield RunningBrowser(process.pid, process, profile, log)
        finally:
            _end(process, profile)


def _end(process: subprocess.Popen[bytes], profile: Path) -> None:
    """Ask it to end, and then make it: none of its processes may live on or write into the profile."""
    with contextlib.suppress(OSError):
        process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_POLITE_S)
    with contextlib.suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for _ in range(50):
        left = processes_of(process.pid, profile)
        if not left:
            break
        for pid in left:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def processes_of(pid: int, profile: Path) -> list[int]:
    """Return the processes of a browser, by their session or by their variables.

    Each begins in the session of the first; one that made its own has kept HOME, the profile's folder.
    """
    mark = f"HOME={profile}"
    return [one for one in all_processes() if _session(one) == pid or mark in variables(one).split("\0")]


def _session(pid: int) -> int | None:
    """Return the session of a process; its state and numbers stand behind a name that may hold anything."""
    numbers = _bytes(pid, "stat").rpartition(b")")[2].split()
    return int(numbers[3]) if len(numbers) > 3 and numbers[0] != b"Z" else None


def all_processes() -> list[int]:
    """Return the numbers of all processes; none where the system does not tell."""
    return [int(entry.name) for entry in _PROC.glob("[0-9]*")] if _PROC.is_dir() else []


def variables(pid: int) -> str:
    """Return what a process was started with as HOME=…, a NUL behind each; empty of another user's."""
    return _bytes(pid, "environ").decode(errors="replace")


def _command(pid: int) -> str:
    return _bytes(pid, "cmdline").replace(b"\0", b" ").decode(errors="replace")


def _resident_pages(pid: int) -> int:
    told = _bytes(pid, "statm").split()
    return int(told[1]) if len(told) > 1 else 0


def _bytes(pid: int, name: str) -> bytes:
    try:
        return (_PROC / str(pid) / name).read_bytes()
    except OSError:
        return b""  # it has ended meanwhile, or is another user's
