"""A camera whose pictures say when they were taken: for servers as a program, in a process as a source.

``python -m hangtag_benchmarks.camera.stamped_camera`` writes raw BGR frames to standard output in real
time, or with ``--jpeg`` JPEG frames, as the cheapest network cameras send them.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Iterator

import cv2
import numpy as np

from hangtag.preprocess import Image
from hangtag.scene import timecode
from hangtag.sources.base import Frame
from hangtag.sources.live import LiveSource

_TRAVEL_PX = 64


class MovingTexture:
    """Frames of a textured, noisy ground that moves: work for a coder, as a camera's pictures are.

    Args:
        size_wh: width and height in pixels.
        seed: of the texture.
    """

    def __init__(self, size_wh: tuple[int, int], seed: int = 0) -> None:
        width, height = size_wh
        self._size_wh = size_wh
        rng = np.random.default_rng(seed)
        coarse = rng.integers(30, 225, (height // 24 + 4, width // 24 + 4, 3)).astype(np.uint8)
        room = (width + _TRAVEL_PX, height + _TRAVEL_PX)
        ground = np.asarray(cv2.resize(coarse, room, interpolation=cv2.INTER_CUBIC))
        self._ground: Image = np.clip(ground + rng.normal(0, 4, ground.shape), 0, 255).astype(np.uint8)

    def stamped(self, number: int) -> tuple[Image, float]:
        """Return a frame, stamped with this moment, and the moment on the clock of ``time.monotonic()``."""
        now = time.monotonic()
        width, height = self._size_wh
        x, y = _to_and_fro(3 * number), _to_and_fro(number)
        image = self._ground[y : y + height, x : x + width].copy()
        timecode.draw(image, int(1000 * now))
        return image, now


def _to_and_fro(way_px: int) -> int:
    return abs((way_px + _TRAVEL_PX) % (2 * _TRAVEL_PX) - _TRAVEL_PX)


class Metronome:
    """Waits for the beats of a rate; beats that were missed are left out, and not made up for."""

    def __init__(self, fps: float) -> None:
        self._interval_s = 1 / fps
        self._begun_s = time.monotonic()
        self._beat = -1

    def wait(self) -> int:
        """Sleep until the next beat and return its number."""
        passed = time.monotonic() - self._begun_s
        self._beat = max(self._beat + 1, int(passed / self._interval_s))
        time.sleep(max(0.0, self._begun_s + self._beat * self._interval_s - time.monotonic()))
        return self._beat


class StampedCamera(LiveSource):
    """A live source of stamped frames, as fast as a camera of ``fps`` would give them.

    Args:
        size_wh: width and height in pixels.
        fps: frames a second.
        seconds: after which it ends; None for never.
    """

    def __init__(
        self, size_wh: tuple[int, int] = (640, 480), fps: float = 30.0, seconds: float | None = None
    ) -> None:
        self.fps = fps
        self.shown = "stamped camera"
        self._texture = MovingTexture(size_wh)
        self._seconds = seconds

    def delivered(self) -> Iterator[Frame]:
        """Yield frames in real time."""
        metronome = Metronome(self.fps or 1)
        begun = time.monotonic()
        while True:
            number = metronome.wait()
            image, now = self._texture.stamped(number)
            if self._seconds is not None and now - begun >= self._seconds:
                return
            yield Frame(image, number, now - begun, now)


def main() -> None:
    """Write frames to standard output until nobody reads them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="640x480")
    parser.add_argument("--fps", type=float, default=30.0)
    parser.add_argument("--jpeg", action="store_true")
    arguments = parser.parse_args()
    width, height = (int(side) for side in arguments.size.split("x"))
    texture, metronome = MovingTexture((width, height)), Metronome(arguments.fps)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # its end is the end of whoever reads
    try:
        while True:
            image, _ = texture.stamped(metronome.wait())
            sys.stdout.buffer.write(cv2.imencode(".jpg", image)[1].data if arguments.jpeg else image.data)
            sys.stdout.buffer.flush()
    except BrokenPipeError:
        # So that the interpreter does not try to flush once more.
        os._exit(0)


if __name__ == "__main__":
    main()
