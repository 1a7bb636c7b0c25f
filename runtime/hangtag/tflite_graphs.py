"""Checks of a model's graphs: that every operator finds what it works on, in the order in which they run.

The native library asks few of these questions. It takes the memory of a tensor that nothing computes, writes
into stored weights, or runs a graph that runs itself until the stack is full.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hangtag.errors import ModelFileError
from hangtag.flatbuffer import Table
from hangtag.tflite_operators import LEAST_INPUTS, LEAST_OUTPUTS, operator_name
from hangtag.tflite_slots import OperatorCodeSlots, OperatorSlots, SignatureSlots, SubGraphSlots

_MAX_GRAPHS = 1000
_MAX_DEPTH = 32
"""Graphs in graphs: loops and branches of honest models are a few deep."""

_GRAPH_OPTIONS: Mapping[int, tuple[int, tuple[int, ...]]] = {
    31: (16, (0,)),  # CALL
    118: (92, (0, 1)),  # IF
    119: (93, (0, 1)),  # WHILE
    129: (103, (0,)),  # CALL_ONCE
}
"""Operators that run other graphs -> the number of their options, and the slots that name the graphs."""

_WHILE = 119
_COUNTING = {49: 35, 88: 64, 102: 79}
"""Operators (split, unpack, split by sizes) -> their options, which begin with the number of outputs."""

_NEWER_GRAPH_OPTIONS: Mapping[int, tuple[int, tuple[int, ...]]] = {
    174: (6, (1,)),  # STABLEHLO_REDUCE
    190: (7, (6,)),  # STABLEHLO_SCATTER
    197: (13, (5,)),  # STABLEHLO_REDUCE_WINDOW
    199: (14, (2,)),  # STABLEHLO_SORT
    200: (15, (0, 1)),  # STABLEHLO_WHILE
    206: (21, (1,)),  # STABLEHLO_COMPOSITE
}
"""The same of operators whose options stand in the second union."""


@dataclass(frozen=True, slots=True)
class TensorUse:
    """What a graph has to know of a tensor.

    ``size_bytes`` is the memory that it asks for, 0 where its values are stored; ``known`` is True where it
    has values before anything runs, ``empty`` where it has no values at all.
    """

    size_bytes: int
    known: bool
    empty: bool


@dataclass(frozen=True, slots=True)
class GraphUse:
    """The graphs that a graph runs, and the bytes that its tensors take at one time."""

    calls: frozenset[int]
    peak_bytes: int


def check_graph(graph: Table, tensors: Sequence[TensorUse], codes: Sequence[int], graphs: int) -> GraphUse:
    """Check one graph's operators in the order in which they run.

    Args:
        graph: the graph, whose tensors were checked.
        tensors: what is known of each of them.
        codes: the model's operator codes.
        graphs: how many graphs the model has.

    Raises:
        ModelFileError: an operator uses what is not there, not yet there, or not to be written.
    """
    inputs = graph.numbers(SubGraphSlots.INPUTS, "<i4")
    outputs = graph.numbers(SubGraphSlots.OUTPUTS, "<i4")
    for used in (inputs, outputs):
        _tensors_in_range(used, len(tensors), "an input or output")
    given = {index for index, tensor in enumerate(tensors) if tensor.known} | set(inputs.tolist())
    known = given | {index for index, tensor in enumerate(tensors) if tensor.empty}
    taken = set(given)
    calls: set[int] = set()
    steps: list[tuple[set[int], set[int]]] = []
    for operator in graph.tables(SubGraphSlots.OPERATORS):
        index = operator.scalar(OperatorSlots.CODE_INDEX, "<I")
        in_range(index, len(codes), "an operator", "operator code")
        read, written = _check_operator(operator, codes[index], len(tensors), known)
        if written & taken:
            raise ModelFileError("damaged: an operator overwrites a tensor that has its values already")
        taken |= written
        known |= written
        steps.append((read, written))
        calls.update(_called(operator, codes[index], graphs))
    if not known.issuperset(outputs.tolist()):
        raise ModelFileError("damaged: no operator computes one of its outputs")
    return GraphUse(frozenset(calls), _peak(steps, tensors, given | set(outputs.tolist())))


def _peak(steps: Sequence[tuple[set[int], set[int]]], tensors: Sequence[TensorUse], kept: set[int]) -> int:
    """Return the most bytes that tensors take at one time; each is dropped after its last use."""
    last = {index: step for step, (read, written) in enumerate(steps) for index in read | written}
    now = peak = sum(tensors[index].size_bytes for index in kept)
    for step, (read, written) in enumerate(steps):
        now += sum(tensors[index].size_bytes for index in written - kept)
        peak = max(peak, now)
        done = {index for index in read | written if last[index] == step}
        now -= sum(tensors[index].size_bytes for index in done - kept)
    return peak


def _check_operator(operator: Table, code: int, tensors: int, known: set[int]) -> tuple[set[int], set[int]]:
    """Return the tensors that an operator reads and those that it writes."""
    inputs = operator.numbers(OperatorSlots.INPUTS, "<i4")
    outputs = operator.numbers(OperatorSlots.OUTPUTS, "<i4")
    _check_counts(operator, code, len(inputs), len(outputs))
    # -1 stands for an input that is left out, which only later ones, such as a bias, may be. The native
    # library does not ask: a convolution without its input ends the process.
    _tensors_in_range(inputs[2:], tensors, "an operator", low=-1)
    _tensors_in_range(operator.numbers(OperatorSlots.INTERMEDIATES, "<i4"), tensors, "an operator", low=-1)
    _tensors_in_range(np.concatenate([inputs[:2], outputs]), tensors, "an operator")
    read = set(inputs.tolist()) - {-1}
    if not known.issuperset(read):
        raise ModelFileError("damaged: an operator reads a tensor before anything has computed it")
    written = set(outputs.tolist())
    if len(written) != len(outputs):
        raise ModelFileError("damaged: an operator writes the same tensor twice")
    return read, written


def _check_counts(operator: Table, code: int, inputs: int, outputs: int) -> None:
    """Raise where an operator reads or writes past its lists: it does not ask how long they are."""
    for what, found, least in (("inputs", inputs, LEAST_INPUTS), ("outputs", outputs, LEAST_OUTPUTS)):
        if found < least.get(code, 0):
            raise ModelFileError(
                f"damaged: {operator_name(code)} has {found} {what}; wanted {least[code]} at least"
            )
    if code in _COUNTING:
        options = operator.table(OperatorSlots.OPTIONS)
        said = 0 if options is None else options.scalar(0, "<i")
        if operator.scalar(OperatorSlots.OPTIONS_TYPE, "<B") != _COUNTING[code] or said != outputs:
            raise ModelFileError(f"damaged: {operator_name(code)} has {outputs} outputs, and says otherwise")
    if code == _WHILE and inputs != outputs:
        raise ModelFileError(f"damaged: a loop has {inputs} inputs and {outputs} outputs")


def _called(operator: Table, code: int, graphs: int) -> Iterable[int]:
    """Return the other graphs that an operator runs."""
    for kind_slot, slot, known in (
        (OperatorSlots.OPTIONS_TYPE, OperatorSlots.OPTIONS, _GRAPH_OPTIONS),
        (OperatorSlots.NEWER_OPTIONS_TYPE, OperatorSlots.NEWER_OPTIONS, _NEWER_GRAPH_OPTIONS),
    ):
        if code not in known:
            continue
        kind, slots = known[code]
        options = operator.table(slot)
        if options is None or operator.scalar(kind_slot, "<B") != kind:
            raise ModelFileError("damaged: an operator that runs other graphs does not say which")
        for index in slots:
            called = options.scalar(index, "<i")
            in_range(called, graphs, "an operator", "graph")
            yield called


def check_calls(calls: Sequence[frozenset[int]]) -> None:
    """Raise where a graph runs itself, over others or at once, or too many run inside each other.

    Args:
        calls: for each graph, those that it runs.

    Raises:
        ModelFileError: as said.
    """
    if len(calls) > _MAX_GRAPHS:
        raise ModelFileError(
            f"damaged: it has {len(calls)} graphs of operators; wanted {_MAX_GRAPHS} at most"
        )
    left = dict(enumerate(calls))
    for _ in range(_MAX_DEPTH):
        left = {graph: called for graph, called in left.items() if called & left.keys()}
    if left:
        raise ModelFileError("damaged: a graph of operators runs itself")


def operator_code(entry: Table) -> int:
    """Return a table OperatorCode's number: files from before number 127 hold it in another field."""
    return max(entry.scalar(OperatorCodeSlots.OLD_CODE, "<b"), entry.scalar(OperatorCodeSlots.CODE, "<i"))


def check_signature(signature: Table, sizes: Sequence[int]) -> None:
    """Raise where a signature names what is not there; ``sizes`` are the tensors of each graph."""
    graph = signature.scalar(SignatureSlots.SUBGRAPH, "<I")
    in_range(graph, len(sizes), "a signature", "graph")
    for slot in (SignatureSlots.INPUTS, SignatureSlots.OUTPUTS):
        for entry in signature.tables(slot):
            in_range(entry.scalar(SignatureSlots.TENSOR, "<I"), sizes[graph], "a signature", "tensor")


def in_range(index: int, count: int, who: str, what: str) -> None:
    """Raise unless there is a number ``index`` of what ``who`` uses.

    Raises:
        ModelFileError: there is not.
    """
    if not 0 <= index < count:
        raise ModelFileError(f"damaged: {who} uses {what} {index} of {count}")


def _tensors_in_range(indices: npt.NDArray[Any], count: int, who: str, low: int = 0) -> None:
    if (indices < low).any() or (indices >= count).any():
        raise ModelFileError(f"damaged: {who} uses a tensor that the model does not have")
