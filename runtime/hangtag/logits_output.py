"""A softmax model's logits, to be had beside its scores, and the energy that tells known things from others.

The energy is the logarithm of the sum of the exponentials of the logits (Liu et al. 2020, "Energy-based
Out-of-distribution Detection", with the sign turned): high where a label fits well, low where none does. A
softmax forgets it, since only differences of logits shape its scores, and 8 bits round what little is left.

Files stay as they are, with one output, as phones want them. What the engine is given here is a copy of the
file with another list of outputs behind its end: the scores, and the tensor in front of the softmax.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hangtag.contract import ModelContract, OutputKind
from hangtag.errors import ModelFileError
from hangtag.flatbuffer import Table, root
from hangtag.tflite_checks import checked_model
from hangtag.tflite_graphs import operator_code
from hangtag.tflite_operators import operator_name
from hangtag.tflite_schema import TensorInfo, tensor_info
from hangtag.tflite_slots import MODEL_IDENTIFIER, ModelSlots, OperatorSlots, SubGraphSlots

if TYPE_CHECKING:
    from hangtag.interpreter import Interpreter
    from hangtag.preprocess import Tensor

Energies = npt.NDArray[np.float64]
"""One energy per photo, shape (photos,)."""

_BETWEEN = {"QUANTIZE", "DEQUANTIZE"}
"""Operators that only store the scores otherwise; they may stand behind a softmax."""

_BETA_SLOT = 0
_ALIGNMENT = 16
_BYTES = {"uint8", "int8"}
_SMALLEST_TOTAL = 1e-280
"""Below it exponentials lose their digits."""


@dataclass(frozen=True, slots=True)
class LogitsOutput:
    """Where a model's logits are to be had, and what their numbers stand for.

    Args:
        data: the bytes for the engine: the file's own where its output are logits, else a copy with a second
            output.
        number: which of the outputs they are, 0 or 1.
        units: how many there are, one per label.
        dtype: NumPy's name of their type.
        scale: a stored ``q`` stands for the logit ``(q - zero_point) * scale``, the softmax's beta included.
        zero_point: see ``scale``.
    """

    data: bytes
    number: int
    units: int
    dtype: str
    scale: float
    zero_point: int
    _highest: float = field(init=False, repr=False, compare=False)
    _weights: list[float] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        highest, weights = 0.0, []
        if self.dtype in _BYTES:
            # By the byte's bits: int8's negative numbers index from the end, where they stand.
            logits = self._real(np.arange(256, dtype=np.uint8).view(self.dtype))
            highest = float(logits.max())
            weights = np.exp(logits - highest).tolist()
        object.__setattr__(self, "_highest", highest)
        object.__setattr__(self, "_weights", weights)

    def energy(self, interpreter: Interpreter) -> float:
        """Return the energy of what an interpreter of :attr:`data` was invoked on last.

        Raises:
            ModelFileError: the engine computes another number of logits, or something that is not a number.
        """
        row = interpreter.output(self.number)
        if len(row) != self.units:
            raise ModelFileError(f"the engine computes {len(row)} logits; the contract says {self.units}")
        if self._weights:
            # Plain numbers: in a cold cache each call into NumPy costs more than all of this together.
            total = sum([self._weights[stored] for stored in row.tolist()])
            if total > _SMALLEST_TOTAL:
                return self._highest + math.log(total)
        logits = self._real(row)
        largest = float(logits.max())
        if not math.isfinite(largest):
            raise ModelFileError(
                "the model's logits are not finite numbers: it is damaged or was trained badly"
            )
        return largest + math.log(np.exp(logits - largest).sum())

    def _real(self, stored: Tensor) -> npt.NDArray[np.float64]:
        # Widened first: a zero point taken from a uint8 wraps around.
        return np.asarray((stored.astype(np.float64) - self.zero_point) * self.scale)


def find_logits(data: bytes, contract: ModelContract) -> LogitsOutput:
    """Return how a model's logits are to be had.

    Args:
        data: the file, already checked by :mod:`hangtag.model_file`.
        contract: its contract; whether it wants the energy makes no difference.

    Raises:
        ModelFileError: they are not to be had, and why.
    """
    units = contract.output_units
    found = _tensor(data, contract)
    if found is None:
        tensor = contract.output.tensor
        return LogitsOutput(data, 0, units, tensor.dtype, tensor.scale or 1.0, tensor.zero_point)
    index, info, beta = found
    scale = beta * (1.0 if info.scale is None else info.scale)
    return LogitsOutput(with_second_output(data, index), 1, units, info.dtype, scale, info.zero_point)


def why_no_energy(data: bytes, contract: ModelContract) -> str | None:
    """Return in one line why a checked model's energy is not to be had, None where it is."""
    try:
        _tensor(data, contract)
    except ModelFileError as error:
        return str(error)
    return None


def _tensor(data: bytes, contract: ModelContract) -> tuple[int, TensorInfo, float] | None:
    """Return the tensor of the logits, its number and the softmax's beta; None where the output is logits.

    Raises:
        ModelFileError: there are no logits.
    """
    if contract.output.kind is OutputKind.SIGMOID:
        raise ModelFileError("no energy: it is defined for a score per label, and a sigmoid has one unit")
    if contract.output.kind is OutputKind.LOGITS:
        return None
    index, beta = _in_front_of_softmax(data)
    info = tensor_info(_main(data).tables(SubGraphSlots.TENSORS)[index])
    _check_logits(info, contract.output_units)
    return index, info, beta


def check_energy(data: bytes, contract: ModelContract) -> None:
    """Raise unless what a contract says of the energy can be done with the model.

    Raises:
        ModelFileError: the contract has a threshold of the energy, and the model gives none.
    """
    if contract.calibration.energy_threshold is None:
        return
    why = why_no_energy(data, contract)
    if why is not None:
        raise ModelFileError(
            f"its contract decides what is unknown by the energy, and there is {why}; leave energy_threshold "
            "at null, or fit thresholds anew with hangtag calibrate"
        )


def probed(data: bytes) -> bytes | None:
    """Return a softmax model's bytes as :func:`find_logits` gives them to the engine, None of another model.

    For who tries what the engine makes of a model and has no contract.
    """
    try:
        index, _ = _in_front_of_softmax(data)
        return with_second_output(data, index)
    except ModelFileError:
        return None


def with_second_output(data: bytes, index: int) -> bytes:
    """Return a checked model's bytes with tensor ``index`` of its main graph as one more output.

    Raises:
        ModelFileError: the model with that output does not pass the check.
    """
    graph = _main(data)
    place = graph.place(SubGraphSlots.OUTPUTS)
    inputs = graph.numbers(SubGraphSlots.INPUTS, "<i4").tolist()
    outputs = [*graph.numbers(SubGraphSlots.OUTPUTS, "<i4").tolist(), index]
    start = len(data) + -len(data) % _ALIGNMENT
    if place is None or start - place >= 2**31:
        raise ModelFileError("no energy: the file has no room for another output")
    patched = bytearray(data)
    patched.extend(bytes(start - len(data)))
    patched.extend(struct.pack(f"<I{len(outputs)}i", len(outputs), *outputs))
    struct.pack_into("<I", patched, place, start - place)
    changed = bytes(patched)
    graph = checked_model(changed).tables.tables(ModelSlots.SUBGRAPHS)[0]
    found = [graph.numbers(slot, "<i4").tolist() for slot in (SubGraphSlots.INPUTS, SubGraphSlots.OUTPUTS)]
    if found != [inputs, outputs]:
        # A file made so that its parts share bytes: what was changed is more than its outputs.
        raise ModelFileError("no energy: its tables lie on top of each other")
    return changed


def _main(data: bytes) -> Table:
    return root(data, MODEL_IDENTIFIER).tables(ModelSlots.SUBGRAPHS)[0]


def _in_front_of_softmax(data: bytes) -> tuple[int, float]:
    """Return the tensor that the softmax at a model's end is computed of, and its beta.

    Raises:
        ModelFileError: no softmax stands there.
    """
    codes = [operator_code(entry) for entry in root(data, MODEL_IDENTIFIER).tables(ModelSlots.OPERATOR_CODES)]
    graph = _main(data)
    makers = _makers(graph)
    index = int(graph.numbers(SubGraphSlots.OUTPUTS, "<i4")[0])
    while True:
        maker = makers.get(index)
        name = "nothing" if maker is None else operator_name(codes[_code(maker)])
        if maker is None or name not in {"SOFTMAX", *_BETWEEN}:
            raise ModelFileError(f"no energy: the model's scores come from {name}; wanted a SOFTMAX")
        index = int(maker.numbers(OperatorSlots.INPUTS, "<i4")[0])
        if name == "SOFTMAX":
            break
    if index not in makers:
        raise ModelFileError("no energy: its softmax works on something that no operator computes")
    options = maker.table(OperatorSlots.OPTIONS)
    beta = 0.0 if options is None else float(options.scalar(_BETA_SLOT, "<f"))
    if not (math.isfinite(beta) and beta > 0):
        raise ModelFileError(f"no energy: its softmax has the beta {beta:g}; wanted a number above 0")
    return index, beta


def _makers(graph: Table) -> Mapping[int, Table]:
    """Return the operator that computes each tensor; the check saw to it that there is one at most."""
    return {
        int(index): operator
        for operator in graph.tables(SubGraphSlots.OPERATORS)
        for index in operator.numbers(OperatorSlots.OUTPUTS, "<i4")
    }


def _code(operator: Table) -> int:
    return operator.scalar(OperatorSlots.CODE_INDEX, "<I")


def _check_logits(found: TensorInfo, units: int) -> None:
    """Raise unless a tensor can hold the logits.

    Raises:
        ModelFileError: its shape, type or quantization is another.
    """
    if found.shape != (1, units) or found.signature != found.shape:
        raise ModelFileError(f"no energy: its softmax works on the shape {found.signature}, not (1, {units})")
    if found.dtype not in {"float32", "int16", *_BYTES}:
        raise ModelFileError(f"no energy: its softmax works on {found.dtype}, which is not supported")
    if (found.scale is None) is not (found.dtype == "float32"):
        raise ModelFileError(f"no energy: its softmax works on {found.dtype} of an unclear quantization")
