"""Changes to the archive behind a model: to its records, to the files in it, to the contract's JSON."""

from __future__ import annotations

import copy
import io
import json
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

Mutation = Callable[[bytes, dict[str, bytes], random.Random], bytes]
"""Takes a FlatBuffer and the files behind it, returns a whole file."""

_ODD_NAMES = (
    "",
    "/",
    "../../etc/passwd",
    "a\nb",
    "\x1b[31mred",
    "hangtag.json",
    "labels.txt",
    "labels-xx.txt",
    "x" * 70000,
    "é",
)
_ODD_VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 1, 2**31, 10**400, 1e-300, 1e300, float("nan"), float("inf"), "", "x", "\ud800",
    "a\nb", "\x1b[2J", [], [0], ["a", "a"], {}, {"a": 1}, "0" * 5000, [[[[]]]], "FILL IN",
)  # fmt: skip
_CENTRAL_FIELDS = ((8, 2), (10, 2), (16, 4), (20, 4), (24, 4), (28, 2), (30, 2), (32, 2), (42, 4))
_LOCAL_FIELDS = ((0, 4), (6, 2), (8, 2), (14, 4), (18, 4), (22, 4), (26, 2), (28, 2))
_END_FIELDS = ((4, 2), (6, 2), (8, 2), (10, 2), (12, 4), (16, 4), (20, 2))


def joined(flatbuffer: bytes, files: dict[str, bytes], *, compressed: bool = False) -> bytes:
    """Return a FlatBuffer with files behind it."""
    buffer = io.BytesIO(flatbuffer)
    kind = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    with zipfile.ZipFile(buffer, "a", kind) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, kind)
    return buffer.getvalue()


def _odd(rng: random.Random, width: int) -> int:
    return rng.choice([0, 1, 8, 0x800, 2**15, 2**16 - 1, 2**31, 2**32 - 1, rng.randrange(2**32)]) % 256**width


def spoil_record(flatbuffer: bytes, files: dict[str, bytes], rng: random.Random) -> bytes:
    """Change fields of the archive's records."""
    data = bytearray(joined(flatbuffer, files, compressed=rng.random() < 0.5))
    for _ in range(rng.randint(1, 3)):
        signature, fields = rng.choice(
            [(b"PK\x01\x02", _CENTRAL_FIELDS), (b"PK\x03\x04", _LOCAL_FIELDS), (b"PK\x05\x06", _END_FIELDS)]
        )
        places = [at for at in range(len(flatbuffer), len(data) - 4) if data[at : at + 4] == signature]
        if places:
            at, (offset, width) = rng.choice(places), rng.choice(fields)
            old = int.from_bytes(data[at + offset : at + offset + width], "little")
            value = old + rng.choice([-1, 1, 30, 1000]) if rng.random() < 0.4 else _odd(rng, width)
            data[at + offset : at + offset + width] = (value % 256**width).to_bytes(width, "little")
    return bytes(data)


def flip_bits(flatbuffer: bytes, files: dict[str, bytes], rng: random.Random) -> bytes:
    """Flip bits of the archive."""
    data = bytearray(joined(flatbuffer, files, compressed=rng.random() < 0.5))
    for _ in range(rng.randint(1, 6)):
        data[rng.randrange(len(flatbuffer), len(data))] ^= 1 << rng.randrange(8)
    return bytes(data)


def cut_or_grow(flatbuffer: bytes, files: dict[str, bytes], rng: random.Random) -> bytes:
    """Cut the archive, or put something in front of it or behind it."""
    data = joined(flatbuffer, files)
    choice = rng.random()
    if choice < 0.5:
        return data[: rng.randrange(len(flatbuffer), len(data))]
    if choice < 0.75:
        return data + rng.randbytes(rng.choice([1, 22, 1000]))
    return data[: len(flatbuffer)] + bytes(rng.choice([1, 4, 100])) + data[len(flatbuffer) :]


def bomb(flatbuffer: bytes, files: dict[str, bytes], rng: random.Random) -> bytes:
    """Embed much in little: zeros, thousands of names, members on top of each other."""
    choice = rng.random()
    if choice < 0.3:
        return joined(
            flatbuffer, {**files, "zeros": bytes(rng.choice([2**20, 2**24, 2**24 + 1]))}, compressed=True
        )
    if choice < 0.5:
        return joined(flatbuffer, {**files, **{f"f{n}": b"" for n in range(rng.choice([990, 1001, 3000]))}})
    # A member that says it is small, and is not.
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(bytes(2**22)) + packer.flush()
    size, name = rng.choice([10, 2**20]), b"bomb"
    local = struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 0, 8, 0, 0, 0, len(packed), size, len(name), 0) + name
    start = len(flatbuffer)
    central = struct.pack(
        "<4s6H3L5H2L",
        *(b"PK\x01\x02", 20, 20, 0, 8, 0, 0, 0, len(packed), size, len(name), 0, 0, 0, 0, 0, start),
    )
    central += name
    times = rng.choice([1, 2, 200])
    end = struct.pack(
        "<4s4H2LH",
        b"PK\x05\x06",
        0,
        0,
        times,
        times,
        len(central) * times,
        start + len(local) + len(packed),
        0,
    )
    return flatbuffer + local + packed + central * times + end


def other_names(flatbuffer: bytes, files: dict[str, bytes], rng: random.Random) -> bytes:
    """Rename, leave out or add embedded files."""
    changed = dict(files)
    for _ in range(rng.randint(1, 3)):
        name = rng.choice(list(changed)) if changed else ""
        content = changed.pop(name, b"")
        if rng.random() < 0.7:
            changed[rng.choice(_ODD_NAMES)[:65000]] = content
    return joined(flatbuffer, changed)


def spoil_json(flatbuffer: bytes, files: dict[str, bytes], rng: random.Random) -> bytes:
    """Change values, fields or the text of the contract or the golden cases."""
    name = rng.choice([name for name in files if name.endswith(".json")])
    if rng.random() < 0.2:
        text = bytearray(files[name])
        for _ in range(rng.randint(1, 4)):
            text[rng.randrange(len(text))] = rng.randrange(256)
        return joined(flatbuffer, {**files, name: bytes(text)})
    if rng.random() < 0.05:
        return joined(flatbuffer, {**files, name: b"[" * 200_000})
    plain = json.loads(files[name])
    for _ in range(rng.randint(1, 3)):
        _spoil_value(plain, rng)
    return joined(flatbuffer, {**files, name: json.dumps(plain).encode()})


def _spoil_value(plain: Any, rng: random.Random) -> None:
    node = plain
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        if not keys:
            return
        key = rng.choice(keys)
        if isinstance(node[key], (dict, list)) and node[key] and rng.random() < 0.8:
            node = node[key]
            continue
        choice = rng.random()
        if choice < 0.7:
            node[key] = copy.deepcopy(rng.choice(_ODD_VALUES))
        elif choice < 0.85:
            del node[key]
        elif isinstance(node, dict):
            node["odd"] = copy.deepcopy(rng.choice(_ODD_VALUES))
        return


def spoil_file(flatbuffer: bytes, files: dict[str, bytes], rng: random.Random) -> bytes:
    """Change bytes of an embedded file and store it as if it were right: a golden picture, the labels."""
    name = rng.choice(list(files))
    content = bytearray(files[name])
    for _ in range(rng.randint(1, 5)):
        if content:
            content[rng.randrange(min(len(content), rng.choice([60, 10**9])))] = rng.randrange(256)
    return joined(flatbuffer, {**files, name: bytes(content)})


MUTATIONS: dict[Mutation, int] = {
    spoil_record: 5,
    flip_bits: 2,
    cut_or_grow: 1,
    bomb: 1,
    other_names: 1,
    spoil_json: 4,
    spoil_file: 2,
}
"""Every mutation, and how often it is taken beside the others."""
