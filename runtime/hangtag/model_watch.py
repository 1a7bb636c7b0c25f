"""Takes up a new model file while the camera runs, once it is proven to work here.

A thread looks at the file every second. Only when nothing about it has changed between two looks is it read:
a copy that is still being written is left alone. It is tried in a child process, loaded, and run on its
golden cases; until then, and for good where one of these fails, the model that runs goes on running.
"""

from __future__ import annotations

import hashlib
import logging
import stat
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from hangtag.classifier import Classifier
from hangtag.errors import HangtagError, ModelFileError
from hangtag.interpreter import DEFAULT_ENGINE
from hangtag.model_file import ModelFile, read_bytes
from hangtag.model_probe import open_untrusted
from hangtag.verification import failure, verify_cases

LOOK_EVERY_S = 1.0
"""Seconds between two looks at the file."""

_CLOSE_PATIENCE_S = 0.2
_DIGEST = 12

_log = logging.getLogger(__name__)


class _Look(NamedTuple):
    """What tells one content of a file from another without reading it."""

    modified_ns: int
    changed_ns: int
    size_bytes: int
    inode: int
    device: int


class ModelWatch:
    """Watches a model file; :meth:`newer` gives what has proven itself since.

    Files that are renamed into place and files that are written in place are both taken up. One that cannot
    be used is said in the log, once; one that vanishes is waited for.

    Args:
        path: the file.
        running: the model that is in use already.
        threads: CPU threads of new classifiers.
        engine: see :class:`hangtag.classifier.Classifier`.
        every_s: seconds between two looks.
    """

    def __init__(
        self,
        path: Path,
        running: ModelFile,
        *,
        threads: int = 1,
        engine: str = DEFAULT_ENGINE,
        every_s: float = LOOK_EVERY_S,
    ) -> None:
        self._path, self._threads, self._engine, self._every_s = path, threads, engine, every_s
        self._newest, self._newest_sha256 = running, running.sha256
        self._refused_sha256: str | None = None
        self._last: _Look | None = None
        self._judged: _Look | None = None
        self._lock = threading.Lock()
        self._ready: Classifier | None = None
        self._defect: BaseException | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="hangtag-model-watch", daemon=True)
        self._thread.start()

    def newer(self) -> Classifier | None:
        """Return a classifier that has proven itself since this was last called, at once; None without one.

        Raises:
            BaseException: a defect ended the watching thread.
        """
        if self._ready is None and self._defect is None:
            return None
        with self._lock:
            ready, self._ready = self._ready, None
            defect, self._defect = self._defect, None
        if defect is not None:
            raise defect
        return ready

    def close(self) -> None:
        """Watch no more."""
        self._stopping.set()
        # A model that is just being tried may take long: its thread ends by itself, or with the process.
        self._thread.join(timeout=_CLOSE_PATIENCE_S)

    def __enter__(self) -> ModelWatch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- in the watching thread ----------------------------------------------------------------------------

    def _watch(self) -> None:
        try:
            while not self._stopping.wait(self._every_s):
                self._look()
        # A defect in here must end the program, not leave it with a model that nobody watches.
        except BaseException as error:  # noqa: BLE001
            with self._lock:
                self._defect = error

    def _look(self) -> None:
        """Take the file up where it is new and stands still."""
        look, last = self._seen(), self._last
        self._last = look
        if look is None or look != last or look == self._judged:
            return
        if self._judge(look):
            self._judged = look

    def _seen(self) -> _Look | None:
        """Return the file as it stands, None where there is no plain file just now."""
        try:
            found = self._path.stat()
        except OSError:
            return None
        if not stat.S_ISREG(found.st_mode):
            return None
        return _Look(found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino, found.st_dev)

    def _judge(self, look: _Look) -> bool:
        """Read the file and decide about it; False where it changed meanwhile and nothing was decided."""
        begun = time.monotonic()
        sha256 = None
        refusal: str | None = None
        classifier: Classifier | None = None
        try:
            sha256 = hashlib.sha256(read_bytes(self._path)).hexdigest()
            if sha256 == self._newest_sha256:
                return self._seen() == look
            classifier = self._proven()
        except HangtagError as error:
            refusal = str(error)
        # Whatever else a file of unknown origin makes of our libraries, the model that runs must go on.
        except Exception as error:  # noqa: BLE001
            refusal = f"{self._path}: cannot be used: {error!r}"
        if self._seen() != look or (classifier is not None and classifier.model.sha256 != sha256):
            return False
        if classifier is None:
            self._refuse(sha256, refusal or "")
        else:
            self._offer(classifier, time.monotonic() - begun)
        return True

    def _proven(self) -> Classifier:
        """Return a classifier of the file as it is now.

        Raises:
            HangtagError: it cannot be used, or computes other scores here than where it was made.
        """
        classifier = open_untrusted(self._path, threads=self._threads, engine=self._engine)
        results = verify_cases(classifier)
        if not results:
            raise ModelFileError(
                f"{self._path} carries no golden cases, so that nothing shows that it works here; "
                "convert it again to get them"
            )
        failed = failure(results, self._engine)
        if failed is not None:
            raise ModelFileError(f"{self._path}: {failed}")
        return classifier

    def _refuse(self, sha256: str | None, reason: str) -> None:
        if sha256 is None or sha256 != self._refused_sha256:
            running = _named(self._newest, self._newest_sha256)
            _log.warning("the new model file is not taken up: %s; %s goes on", reason, running)
        self._refused_sha256 = sha256

    def _offer(self, classifier: Classifier, took_s: float) -> None:
        old, model, sha256 = self._newest, classifier.model, classifier.model.sha256
        _log.warning(
            "new model: %s -> %s%s; verified in %.1f s",
            _named(old, self._newest_sha256),
            _named(model, sha256),
            _differences(old, model),
            took_s,
        )
        self._newest, self._newest_sha256, self._refused_sha256 = model, sha256, None
        with self._lock:
            self._ready = classifier


def _named(model: ModelFile, sha256: str) -> str:
    return f"{model.contract.name} ({sha256[:_DIGEST]})"


def _differences(old: ModelFile, new: ModelFile) -> str:
    """Return what users of the labels should know, nothing where all is as it was."""
    parts = []
    was, now = old.contract, new.contract
    if was.input.shape != now.input.shape:
        sides = (f"{spec.width_px}x{spec.height_px}" for spec in (was.input, now.input))
        parts.append(f"input {' -> '.join(sides)}")
    if was.labels != now.labels:
        gone, come = set(was.labels) - set(now.labels), set(now.labels) - set(was.labels)
        parts.append(
            f"labels differ ({len(gone)} gone, {len(come)} new)"
            if gone or come
            else "labels in another order"
        )
    for name in ("unknown_threshold", "energy_threshold"):
        thresholds = [getattr(contract.calibration, name) for contract in (was, now)]
        if thresholds[0] != thresholds[1]:
            shown = ("none" if one is None else str(one) for one in thresholds)
            parts.append(f"{name.replace('_', ' ')} {' -> '.join(shown)}")
    return "".join(f", {part}" for part in parts)
