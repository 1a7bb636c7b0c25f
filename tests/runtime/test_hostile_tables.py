"""Models whose tables contradict each other: each ends in one line before native code sees it."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from crafting import field_place, indices, seed, target, with_tables
from hypothesis import given, settings
from hypothesis import strategies as st

from hangtag.errors import ModelFileError
from hangtag.tflite_operators import operator_name
from hangtag.tflite_schema import read_model_info
from hangtag.tflite_summary import summarise

IF, SOFTMAX, SPLIT, TOPK, WHILE = 118, 25, 49, 48, 119


def _graph(tables: Any) -> Any:
    return tables.subgraphs[0]


def _input(tables: Any) -> Any:
    return _graph(tables).tensors[_graph(tables).inputs[0]]


def _weights(tables: Any) -> Any:
    """The tensor of the first convolution's weights: eight channels along its axis 0."""
    return next(tensor for tensor in _graph(tables).tensors if list(tensor.shape) == [8, 3, 3, 3])


def _conv(tables: Any) -> Any:
    return next(operator for operator in _graph(tables).operators if len(operator.inputs) == 3)


def _operator(tables: Any, code: int) -> Any:
    codes = [max(entry.builtinCode, entry.deprecatedBuiltinCode) for entry in tables.operatorCodes]
    return next(entry for entry in _graph(tables).operators if codes[entry.opcodeIndex] == code)


def _two_inputs(tables: Any) -> None:
    _graph(tables).tensors.append(_input(tables))
    _graph(tables).inputs = indices(*_graph(tables).inputs, len(_graph(tables).tensors) - 1)


def _share_half(tables: Any) -> None:
    """Weights behind the FlatBuffer, one buffer in the middle of another."""
    tables.buffers[3].data, tables.buffers[3].offset, tables.buffers[3].size = None, 100, 64
    tables.buffers[4].data, tables.buffers[4].offset, tables.buffers[4].size = None, 120, 64


def _set(what: Callable[[Any], Any], **values: Any) -> Callable[[Any], None]:
    def edit(tables: Any) -> None:
        for name, value in values.items():
            assert hasattr(what(tables), name)
            setattr(what(tables), name, value)

    return edit


_CASES = [
    ("plain-int8", _set(lambda m: m, version=4), "schema is version 4"),
    ("plain-int8", _set(lambda m: m, subgraphs=[]), "no subgraph"),
    ("plain-int8", _set(lambda m: m.metadata[0], buffer=999), "metadata uses buffer 999"),
    ("plain-int8", _set(_input, type=99), "has the type 99"),
    ("plain-int8", _set(_input, buffer=999), "uses buffer 999"),
    ("plain-int8", _set(_input, externalBuffer=1), "lie in another file"),
    ("plain-int8", _set(_input, shape=indices(1, 12, -12, 3)), r"the shape \(1, 12, -12, 3\)"),
    ("plain-int8", _set(_input, shape=indices(*[1] * 9)), "9 dimensions"),
    ("plain-float32", _set(_input, shape=indices(1, 65536, 65536, 3)), "GiB of memory at one time"),
    ("plain-int8", _set(_input, shapeSignature=indices(-1, 12, 12, 3)), "batch is dynamic; convert it again"),
    ("plain-int8", _set(_input, shapeSignature=indices(1, -1, -1, 3)), "size is dynamic; convert it again"),
    ("plain-int8", _set(lambda m: _input(m).quantization, scale=[float("nan")]), "scale is not a positive"),
    ("plain-int8", _set(lambda m: _input(m).quantization, scale=[-1.0]), "scale is not a positive"),
    ("plain-int8", _set(lambda m: _input(m).quantization, scale=[1e-40]), "scale is not a positive"),
    ("plain-int8", _set(lambda m: _input(m).quantization, zeroPoint=[256]), "zero point"),
    ("plain-int8", _set(lambda m: _input(m).quantization, zeroPoint=[1, 2]), "1 scales and 2 zero points"),
    (
        "plain-int8",
        _set(lambda m: _weights(m).quantization, quantizedDimension=1),
        "8 scales along its axis 1",
    ),
    ("plain-int8", _set(lambda m: _weights(m).quantization, quantizedDimension=-1), "along its axis -1"),
    ("plain-int8", _set(_graph, inputs=indices(99)), "uses a tensor that the model does not have"),
    ("plain-int8", _set(_graph, outputs=indices(-1)), "uses a tensor that the model does not have"),
    ("plain-int8", _set(_graph, outputs=indices()), "0 output tensors"),
    (
        "plain-int8",
        _set(_graph, outputs=indices(16, 17)),
        "2 output tensors; wanted an image classifier's one",
    ),
    ("plain-float32", _two_inputs, "2 input tensors; wanted an image classifier's one"),
    ("plain-int8", _set(_conv, opcodeIndex=77), "operator code 77"),
    ("plain-int8", _set(_conv, inputs=indices(99, 1, 2)), "uses a tensor that the model does not have"),
    ("plain-int8", _set(_conv, inputs=indices(-1, 1, 2)), "uses a tensor that the model does not have"),
    ("plain-int8", _set(_conv, inputs=indices(0, 1, -2)), "uses a tensor that the model does not have"),
    ("plain-int8", _set(_conv, inputs=indices(17, 1, 2)), "before anything has computed it"),
    ("plain-int8", _set(_conv, inputs=indices(9, 8)), "CONV_2D has 2 inputs; wanted 3 at least"),
    ("plain-int8", _set(lambda m: _operator(m, SOFTMAX), inputs=indices()), "SOFTMAX has 0 inputs"),
    ("looping-float32", _set(lambda m: _operator(m, TOPK), outputs=indices(23)), "TOPK_V2 has 1 outputs"),
    ("looping-float32", _set(lambda m: _operator(m, WHILE), outputs=indices(18)), "a loop has 2 inputs"),
    ("looping-float32", _set(lambda m: _operator(m, SPLIT).builtinOptions, numSplits=9), "says otherwise"),
    ("looping-float32", _set(lambda m: _operator(m, SPLIT), builtinOptions=None), "says otherwise"),
    ("plain-int8", _set(_conv, outputs=indices(1)), "overwrites a tensor"),
    ("plain-int8", _set(_conv, outputs=indices(12, 12)), "writes the same tensor twice"),
    ("plain-int8", lambda m: _graph(m).operators.pop(), "no operator computes one of its outputs"),
    ("plain-int8", _share_half, "on top of each other"),
    ("plain-int8", _set(lambda m: m.buffers[3], data=None, offset=10**9, size=4), "reach past the end"),
    ("looping-float32", _set(lambda m: _operator(m, IF), builtinOptions=None), "does not say which"),
    (
        "looping-float32",
        _set(lambda m: _operator(m, IF).builtinOptions, thenSubgraphIndex=0),
        "a graph of operators runs itself",
    ),
    ("looping-float32", _set(lambda m: _operator(m, IF).builtinOptions, elseSubgraphIndex=5), "graph 5 of 5"),
    ("looping-float32", _set(lambda m: m.signatureDefs[0], subgraphIndex=5), "signature uses graph 5 of 5"),
    (
        "looping-float32",
        _set(lambda m: m.signatureDefs[0].inputs[0], tensorIndex=99),
        "signature uses tensor 99",
    ),
]


@pytest.mark.parametrize(("name", "edit", "said"), _CASES, ids=[case[2] for case in _CASES])
def test_tables_that_contradict_each_other_are_refused(
    name: str, edit: Callable[[Any], object], said: str
) -> None:
    with pytest.raises(ModelFileError, match=said) as caught:
        read_model_info(with_tables(seed(name), edit))
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("name", ["plain-int8", "plain-float16", "looping-float32", "attending-int8"])
def test_models_that_were_only_packed_again_are_read(name: str) -> None:
    # Guards the table above: what it refuses is refused for the edit alone.
    packed = with_tables(seed(name), lambda _: None)
    assert read_model_info(packed).input == read_model_info(seed(name)).input


def test_weights_behind_the_tables_and_shared_ones_are_read() -> None:
    def move(tables: Any) -> None:
        for buffer in tables.buffers[3:5]:
            buffer.data, buffer.offset, buffer.size = None, 10_000, 64

    packed = with_tables(seed("plain-int8"), move)
    packed += bytes(10_064 - len(packed))
    assert read_model_info(packed).weights_end == 10_064
    assert summarise(packed).weights_bytes > 64


def test_channels_of_zeros_are_honest() -> None:
    edit = _set(lambda m: _weights(m).quantization, scale=[0.0] + [0.1] * 7)
    assert read_model_info(with_tables(seed("plain-int16"), edit)).output.dtype == "float32"


def _many_times_one(model: bytes, copies: int) -> bytes:
    """Return a model whose graph lists one and the same tensor many times."""
    graphs = field_place(model, target(model, 0), 2)
    tensors = field_place(model, target(model, target(model, graphs) + 4), 0)
    start = len(model) + -len(model) % 4
    grown = bytearray(model) + bytes(start - len(model))
    end = start + 4 + 4 * copies
    grown += struct.pack("<I", copies)
    grown += b"".join(struct.pack("<I", end + 8 - place) for place in range(start + 4, end, 4))
    # The table lies behind the list, and refers to nothing: an empty vtable, then the way back to it.
    grown += struct.pack("<HHI", 4, 4, 0) + struct.pack("<i", 8)
    struct.pack_into("<I", grown, tensors, start - tensors)
    return bytes(grown)


def _long_vtable_many_times(model: bytes, copies: int) -> bytes:
    """Return a model whose graph lists many tables of 4 bytes that share one vtable of 32,000 entries."""
    graphs = field_place(model, target(model, 0), 2)
    tensors = field_place(model, target(model, target(model, graphs) + 4), 0)
    start = len(model) + -len(model) % 4
    end = start + 4 + 8 * copies
    grown = bytearray(model) + bytes(start - len(model)) + struct.pack("<I", copies)
    # Each reference leads to the table as far behind it as there are references.
    grown += struct.pack("<I", 4 * copies) * copies
    grown += b"".join(struct.pack("<i", place - end) for place in range(end - 4 * copies, end, 4))
    grown += struct.pack("<HH", 64_004, 4) + bytes(64_000)
    struct.pack_into("<I", grown, tensors, start - tensors)
    return bytes(grown)


def _long_list_many_times(model: bytes, copies: int, length: int) -> bytes:
    """Return a model with many tensors that share one long shape."""

    def edit(tables: Any) -> None:
        graph = tables.subgraphs[0]
        graph.tensors += [graph.tensors[0]] * copies
        graph.tensors[0].shape = np.ones(length, np.int32)

    return with_tables(model, edit)


def _same_weights_many_times(model: bytes, copies: int) -> bytes:
    def edit(tables: Any) -> None:
        for _ in range(copies):
            buffer = schema.BufferT()
            buffer.offset, buffer.size = 8, 4000
            tables.buffers.append(buffer)

    return with_tables(model, edit)


@pytest.mark.parametrize(
    ("craft", "said"),
    [
        (lambda: _long_vtable_many_times(seed("plain-int8"), 15_000), "before anything has computed it"),
        (lambda: _same_weights_many_times(seed("plain-int8"), 500), "listed too many times"),
        (lambda: _many_times_one(seed("plain-int8"), 250_000), "lists more than"),
        (lambda: _long_list_many_times(seed("plain-int8"), 10, 20_000), "dimensions"),
    ],
)
def test_small_files_that_ask_for_much_work_are_refused_at_once(
    craft: Callable[[], bytes], said: str
) -> None:
    model = craft()
    assert len(model) < 1_100_000
    begun = time.process_time()
    with pytest.raises(ModelFileError, match=said):
        read_model_info(model)
    assert time.process_time() - begun < 1


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_what_passes_can_be_unpacked_by_others(data: st.DataObject) -> None:
    """The generated reader checks nothing and fails on any offset that leads astray."""
    whole = bytearray(seed("plain-int8"))
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        summarise(bytes(whole))
    except ModelFileError as error:
        assert str(error).isprintable()  # noqa: PT017 - either outcome is right
        return
    schema.ModelT.InitFromObj(schema.Model.GetRootAs(bytes(whole), 0))


def test_operators_have_the_names_of_the_schema() -> None:
    numbers = {name: value for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}
    del numbers["CUSTOM"]
    assert all(operator_name(value) == name for name, value in numbers.items())
    assert operator_name(32, "Flex") == "CUSTOM Flex"
    assert operator_name(9999) == "OPERATOR_9999"
