"""One file is the whole model: reads a self-describing .tflite and trusts none of it.

The file is a TFLite FlatBuffer followed by a ZIP archive (how TFLite metadata carries associated files):
``hangtag.json`` is the contract and the truth; ``labels.txt`` and the metadata inside the FlatBuffer say the
same again for phones. A file in which they disagree does not load. The digest in the contract proves that the
weights are whole, not who made them: a model is as trustworthy as where it comes from.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hangtag.archive import archive_bytes, read_archive
from hangtag.contract import Calibration, ModelContract, Provenance, TensorFormat
from hangtag.errors import ContractError, ModelFileError, shortened
from hangtag.golden import GoldenCases
from hangtag.logits_output import check_energy
from hangtag.tflite_metadata import MetadataInfo
from hangtag.tflite_schema import ModelInfo, TensorInfo, read_model_info

CONTRACT_NAME = "hangtag.json"
LABELS_NAME = "labels.txt"
ADVICE_WITHOUT_CONTRACT = (
    "get one to fill in with hangtag inspect MODEL.tflite --template, then "
    "embed it with: hangtag convert MODEL.tflite --contract contract.json --out NEW.tflite"
)
"""What to do with a model of another tool."""

_LABEL_FILE = re.compile(r"labels(-.*)?\.txt", re.DOTALL)

_MAX_FILE_BYTES = 2**31


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model file that was read whole and whose parts agree.

    ``data`` is the file's bytes as the interpreter takes them; ``name`` is what messages call it.
    """

    name: str
    data: bytes
    contract: ModelContract
    info: ModelInfo
    golden: GoldenCases | None

    @property
    def sha256(self) -> str:
        """Digest of the whole file, in hexadecimal; computed anew each time."""
        return hashlib.sha256(self.data).hexdigest()


def read_model_file(path: Path) -> ModelFile:
    """Read and check a self-describing model file. Nothing native looks at it before this succeeds.

    Raises:
        ModelFileError: it cannot be read, is no TFLite model, is damaged, carries no contract, or one that
            wants an energy which the model does not give.
        ContractError: its contract cannot be used or contradicts the model.
    """
    return parse_model(read_bytes(path), str(path))


def read_bytes(path: Path) -> bytes:
    """Return a model file's bytes.

    Raises:
        ModelFileError: it cannot be read or is larger than 2 GiB.
    """
    if path.is_dir() or path.suffix == ".keras":
        what = "a folder" if path.is_dir() else "a Keras model"
        raise ModelFileError(
            f"cannot read the model {path}: it is {what}; wanted a .tflite file, which hangtag convert "
            "makes of a training run"
        )
    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            raise ModelFileError(f"{path} is larger than 2 GiB; no TFLite model is")
        return path.read_bytes()
    except OSError as error:
        raise ModelFileError(f"cannot read the model {path}: {error.strerror or error}") from None


def parse_model(data: bytes, name: str) -> ModelFile:
    """Check a model given as bytes; see :func:`read_model_file`."""
    try:
        info = read_model_info(data)
        archive = read_archive(data)
        contract = _contract(info, archive.files)
        check_agreement(contract, info, archive.files)
        _check_weights(contract, info, data[: archive.start])
        check_energy(data, contract)
        return ModelFile(name, data, contract, info, GoldenCases.from_files(archive.files, contract))
    except (ModelFileError, ContractError) as error:
        # One line, whatever a message quotes of the file.
        raise type(error)(f"{name}: {' '.join(str(error).split())}") from None


def with_calibration(model: ModelFile, calibration: Calibration, provenance: Provenance) -> bytes:
    """Return a model's bytes with another calibration and provenance in its contract, all else as it is.

    Nothing else may change so: what the metadata for phones says, and the tensors are, stands in front of the
    embedded files and stays.

    Raises:
        ModelFileError: the new file could not be read, as where there are too many embedded files.
    """
    archive = read_archive(model.data)
    contract = model.contract.replace(calibration=calibration, provenance=provenance)
    files = {**archive.files, CONTRACT_NAME: contract.to_json().encode()}
    data = model.data[: archive.start] + archive_bytes(files, archive.start)
    parse_model(data, model.name)
    return data


def carries_contract(data: bytes) -> bool:
    """Return True where a contract, good or bad, is embedded in a model's bytes.

    Raises:
        ModelFileError: the embedded files cannot be read.
    """
    return CONTRACT_NAME in read_archive(data).files


def label_files(contract: ModelContract) -> dict[str, bytes]:
    """Return what a model carries of its labels for clients that read no contract: a file per language.

    ``labels.txt`` holds the labels, ``labels-es.txt`` their Spanish translation.
    """
    translated = {f"labels-{locale}.txt": texts for locale, texts in contract.translations.items()}
    return {name: labels_text(texts) for name, texts in {LABELS_NAME: contract.labels, **translated}.items()}


def labels_text(labels: Sequence[str]) -> bytes:
    """Return the content of ``labels.txt``: one label a line, UTF-8."""
    return "".join(label + "\n" for label in labels).encode()


def check_agreement(contract: ModelContract, info: ModelInfo, files: dict[str, bytes]) -> None:
    """Raise where the contract and the model around it say different things.

    Raises:
        ContractError: tensors, labels or normalisation differ.
    """
    _check_tensor("input", contract.input.shape, contract.input.tensor, info.input)
    _check_tensor("output", (1, contract.output_units), contract.output.tensor, info.output)
    wanted = label_files(contract)
    for name in (name for name in files if _LABEL_FILE.fullmatch(name)):
        if files[name] != wanted.get(name):
            raise ContractError(
                f"its {shortened(name)} and its {CONTRACT_NAME} disagree; convert the model again"
            )
    if info.metadata is not None:
        _check_metadata(contract, info.metadata)


def _check_tensor(role: str, shape: tuple[int, ...], wanted: TensorFormat, found: TensorInfo) -> None:
    if found.shape != shape:
        hint = f" ({shape[1]} labels)" if role == "output" else ""
        raise ContractError(f"the contract says {role} shape {shape}{hint}, the model has {found.shape}")
    if found.dtype != wanted.dtype:
        raise ContractError(f"the contract says {role} dtype {wanted.dtype}, the model has {found.dtype}")
    if wanted.scale is None:
        return
    same_scale = found.scale is not None and math.isclose(found.scale, wanted.scale, rel_tol=1e-6)
    if not same_scale or found.zero_point != wanted.zero_point:
        raise ContractError(
            f"the contract says {role} scale {wanted.scale} and zero point {wanted.zero_point}, "
            f"the model has {found.scale} and {found.zero_point}"
        )


def _check_metadata(contract: ModelContract, metadata: MetadataInfo) -> None:
    for name, wanted in (("mean", contract.input.mean), ("std", contract.input.std)):
        found = getattr(metadata, name)
        # One number in the metadata stands for all channels.
        spread = found * len(wanted) if len(found) == 1 else found
        if found and (
            len(spread) != len(wanted)
            or not all(
                math.isclose(a, b, rel_tol=1e-5, abs_tol=1e-6) for a, b in zip(spread, wanted, strict=True)
            )
        ):
            raise ContractError(
                f"the metadata for phones says {name} {list(found)}, the contract {list(wanted)}; "
                "convert the model again"
            )


def _check_weights(contract: ModelContract, info: ModelInfo, flatbuffer: bytes) -> None:
    if len(flatbuffer) < info.weights_end:
        raise ModelFileError("damaged: its embedded files lie inside its weights")
    if hashlib.sha256(flatbuffer).hexdigest() != contract.flatbuffer_sha256:
        raise ModelFileError("damaged: the weights are not those that the contract was written for")


def _contract(info: ModelInfo, files: Mapping[str, bytes]) -> ModelContract:
    check_not_cut(info.metadata, files)
    if CONTRACT_NAME not in files:
        raise ModelFileError(f"a TFLite model without a Hangtag contract: {ADVICE_WITHOUT_CONTRACT}")
    return ModelContract.from_json(files[CONTRACT_NAME])


def check_not_cut(metadata: MetadataInfo | None, files: Mapping[str, bytes]) -> None:
    """Raise where the metadata speaks of a contract and no embedded file is left.

    Raises:
        ModelFileError: as said.
    """
    if not files and metadata is not None and CONTRACT_NAME in metadata.files:
        raise ModelFileError("cut short: its embedded files are missing; copy the file again")
