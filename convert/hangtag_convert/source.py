"""What is converted: a training run, a ``.keras`` file or a SavedModel, and its contract."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from hangtag.contract import PLACEHOLDER, ModelContract, TensorFormat
from hangtag.errors import ConversionError
from hangtag.run_seal import SealedRun, read_run

_SAVED_MODEL = "saved_model.pb"


@dataclass(frozen=True, slots=True)
class Source:
    """A network to convert.

    ``network`` is a ``.keras`` file or the folder of a SavedModel; ``run`` is the training run that it
    belongs to, None for a network that came by itself. The contract describes the float network.
    """

    network: Path
    contract: ModelContract
    run: SealedRun | None = None

    @property
    def is_saved_model(self) -> bool:
        """True for the folder of a SavedModel, False for a Keras file."""
        return self.network.is_dir()


def is_network(path: Path) -> bool:
    """Return True for a ``.keras`` file or the folder of a SavedModel."""
    return (path.suffix == ".keras" and path.is_file()) or (path / _SAVED_MODEL).is_file()


def read_source(path: Path, contract_file: Path | None) -> Source:
    """Find out what ``path`` is and read its contract.

    Args:
        path: a run folder, a ``.keras`` file or the folder of a SavedModel.
        contract_file: the contract of a network that has none of its own.

    Raises:
        ConversionError: a contract is missing, or is given for a run, which has its own.
        ContractError: the contract cannot be used.
        RunError: a folder that is neither.
    """
    if not path.exists():
        raise ConversionError(f"there is nothing at {path}; wanted a training run, .keras or SavedModel")
    if not is_network(path):
        if contract_file is not None:
            raise ConversionError(
                f"{path} is a training run and has a contract of its own: leave --contract out"
            )
        run = read_run(path)
        return Source(run.model, run.contract, run)
    if contract_file is None:
        raise ConversionError(
            f"{path} says nothing of labels and pixels: give --contract CONTRACT.json "
            "(hangtag convert --template prints one to fill in); or convert its training run's folder"
        )
    return Source(path, _of_float_network(read_contract(contract_file)))


def read_contract(path: Path) -> ModelContract:
    """Read a contract that a person wrote or filled in.

    Raises:
        ConversionError: it cannot be read, or is not filled in yet.
        ContractError: it cannot be used.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ConversionError(f"cannot read {path}: {error.strerror or error}") from None
    contract = ModelContract.from_json(text)
    if any(text.startswith(PLACEHOLDER) for text in (contract.description, *contract.labels)):
        raise ConversionError(f"{path} is not filled in yet: it still says {PLACEHOLDER!r}")
    return contract


def _of_float_network(contract: ModelContract) -> ModelContract:
    """Return the contract with float tensors: one taken out of a converted file describes that file's."""
    return contract.replace(
        input=dataclasses.replace(contract.input, tensor=TensorFormat()),
        output=dataclasses.replace(contract.output, tensor=TensorFormat()),
        flatbuffer_sha256=None,
    )
