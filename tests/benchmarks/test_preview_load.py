"""What the preview costs: how its benchmark sums up, and that its clients do what they are for."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.request

import pytest

from hangtag.sinks.preview import Preview
from hangtag_benchmarks.camera.preview_clients import KINDS
from hangtag_benchmarks.camera.preview_load import Phase, phases, rows


def test_rows_compare_within_rounds() -> None:
    """The machine was twice as slow in the second round, for both alike."""
    first = [5.0] * 10 + [8.0] * 10
    latencies = {
        "none": [first, [2 * value for value in first]],
        "process, attack": [[1.5 * value for value in first], [3 * value for value in first]],
    }
    base, attacked = rows(latencies)
    assert (base.infer_p50_ratio, base.age_p95_ratio, base.frames) == (1, 1, 20)
    assert attacked.infer_p50_ratio == pytest.approx(1.5)
    assert attacked.age_p95_ratio == pytest.approx(1.5)
    assert attacked.infer[1] == pytest.approx(15)


def test_phases() -> None:
    assert [phase.name for phase in phases(both=False)] == [
        "none", "process, quiet", "process, viewer", "process, attack",
    ]  # fmt: skip
    assert Phase("thread", "viewer") in phases(both=True)


@pytest.mark.parametrize("kind", KINDS)
def test_clients_come_and_go(kind: str) -> None:
    preview = Preview("127.0.0.1", 0)
    try:
        port = preview.url.rstrip("/").rpartition(":")[2]
        clients = subprocess.Popen(
            [sys.executable, "-m", "hangtag_benchmarks.camera.preview_clients", kind, port],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        time.sleep(3)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            text = answer.read().decode()
        made, _ = clients.communicate(timeout=10)
    finally:
        preview.close()
    assert int(made) >= sum(count for client, count in KINDS[kind] if client.__name__ != "unread") * 0.9
    if kind == "attack":
        assert 'status="431"' in text
        assert 'status="400"' in text
