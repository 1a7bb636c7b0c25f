"""A model file, ready to name what is in a frame."""

from __future__ import annotations

import importlib.resources
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hangtag.contract import Calibration, ModelContract, OutputKind, OutputSpec
from hangtag.errors import ModelFileError
from hangtag.interpreter import DEFAULT_ENGINE, Interpreter
from hangtag.logits_output import LogitsOutput, find_logits
from hangtag.model_file import ModelFile, parse_model, read_model_file
from hangtag.preprocess import Image, Preprocessor, Tensor

Scores = npt.NDArray[np.float64]

BUNDLED_NAME = "clothing.tflite"

_MANY = 64
"""More labels than that NumPy ranks faster than Python, cold caches and all."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a classifier says about one frame.

    Args:
        label: the best label.
        score: its calibrated score, 0 to 1.
        top: label and score of the best few, best first.
        unknown: True when the energy, or in a model without a threshold for it ``score``, is below the
            model's threshold: probably none of the labels.
        energy: that of the logits, see :mod:`hangtag.logits_output`; None where it is not computed.
    """

    label: str
    score: float
    top: tuple[tuple[str, float], ...]
    unknown: bool
    energy: float | None = None

    @property
    def shown(self) -> str:
        """The label, or "unknown"."""
        return "unknown" if self.unknown else self.label


@dataclass(frozen=True, slots=True)
class TimedScores:
    """Scores of one frame; ``prepare_ms`` is frame to input tensor, ``infer_ms`` input tensor to scores.

    ``energy`` (:mod:`hangtag.logits_output`) is None where it is not computed.
    """

    scores: Scores
    prepare_ms: float
    infer_ms: float
    energy: float | None = None


class Classifier:
    """Classifies frames with one model.

    Thread-safe: calls from several threads are served one after another. For parallel work make one
    classifier per thread.
    """

    def __init__(
        self, model: ModelFile, *, threads: int = 1, engine: str = DEFAULT_ENGINE, energy: bool = False
    ) -> None:
        """Open a model that was read; most callers use :meth:`load` or :meth:`bundled`.

        Args:
            model: what was read.
            threads: CPU threads that one invocation may use.
            engine: a key of :data:`hangtag.interpreter.ENGINES`.
            energy: compute the energy also where the contract has no threshold for it.

        Raises:
            ModelFileError: the engine refuses the model, or it gives no energy.
            ValueError: no such engine, or fewer than one thread.
        """
        self._model = model
        wanted = energy or model.contract.calibration.energy_threshold is not None
        self._logits = find_logits(model.data, model.contract) if wanted else None
        data = model.data if self._logits is None else self._logits.data
        self._interpreter = Interpreter(data, threads=threads, engine=engine)
        self._preprocessor = Preprocessor(model.contract.input)
        self._units = model.contract.output_units
        self._table = score_table(model.contract.output)
        self._lock = threading.Lock()

    @classmethod
    def load(cls, path: str | Path, *, threads: int = 1, engine: str = DEFAULT_ENGINE) -> Classifier:
        """Read a self-describing .tflite file.

        The file is checked before native code sees it, but not tried in a child process, which is what still
        protects from a file that was made to crash the engine: models of unknown origin are opened with
        :func:`hangtag.model_probe.open_untrusted`, as the commands do.

        Raises:
            ModelFileError: it cannot be read, is damaged or carries no contract.
            ContractError: its contract cannot be used.
        """
        return cls(read_model_file(Path(path)), threads=threads, engine=engine)

    @classmethod
    def bundled(cls, *, threads: int = 1, engine: str = DEFAULT_ENGINE) -> Classifier:
        """Open the clothing model that is part of the package.

        Raises:
            ModelFileError: this installation carries no model.
        """
        return cls(bundled_model(), threads=threads, engine=engine)

    @property
    def contract(self) -> ModelContract:
        """What the model was trained for."""
        return self._model.contract

    @property
    def model(self) -> ModelFile:
        """The model file that was loaded."""
        return self._model

    @property
    def interpreter(self) -> Interpreter:
        """The engine underneath, for measuring; not thread-safe, unlike all else here."""
        return self._interpreter

    @property
    def logits(self) -> LogitsOutput | None:
        """What makes energies of what :attr:`interpreter` computed; None where the energy is not wanted."""
        return self._logits

    def scores(self, image_bgr: Image) -> Scores:
        """Return one calibrated score per label, float64, for a BGR uint8 frame of any size.

        Raises:
            TypeError: the frame is not a uint8 array.
            ValueError: the frame has no pixels or not three channels.
        """
        return self.timed_scores(image_bgr).scores

    def timed_scores(self, image_bgr: Image) -> TimedScores:
        """Return :meth:`scores`, the energy where it is computed, and how long the two steps took.

        Raises:
            TypeError: the frame is not a uint8 array.
            ValueError: the frame has no pixels or not three channels.
            ModelFileError: the model computes something that is not a number.
        """
        with self._lock:
            begun = time.perf_counter()
            # A frame that is refused is refused before the input's memory is borrowed: an exception that
            # someone keeps would keep it, too.
            self._preprocessor.read(image_bgr)
            self._preprocessor.fill(self._interpreter.input_view())
            prepared = time.perf_counter()
            self._interpreter.invoke()
            row = self._row()
            scores = to_scores(row, self.contract.output) if self._table is None else self._table.take(row)
            energy = None if self._logits is None else self._logits.energy(self._interpreter)
            inferred = time.perf_counter()
        return TimedScores(scores, 1000 * (prepared - begun), 1000 * (inferred - prepared), energy)

    def _row(self) -> Tensor:
        """Return the raw output; its length is the engine's to compute, whatever the file says."""
        row = self._interpreter.output()
        if len(row) != self._units:
            raise ModelFileError(f"the engine computes {len(row)} scores; the contract says {self._units}")
        return row

    def classify(self, image_bgr: Image, *, top: int = 3) -> Prediction:
        """Name what is in a BGR uint8 frame of any size.

        Args:
            image_bgr: shape (height, width, 3), as ``cv2.imread`` and ``cv2.VideoCapture`` give it.
            top: how many labels ``Prediction.top`` lists (all, where there are fewer).

        Raises:
            TypeError: the frame is not a uint8 array.
            ValueError: the frame has no pixels or not three channels, or ``top`` is below 1.
        """
        timed = self.timed_scores(image_bgr)
        return self.predict(timed.scores, top=top, energy=timed.energy)

    def classify_batch(self, images_bgr: Iterable[Image], *, top: int = 3) -> list[Prediction]:
        """Classify several frames, one after another (edge models have a batch of one)."""
        return [self.classify(image, top=top) for image in images_bgr]

    def predict(self, scores: Scores, *, top: int = 3, energy: float | None = None) -> Prediction:
        """Rank scores; see :func:`rank`."""
        return rank(scores, self._model.contract, top, energy)


def rank(scores: Scores, contract: ModelContract, top: int, energy: float | None = None) -> Prediction:
    """Return the best ``top`` labels of one row of scores; ties go to the label that stands first.

    Args:
        scores: one per label, calibrated, float64.
        contract: the labels and the thresholds.
        top: how many labels to list.
        energy: that of the same frame, as :class:`TimedScores` has it; what is unknown is decided by it where
            the contract has a threshold for it.

    Raises:
        ValueError: ``top`` is below 1, or there is no energy and the contract decides by it.
    """
    if top < 1:
        raise ValueError(f"top is {top}; wanted 1 or more")
    labels = contract.labels
    # Plain numbers from here on: each look into an array costs more than all of this together.
    values = scores.tolist()
    ranked = (-scores).argsort(kind="stable")[:top].tolist()
    best = values[ranked[0]]
    unknown = _is_unknown(best, energy, contract.calibration)
    return Prediction(
        label=labels[ranked[0]],
        score=best,
        top=tuple([(labels[index], values[index]) for index in ranked]),
        unknown=unknown,
        energy=energy,
    )


def _is_unknown(best: float, energy: float | None, calibration: Calibration) -> bool:
    if calibration.energy_threshold is None:
        return calibration.unknown_threshold is not None and best < calibration.unknown_threshold
    if energy is None:
        raise ValueError("the model decides by the energy what is unknown; give it with the scores")
    return energy < calibration.energy_threshold


def ranking(scores: Sequence[float]) -> list[int]:
    """Return the indices of scores, the best first, equal ones in their order."""
    if len(scores) > _MANY:
        ranked: list[int] = np.argsort(-np.array(scores), kind="stable").tolist()
        return ranked
    return sorted(range(len(scores)), key=scores.__getitem__, reverse=True)


def to_scores(output: Tensor, spec: OutputSpec) -> Scores:
    """Return one score per label, float64, from a model's raw output (without its batch dimension).

    Raises:
        ModelFileError: a score is not a number, which no comparison after this would notice.
    """
    tensor = spec.tensor
    if tensor.scale is None:
        values = output.astype(np.float64)
        if not np.isfinite(values).all():
            raise ModelFileError(
                "the model's scores are not finite numbers: it is damaged or was trained badly"
            )
    else:
        # Widened first: a zero point taken from a uint8 wraps around.
        values = (output.astype(np.int64) - tensor.zero_point) * np.float64(tensor.scale)
    if spec.kind is OutputKind.SIGMOID:
        return np.array([1.0 - values[0], values[0]])
    if spec.kind is OutputKind.LOGITS:
        shifted = np.exp(values - values.max())
        return np.asarray(shifted / shifted.sum())
    return values


def score_table(spec: OutputSpec) -> Scores | None:
    """Return what :func:`to_scores` makes of each byte, for a look-up in its place; None where none can be.

    By the byte's bits: int8's negative numbers index from the end, where they stand.
    """
    if spec.tensor.dtype not in {"uint8", "int8"} or spec.kind is not OutputKind.SOFTMAX:
        return None
    return to_scores(np.arange(256, dtype=np.uint8).view(spec.tensor.dtype), spec)


def bundled_model() -> ModelFile:
    """Read the clothing model that is part of the package.

    Raises:
        ModelFileError: this installation carries no model.
    """
    resource = importlib.resources.files("hangtag.models").joinpath(BUNDLED_NAME)
    try:
        data = resource.read_bytes()
    except OSError:
        raise ModelFileError(
            f"this installation has no bundled model {BUNDLED_NAME}; "
            "make one with: make bundled-model DATA=DIR"
        ) from None
    return parse_model(data, f"bundled {BUNDLED_NAME}")
