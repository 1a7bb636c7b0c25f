"""Takes self-describing models apart and puts them together again, changed, for tests."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

from hangtag.contract_template import contract_template
from hangtag.model_file import CONTRACT_NAME
from hangtag.tflite_schema import read_model_info


def split(model: bytes) -> tuple[bytes, dict[str, bytes]]:
    """Return a model's FlatBuffer and its embedded files."""
    with zipfile.ZipFile(io.BytesIO(model)) as archive:
        start = min(member.header_offset for member in archive.infolist())
        return model[:start], {name: archive.read(name) for name in archive.namelist()}


def joined(flatbuffer: bytes, files: dict[str, bytes]) -> bytes:
    """Return a FlatBuffer with files embedded."""
    buffer = io.BytesIO(flatbuffer)
    with zipfile.ZipFile(buffer, "a") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def with_json_edited(
    model: bytes, edit: Callable[[dict[str, Any]], object], name: str = CONTRACT_NAME
) -> bytes:
    """Return the model with one of its embedded JSON files changed by ``edit``."""
    flatbuffer, files = split(model)
    value = json.loads(files[name])
    edit(value)
    return joined(flatbuffer, {**files, name: json.dumps(value).encode()})


def whole(flatbuffer: bytes, **changes: Any) -> bytes:
    """Return a bare model with a contract that fits it; ``changes`` are the contract's fields."""
    contract = contract_template("model", read_model_info(flatbuffer)).replace(
        flatbuffer_sha256=hashlib.sha256(flatbuffer).hexdigest(), **changes
    )
    return joined(flatbuffer, {CONTRACT_NAME: contract.to_json().encode()})
