"""Whether the bundled model computes here what its trainer computed."""

from __future__ import annotations

from collections.abc import Iterator

from hangtag.cli.findings import Finding
from hangtag.interpreter import DEFAULT_ENGINE, ENGINES
from hangtag.system import System


def model_findings(system: System) -> Iterator[Finding]:
    """Yield how many golden cases pass, and what decides that a frame is unknown.

    Where only another interpreter than the usual one is installed, it is asked; its scores are its own.
    """
    from hangtag.errors import HangtagError

    engine = _engine(system)
    try:
        from hangtag.calibration import what_decides
        from hangtag.classifier import Classifier
        from hangtag.verification import verify_cases

        classifier = Classifier.bundled(engine=engine)
        results = verify_cases(classifier)
    except (HangtagError, ImportError) as error:
        yield Finding("wrong", f"the bundled model: {error}")
        return
    passed = sum(result.passed for result in results)
    yield _verdict(passed, len(results), engine)
    decides = what_decides(classifier.contract.calibration)
    yield Finding("ok", f"bundled model: a frame is unknown by {decides}")


def _engine(system: System) -> str:
    """Return the usual engine, or another one where that is not installed and the other is."""
    packages = {engine: module.partition(".")[0].replace("_", "-") for engine, module in ENGINES.items()}
    there = [engine for engine, package in packages.items() if system.version_of(package) is not None]
    return DEFAULT_ENGINE if DEFAULT_ENGINE in there or not there else there[0]


def _verdict(passed: int, cases: int, engine: str) -> Finding:
    what = f"bundled model: {passed} of {cases} golden cases pass on this device"
    if passed == cases and cases:
        return Finding("ok", what)
    if engine != DEFAULT_ENGINE:
        advice = (
            f"hangtag verify --engine {engine} says by how much; {DEFAULT_ENGINE} computes what it should"
        )
        return Finding("note", f"{what} with {engine}", advice)
    return Finding(
        "wrong", what, "report it: this CPU computes other scores than the trainer's (hangtag verify)"
    )
