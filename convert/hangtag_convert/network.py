"""The float network in TensorFlow: what it computes, and a SavedModel of it that the converter takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from hangtag.contract import ModelContract
from hangtag.contract_template import contract_template
from hangtag.errors import ConversionError
from hangtag.preprocess import Tensor
from hangtag.scoring import Scorer
from hangtag.tflite_schema import ModelInfo, TensorInfo
from hangtag_convert.metadata import for_files
from hangtag_convert.source import Source

_HARMLESS_STATEFUL = frozenset(
    {"VarHandleOp", "VariableV2", "ReadVariableOp", "AssignVariableOp", "VarIsInitializedOp"}
    | {"StatefulPartitionedCall", "NoOp", "Placeholder", "RandomUniform", "RandomStandardNormal"}
    | {"TruncatedNormal", "DisableCopyOnRead", "DestroyResourceOp", "AssignAddVariableOp"}
)
"""Operations with effects that a classifier's SavedModel may hold: variables, calls, first weights."""
_SAVER = frozenset({"SaveV2", "RestoreV2", "MergeV2Checkpoints"})
"""What TensorFlow itself adds to read a SavedModel's variables back."""
_TOUCHES_FILES = frozenset(
    {"ReadFile", "WriteFile", "MatchingFiles", "WholeFileReaderV2", "PyFunc", "EagerPyFunc"}
)
"""Operations that touch files or call Python, whatever TensorFlow says of their effects."""


@dataclass(frozen=True, slots=True)
class Network:
    """A float network: its scorer, and the folder of its SavedModel with a static batch of 1."""

    scorer: Scorer
    saved_model: Path


def open_network(source: Source, folder: Path) -> Network:
    """Load a network and write its SavedModel into ``folder``.

    A network trained on BGR gets an exchange of colours as its first step, since files take RGB.

    Raises:
        ConversionError: its shapes are not the contract's, or it is no plain classifier.
    """
    contract = source.contract
    loaded = _load(source.network)
    _check_shapes(source.network, contract, loaded)
    reverse = for_files(contract) is not contract

    def serve(image: Any) -> Any:
        return loaded.call(tf.reverse(image, [-1]) if reverse else image)

    archive = keras.export.ExportArchive()
    archive.track(loaded.variables)
    signature = tf.TensorSpec(contract.input.shape, tf.float32, name="image")
    archive.add_endpoint("serve", serve, [signature])
    archive.write_out(str(folder), verbose=False)
    return Network(Scorer(contract, loaded.outputs), folder)


def template_of(path: Path) -> ModelContract:
    """Return the contract of a network to fill in.

    Raises:
        ConversionError: it is no plain classifier.
        ModelFileError: it does not take one image, of a size that it states, and give one row of scores.
    """
    loaded = _load(path)
    image, scores = (
        TensorInfo("", (1, *(side or -1 for side in shape[1:])), "float32", None, 0, ())
        for shape in (loaded.taken, loaded.given)
    )
    return contract_template(path.stem, ModelInfo(image, scores, 0, None, 0))


Shape = tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A network: what holds its variables, how it is called in a graph, and on NumPy batches.

    ``taken`` and ``given`` are the shapes of its image and its scores, None for sides that are not fixed.
    """

    variables: Any
    call: Callable[[Any], Any]
    outputs: Callable[[Tensor], Tensor]
    taken: Shape
    given: Shape


def _load(path: Path) -> _Loaded:
    return _saved_model(path) if path.is_dir() else _keras_model(path)


def _keras_model(path: Path) -> _Loaded:
    """Load a Keras model without its training state, refusing anything that would execute code."""
    model = keras.models.load_model(path, compile=False, safe_mode=True)
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ConversionError(
            f"{path} has {len(model.inputs)} inputs and {len(model.outputs)} outputs; "
            "wanted one image in and one row of scores out"
        )
    return _Loaded(
        model,
        lambda image: model(image, training=False),
        lambda tensors: np.asarray(model.predict_on_batch(tensors)),
        tuple(model.input_shape),
        tuple(model.output_shape),
    )


def _saved_model(path: Path) -> _Loaded:
    _check_operations(path)
    loaded = tf.saved_model.load(str(path))
    signatures = dict(loaded.signatures)
    name = "serving_default" if "serving_default" in signatures else next(iter(signatures), None)
    if name is None:
        raise ConversionError(f"{path} has no signature to call; export it with one: model.export()")
    function = signatures[name]
    taken, given = function.structured_input_signature[1], function.structured_outputs
    if len(taken) != 1 or len(given) != 1:
        raise ConversionError(
            f"the signature {name} of {path} has {len(taken)} inputs and {len(given)} outputs; "
            "wanted one image in and one row of scores out"
        )
    argument, result = next(iter(taken)), next(iter(given))

    def network(image: Any) -> Any:
        return function(**{argument: image})[result]

    shapes = _shape(taken[argument]), _shape(given[result])
    one_by_one = shapes[0][:1] == (1,)

    def outputs(tensors: Tensor) -> Tensor:
        batches = np.split(tensors, len(tensors)) if one_by_one else [tensors]
        return np.concatenate([np.asarray(network(tf.constant(batch))) for batch in batches])

    return _Loaded(loaded, network, outputs, *shapes)


def _check_operations(path: Path) -> None:
    """Raise where a SavedModel could do more than compute; its graph is read, and nothing of it is run.

    It comes from anywhere, and loading it runs what it says should be run on loading. Operations that
    TensorFlow calls stateful (files, tables, summaries, Python) are refused but for those that a classifier
    needs. A first fence, no sandbox: what reads variables back could be turned to other files.

    Raises:
        ConversionError: it could, or its graph cannot be read.
    """
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
    from tensorflow.core.protobuf import saved_model_pb2
    from tensorflow.python.framework import op_def_registry

    saved = saved_model_pb2.SavedModel()
    try:
        saved.ParseFromString((path / "saved_model.pb").read_bytes())
    except (OSError, DecodeError) as error:
        raise ConversionError(f"{path} holds no SavedModel that can be read: {error}") from None
    found = {node.op for graph in saved.meta_graphs for node in graph.graph_def.node}
    found |= {
        node.op
        for graph in saved.meta_graphs
        for function in graph.graph_def.library.function
        for node in function.node_def
    }
    known = {name: op_def_registry.get(name) for name in found}
    odd = {name for name, definition in known.items() if definition is not None and definition.is_stateful}
    odd = (odd - _HARMLESS_STATEFUL - _SAVER) | (found & _TOUCHES_FILES)
    if odd:
        raise ConversionError(
            f"{path} could read or write files or call Python when it runs ({', '.join(sorted(odd))}); "
            "wanted a plain classifier"
        )


def _shape(spec: Any) -> Shape:
    return tuple(spec.shape.as_list()) if spec.shape.rank is not None else ()


def _check_shapes(path: Path, contract: ModelContract, loaded: _Loaded) -> None:
    """Raise unless the network takes and gives what the contract says, in a batch of any size or of one."""
    wanted = (contract.input.shape, (1, contract.output_units))
    for found, shape, role in zip((loaded.taken, loaded.given), wanted, ("image", "scores"), strict=True):
        if len(found) == len(shape) and found[0] not in {None, 1}:
            raise ConversionError(
                f"{path} takes {found[0]} images at once; export it with a batch of 1 or of any number"
            )
        fits = len(found) == len(shape)
        if not fits or any(a not in {None, b} for a, b in zip(found[1:], shape[1:], strict=True)):
            raise ConversionError(f"{path} has {role} of shape {found[1:]}, its contract says {shape[1:]}")
