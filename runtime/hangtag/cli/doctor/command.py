"""The command, and the order in which things are looked at."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from hangtag import __version__
from hangtag.cli.doctor.cameras import camera_findings
from hangtag.cli.doctor.clock import clock_findings
from hangtag.cli.doctor.engines import engine_findings
from hangtag.cli.doctor.machine import machine_findings
from hangtag.cli.doctor.model import model_findings
from hangtag.cli.doctor.opencv import opencv_findings
from hangtag.cli.doctor.power import power_findings
from hangtag.cli.doctor.space import space_findings
from hangtag.cli.doctor.surroundings import extras_findings, screen_findings
from hangtag.cli.findings import Finding
from hangtag.system import System

Look = Callable[[System], Iterator[Finding]]

LOOKS_AT_THE_MACHINE: dict[str, Look] = {
    "machine": machine_findings,
    "space": space_findings,
    "power": power_findings,
    "clock": clock_findings,
    "engines": engine_findings,
    "cameras": camera_findings,
    "screen": screen_findings,
}
"""Topic -> who looks; all of it can be recorded."""

LOOKS_AT_THIS_PROCESS: dict[str, Look] = {
    "opencv": opencv_findings,
    "model": model_findings,
    "extras": extras_findings,
}
"""Topic -> who loads and runs what is installed here."""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")
def doctor(*, as_json: bool) -> None:
    """Say what this device can do, what is wrong, and the exact fix. Exit code 1 when something is wrong."""
    from hangtag.errors import HangtagError

    found = []
    for topic, finding in findings(System()):
        found.append((topic, finding))
        if not as_json:
            _echo(finding)
    wrong = sum(finding.state == "wrong" for _, finding in found)
    if as_json:
        click.echo(json.dumps(_record(found, wrong), indent=2, ensure_ascii=False))
    if wrong:
        where = "in the findings" if as_json else "above"
        raise HangtagError(f"{wrong} thing{'s' if wrong > 1 else ''} to mend, see {where}")


def findings(system: System) -> Iterator[tuple[str, Finding]]:
    """Yield each finding with its topic, as it is found."""
    for topic, look in (LOOKS_AT_THE_MACHINE | LOOKS_AT_THIS_PROCESS).items():
        for finding in look(system):
            yield topic, Finding(finding.state, finding.what, with_own_pip(finding.fix, system))


def with_own_pip(fix: str, system: System) -> str:
    """Return a fix that calls this environment's own pip, whichever one the shell would find."""
    python = system.python()
    pip = shlex.quote(str(Path(python.prefix, "bin", "pip"))) if python.is_venv else "python3 -m pip"
    return re.sub(r"(^|&& )pip ", lambda found: f"{found[1]}{pip} ", fix)


def _echo(finding: Finding) -> None:
    click.echo(f"{finding.state:<6} {finding.what}")
    if finding.fix:
        click.echo(f"       -> {finding.fix}")


def _record(found: list[tuple[str, Finding]], wrong: int) -> dict[str, object]:
    """Return the findings as JSON has them."""
    return {
        "hangtag": __version__,
        "wrong": wrong,
        "findings": [
            {"topic": topic, "state": finding.state, "what": finding.what, "fix": finding.fix or None}
            for topic, finding in found
        ],
    }
