"""Whether the bundled model computes here what its trainer computed."""

from __future__ import annotations

from collections.abc import Iterator

from hangtag.cli.findings import Finding
from hangtag.system import System


def model_findings(system: System) -> Iterator[Finding]:
    """Yield how many golden cases pass, and what decides that a frame is unknown."""
    del system
    from hangtag.errors import HangtagError

    try:
        from hangtag.calibration import what_decides
        from hangtag.classifier import Classifier
        from hangtag.verification import verify_cases

        classifier = Classifier.bundled()
        results = verify_cases(classifier)
    except (HangtagError, ImportError) as error:
        yield Finding("wrong", f"the bundled model: {error}")
        return
    passed = sum(result.passed for result in results)
    state = "ok" if passed == len(results) and results else "wrong"
    fix = (
        ""
        if state == "ok"
        else "report it: this CPU computes other scores than the trainer's (hangtag verify)"
    )
    yield Finding(state, f"bundled model: {passed} of {len(results)} golden cases pass on this device", fix)
    decides = what_decides(classifier.contract.calibration)
    yield Finding("ok", f"bundled model: a frame is unknown by {decides}")
