"""What ``hangtag inspect`` prints of one model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from hangtag.calibration import what_decides

if TYPE_CHECKING:
    from hangtag.contract import ModelContract, TensorFormat
    from hangtag.inspection import Inspection
    from hangtag.tflite_metadata import AssociatedFile, MetadataInfo, TensorMetadata
    from hangtag.tflite_schema import TensorInfo

_MOST_LABELS = 30
_FIRST_LABELS = 10
_WIDEST = 500

_Row = tuple[str, str]


def lines(found: Inspection) -> list[str]:
    """Return everything that a model says of itself, a line for each thing it says."""
    rows = [
        ("file", f"{found.name}, {megabytes(found.size_bytes)}"),
        ("sha256", found.sha256),
        *(() if found.contract is None else _contract_rows(found.contract)),
        *_golden_rows(found),
        *_table_rows(found),
        *(() if found.summary.metadata is None else _metadata_rows(found.summary.metadata)),
        *_embedded_rows(found.embedded),
    ]
    printed, last = [], ""
    for name, value in rows:
        if value:
            printed.append(f"{'' if name == last else name:<14} {printable(value)}")
            last = name
    return printed


def printable(text: str) -> str:
    """Return a text that does nothing to a terminal: what is not to be printed as its number, the end cut."""
    shown = "".join(
        character if character.isprintable() else f"\\x{ord(character):02x}"
        for character in text[: _WIDEST + 1]
    )
    return shown if len(text) <= _WIDEST else f"{shown[:_WIDEST]} …"


def megabytes(size: int) -> str:
    """Return a size as people read it."""
    return f"{size / 1e6:.2f} MB" if size >= 100_000 else f"{size:,} bytes"


def _contract_rows(contract: ModelContract) -> Iterator[_Row]:
    spec, calibration, origin = contract.input, contract.calibration, contract.provenance
    yield "model", contract.name
    yield "description", contract.description
    yield "author", contract.author
    yield "licence", contract.licence
    yield "labels", f"{len(contract.labels)}: {_shown(contract.labels)}"
    for locale, texts in contract.translations.items():
        yield "translations", f"{locale}: {_shown(texts)}"
    yield "frame", f"{spec.geometry.value}, {spec.kernel.value}, {spec.colour_order.value}"
    yield "size", f"{spec.width_px} x {spec.height_px} px"
    yield "normalisation", f"(byte - {list(spec.mean)}) / {list(spec.std)}"
    yield "input", _format(spec.tensor)
    yield "output", f"{contract.output.kind.value}, {_format(contract.output.tensor)}"
    yield "temperature", f"{calibration.temperature:.4f} (folded into the weights)"
    yield "unknown", f"{what_decides(calibration)} (decides)"
    if calibration.energy_threshold is not None and calibration.unknown_threshold is not None:
        yield "unknown", f"best score below {calibration.unknown_threshold:g} (clients that see scores alone)"
    yield "backbone", origin.backbone or ""
    yield "recipe", origin.recipe or ""
    yield "data set", origin.dataset_sha256 or ""
    yield "metrics", ", ".join(f"{name} {value:.4f}" for name, value in sorted(origin.metrics.items()))
    yield "made with", ", ".join(f"{name} {version}" for name, version in sorted(origin.versions.items()))


def _golden_rows(found: Inspection) -> Iterator[_Row]:
    if found.contract is None:
        return
    cases = found.as_plain()["golden_cases"]
    if cases is None:
        yield "golden cases", "none"
        return
    yield "golden cases", f"{len(cases['cases'])}; scores may differ by {cases['score_tolerance']:g}"
    for case in cases["cases"]:
        size = f"{case['width_px']} x {case['height_px']} px, {megabytes(case['size_bytes'])}"
        yield "golden cases", f"{case['name']}: {size}"


def _table_rows(found: Inspection) -> Iterator[_Row]:
    summary = found.summary
    graphs = f" in {summary.graphs} graphs" if summary.graphs > 1 else ""
    yield "operators", f"{sum(summary.operators.values())}{graphs}: {_counts(summary.operators)}"
    yield "tensors", f"{sum(summary.tensors.values())}: {_counts(summary.tensors)}"
    yield "weights", f"{megabytes(summary.weights_bytes)}, sha256 {summary.weights_sha256}"
    yield "working memory", f"{megabytes(summary.working_bytes)} for tensors at one time"
    for role, tensors in (("input tensor", summary.inputs), ("output tensor", summary.outputs)):
        for tensor in tensors:
            yield role, _tensor(tensor)
    yield "made by", summary.description


def _metadata_rows(metadata: MetadataInfo) -> Iterator[_Row]:
    title = "for phones"
    named = (
        ("name", metadata.name),
        ("version", metadata.version),
        ("author", metadata.author),
        ("licence", metadata.licence),
        ("description", metadata.description),
    )
    for name, text in named:
        if text:
            yield title, f"{name}: {text}"
    for file in metadata.model_files:
        yield title, _file(file)
    for role, tensors in (("input", metadata.inputs), ("output", metadata.outputs)):
        for tensor in tensors:
            yield title, f"{role} {_said_of(tensor)}"
            for file in tensor.files:
                yield title, _file(file)


def _embedded_rows(embedded: Mapping[str, tuple[int, str]]) -> Iterator[_Row]:
    for name, (size, _) in embedded.items():
        yield "embedded", f"{name}: {megabytes(size)}"


def _said_of(tensor: TensorMetadata) -> str:
    parts = [f"{tensor.name}: {tensor.description}" if tensor.description else tensor.name]
    if tensor.mean or tensor.std:
        parts.append(f"(value - {_numbers(tensor.mean)}) / {_numbers(tensor.std)}")
    if tensor.minimum or tensor.maximum:
        parts.append(f"from {_numbers(tensor.minimum)} to {_numbers(tensor.maximum)}")
    return "; ".join(parts)


def _file(file: AssociatedFile) -> str:
    locale = f" in {file.locale}" if file.locale else ""
    kind = f" ({file.kind}{locale})" if file.kind != "unknown" or locale else ""
    return f"file {file.name}{kind}: {file.description}"


def _numbers(values: tuple[float, ...]) -> str:
    """Return numbers, or the one that they all are."""
    if len(set(values)) == 1:
        return f"{values[0]:g}"
    return f"[{', '.join(f'{value:g}' for value in values)}]"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _shown(labels: tuple[str, ...]) -> str:
    """Return the labels on one line, of many the first alone."""
    if len(labels) <= _MOST_LABELS:
        return ", ".join(labels)
    return f"{', '.join(labels[:_FIRST_LABELS])}, … (--json lists all)"


def _format(tensor: TensorFormat) -> str:
    return _quantized(tensor.dtype, tensor.scale, tensor.zero_point)


def _tensor(tensor: TensorInfo) -> str:
    shape = " x ".join(str(side) if side >= 0 else "any" for side in tensor.signature)
    return (
        f"{shape or 'one number'}, {_quantized(tensor.dtype, tensor.scale, tensor.zero_point)}, {tensor.name}"
    )


def _quantized(dtype: str, scale: float | None, zero_point: int) -> str:
    return dtype if scale is None else f"{dtype}, scale {scale:g}, zero point {zero_point}"
