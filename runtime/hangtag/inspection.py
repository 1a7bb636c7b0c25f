"""All that a model file says of itself, read without loading it, for ``hangtag inspect``."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hangtag.archive import read_archive
from hangtag.contract import ModelContract
from hangtag.contract_template import contract_template
from hangtag.errors import ContractError, ModelFileError
from hangtag.golden import GoldenCases
from hangtag.image_header import read_header
from hangtag.model_file import ADVICE_WITHOUT_CONTRACT, CONTRACT_NAME, check_not_cut, parse_model, read_bytes
from hangtag.tflite_schema import read_model_info
from hangtag.tflite_summary import ModelSummary, summarise


@dataclass(frozen=True, slots=True)
class Inspection:
    """All that a model file says of itself.

    Args:
        name: what messages call it.
        size_bytes: the file's size.
        sha256: the file's digest.
        contract: None for a model of another tool.
        golden: its golden cases, or None.
        summary: its tensors, operators, weights and metadata.
        embedded: name of each embedded file -> its size in bytes and its digest.
        note: for a model without contract, what to do to use it, or why it cannot be used; else empty.
    """

    name: str
    size_bytes: int
    sha256: str
    contract: ModelContract | None
    golden: GoldenCases | None
    summary: ModelSummary
    embedded: Mapping[str, tuple[int, str]]
    note: str

    def as_plain(self) -> dict[str, Any]:
        """Return everything as JSON takes it."""
        summary = dataclasses.asdict(self.summary)
        metadata = summary.pop("metadata")
        return {
            "file": {"size_bytes": self.size_bytes, "sha256": self.sha256},
            "contract": None if self.contract is None else json.loads(self.contract.to_json()),
            "model": summary,
            "metadata": metadata,
            "embedded_files": {
                name: {"size_bytes": size, "sha256": digest} for name, (size, digest) in self.embedded.items()
            },
            "golden_cases": None if self.golden is None else _golden(self.golden),
        }


def inspect_file(path: Path) -> Inspection:
    """Read all that a model file says of itself.

    Raises:
        ModelFileError: it cannot be read, is no TFLite model, or is damaged.
        ContractError: it has a contract that cannot be used or contradicts the model.
    """
    return inspect_bytes(read_bytes(path), str(path))


def inspect_bytes(data: bytes, name: str) -> Inspection:
    """Read all that a model given as bytes says of itself; see :func:`inspect_file`."""
    try:
        archive = read_archive(data)
        summary = summarise(data)
        check_not_cut(summary.metadata, archive.files)
    except ModelFileError as error:
        raise ModelFileError(f"{name}: {error}") from None
    whole = parse_model(data, name) if CONTRACT_NAME in archive.files else None
    return Inspection(
        name=name,
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        contract=None if whole is None else whole.contract,
        golden=None if whole is None else whole.golden,
        summary=summary,
        embedded={
            file: (len(content), hashlib.sha256(content).hexdigest())
            for file, content in sorted(archive.files.items())
        },
        note="" if whole else _note(data),
    )


def _note(data: bytes) -> str:
    try:
        contract_template("model", read_model_info(data))
    except (ModelFileError, ContractError) as error:
        return f"Hangtag cannot use it as it is: {error}"
    return ADVICE_WITHOUT_CONTRACT


def _golden(golden: GoldenCases) -> dict[str, Any]:
    cases = []
    for case in golden.cases:
        header = read_header(case.png)
        cases.append(
            {
                "name": case.name,
                "size_bytes": len(case.png),
                "width_px": header.width if header else 0,
                "height_px": header.height if header else 0,
            }
        )
    return {"score_tolerance": golden.score_tolerance, "cases": cases}
