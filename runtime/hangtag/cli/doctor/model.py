"""Whether the bundled model computes here what its trainer computed."""

from __future__ import annotations

from collections.abc import Iterator

from hangtag.cli.findings import Finding
from hangtag.system import System

_USUAL, _OTHER = "litert", "tflite-runtime"
"""The engines; what defines them imports OpenCV, which may not load."""


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
    only_other = system.version_of("ai-edge-litert") is None and system.version_of(_OTHER) is not None
    return _OTHER if only_other else _USUAL


def _verdict(passed: int, cases: int, engine: str) -> Finding:
    what = f"bundled model: {passed} of {cases} golden cases pass on this device"
    if passed == cases and cases:
        return Finding("ok", what)
    if engine != _USUAL:
        advice = f"hangtag verify --engine {engine} says by how much; {_USUAL} computes what it should"
        return Finding("note", f"{what} with {engine}", advice)
    return Finding(
        "wrong", what, "report it: this CPU computes other scores than the trainer's (hangtag verify)"
    )
