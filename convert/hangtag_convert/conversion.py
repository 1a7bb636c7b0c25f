"""A whole conversion: a float network in, proven self-describing files out."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hangtag.comparison import MAX_DROP_POINTS
from hangtag.errors import ConversionError
from hangtag.files import check_writable, make_folder
from hangtag.progress import Progress
from hangtag.versions import versions
from hangtag_convert.formats import USUAL, Format
from hangtag_convert.golden_cases import frames_from
from hangtag_convert.making import Making, open_parent
from hangtag_convert.pictures import Pictures, find_pictures
from hangtag_convert.record import Conversion, Outcome, write_conversion
from hangtag_convert.source import Source, read_source


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to convert and how.

    Args:
        source: a run folder, a ``.keras`` file or the folder of a SavedModel.
        out: folder for the files and the record.
        kinds: formats to write; None for those of :data:`hangtag_convert.formats.USUAL` that there are photos
            for.
        contract_file: the contract of a network that is no run.
        data: the data set, where it is no longer where training found it; for a network without photos of its
            own a data set of its labels, or a folder of any photos to calibrate on and nothing else.
        calibration: photos to calibrate on in place of the training photos.
        max_drop_points: percentage points of top-1 that a file may lose.
        recover: whether to try harder where ``int8`` loses more.
        golden: photos that golden cases are made of in place of drawn frames.
        described: fields of the contract that replace the source's: name, description, author, licence,
            translations.
    """

    source: Path
    out: Path
    kinds: Sequence[Format] | None = None
    contract_file: Path | None = None
    data: Path | None = None
    calibration: Path | None = None
    max_drop_points: float = MAX_DROP_POINTS
    recover: bool = False
    golden: Path | None = None
    described: Mapping[str, Any] = field(default_factory=dict)


def convert(plan: Plan, progress: Progress) -> Conversion:
    """Convert a network, measure every file against it and write those that pass the gate.

    Files that do not pass are not written; what stood in the folder under their names stays. The record and
    the page tell of all.

    Raises:
        RunError: the run is not whole.
        ConversionError: TensorFlow cannot convert it; or there is no photo to calibrate a format on.
        ContractError: the contract cannot be used or is not the network's.
        DatasetError: the photos are gone or laid out otherwise.
        PhotoError: a folder holds no photo.
        OutputError: ``out`` cannot be written to.
    """
    source = read_source(plan.source, plan.contract_file)
    check_writable(plan.out)
    source = dataclasses.replace(source, contract=source.contract.replace(**plan.described))
    wanted = plan.kinds is None or any(
        kind.is_calibrated or (plan.recover and kind.is_recoverable) for kind in plan.kinds
    )
    pictures = find_pictures(
        source, plan.data, plan.calibration, needed=wanted, recover=plan.recover, progress=progress
    )
    labels = len(source.contract.labels)
    golden = None if plan.golden is None else frames_from(plan.golden, labels)
    kinds = _chosen(plan.kinds, source, pictures, progress)
    with tempfile.TemporaryDirectory() as temporary:
        parent = open_parent(source, pictures.yardstick, Path(temporary))
        making = Making(parent, pictures, golden, plan.max_drop_points, progress)
        made = {kind: _outcome(making, kind, asked=plan.kinds is not None) for kind in kinds}
    left_out = {kind.value: why for kind, why in made.items() if isinstance(why, str)}
    for kind, why in left_out.items():
        progress.say(f"no {kind} file: {why}")
    result = Conversion(
        contract=parent.contract,
        yardstick=pictures.yardstick,
        parent_top1=parent.top1,
        max_drop_points=plan.max_drop_points,
        outcomes=tuple(found for found in made.values() if not isinstance(found, str)),
        left_out=left_out,
        versions=versions("ai-edge-litert"),
    )
    make_folder(plan.out)
    write_conversion(result, plan.out)
    return result


def _outcome(making: Making, kind: Format, *, asked: bool) -> Outcome | str:
    """Make one format; of all formats a network may not know the integer ones, and then return why.

    Raises:
        ConversionError: one that was asked for by name, or needs no integers, cannot be made.
    """
    try:
        return making.outcome(kind)
    except ConversionError as error:
        if asked or not kind.is_calibrated:
            raise
        return str(error)


def _chosen(
    kinds: Sequence[Format] | None, source: Source, pictures: Pictures, progress: Progress
) -> tuple[Format, ...]:
    """Return the formats to write, each once, and say which are left out for want of photos."""
    if kinds is not None and not any(kind.is_calibrated for kind in kinds):
        return tuple(dict.fromkeys(kinds))
    if pictures.calibration is not None:
        return USUAL if kinds is None else tuple(dict.fromkeys(kinds))
    comes = "this run was made" if source.run is not None else "this network comes"
    needed = f"calibrated on photos, and {comes} without any: give a folder of some with --data"
    if kinds is not None:
        first = next(kind.value for kind in kinds if kind.is_calibrated)
        raise ConversionError(f"{first} is {needed}")
    left_out = ", ".join(kind.value for kind in USUAL if kind.is_calibrated)
    progress.say(f"no {left_out} file: these are {needed}")
    return tuple(kind for kind in USUAL if not kind.is_calibrated)
