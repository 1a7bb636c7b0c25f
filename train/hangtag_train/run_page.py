"""What a run's page is made of, and how it is read back from a finished run's folder."""

from __future__ import annotations

import csv
import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hangtag.errors import RunError
from hangtag.metrics import ClassReport, Evaluation, Interval
from hangtag.run_seal import SEAL_NAME
from hangtag.stress_report import StressReport, StressRow
from hangtag_train.history import HistoryRow
from hangtag_train.mistakes import MISTAKES_NAME, Mistake, read_mistakes

PAGE_NAME = "report.html"
EVALUATION_NAME = "evaluation.json"
"""What ``hangtag evaluate --stress --out RUN`` leaves in the folder."""

_AGAIN = "measure again: hangtag evaluate, or hangtag train"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPage:
    """Everything that the page of one run shows.

    Args:
        settings: what ``run.json`` holds: ``recipe`` (every setting), ``versions``, ``data`` (the folder),
            ``dataset_sha256``, ``photos`` (number by split) and, where there are any, ``source`` (where the
            data set came from), ``skipped`` (files left out) and ``warnings`` (why figures are too good).
        history: one row per epoch, none for a run that trained nothing.
        evaluations: by split; ``validation`` comes first on the page.
        mistakes: misclassified validation photos, the worst first; None where they were not recorded. Their
            files are looked for under ``data`` and, where missing, named without a picture.
        stress: accuracy as a camera would see the photos; None where it was not measured.
        stress_splits: whose photos these were.
    """

    settings: Mapping[str, Any]
    history: Sequence[HistoryRow]
    evaluations: Mapping[str, Evaluation]
    mistakes: Sequence[Mistake] | None = None
    stress: StressReport | None = None
    stress_splits: tuple[str, ...] = ("validation",)

    @property
    def recipe(self) -> Mapping[str, Any]:
        """The run's settings by name."""
        return dict(self.settings.get("recipe", {}))

    @property
    def warnings(self) -> tuple[str, ...]:
        """Why the figures are better than the truth, one line each."""
        return tuple(str(line) for line in self.settings.get("warnings", ()))

    @property
    def data(self) -> Path:
        """The folder of photos."""
        return Path(self.settings.get("data", ""))


def read_run_page(run: Path) -> RunPage:
    """Read what the page of a finished run shows from its folder.

    Raises:
        RunError: it is no finished run, or a file of it is damaged.
        TrainingError: its list of mistakes is damaged.
    """
    seal = run / SEAL_NAME
    if not seal.is_file():
        raise RunError(f"{run} holds no finished training run (no {SEAL_NAME}); make one: hangtag train")
    mistakes = run / MISTAKES_NAME
    stress, splits = _stress(run / EVALUATION_NAME)
    return RunPage(
        settings=_object(seal),
        history=read_history(run / "history.csv"),
        evaluations=_evaluations(run / "metrics.json"),
        mistakes=read_mistakes(mistakes) if mistakes.exists() else None,
        stress=stress,
        stress_splits=splits,
    )


def read_history(path: Path) -> list[HistoryRow]:
    """Read ``history.csv``; columns that an older run did not write keep their defaults.

    Raises:
        RunError: it cannot be read, or holds other columns or values.
    """
    kinds = {"phase": str, "epoch": int}
    known = {field.name for field in dataclasses.fields(HistoryRow)}
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return [
                HistoryRow(
                    **{
                        name: kinds.get(name, float)(text)
                        for name, text in row.items()
                        if name in known and text != ""
                    }
                )
                for row in csv.DictReader(file)
            ]
    except (OSError, ValueError, TypeError, csv.Error) as error:
        raise RunError(f"{path} is no history of a training run: {error!r}") from None


def _evaluations(path: Path) -> dict[str, Evaluation]:
    try:
        return {str(split): _evaluation(record) for split, record in _object(path).items()}
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise RunError(
            f"{path} was written by another version of Hangtag or is damaged ({error!r}); {_AGAIN}"
        ) from None


def _evaluation(record: Mapping[str, Any]) -> Evaluation:
    """Return the evaluation that ``dataclasses.asdict`` was called on."""
    values: dict[str, Any] = {
        name: Interval(**value) if isinstance(value, dict) else value for name, value in record.items()
    }
    classes = tuple(ClassReport(**row) for row in record["classes"])
    confusion = tuple(tuple(int(count) for count in row) for row in record["confusion"])
    if any(len(row) != len(classes) for row in confusion) or len(confusion) != len(classes):
        raise ValueError("its confusion matrix is not one row and column per label")
    values |= {"classes": classes, "confusion": confusion}
    return Evaluation(**values)


def _stress(path: Path) -> tuple[StressReport | None, tuple[str, ...]]:
    """Return the camera stress that an evaluation in the folder measured, and on which splits."""
    record = _object(path) if path.exists() else {}
    stress = record.get("stress")
    if stress is None:
        return None, ()
    names = [field.name for field in dataclasses.fields(StressRow)]
    try:
        rows = tuple(
            StressRow(**{**{name: row[name] for name in names}, "top1": float(row["top1"])})
            for row in stress["rows"]
        )
        report = StressReport(int(stress["photos"]), int(stress["seed"]), float(stress["clean_top1"]), rows)
        return report, tuple(str(split) for split in record["splits"])
    except (KeyError, ValueError, TypeError) as error:
        raise RunError(
            f"{path} holds no camera stress that can be read ({error!r}); "
            "measure again: hangtag evaluate --stress --out RUN"
        ) from None


def _object(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise RunError(f"{path} cannot be read: {error!r}") from None
    if not isinstance(value, dict):
        raise RunError(f"{path} holds no JSON object; {_AGAIN}")
    return value
