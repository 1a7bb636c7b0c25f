"""Follows one mutated file through what a command does with it, in processes that may die."""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import os
import signal
import time
import traceback
from collections.abc import Callable

import cv2
import numpy as np

from fuzzing.cases import Case
from hangtag.classifier import Classifier
from hangtag.cli import inspect_lines
from hangtag.contract_template import contract_template
from hangtag.errors import HangtagError
from hangtag.inspection import inspect_bytes
from hangtag.logits_output import why_no_energy
from hangtag.model_file import ModelFile, parse_model
from hangtag.model_probe import limit_process, try_model, verdict
from hangtag.tflite_schema import read_model_info
from hangtag.verification import verify_cases

ENGINE = "litert"
_INSPECTED_EVERY = 4


class End(str, enum.Enum):
    """How a case ended; only the last is not as it should be."""

    READER = "refused by our reader"
    ENGINE = "refused by the engine, in the child process"
    KILLED = "crashed the engine in the child process, refused in one line"
    ENDLESS = "took too long in the child process, refused in one line"
    LOADED = "loaded and classified a frame"
    FAILED = "loaded, and said in one line why it classifies nothing"
    DEFECT = "DEFECT"


@dataclasses.dataclass(frozen=True, slots=True)
class Trial:
    """What became of a case, and the line that a user would see."""

    end: End
    said: str


def follow(case: Case, *, seconds: int) -> Trial:
    """Read a case, try it in a child process, and load and run it in another one where it passed.

    Args:
        case: the mutated file.
        seconds: longest that each step may take.
    """
    begun = time.perf_counter()
    try:
        if case.number % _INSPECTED_EVERY == 0:
            _check_inspection(case)
        model = _read(case)
    except HangtagError as error:
        took = time.perf_counter() - begun
        return _checked(
            Trial(End.READER, str(error)), "" if took < seconds else f"the reader took {took:.1f} s"
        )
    except Exception:  # noqa: BLE001 - any other exception is what is looked for
        return Trial(End.DEFECT, f"reader: {traceback.format_exc()}")
    code, answer = _in_child(
        lambda: try_model(model.data, threads=1, engine=ENGINE) or "", seconds, limited=len(model.data)
    )
    if code in {-signal.SIGALRM, -signal.SIGXCPU}:
        return Trial(End.ENDLESS, "too long")
    said = verdict(code, answer, ENGINE)
    if said is not None:
        return _checked(Trial(End.KILLED if code else End.ENGINE, said))
    # A model that just made it in the child must not become a defect by a machine that is busy.
    code, answer = _in_child(lambda: _used(model), 4 * seconds, limited=None)
    if code:
        return Trial(
            End.DEFECT, f"loading after it was tried ended with {code}: {answer.decode(errors='replace')}"
        )
    text = answer.decode(errors="replace")
    return _checked(Trial(End.FAILED, text)) if text else Trial(End.LOADED, "")


def _checked(trial: Trial, wrong: str = "") -> Trial:
    if not wrong and (not trial.said or not trial.said.isprintable()):
        wrong = "not one clear line"
    return Trial(End.DEFECT, f"{wrong}: {trial.said!r}") if wrong else trial


def _check_inspection(case: Case) -> None:
    """Raise unless the file is shown, or refused, in lines that do nothing to a terminal."""
    with contextlib.suppress(HangtagError):
        shown = inspect_lines.lines(inspect_bytes(case.data, "case"))
        assert all(line.isprintable() for line in shown), shown


def _read(case: Case) -> ModelFile:
    if not case.bare:
        return parse_model(case.data, "case")
    # As adopting does: what the contract says was taken from the model.
    info = read_model_info(case.data)
    return ModelFile("case", case.data, contract_template("case", info), info, None)


def _used(model: ModelFile) -> str:
    """Load and run a model as a command does; return what it would say instead of a result."""
    try:
        # With the energy where there is one, as a contract may ask for it.
        classifier = Classifier(model, energy=why_no_energy(model.data, model.contract) is None)
        classifier.classify(_FRAME)
        verify_cases(classifier)
    except HangtagError as error:
        return str(error)
    return ""


_FRAME = np.random.default_rng(1).integers(0, 256, (40, 30, 3), dtype=np.uint8)


def _in_child(work: Callable[[], str], seconds: int, limited: int | None) -> tuple[int, bytes]:
    """Do ``work`` in a fork of this process; return its exit code, as subprocess gives it, and its answer."""
    answer_from, answer_to = os.pipe()
    child = os.fork()
    if child == 0:
        _be_child(work, seconds, limited, answer_to)
    os.close(answer_to)
    with os.fdopen(answer_from, "rb") as stream:
        answer = stream.read()
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), answer


def _be_child(work: Callable[[], str], seconds: int, limited: int | None, answer_to: int) -> None:
    code = 1
    try:
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(seconds)
        if limited is not None:
            limit_process(limited, seconds + 1)
        os.write(answer_to, work().encode(errors="replace")[:60_000])
        code = 0
    except BaseException:  # noqa: BLE001 - the parent counts it as a defect
        with contextlib.suppress(OSError):
            os.write(answer_to, traceback.format_exc().encode(errors="replace")[-2000:])
    finally:
        os._exit(code)


cv2.setNumThreads(1)
