from __future__ import annotations

import io
import os
import pickle
import struct
import sys
import tracemalloc
import types
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hangtag.errors import TrainingError
from hangtag_train.backbones.efficientnet_lite import VARIANTS, checkpoint_path
from hangtag_train.torch_weights import read_torch_weights

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
SIZES = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}


class StorageReference:
    """Stands for a torch storage while a checkpoint is written."""

    def __init__(self, kind: Any, key: Any, size: Any, data: bytes) -> None:
        self.pid = ("storage", kind, key, "cpu", size, None)
        self.key, self.size, self.data = key, size, data


class Call:
    """Pickles as the call of a global with arguments, and changed by a state where one is given."""

    def __init__(self, *reduced: Any) -> None:
        self.reduced = reduced

    def __reduce__(self) -> Any:
        return self.reduced


class WritingPickler(pickle.Pickler):
    def persistent_id(self, obj: Any) -> Any:
        return obj.pid if isinstance(obj, StorageReference) else None


def pickled(value: Any) -> bytes:
    file = io.BytesIO()
    WritingPickler(file, protocol=2).dump(value)
    return file.getvalue()


@pytest.fixture
def torch(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Names that pickle as torch's do, so that checkpoints can be written without it."""
    fake, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")

    def rebuild(*arguments: Any) -> None: ...

    rebuild.__module__, rebuild.__name__, rebuild.__qualname__ = "torch._utils", *["_rebuild_tensor_v2"] * 2
    utils._rebuild_tensor_v2 = fake.rebuild = rebuild
    for name in ("FloatStorage", "LongStorage", "HalfStorage"):
        setattr(fake, name, type(name, (), {"__module__": "torch"}))
    fake._utils = utils
    monkeypatch.setitem(sys.modules, "torch", fake)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)
    return fake


def storage(torch: Any, array: np.ndarray, key: str = "1") -> StorageReference:
    kind = torch.FloatStorage if array.dtype == np.float32 else torch.LongStorage
    return StorageReference(kind, key, array.size, array.tobytes())


def tensor(torch: Any, reference: Any, offset: Any, shape: Any, strides: Any, *state: Any) -> Call:
    return Call(torch.rebuild, (reference, offset, shape, strides, False, OrderedDict()), *state)


def checkpoint(
    tensors: Any, storages: list[StorageReference], keys: Any = None, counts: list[int] | None = None
) -> bytes:
    parts = [pickled(MAGIC), pickled(PROTOCOL), pickled(SIZES), pickled(tensors)]
    parts.append(pickled([reference.key for reference in storages] if keys is None else keys))
    for number, reference in enumerate(storages):
        parts.append(struct.pack("<q", reference.size if counts is None else counts[number]))
        parts.append(reference.data)
    return b"".join(parts)


def read(data: bytes, tmp_path: Path) -> dict[str, np.ndarray]:
    path = tmp_path / "weights.pth"
    path.write_bytes(data)
    return read_torch_weights(path)


def refused(data: bytes, tmp_path: Path) -> str:
    with pytest.raises(TrainingError) as caught:
        read(data, tmp_path)
    message = str(caught.value)
    assert "weights.pth" in message
    assert "\n" not in message
    assert len(message) < 600
    return message


NUMBERS = np.arange(24, dtype=np.float32)


# --- what is read ------------------------------------------------------------------------------------------


def test_tensors_of_both_types_views_and_scalars(torch: Any, tmp_path: Path) -> None:
    floats, longs = storage(torch, NUMBERS, "a"), storage(torch, np.array([7, -3]), "b")
    tensors = OrderedDict(
        plain=tensor(torch, floats, 0, (2, 3, 4), (12, 4, 1)),
        transposed=tensor(torch, floats, 0, (4, 6), (1, 4)),
        part=tensor(torch, floats, 20, (4,), (1,)),
        scalar=tensor(torch, longs, 1, (), ()),
        none=tensor(torch, floats, 0, (0, 3), (3, 1)),
    )
    found = read(checkpoint(tensors, [floats, longs]), tmp_path)
    assert list(found) == ["plain", "transposed", "part", "scalar", "none"]
    np.testing.assert_array_equal(found["plain"], NUMBERS.reshape(2, 3, 4))
    np.testing.assert_array_equal(found["transposed"], NUMBERS.reshape(6, 4).T)
    np.testing.assert_array_equal(found["part"], NUMBERS[20:])
    assert found["scalar"].dtype == np.int64
    assert int(found["scalar"]) == -3
    assert found["none"].shape == (0, 3)
    found["plain"][:] = 0
    assert found["part"][0] == 20, "tensors must not share memory"


def test_storages_lie_in_the_order_of_the_list_of_keys(torch: Any, tmp_path: Path) -> None:
    first, second = storage(torch, NUMBERS[:2], "x"), storage(torch, NUMBERS[5:7], "y")
    tensors = {"x": tensor(torch, first, 0, (2,), (1,)), "y": tensor(torch, second, 0, (2,), (1,))}
    found = read(checkpoint(tensors, [second, first]), tmp_path)
    assert (found["x"].tolist(), found["y"].tolist()) == ([0, 1], [5, 6])


def test_metadata_on_the_dictionary_does_not_matter(torch: Any, tmp_path: Path) -> None:
    # state_dict() leaves an attribute _metadata behind, and a hostile one could leave others.
    numbers = storage(torch, NUMBERS)
    items = [("w", tensor(torch, numbers, 0, (24,), (1,)))]
    tensors = Call(OrderedDict, (items,), {"_metadata": {"": 1}, "items": OrderedDict})
    assert list(read(checkpoint(tensors, [numbers]), tmp_path)) == ["w"]


def test_the_real_checkpoint() -> None:
    found = read_torch_weights(checkpoint_path(VARIANTS["efficientnet-lite0"]))
    assert len(found) == 296
    shapes = {
        "_conv_stem.weight": (32, 3, 3, 3),
        "_bn0.running_var": (32,),
        "_blocks.0._depthwise_conv.weight": (32, 1, 3, 3),
        "_blocks.1._expand_conv.weight": (96, 16, 1, 1),
        "_blocks.15._project_conv.weight": (320, 1152, 1, 1),
        "_conv_head.weight": (1280, 320, 1, 1),
        "_fc.weight": (1000, 1280),
        "_fc.bias": (1000,),
    }
    assert {name: found[name].shape for name in shapes} == shapes
    assert all(array.dtype == np.float32 for name, array in found.items() if "num_batches" not in name)
    assert found["_bn0.num_batches_tracked"].dtype == np.int64
    assert all(np.isfinite(array).all() for array in found.values())
    assert (found["_bn0.running_var"] >= 0).all()
    assert 0.01 < float(np.std(found["_fc.weight"])) < 1


# --- what is refused, with nothing executed ----------------------------------------------------------------


def touch(marker: Path) -> Iterator[tuple[str, bytes]]:
    """Pickles that make ``marker`` when they are loaded by an ordinary unpickler."""
    command, code = f"touch {marker}", f"__import__('pathlib').Path({str(marker)!r}).touch()"
    line = b"X" + struct.pack("<I", len(command)) + command.encode()
    system = pickle.dumps(Call(os.system, (command,)), protocol=2)
    yield "os.system", system
    yield "os.system, protocol 0", b"cos\nsystem\n(S'" + command.encode() + b"'\ntR."
    yield "os.system, protocol 4", pickle.dumps(Call(os.system, (command,)), protocol=4)
    yield "builtins.eval", pickle.dumps(Call(eval, (code,)), protocol=2)
    yield "builtins.exec", pickle.dumps(Call(exec, (code,)), protocol=4)
    yield "INST", b"(S'" + command.encode() + b"'\nios\nsystem\n."
    yield "OBJ", b"(cos\nsystem\nS'" + command.encode() + b"'\no."
    yield "nested attribute", b"\x80\x04\x8c\x02os\x8c\x0epath.os.system\x93(" + line + b"tR."
    yield "nested attribute, protocol 2", b"\x80\x02cos\npath.os.system\n(" + line + b"tR."
    yield "getattr", b"\x80\x04\x8c\x08builtins\x8c\x07getattr\x93(" + system[2:-1] + b"\x8c\x01xtR."
    yield "torch.load", b"ctorch\nload\n(S'" + str(marker).encode() + b"'\ntR."
    yield "torch.nested", b"\x80\x04\x8c\x05torch\x8c\x16FloatStorage.from_file\x93."
    yield "ours", b"changtag_train.torch_weights\nread_torch_weights\n."
    yield "numpy", b"cnumpy\nload\n(S'" + str(marker).encode() + b"'\ntR."
    yield "a name with an escape code", b"\x80\x02cos\x1b[31m\nsystem\n."


HOSTILE = [name for name, _ in touch(Path("marker"))]


@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize("kind", HOSTILE)
def test_calls_of_anything_else_are_refused_and_not_made(
    kind: str, place: int, torch: Any, tmp_path: Path
) -> None:
    marker = tmp_path / "executed"
    hostile = dict(touch(marker))[kind]
    numbers = storage(torch, NUMBERS)
    parts = [MAGIC, PROTOCOL, SIZES, {"w": tensor(torch, numbers, 0, (24,), (1,))}, ["1"]]
    data = b"".join(hostile if number == place else pickled(part) for number, part in enumerate(parts))
    message = refused(data + struct.pack("<q", 24) + numbers.data, tmp_path)
    assert "not part of a tensor" in message
    assert not marker.exists()


def test_the_hostile_pickles_work_where_nobody_refuses(tmp_path: Path) -> None:
    # Or the test above would pass with any broken pickle.
    marker = tmp_path / "executed"
    for kind in ("os.system", "os.system, protocol 0", "os.system, protocol 4", "builtins.eval",
                 "builtins.exec", "INST", "OBJ", "nested attribute"):  # fmt: skip
        pickle.loads(dict(touch(marker))[kind])  # noqa: S301 - that is the point
        assert marker.exists(), kind
        marker.unlink()


@pytest.mark.parametrize(
    "state",
    [
        {"_shape": (10**6,)},
        (None, {"_shape": (10**6,)}),
        (None, {"_offset": -1000}),
        (None, {"_strides": (10**9,)}),
    ],
)
def test_a_tensor_cannot_be_changed_after_its_checks(state: Any, torch: Any, tmp_path: Path) -> None:
    numbers = storage(torch, NUMBERS)
    tensors = {"w": tensor(torch, numbers, 0, (24,), (1,), state)}
    assert "changes an object" in refused(checkpoint(tensors, [numbers]), tmp_path)


@pytest.mark.parametrize("state", [{"size": 10**9}, (None, {"size": 10**9}), (None, {"data": ()})])
def test_a_storage_cannot_be_changed(state: Any, torch: Any, tmp_path: Path) -> None:
    numbers = storage(torch, NUMBERS)
    # BUILD on what the persistent reference gives, which no honest pickler writes
    changed = pickled(numbers)[:-1] + pickled(state)[2:-1] + b"b."
    data = pickled(MAGIC) + pickled(PROTOCOL) + pickled(SIZES) + changed + pickled(["1"])
    assert "changes an object" in refused(data + struct.pack("<q", 24) + numbers.data, tmp_path)


def test_classes_of_ours_cannot_be_changed_for_later_reads(torch: Any, tmp_path: Path) -> None:
    numbers = storage(torch, NUMBERS)
    state = pickled((None, {"__init__": OrderedDict, "array": OrderedDict, "__defaults__": ()}))[2:-1]
    changed = b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n" + state + b"b."
    data = pickled(MAGIC) + pickled(PROTOCOL) + pickled(SIZES) + changed + pickled([])
    refused(data, tmp_path)
    tensors = {"w": tensor(torch, numbers, 0, (24,), (1,))}
    np.testing.assert_array_equal(read(checkpoint(tensors, [numbers]), tmp_path)["w"], NUMBERS)


@pytest.mark.parametrize(
    ("offset", "shape", "strides"),
    [
        (1, (24,), (1,)),
        (0, (25,), (1,)),
        (0, (5, 5), (5, 1)),
        (0, (2,), (24,)),
        (24, (1,), (1,)),
        (24, (), ()),
        (10**18, (1,), (1,)),
        (-1, (1,), (1,)),
        (0, (-1,), (1,)),
        (23, (2,), (-1,)),
        (0, (2, 2), (1,)),
        (0, (2.0,), (1,)),
        (0, ("2",), (1,)),
        (0, [24], [1]),  # a list could grow after its check
        (0, 24, 1),
        (0, (2**40,), (0,)),  # would fit its storage by repeating one number, and no memory
        (0, (1000, 1000), (0, 0)),
        (0, (0, 2**70), (1, 1)),
        (0, (1,) * 100, (1,) * 100),
    ],
)
def test_a_tensor_that_does_not_fit_its_storage(
    offset: Any, shape: Any, strides: Any, torch: Any, tmp_path: Path
) -> None:
    numbers = storage(torch, NUMBERS)
    tensors = {"w": tensor(torch, numbers, offset, shape, strides)}
    refused(checkpoint(tensors, [numbers]), tmp_path)


@pytest.mark.parametrize("not_a_tensor", [None, 1, "text", [1], OrderedDict()])
def test_a_dictionary_of_other_things(not_a_tensor: Any, torch: Any, tmp_path: Path) -> None:
    assert "'w' is not a tensor" in refused(checkpoint({"w": not_a_tensor}, []), tmp_path)


@pytest.mark.parametrize("whole", [None, [], "text", 3])
def test_no_dictionary(whole: Any, torch: Any, tmp_path: Path) -> None:
    assert "no dictionary" in refused(checkpoint(whole, []), tmp_path)


@pytest.mark.parametrize(
    ("pickle_bytes", "opcode"),
    [
        (b"\x80\x02}X\x01\0\0\0wG" + bytes(8) + b"s.", "BINFLOAT"),
        (b"\x80\x02}0}.", "POP"),
        (b"\x80\x02\x82\x01.", "EXT1"),
        (b"\x80\x04\x95\x02\0\0\0\0\0\0\0}.", "FRAME"),
        (b"\x80\x02\x8b" + struct.pack("<I", 2**31 - 1) + b".", "LONG4"),
        (b"\x80\x04\x8e" + struct.pack("<Q", 2**60) + b".", "BINBYTES8"),
    ],
)
def test_instructions_that_no_checkpoint_has(pickle_bytes: bytes, opcode: str, tmp_path: Path) -> None:
    data = pickled(MAGIC) + pickled(PROTOCOL) + pickled(SIZES) + pickle_bytes + pickled([])
    message = refused(data, tmp_path)
    # What cannot even be read through, like a text longer than the file, is refused in other words.
    assert f"uses {opcode}" in message or "expected" in message or "not enough" in message


@pytest.mark.parametrize("keys", [[], ["2"], ["1", "2"], "1", None, [["1"]], {"1": 1}])
def test_keys_that_do_not_match(keys: Any, torch: Any, tmp_path: Path) -> None:
    numbers = storage(torch, NUMBERS)
    data = checkpoint({"w": tensor(torch, numbers, 0, (24,), (1,))}, [numbers])
    first = data.index(pickled(["1"]))
    rest = data[first + len(pickled(["1"])) :]
    refused(data[:first] + pickled(keys) + rest, tmp_path)


@pytest.mark.parametrize("count", [-1, 0, 23, 25, 2**62, -(2**63)])
def test_a_count_other_than_announced(count: int, torch: Any, tmp_path: Path) -> None:
    numbers = storage(torch, NUMBERS)
    tensors = {"w": tensor(torch, numbers, 0, (24,), (1,))}
    message = refused(checkpoint(tensors, [numbers], counts=[count]), tmp_path)
    assert "24 were announced" in message


@pytest.mark.parametrize("size", [-1, (24,), "24", None])
def test_an_odd_storage_reference(size: Any, torch: Any, tmp_path: Path) -> None:
    numbers = StorageReference(torch.FloatStorage, "1", size, NUMBERS.tobytes())
    tensors = {"w": tensor(torch, numbers, 0, (1,), (1,))}
    assert "odd storage" in refused(checkpoint(tensors, [numbers], counts=[24]), tmp_path)


def test_other_kinds_of_numbers(torch: Any, tmp_path: Path) -> None:
    numbers = StorageReference(torch.HalfStorage, "1", 24, bytes(48))
    message = refused(checkpoint({"w": tensor(torch, numbers, 0, (1,), (1,))}, [numbers]), tmp_path)
    assert "torch.HalfStorage" in message


def test_one_key_with_two_sizes(torch: Any, tmp_path: Path) -> None:
    one, two = storage(torch, NUMBERS), storage(torch, NUMBERS[:3])
    tensors = {"a": tensor(torch, one, 0, (24,), (1,)), "b": tensor(torch, two, 0, (3,), (1,))}
    refused(checkpoint(tensors, [one]), tmp_path)


@pytest.mark.parametrize("size", [2**31, 2**50, 2**62, 2**70])
def test_an_absurd_size_does_not_allocate(size: int, torch: Any, tmp_path: Path) -> None:
    numbers = StorageReference(torch.FloatStorage, "1", size, NUMBERS.tobytes())
    tensors = {"w": tensor(torch, numbers, 0, (size,), (1,))}
    data = checkpoint(tensors, [numbers], counts=[min(size, 2**63 - 1)])
    tracemalloc.start()
    try:
        refused(data, tmp_path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000


@pytest.mark.parametrize("index", [2_000_000, 0x03000071, 2**32 - 1])
def test_an_absurd_memo_index_does_not_allocate(index: int, torch: Any, tmp_path: Path) -> None:
    # The C unpickler's memo is an array of twice the largest index: up to 64 GiB for one wrong byte.
    remembering = b"\x80\x02}r" + struct.pack("<I", index) + b"."
    data = pickled(MAGIC) + pickled(PROTOCOL) + pickled(SIZES) + remembering + pickled([])
    assert str(index) in refused(data, tmp_path)


def test_cut_short_anywhere(torch: Any, tmp_path: Path) -> None:
    numbers = storage(torch, NUMBERS)
    data = checkpoint({"w": tensor(torch, numbers, 0, (24,), (1,))}, [numbers])
    for place in range(len(data)):
        refused(data[:place], tmp_path)
    assert list(read(data, tmp_path)) == ["w"]


def test_the_real_checkpoint_cut_short(tmp_path: Path) -> None:
    data = checkpoint_path(VARIANTS["efficientnet-lite0"]).read_bytes()
    for share in (0.0001, 0.001, 0.01, 0.5, 0.999999):
        refused(data[: int(len(data) * share)], tmp_path)


@given(st.binary(max_size=200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_garbage(tmp_path: Path, data: bytes) -> None:
    refused(data, tmp_path)


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
def test_damage_is_refused_or_harmless(torch: Any, tmp_path: Path, data: st.DataObject) -> None:
    numbers = storage(torch, NUMBERS)
    damaged = bytearray(checkpoint({"w": tensor(torch, numbers, 0, (24,), (1,))}, [numbers]))
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "weights.pth"
    path.write_bytes(bytes(damaged))
    try:
        found = read_torch_weights(path)
    except TrainingError:
        return
    assert all(isinstance(array, np.ndarray) and array.size <= 24 for array in found.values())


def test_the_newer_zip_format_is_named(tmp_path: Path) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", pickled({}))
    message = refused(file.getvalue(), tmp_path)
    assert "zip format" in message
    assert "_use_new_zipfile_serialization=False" in message


@pytest.mark.parametrize("path", [lambda tmp: tmp, lambda tmp: tmp / "missing.pth"])
def test_what_cannot_be_opened(path: Callable[[Path], Path], tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="cannot read the weights"):
        read_torch_weights(path(tmp_path))
