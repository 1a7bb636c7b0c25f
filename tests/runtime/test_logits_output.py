"""The logits of a softmax model, had beside its scores, and the energy they make."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from crafting import SEEDS, field_place, indices, seed, target, with_tables
from hypothesis import given, settings
from hypothesis import strategies as st
from model_parts import whole, with_json_edited
from tiny_models import whole_model

from hangtag.classifier import bundled_model, to_scores
from hangtag.contract import Calibration, InputSpec, ModelContract, OutputKind, OutputSpec, TensorFormat
from hangtag.errors import ModelFileError
from hangtag.flatbuffer import root
from hangtag.interpreter import Interpreter, TensorTap
from hangtag.logits_output import LogitsOutput, find_logits, probed, why_no_energy
from hangtag.model_file import parse_model, with_calibration
from hangtag.tflite_checks import checked_model
from hangtag.tflite_slots import MODEL_IDENTIFIER, ModelSlots, SubGraphSlots

_SOFTMAX = 25
SOFTMAX_SEEDS = sorted(path.stem for path in SEEDS.glob("plain-*.tflite"))
TINY = ModelContract(
    labels=("bright", "dark", "grey"),
    input=InputSpec(width_px=8, height_px=8),
    output=OutputSpec(tensor=TensorFormat(dtype="uint8", scale=1 / 256)),
)


def _tiny(kind: OutputKind, **tensor: Any) -> ModelContract:
    labels = TINY.labels[:2] if kind is OutputKind.SIGMOID else TINY.labels
    return TINY.replace(labels=labels, output=OutputSpec(kind=kind, tensor=TensorFormat(**tensor)))


def _noise(like: Any, number: int) -> Any:
    noise = np.random.default_rng(number).integers(0, 256, like.shape, np.uint8)
    return noise / np.float32(127.5) - 1 if like.dtype.kind == "f" else noise.astype(like.dtype)


def _ran(data: bytes, number: int) -> Interpreter:
    interpreter = Interpreter(data)
    view = interpreter.input_view()
    view[...] = _noise(view, number)
    del view
    interpreter.invoke()
    return interpreter


def _log_sum(logits: Any) -> float:
    return float(np.log(np.exp(np.asarray(logits, np.longdouble)).sum()))


@pytest.mark.parametrize("name", [*SOFTMAX_SEEDS, "bundled"])
def test_the_second_output_is_what_the_softmax_was_computed_of(name: str) -> None:
    model = bundled_model() if name == "bundled" else parse_model(whole(seed(name)), name)
    logits = find_logits(model.data, model.contract)
    for number in range(3):
        plain, patched = _ran(model.data, number), _ran(logits.data, number)
        np.testing.assert_array_equal(plain.output(), patched.output())
        scores = to_scores(patched.output(), model.contract.output)
        stored = patched.output(1).astype(float)
        assert stored.shape == scores.shape
        real = (stored - logits.zero_point) * logits.scale
        softmax = np.exp(real - real.max())
        np.testing.assert_allclose(softmax / softmax.sum(), scores, atol=0.005)
        assert logits.energy(patched) == pytest.approx(_log_sum(real), abs=1e-9)


def test_the_tensor_is_the_one_that_plain_kernels_compute() -> None:
    """XNNPACK fuses operators; a tensor that it no longer computes would hold what chance left there."""
    model = bundled_model()
    logits = find_logits(model.data, model.contract)
    graph = root(logits.data, MODEL_IDENTIFIER).tables(ModelSlots.SUBGRAPHS)[0]
    _, index = graph.numbers(SubGraphSlots.OUTPUTS, "<i4").tolist()
    tap = TensorTap(model.data)
    for number in range(5):
        patched = _ran(logits.data, number)
        tap.run(_noise(np.empty(model.contract.input.shape, np.uint8), number))
        apart = patched.output(1).astype(int) - tap.tensor(index)[0].astype(int)
        # Of 256 levels; kernels round differently, layer after layer.
        assert np.abs(apart).max() <= 8


@pytest.mark.parametrize(
    "tensor",
    [{}, {"dtype": "uint8", "scale": 1 / 256}, {"dtype": "int8", "scale": 1 / 256, "zero_point": -128}],
)
def test_scores_that_are_stored_otherwise_behind_the_softmax_make_no_difference(tensor: Any) -> None:
    contract = _tiny(OutputKind.SOFTMAX, **tensor)
    data = whole_model(contract)
    logits = find_logits(data, contract)
    assert (logits.dtype, logits.scale, logits.number) == ("float32", 1.0, 1)
    patched = _ran(logits.data, 0)
    assert logits.energy(patched) == pytest.approx(_log_sum(patched.output(1)), abs=1e-9)


@pytest.mark.parametrize(
    "tensor",
    [{}, {"dtype": "int8", "scale": 0.1, "zero_point": 5}, {"dtype": "int16", "scale": 0.001}],
)
def test_where_the_output_is_logits_the_file_stays_as_it_is(tensor: Any) -> None:
    contract = _tiny(OutputKind.LOGITS, **tensor)
    data = whole_model(contract)
    logits = find_logits(data, contract)
    assert logits.data is data
    interpreter = _ran(data, 1)
    real = (interpreter.output().astype(float) - logits.zero_point) * logits.scale
    assert logits.energy(interpreter) == pytest.approx(_log_sum(real), abs=1e-9)


class _Row:
    """Stands for an interpreter that computed a row."""

    def __init__(self, row: Any) -> None:
        self._row = row

    def output(self, _: int = 0) -> Any:
        return self._row


@settings(max_examples=200)
@given(
    st.sampled_from(["uint8", "int8", "int16", "float32"]),
    st.lists(st.integers(0, 255), min_size=1, max_size=40),
    st.floats(1e-6, 1e4),
    st.integers(0, 127),
)
def test_the_energy_is_finite_and_at_least_the_largest_logit(
    dtype: str, stored: list[int], scale: float, zero_point: int
) -> None:
    row = np.array(stored, np.uint8).astype(dtype)
    energy = LogitsOutput(b"", 1, len(row), dtype, scale, zero_point).energy(_Row(row))  # type: ignore[arg-type]
    largest = (float(row.max()) - zero_point) * scale
    slack = 1e-9 * max(1.0, abs(largest))
    assert largest - slack <= energy <= largest + np.log(len(row)) + slack


@pytest.mark.parametrize("bad", [[np.nan, 0.0], [np.inf, 0.0], [-np.inf, -np.inf]])
def test_logits_that_are_no_numbers_are_an_error(bad: list[float]) -> None:
    logits = LogitsOutput(b"", 1, 2, "float32", 1.0, 0)
    with pytest.raises(ModelFileError, match="not finite"):
        logits.energy(_Row(np.array(bad, np.float32)))  # type: ignore[arg-type]
    with pytest.raises(ModelFileError, match="computes 3 logits; the contract says 2"):
        logits.energy(_Row(np.zeros(3, np.float32)))  # type: ignore[arg-type]


def _softmax(tables: Any) -> Any:
    codes = [entry.builtinCode for entry in tables.operatorCodes]
    (found,) = (one for one in tables.subgraphs[0].operators if codes[one.opcodeIndex] == _SOFTMAX)
    return found


def _in_front(tables: Any) -> Any:
    return tables.subgraphs[0].tensors[_softmax(tables).inputs[0]]


def _beta(value: float) -> Callable[[Any], object]:
    return lambda tables: setattr(_softmax(tables).builtinOptions, "beta", value)


def _without_options(tables: Any) -> None:
    _softmax(tables).builtinOptions, _softmax(tables).builtinOptionsType = None, 0


def _as_it_is(_: Any) -> None:
    """Nothing is changed."""


def _as_it_is(_: Any) -> None:
    """Nothing is changed."""


def _of_the_input(tables: Any) -> None:
    """The softmax works on the model's own input, which has its shape."""
    graph = tables.subgraphs[0]
    graph.tensors[graph.inputs[0]].shape = _in_front(tables).shape
    _softmax(tables).inputs = graph.inputs


@pytest.mark.parametrize(
    ("name", "edit", "said"),
    [
        ("plain-float32", _beta(0.0), "beta 0"),
        ("plain-float32", _beta(float("nan")), "beta nan"),
        ("plain-float32", _beta(-1.0), "beta -1"),
        ("plain-float32", _without_options, "beta 0"),
        ("plain-float32", _of_the_input, "no operator computes"),
        ("plain-float32", lambda t: setattr(_in_front(t), "shape", indices(1, 2)), "the shape (1, 2)"),
        ("plain-float32", lambda t: setattr(_in_front(t), "type", 4), "int64"),
        ("plain-int16", lambda t: setattr(_in_front(t).quantization, "scale", []), "unclear quantization"),
        ("looping-float32", _as_it_is, "LOG_SOFTMAX"),
        ("attending-int8", _as_it_is, "LOGISTIC"),
        ("assorted-int8", _as_it_is, "FULLY_CONNECTED"),
    ],
)
def test_a_model_without_logits_is_told_why(name: str, edit: Any, said: str) -> None:
    data = with_tables(seed(name), edit)
    contract = parse_model(whole(seed(name)), name).contract
    why = why_no_energy(data, contract)
    assert why is not None
    assert said in why
    with pytest.raises(ModelFileError, match="no energy"):
        find_logits(data, contract)


def test_a_softmax_with_a_beta_counts_it() -> None:
    data = with_tables(seed("plain-float32"), _beta(2.5))
    logits = find_logits(data, parse_model(whole(seed("plain-float32")), "m").contract)
    assert logits.scale == 2.5


def test_a_sigmoid_has_no_energy() -> None:
    contract = _tiny(OutputKind.SIGMOID)
    assert "sigmoid" in (why_no_energy(whole_model(contract), contract) or "")


def test_a_contract_that_wants_an_energy_that_is_not_to_be_had_is_refused() -> None:
    contract = parse_model(whole(seed("assorted-float32")), "m").contract
    wanting = Calibration(energy_threshold=2.0)
    with pytest.raises(ModelFileError, match=r"model.tflite: .* no energy: .* FULLY_CONNECTED") as caught:
        parse_model(whole(seed("assorted-float32"), calibration=wanting), "model.tflite")
    assert "\n" not in str(caught.value)
    model = parse_model(whole(seed("assorted-float32")), "m")
    with pytest.raises(ModelFileError, match="no energy"):
        with_calibration(model, wanting, contract.provenance)
    assert parse_model(whole(seed("plain-float32"), calibration=wanting), "m").contract.calibration == wanting


def test_an_energy_threshold_needs_no_new_weights() -> None:
    """A file of the schema before, and one with a threshold, share all but the contract."""
    data = whole_model(TINY)

    def age(plain: dict[str, Any]) -> None:
        plain["schema_version"] = 2
        del plain["calibration"]["energy_threshold"]

    old = parse_model(with_json_edited(data, age), "old")
    assert old.contract.calibration.energy_threshold is None
    new = parse_model(
        with_calibration(old, Calibration(energy_threshold=-1.5), old.contract.provenance), "new"
    )
    assert new.contract.calibration.energy_threshold == -1.5
    assert new.contract.flatbuffer_sha256 == old.contract.flatbuffer_sha256


@pytest.mark.parametrize("name", SOFTMAX_SEEDS)
def test_the_engines_bytes_are_the_files_but_for_one_offset_and_what_follows(name: str) -> None:
    data = whole(seed(name))
    patched = probed(data)
    assert patched is not None
    changed = [place for place, (a, b) in enumerate(zip(data, patched, strict=False)) if a != b]
    assert 1 <= len(changed) <= 4
    assert changed[-1] - changed[0] < 4
    assert len(patched) - len(data) < 64
    graph = checked_model(patched).tables.tables(ModelSlots.SUBGRAPHS)[0]
    assert len(graph.numbers(SubGraphSlots.OUTPUTS, "<i4")) == 2
    assert probed(seed("assorted-float32")) is None


def test_tables_that_share_bytes_are_not_patched_into_something_else() -> None:
    """Inputs and outputs at one place: another list of outputs would be one of inputs as well."""
    data = bytearray(seed("plain-float32"))
    graphs = target(data, field_place(data, target(data, 0), ModelSlots.SUBGRAPHS))
    graph = target(data, graphs + 4)
    vtable = graph - int.from_bytes(data[graph : graph + 4], "little", signed=True)
    slots = [vtable + 4 + 2 * slot for slot in (SubGraphSlots.INPUTS, SubGraphSlots.OUTPUTS)]
    data[slots[0] : slots[0] + 2] = data[slots[1] : slots[1] + 2]
    assert probed(bytes(data)) is None


def test_patched_bytes_run_in_the_engine_that_came_before(tmp_path: Path) -> None:
    pytest.importorskip("tflite_runtime", reason="needs tflite-runtime: Python up to 3.11 with NumPy 1")
    model = bundled_model()
    logits = find_logits(model.data, model.contract)
    older = Interpreter(logits.data, engine="tflite-runtime")
    view = older.input_view()
    view[...] = _noise(view, 0)
    del view
    older.invoke()
    assert logits.energy(older) == pytest.approx(logits.energy(_ran(logits.data, 0)), abs=0.5)
