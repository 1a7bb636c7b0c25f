"""Makes a .tflite of another tool self-describing. Needs no TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hangtag.classifier import Classifier
from hangtag.files import write_bytes
from hangtag.model_file import parse_model, read_bytes
from hangtag.model_probe import probe
from hangtag_convert.formats import Format
from hangtag_convert.gate import check_probabilities
from hangtag_convert.golden_cases import drawn_frames, frames_from, make_golden_cases
from hangtag_convert.metadata import embed
from hangtag_convert.source import read_contract


def adopt(
    model: Path, contract_file: Path, out: Path, *, described: Mapping[str, Any], golden: Path | None
) -> None:
    """Embed a hand-written contract and golden cases computed on this device.

    Args:
        model: a .tflite; metadata and files that it carries already are replaced.
        contract_file: the contract to embed.
        out: the new file.
        described: fields that replace the contract's.
        golden: photos that golden cases are made of in place of drawn frames.

    Raises:
        ConversionError: the contract's file cannot be read.
        ModelFileError: ``model`` is not a TFLite model, or fails when it is tried in a child process.
        ContractError: the contract cannot be used or disagrees with the model.
        OutputError: ``out`` cannot be written.
    """
    contract = read_contract(contract_file).replace(**described)
    bare = read_bytes(model)
    quantized = contract.output.tensor.scale is not None
    kind = Format.INT8 if quantized else Format.DYNAMIC  # of the float formats the widest tolerance
    whole = parse_model(embed(bare, contract, None), str(model))
    probe(whole.data, str(model))
    classifier = Classifier(whole)
    frames = drawn_frames(classifier) if golden is None else frames_from(golden, len(contract.labels))
    cases = make_golden_cases(classifier, kind.score_tolerance, frames)
    # An 8-bit score is off by half a step, and the sum of many by more.
    check_probabilities(np.array([case.scores for case in cases.cases]), str(model), slack=0.02)
    write_bytes(out, embed(bare, contract, cases))
