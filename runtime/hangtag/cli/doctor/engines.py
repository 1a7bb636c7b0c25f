"""Which interpreters are here, and which there are for this Python."""

from __future__ import annotations

from collections.abc import Iterator

from hangtag.cli.doctor.machine import NEW_CARD
from hangtag.cli.findings import Finding
from hangtag.system import RunningPython, System

_LITERT_PYTHONS = ((3, 10), (3, 14))
_TFLITE_RUNTIME_PYTHONS = ((3, 9), (3, 11))
"""The oldest and the newest Python that the packages have wheels for."""


def engine_findings(system: System) -> Iterator[Finding]:
    """Yield the interpreters that are installed, and what to do where none is."""
    python = system.python()
    litert, older = system.version_of("ai-edge-litert"), system.version_of("tflite-runtime")
    works = older is not None and _numpy_major(system) < 2
    if litert is not None:
        yield Finding("ok", f"LiteRT {litert} (--engine litert)")
    elif python.bits == 64:
        yield _missing_litert(python)
    else:
        yield _on_32_bits(python, works=works)
    if older is not None:
        if works:
            yield Finding("ok", f"tflite-runtime {older} (--engine tflite-runtime)")
        else:
            yield Finding("note", f"tflite-runtime {older} cannot work with NumPy 2", 'pip install "numpy<2"')


def _missing_litert(python: RunningPython) -> Finding:
    if _within(python, _LITERT_PYTHONS):
        what = "the interpreter ai-edge-litert is not installed"
        return Finding("wrong", what, "pip install ai-edge-litert")
    oldest, newest = (".".join(map(str, version)) for version in _LITERT_PYTHONS)
    return Finding(
        "wrong",
        f"there is no ai-edge-litert for Python {python.short}, only for {oldest} to {newest}",
        "sh runtime/setup-device --venv another-folder (takes the system's /usr/bin/python3)",
    )


def _on_32_bits(python: RunningPython, *, works: bool) -> Finding:
    what = "LiteRT has no wheels for 32 bits"
    if works:
        return Finding("note", f"{what}; tflite-runtime is used instead, which is unverified here", NEW_CARD)
    if _within(python, _TFLITE_RUNTIME_PYTHONS):
        return Finding("wrong", what, 'pip install tflite-runtime "numpy<2" (then: --engine tflite-runtime)')
    return Finding("wrong", f"{what}, nor has tflite-runtime for Python {python.short}", NEW_CARD)


def _within(python: RunningPython, versions: tuple[tuple[int, int], tuple[int, int]]) -> bool:
    return versions[0] <= python.version[:2] <= versions[1]


def _numpy_major(system: System) -> int:
    return int((system.version_of("numpy") or "0").partition(".")[0])
