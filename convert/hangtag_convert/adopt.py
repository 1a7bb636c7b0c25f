"""Makes a .tflite of another tool self-describing. Needs no TensorFlow."""

from __future__ import annotations

from pathlib import Path

from hangtag.classifier import Classifier
from hangtag.contract import PLACEHOLDER, ModelContract
from hangtag.errors import ConversionError
from hangtag.files import write_bytes
from hangtag.model_file import parse_model, read_bytes
from hangtag_convert.formats import Format
from hangtag_convert.golden_cases import make_golden_cases
from hangtag_convert.metadata import embed


def adopt(model: Path, contract_file: Path, out: Path) -> None:
    """Embed a hand-written contract and golden cases computed on this device.

    Raises:
        ConversionError: the contract's file cannot be read.
        ModelFileError: ``model`` is not a TFLite model.
        ContractError: the contract cannot be used or disagrees with the model.
        OutputError: ``out`` cannot be written.
    """
    try:
        text = contract_file.read_bytes()
    except OSError as error:
        raise ConversionError(f"cannot read {contract_file}: {error.strerror or error}") from None
    contract = ModelContract.from_json(text)
    if any(text.startswith(PLACEHOLDER) for text in (contract.description, *contract.labels)):
        raise ConversionError(f"{contract_file} is not filled in yet: it still says {PLACEHOLDER!r}")
    bare = read_bytes(model)
    quantized = contract.output.tensor.scale is not None
    kind = Format.INT8 if quantized else Format.DYNAMIC  # of the float formats the widest tolerance
    classifier = Classifier(parse_model(embed(bare, contract, None), str(model)))
    golden = make_golden_cases(classifier, kind.score_tolerance)
    write_bytes(out, embed(bare, contract, golden))
