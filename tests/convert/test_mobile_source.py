"""Every generated source is valid in its language, and every number in it is the contract's."""

from __future__ import annotations

import functools
import hashlib
import tempfile
from pathlib import Path
from typing import Any

import pytest
from mobile_contracts import ALL_CASES, contract_of, model_of
from source_trees import constants, faults

from hangtag.contract import ModelContract, TensorFormat
from hangtag.model_file import label_files
from hangtag_convert.mobile.bundle import Platform, write_bundle

_PAIRS = [
    pytest.param(case, platform, id=f"{case}-{platform.value}")
    for case in ALL_CASES
    for platform in (Platform.ANDROID, Platform.IOS)
    if (case, platform) != ("int8", Platform.IOS)  # refused, see test_mobile_bundle.py
]


@functools.cache
def _written(case: str, platform: Platform) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        model, out = Path(folder) / f"{case}.tflite", Path(folder) / case
        model.write_bytes(model_of(case))
        write_bundle(model, platform, out)
        files = [path for path in out.rglob("*") if path.is_file()]
        return {path.relative_to(out).as_posix(): path.read_bytes() for path in files}


@pytest.mark.parametrize(("case", "platform"), _PAIRS)
def test_source_parses_and_holds_the_contract(case: str, platform: Platform) -> None:
    files = _written(case, platform)
    sources = {name: data for name, data in files.items() if name.endswith((".kt", ".kts", ".swift"))}
    assert len(sources) >= 14
    assert {name: found for name, data in sources.items() if (found := faults(Path(name).suffix, data))} == {}
    (name,) = [name for name in sources if Path(name).stem == "ModelContract"]
    found, contract = constants(Path(name).suffix, files[name]), contract_of(case)
    expected = _kotlin_constants if platform is Platform.ANDROID else _swift_constants
    assert found == expected(contract, model_of(case), next(n for n in files if n.endswith(".tflite")))


@pytest.mark.parametrize(("case", "platform"), _PAIRS)
def test_no_other_source_knows_the_model(case: str, platform: Platform) -> None:
    """All other files are alike, but for their package and where MediaPipe is left out."""
    ours, plain = (_by_file_name(_written(name, platform)) for name in (case, "clothing"))
    for name, lines in ours.items():
        assert lines <= plain[name], name


def _by_file_name(files: dict[str, bytes]) -> dict[str, set[bytes]]:
    """Return the lines of every source but the contract's, without what names the package."""
    return {
        Path(name).name: {
            line for line in data.splitlines() if not line.startswith((b"package ", b"import "))
        }
        for name, data in files.items()
        if name.endswith((".kt", ".swift")) and Path(name).stem != "ModelContract"
    }


def test_a_parser_sees_what_is_wrong() -> None:
    assert faults(".kt", b'val name = "a"b"')
    assert faults(".swift", b'let name = "a"b"')
    assert not faults(".kt", b'val name = "a\\"b"')


def _kotlin_constants(contract: ModelContract, model: bytes, model_path: str) -> dict[str, Any]:
    spec, asset = contract.input, model_path.removeprefix("app/src/main/assets/")
    labels, translations = _digests(contract)
    return {
        "NAME": contract.name,
        "MODEL_ASSET": asset,
        "MODEL_SHA256": hashlib.sha256(model).hexdigest(),
        "INPUT": {
            "widthPx": spec.width_px,
            "heightPx": spec.height_px,
            "colourOrder": spec.colour_order.name,
            "geometry": spec.geometry.name,
            "padValue": spec.pad_value,
            "mean": list(spec.mean),
            "std": list(spec.std),
            "tensor": _tensor(spec.tensor, spec.tensor.dtype.upper()),
        },
        "OUTPUT": {
            "kind": contract.output.kind.name,
            "tensor": _tensor(contract.output.tensor, contract.output.tensor.dtype.upper()),
        },
        "UNKNOWN_THRESHOLD": contract.calibration.unknown_threshold,
        "LABELS_FOLDER": asset.split("/")[0],
        "LABEL_COUNT": len(contract.labels),
        "LABELS_SHA256": labels,
        "TRANSLATIONS_SHA256": translations,
    }


def _swift_constants(contract: ModelContract, model: bytes, model_path: str) -> dict[str, Any]:
    spec = contract.input
    labels, translations = _digests(contract)
    geometries = {"centre-crop": "centreCrop", "stretch": "stretch", "letterbox": "letterbox"}
    return {
        "name": contract.name,
        "modelFile": Path(model_path).name,
        "modelSha256": hashlib.sha256(model).hexdigest(),
        "input": {
            "widthPx": spec.width_px,
            "heightPx": spec.height_px,
            "colourOrder": spec.colour_order.value,
            "geometry": geometries[spec.geometry.value],
            "padValue": spec.pad_value,
            "mean": list(spec.mean),
            "std": list(spec.std),
            "tensor": _tensor(spec.tensor, spec.tensor.dtype),
        },
        "output": {
            "kind": contract.output.kind.value,
            "tensor": _tensor(contract.output.tensor, contract.output.tensor.dtype),
        },
        "unknownThreshold": contract.calibration.unknown_threshold,
        "labelCount": len(contract.labels),
        "labelsSha256": labels,
        "translationsSha256": translations,
    }


def _tensor(tensor: TensorFormat, name: str) -> dict[str, Any]:
    return {"type": name, "scale": tensor.scale, "zeroPoint": tensor.zero_point}


def _digests(contract: ModelContract) -> tuple[str, dict[str, str]]:
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in label_files(contract).items()}
    labels = digests.pop("labels.txt")
    return labels, {name.removeprefix("labels-").removesuffix(".txt"): sha for name, sha in digests.items()}
