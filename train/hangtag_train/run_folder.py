"""What a finished run leaves behind, and whether a folder may be written to."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from hangtag.errors import OutputError, TrainingError
from hangtag.files import drop_scraps, make_folder, whole_file, write_bytes, write_json
from hangtag.run_seal import CONTRACT_NAME, MODEL_NAME, SEAL_NAME, STATE_NAME
from hangtag.versions import versions
from hangtag_train.board import EVENTS
from hangtag_train.history import HistoryRow

_REPORTS = (
    "report.html",
    "curves.png",
    "mistakes.json",
    "evaluation.json",
    "conversion.json",
    "conversion.html",
)
"""What training, ``hangtag evaluate``, ``report`` and ``convert`` write beside the run's own files."""

_SPLIT = "(train|validation|test)"
_PICTURE = re.compile(rf"(confusion|mistakes|stress)_{_SPLIT}(_{_SPLIT}){{0,2}}\.png")
"""What they draw, by the splits that were measured."""

_FORMATS = ("float32", "float16", "weight-int8", "dynamic", "int16x8", "int8-float-io", "int8")
"""What ``hangtag convert`` calls its files, after the model's name."""


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The files of one training run. ``run.json`` is written last: where it stands, the run is whole.

    ``warnings`` are what was found about the run's photos, to be recorded in ``run.json``.
    """

    path: Path
    warnings: tuple[str, ...] = ()

    @property
    def model(self) -> Path:
        """The trained Keras model."""
        return self.path / MODEL_NAME

    @property
    def contract(self) -> Path:
        """The contract of the float model."""
        return self.path / CONTRACT_NAME

    @property
    def metrics(self) -> Path:
        """Evaluation on validation and test photos."""
        return self.path / "metrics.json"

    @property
    def history(self) -> Path:
        """One row per epoch."""
        return self.path / "history.csv"

    @property
    def seal(self) -> Path:
        """Settings, versions, data folder and digests."""
        return self.path / SEAL_NAME

    @property
    def page(self) -> Path:
        """The report, for people."""
        return self.path / "report.html"

    @property
    def board(self) -> Path:
        """Folder of TensorBoard's event files."""
        return self.path / "tensorboard"

    @property
    def tuning(self) -> Path:
        """Folder of the trials that settings were tuned on."""
        return self.path / "tuning"

    @property
    def sweep(self) -> Path:
        """The curve of a learning-rate sweep, which needs no run."""
        return self.path / "lr_sweep.csv"

    @property
    def _lock(self) -> Path:
        """Held by the process that writes into the folder; shows that a run was begun here."""
        return self.path / ".lock"

    @property
    def state(self) -> Path:
        """What an interrupted run is resumed from; removed at the end."""
        return self.path / STATE_NAME

    def prepare(self, *, resume: bool, overwrite: bool) -> None:
        """Make sure that a run may be written into the folder; nothing in it is touched yet.

        Raises:
            TrainingError: it holds something else, or a run while neither ``resume`` nor ``overwrite`` was
                asked for, or there is nothing to resume.
            OutputError: it cannot be written to.
        """
        make_folder(self.path)
        if any(self.path.iterdir()) and not self._shows_a_run():
            raise TrainingError(
                f"{self.path} holds other files and no run: name a folder of its own with --out"
            )
        if overwrite and not resume:
            return
        if self.seal.exists():
            state = "finished run, with nothing left to resume" if resume else "finished run"
            raise TrainingError(
                f"{self.path} holds a {state}: choose another --out, or replace it with --overwrite"
            )
        if self.state.exists() and not resume:
            raise TrainingError(
                f"{self.path} holds an interrupted run: go on with --resume, or start again with --overwrite"
            )
        begun = self.state.exists() or self._lock.exists() or self.tuning.exists()
        if resume and not begun:
            raise TrainingError(f"{self.path} holds no interrupted run to resume")

    def _shows_a_run(self) -> bool:
        """True where a run, a tuning or a learning-rate sweep was begun here."""
        signs = (self.seal, self.state, self._lock, self.tuning, self.sweep)
        return any(path.exists() for path in signs)

    @contextlib.contextmanager
    def opened(self, *, resume: bool, overwrite: bool) -> Iterator[None]:
        """Hold the folder for a run that may be written into it, without scraps of one that was killed.

        Raises:
            TrainingError: as :meth:`prepare` and :meth:`locked`.
            OutputError: the folder cannot be written to.
        """
        is_new = not self.path.exists()
        self.prepare(resume=resume, overwrite=overwrite)
        try:
            with self.locked():
                # Again: until now another run could end here, which is not to be overwritten unasked.
                self.prepare(resume=resume, overwrite=overwrite)
                for path in self._written_under_lock():
                    drop_scraps(path)
                yield
        finally:
            if is_new:
                with contextlib.suppress(OSError):  # only where a run that failed left nothing in it
                    self.path.rmdir()

    def _written_under_lock(self) -> tuple[Path, ...]:
        own = (self.model, self.contract, self.metrics, self.history, self.seal, self.state, self.page)
        trials = (self.tuning / name for name in ("trials.json", "trials.csv"))
        more = ("curves.png", "confusion_validation.png", "mistakes.json")
        return (*own, *trials, *(self.path / name for name in more))

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other process from writing a run into the folder; the system ends it with the process.

        Raises:
            TrainingError: another process does so now.
            OutputError: the folder cannot be written to.
        """
        try:
            import fcntl
        except ImportError:  # Windows has no such locks; there, two runs into one folder go unnoticed
            yield
            return
        with contextlib.ExitStack() as held:
            while True:
                try:
                    file = held.enter_context(self._lock.open("a"))
                except OSError as error:
                    raise OutputError(f"cannot write {self._lock}: {error.strerror or error}") from None
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    raise TrainingError(
                        f"another training is writing into {self.path} now; choose another --out"
                    ) from None
                # A run that ended between the two steps took its lock away: what is held then is a file
                # that no other process can find.
                if _stands_at(self._lock, file):
                    break
            stopped = False
            try:
                yield
            except KeyboardInterrupt:
                stopped = True
                raise
            finally:
                # Where a run ended or could not begin there is nothing to resume; where it was stopped or
                # killed its lock stays, to tell so.
                if not stopped and not self.state.exists():
                    self._lock.unlink(missing_ok=True)

    def clear(self) -> None:
        """Drop the seal, the state and the reports of an earlier run, which are no longer what they seem.

        Nothing else goes: the folder may hold more than a run.

        Raises:
            OutputError: one of them cannot be removed.
        """
        own = (self.seal, self.state, self.contract, self.metrics, self.history)
        reports = [self.path / name for name in (*_REPORTS, *self._converted())]
        pictures = [path for path in self.path.iterdir() if _PICTURE.fullmatch(path.name)]
        try:
            for path in (*own, *reports, *pictures, *self.board.glob(EVENTS)):
                path.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(f"cannot clear {self.path}: {error.strerror or error}") from None
        with contextlib.suppress(OSError):  # not there, or it holds something else
            self.board.rmdir()

    def _converted(self) -> list[str]:
        """Return the names that conversion gives to files of the finished run; none where there is no run."""
        try:
            model = json.loads(self.contract.read_text(encoding="utf-8"))["name"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return []
        plain = isinstance(model, str) and Path(model).name == model
        return [f"{model}-{kind}.tflite" for kind in _FORMATS] if plain else []

    def write_history(self, rows: Iterable[HistoryRow]) -> None:
        """Write ``history.csv``."""
        names = [field.name for field in dataclasses.fields(HistoryRow)]
        with whole_file(self.history) as temporary, temporary.open("w", newline="") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(dataclasses.asdict(row) for row in rows)

    def write_contract(self, text: str) -> None:
        """Write ``contract.json``."""
        write_bytes(self.contract, text.encode())

    def close(self, settings: Mapping[str, Any]) -> None:
        """Write ``run.json`` with the digests of the model and the contract, then drop the state."""
        digests = {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (self.model, self.contract)
        }
        record = {**settings, "warnings": list(self.warnings), "versions": versions(), "sha256": digests}
        write_json(self.seal, record)
        self.state.unlink(missing_ok=True)


def _stands_at(path: Path, file: IO[str]) -> bool:
    """True where the open file is the one that its path names now."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
