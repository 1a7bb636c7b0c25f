"""A Raspberry Pi's camera through the program rpicam-vid, which needs no Python package."""

from __future__ import annotations

import collections
import contextlib
import os
import queue
import shutil
import signal
import subprocess
import threading

from hangtag.errors import SourceError
from hangtag.sources.byte_stream import ByteSource
from hangtag.sources.frame_bytes import JpegFrames

PROGRAMS = ("rpicam-vid", "libcamera-vid")
"""The program, and what it was called before Raspberry Pi OS 12."""
MISSING = "sudo apt install rpicam-apps (rpicam-apps-lite without a desktop; libcamera-apps before Debian 12)"

_OPENING_S = 4.0
_SILENT_S = 6.0
_QUALITY = 85
"""Of its JPEG frames, out of 100; its own default of 50 shows."""
_LINE_CHARACTERS = 300
_ENDING_S = 1.0
_CAUSES = {
    "no cameras available": "check the cable, and what rpicam-hello --list-cameras says",
    "failed to acquire camera": "another program has it",
    "Device timeout": "the camera does not answer: check the cable",
}


class RpicamSource(ByteSource):
    """A Raspberry Pi's camera, through a child process that lives as long as the source.

    A frame's age begins when it has come out of the program, some tens of milliseconds after its exposure;
    :class:`hangtag.sources.picamera.PicameraSource` knows the exposure itself.

    Args:
        camera: its number, as ``rpicam-hello --list-cameras`` says.
        size_wh: width and height in pixels to ask for; without it, the program's default (640x480).
        fps: frames a second to ask for, and the most to deliver.

    Raises:
        SourceError: the program is not installed, or says that there is no such camera.
    """

    read_timeout_s = _SILENT_S
    takes = frozenset({"size_wh", "fps"})

    def __init__(
        self, camera: str = "0", size_wh: tuple[int, int] | None = None, fps: float | None = None
    ) -> None:
        if not camera.isdigit():
            raise SourceError(f"a camera of rpicam:// has a number (rpicam://0), not {camera!r}")
        super().__init__(f"rpicam://{camera}", JpegFrames(), fps)
        program = next((path for name in PROGRAMS if (path := shutil.which(name))), None)
        if program is None:
            raise SourceError(
                f"{self.shown} needs the program {PROGRAMS[0]}, which is not installed: {MISSING}"
            )
        self._child = _Child([program, *_arguments(camera, size_wh, fps)])
        try:
            self._start_reading()
            # A camera that is not there should be said now, and not be waited for.
            if self._begun.wait(_OPENING_S) and not self._count:
                self._arrived.take(0)
        except BaseException:
            self.close()
            raise

    def _descriptor(self) -> int:
        return self._child.output

    def _ending(self, frames: int) -> SourceError | None:
        return SourceError(f"{self.shown} ended after {frames} frames: {self._child.last_words(_ENDING_S)}")

    def _check_silence(self, silent_s: float) -> None:
        if silent_s > _SILENT_S:
            raise SourceError(f"{self.shown} delivers nothing: {self._child.last_words(0)}")

    def close(self) -> None:
        """End the program."""
        super().close()
        self._child.end()
        if self._reader is not None:
            self._reader.join(_ENDING_S)
            if not self._reader.is_alive():
                self._child.close_output()


def _arguments(camera: str, size_wh: tuple[int, int] | None, fps: float | None) -> list[str]:
    # --flush: else the last bytes of a frame stay in the program until the next frame pushes them out.
    # --verbose 0: else it writes a line for each frame.
    arguments = (
        f"--codec mjpeg --quality {_QUALITY} --timeout 0 --nopreview --flush --verbose 0 "
        f"--camera {camera} --output -"
    ).split()
    if size_wh is not None:
        arguments += ["--width", str(size_wh[0]), "--height", str(size_wh[1])]
    if fps is not None:
        arguments += ["--framerate", f"{fps:g}"]
    return arguments


class _Child:
    """The program, its output, and what it says on standard error.

    It must not outlive this process, or nobody could use the camera: where the tool ``setpriv`` is there (it
    belongs to util-linux), the kernel ends the program with the thread that started it, which lives as long
    as the program; else the program ends when it next writes a frame that nobody reads.
    """

    def __init__(self, command: list[str]) -> None:
        self.output, writing = os.pipe()
        self._said: collections.deque[str] = collections.deque(maxlen=20)
        self._process: subprocess.Popen[bytes] | None = None
        started: queue.SimpleQueue[OSError | None] = queue.SimpleQueue()
        setpriv = shutil.which("setpriv")
        prefix = [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []
        self._keeper = threading.Thread(
            target=self._keep,
            args=([*prefix, *command], writing, started),
            name="hangtag-rpicam",
            daemon=True,
        )
        self._keeper.start()
        error = started.get()
        if error is not None:
            self.close_output()
            raise SourceError(f"cannot start {command[0]}: {error.strerror}")

    def _keep(self, command: list[str], output: int, started: queue.SimpleQueue[OSError | None]) -> None:
        reading, messages = os.pipe()
        with os.fdopen(reading, "rb") as stream:
            try:
                # In a session of its own: Ctrl-C is for this process, which ends the program in good order.
                self._process = process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=output, stderr=messages, start_new_session=True
                )
            except OSError as error:
                started.put(error)
                return
            finally:
                os.close(output)
                os.close(messages)
            started.put(None)
            while line := stream.readline(4096):
                text = line.decode("utf-8", "replace").strip()
                if text:
                    self._said.append(text[:_LINE_CHARACTERS])
            process.wait()

    def last_words(self, wait_s: float) -> str:
        """Return its last error message, waiting at most so long for its end."""
        self._keeper.join(wait_s)
        lines = list(self._said)
        words = next((line for line in reversed(lines) if "ERROR" in line), lines[-1] if lines else "")
        words = words.removeprefix("ERROR: ").strip("* ")
        cause = next((cause for sign, cause in _CAUSES.items() if sign in words), "")
        if words:
            return f"{words} ({cause})" if cause else words
        code = self._process.returncode if self._process else None
        if code is None:
            return "no frame, no message"
        return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}, no message"

    def end(self) -> None:
        """End the program if it still runs."""
        process = self._process
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_ENDING_S / 2)
        except subprocess.TimeoutExpired:
            process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_ENDING_S / 2)

    def close_output(self) -> None:
        """Close what its frames are read from; nobody may be reading."""
        if self.output >= 0:
            os.close(self.output)
            self.output = -1
