"""Makes the cases of a fuzz run: a seed model, and what is done to it, both by the case's number."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from crafting import with_tables

from fuzzing import archive_mutations, table_mutations
from fuzzing.places import Places, find_places
from fuzzing.table_mutations import IN_METADATA
from hangtag.archive import read_archive
from hangtag.classifier import bundled_model
from hangtag.contract_template import contract_template
from hangtag.errors import HangtagError
from hangtag.flatbuffer import root
from hangtag.model_file import CONTRACT_NAME
from hangtag.tflite_checks import stored_values
from hangtag.tflite_layouts import METADATA_LAYOUTS, MODEL_LAYOUTS
from hangtag.tflite_schema import read_model_info
from hangtag.tflite_slots import METADATA_NAME, MODEL_IDENTIFIER, MetadataEntrySlots, ModelSlots
from hangtag_convert.metadata import embed

_M = TypeVar("_M")

FOLDER = Path(__file__).parent / "seeds"
_BUNDLED_SHARE = 0.03
"""The bundled model takes a hundred times longer than a tiny one."""
_METADATA_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Seed:
    """A model in order: its FlatBuffer, the files behind it, and where its parts and its metadata's lie."""

    name: str
    flatbuffer: bytes
    files: dict[str, bytes]
    places: Places
    metadata: Places


@dataclass(frozen=True, slots=True)
class Case:
    """One mutated file; ``bare`` is one that is to be adopted, without a contract."""

    number: int
    what: str
    data: bytes
    bare: bool


@functools.cache
def seeds() -> tuple[Seed, ...]:
    """Return all seeds, the bundled model first."""
    found = [_seed("bundled", bundled_model().data)]
    for path in sorted(FOLDER.glob("*.tflite")):
        bare = path.read_bytes()
        contract = contract_template(path.stem, read_model_info(bare))
        found.append(_seed(path.stem, embed(bare, contract, None)))
        if path.stem == "plain-float32":
            found.append(_behind("behind-float32", found[-1]))
    return tuple(found)


def _seed(name: str, model: bytes) -> Seed:
    archive = read_archive(model)
    flatbuffer = model[: archive.start]
    tables = root(flatbuffer, MODEL_IDENTIFIER)
    start = next(
        stored_values(tables)[entry.scalar(MetadataEntrySlots.BUFFER, "<I")][0]
        for entry in tables.tables(ModelSlots.METADATA)
        if entry.text(MetadataEntrySlots.NAME) == METADATA_NAME
    )
    return Seed(
        name,
        flatbuffer,
        archive.files,
        find_places(flatbuffer, "Model", MODEL_LAYOUTS),
        find_places(flatbuffer, "ModelMetadata", METADATA_LAYOUTS, start),
    )


def _behind(name: str, seed: Seed) -> Seed:
    """Return a seed whose weights lie behind its tables, as those of very large models do."""
    values: list[bytes] = []
    begin = 0

    def move(tables: Any) -> None:
        del values[:]
        place = begin
        for buffer in tables.buffers[1:10]:
            if buffer.data is not None:
                values.append(bytes(buffer.data))
                buffer.data, buffer.offset, buffer.size = None, place + 16, len(values[-1])
                place += len(values[-1])

    # Once to know where the tables end, and once with the places that follow from it.
    begin = len(with_tables(seed.flatbuffer, move))
    flatbuffer = with_tables(seed.flatbuffer, move) + bytes(16) + b"".join(values)
    return _seed(name, resealed(flatbuffer, seed.files))


def make_case(run_seed: int, number: int) -> Case:
    """Return the case of this number: the same one every time."""
    rng = random.Random(f"{run_seed}/{number}")  # noqa: S311 - to be repeated, not to be secret
    bundled, *tiny = seeds()
    seed = bundled if rng.random() < _BUNDLED_SHARE else rng.choice(tiny)
    if rng.random() < 0.2:
        mutate = _chosen(archive_mutations.MUTATIONS, rng)
        return Case(
            number, f"{seed.name}: {mutate.__name__}", mutate(seed.flatbuffer, seed.files, rng), False
        )
    data = bytearray(seed.flatbuffer)
    done = []
    for _ in range(rng.choice([1, 1, 1, 2, 2, 3, 5])):
        mutation = _chosen(table_mutations.MUTATIONS, rng)
        places = seed.metadata if rng.random() < _METADATA_SHARE and mutation in IN_METADATA else seed.places
        mutation(data, places, rng)
        done.append(mutation.__name__)
        if mutation is table_mutations.cut_or_grow:
            break  # nothing lies where it lay
    what = f"{seed.name}: {', '.join(done)}"
    choice = rng.random()
    if choice < 0.1:
        return Case(number, f"{what}; not sealed", archive_mutations.joined(bytes(data), seed.files), False)
    if choice < 0.55:
        return Case(number, f"{what}; bare", bytes(data), True)
    return Case(number, f"{what}; sealed", resealed(bytes(data), seed.files), False)


def _chosen(weights: dict[_M, int], rng: random.Random) -> _M:
    return rng.choices(list(weights), list(weights.values()))[0]


def resealed(flatbuffer: bytes, files: dict[str, bytes]) -> bytes:
    """Return a whole file whose contract vouches for the FlatBuffer, as an attacker's would.

    Where the tensors changed, the contract follows them as far as one can be written.
    """
    contract = json.loads(files[CONTRACT_NAME])
    changed = dict(files)
    # A file that no contract can be written for keeps the one it had, and is refused by it.
    with contextlib.suppress(HangtagError):
        wanted = json.loads(contract_template(contract["name"], read_model_info(flatbuffer)).to_json())
        contract["input"] |= {name: wanted["input"][name] for name in ("width_px", "height_px", "tensor")}
        contract["output"]["tensor"] = wanted["output"]["tensor"]
        if len(wanted["labels"]) != len(contract["labels"]):
            contract["labels"] = wanted["labels"]
            changed = {}
    contract["flatbuffer_sha256"] = hashlib.sha256(flatbuffer).hexdigest()
    return archive_mutations.joined(flatbuffer, {**changed, CONTRACT_NAME: json.dumps(contract).encode()})
