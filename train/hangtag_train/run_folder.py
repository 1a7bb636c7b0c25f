"""What a finished run leaves behind, and whether a folder may be written to."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import hashlib
import importlib.metadata
import platform
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hangtag.errors import OutputError, TrainingError
from hangtag.files import make_folder, whole_file, write_bytes, write_json
from hangtag_train.history import HistoryRow

_VERSIONED_PACKAGES = ("hangtag", "tensorflow", "keras", "numpy", "opencv-python", "opencv-python-headless")


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The files of one training run. ``run.json`` is written last: where it stands, the run is whole."""

    path: Path

    @property
    def model(self) -> Path:
        """The trained Keras model."""
        return self.path / "model.keras"

    @property
    def contract(self) -> Path:
        """The contract of the float model."""
        return self.path / "contract.json"

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
        return self.path / "run.json"

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
    def _lock(self) -> Path:
        """Held by the process that writes into the folder; shows that a run was begun here."""
        return self.path / ".lock"

    @property
    def state(self) -> Path:
        """What an interrupted run is resumed from; removed at the end."""
        return self.path / "training_state.npz"

    def prepare(self, *, resume: bool, overwrite: bool) -> None:
        """Make sure that a run may be written into the folder; nothing in it is touched yet.

        Raises:
            TrainingError: it holds a run and neither ``resume`` nor ``overwrite`` was asked for, or there
                is nothing to resume.
            OutputError: it cannot be written to.
        """
        make_folder(self.path)
        if overwrite and not resume:
            return
        if self.seal.exists():
            raise TrainingError(
                f"{self.path} holds a finished run: choose another --out, or replace it with --overwrite"
            )
        if self.state.exists() and not resume:
            raise TrainingError(
                f"{self.path} holds an interrupted run: go on with --resume, or start again with --overwrite"
            )
        begun = self.state.exists() or self._lock.exists() or self.tuning.exists()
        if resume and not begun:
            raise TrainingError(f"{self.path} holds no interrupted run to resume")

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
        try:
            file = self._lock.open("a")
        except OSError as error:
            raise OutputError(f"cannot write {self._lock}: {error.strerror or error}") from None
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise TrainingError(
                    f"another training is writing into {self.path} now; choose another --out"
                ) from None
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
        """Drop the seal, the state and the reports of an earlier run, which are no longer what they seem."""
        reports = (self.path.glob(pattern) for pattern in ("*.png", "*.html", "*.tflite", "*.json"))
        for path in (self.state, self.history, *(file for found in reports for file in found)):
            path.unlink(missing_ok=True)
        shutil.rmtree(self.board, ignore_errors=True)

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
        write_json(self.seal, {**settings, "versions": versions(), "sha256": digests})
        self.state.unlink(missing_ok=True)


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that shape a trained model."""
    found = {"python": platform.python_version()}
    for name in _VERSIONED_PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found
