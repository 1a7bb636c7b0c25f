"""Full disk, dead servers: what one sink suffers is said once, and no other sink nor the loop hears of it."""

from __future__ import annotations

import logging
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from camera_results import Spy

from hangtag import Classifier
from hangtag.pipeline import LoopSettings, run_loop
from hangtag.sinks.base import Sink
from hangtag.sinks.clips import Clips
from hangtag.sinks.snapshots import Snapshots
from hangtag.sinks.webhook import Webhook
from hangtag.sources import Frame
from hangtag.sources.live import LiveSource
from hangtag.tally import LoopSummary

_FRAMES = 200
_noise = np.random.default_rng(0).integers(0, 255, (8, 48, 64, 3), np.uint8)


class _Camera(LiveSource):
    """Frames of noise, one every 20 ms."""

    shown = "camera"
    fps = 50.0

    def delivered(self) -> Iterator[Frame]:
        for number in range(10**9):
            time.sleep(0.02)
            yield Frame(_noise[number % 8], number, 0.0, time.monotonic())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 8 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)]
    mounted = subprocess.run(mount, capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip(f"needs to mount a tmpfs (root): {mounted.stderr.decode().strip()}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)  # noqa: S607


def _run(sinks: list[Sink], frames: int = _FRAMES) -> LoopSummary:
    return run_loop(_Camera(), Classifier.bundled(), sinks, LoopSettings(max_frames=frames))


def _said(caplog: pytest.LogCaptureFixture, name: str) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.getMessage().startswith(name)]


def test_a_full_disk_stops_nothing_and_is_said_once(
    small_disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    shots = Snapshots(small_disk / "shots", 1_000_000_000)
    clips = Clips(small_disk / "clips", 1_000_000_000, 50, live=True)
    (small_disk / "others").write_bytes(b"x" * 8_100_000)
    spy = Spy()
    summary = _run([shots, clips, spy])
    assert (summary.frames, len(spy.results), spy.closed) == (_FRAMES, _FRAMES, 1)
    for name in ("snapshots", "clip"):
        said = _said(caplog, name)
        assert len(said) == 1, said
        assert "nearly full" in said[0]
    lost = {loss.name: loss.failed for loss in summary.losses}
    assert lost["snapshots"] > 0
    assert lost["clip"] > 0
    assert lost["spy"] == 0
    assert sorted(path.name for path in small_disk.iterdir()) == ["clips", "others", "shots"]
    assert list((small_disk / "shots").iterdir()) == []


def test_it_goes_on_when_there_is_space_again(small_disk: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    shots = Snapshots(small_disk / "shots", 1_000_000_000)
    others = small_disk / "others"
    others.write_bytes(b"x" * 8_100_000)
    freed = threading.Timer(1.0, others.unlink)
    freed.start()
    _run([shots])
    freed.join()
    said = _said(caplog, "snapshots")
    assert "nearly full" in said[0]
    assert "works again" in said[1]
    assert list((small_disk / "shots").glob("*.jpg"))


def test_dead_servers_stop_nothing_and_are_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    sinks: list[Sink] = [Webhook(f"http://127.0.0.1:{port}/"), Snapshots(tmp_path, 10_000_000), spy := Spy()]
    summary = _run(sinks, 150)
    assert (summary.frames, len(spy.results)) == (150, 150)
    said = _said(caplog, "webhook")
    assert len(said) == 1, said
    assert "refused" in said[0]
    assert list(tmp_path.glob("*.jpg"))


def test_a_broker_that_is_not_there_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    pytest.importorskip("paho.mqtt", reason="needs paho-mqtt: pip install 'hangtag[mqtt]'")
    from hangtag.sinks.mqtt import Mqtt

    caplog.set_level(logging.WARNING)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    sink = Mqtt(f"mqtt://u:hush@127.0.0.1:{port}/t")
    sink._lost_s -= 10
    summary = _run([sink, spy := Spy()], 100)
    assert (summary.frames, len(spy.results)) == (100, 100)
    said = _said(caplog, "mqtt")
    assert len(said) == 1, said
    assert "hush" not in caplog.text
