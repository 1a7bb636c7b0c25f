"""Reads the tensors of a legacy PyTorch checkpoint without PyTorch, refusing anything that is not a tensor.

The legacy format (``torch.save`` before 1.6) is a row of pickles (a magic number, a protocol version, the
sizes of C types, the object, the storages' keys), then for each storage an int64 count of elements and the
raw little-endian data. A pickle can name any function to call, so this unpickler knows exactly the four names
that a dictionary of tensors needs and raises on every other one, and before it runs, each pickle is read
through for instructions that no checkpoint has. The format is described by PyTorch's
``torch/serialization.py``, function ``_legacy_load``.
"""

from __future__ import annotations

import collections
import io
import math
import pickle
import pickletools
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from hangtag.errors import TrainingError

_MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
_PROTOCOL_VERSION = 1001
_ZIP_START = b"PK\x03\x04"
_STORAGE_DTYPES: dict[str, np.dtype[Any]] = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}
_OPCODES = frozenset(
    [
        "PROTO",
        "STOP",
        "MARK",
        "GLOBAL",
        "REDUCE",
        "BUILD",
        "BINPERSID",
        "BINPUT",
        "LONG_BINPUT",
        "BINGET",
        "LONG_BINGET",
        "BININT",
        "BININT1",
        "BININT2",
        "LONG1",
        "BINUNICODE",
        "NONE",
        "NEWTRUE",
        "NEWFALSE",
        "EMPTY_TUPLE",
        "TUPLE",
        "TUPLE1",
        "TUPLE2",
        "TUPLE3",
        "EMPTY_LIST",
        "APPEND",
        "APPENDS",
        "EMPTY_DICT",
        "SETITEM",
        "SETITEMS",
    ]
)
"""The instructions that ``torch.save`` writes a dictionary of tensors with, in pickle protocol 2."""
_MAX_MEMO = 1_000_000

Array = npt.NDArray[Any]


class _Sealed:
    """An object that a pickle can make and use but not change: BUILD would set attributes past checks."""

    __slots__ = ()

    def __setstate__(self, state: Any) -> None:
        raise pickle.UnpicklingError("it changes an object after making it")


class _Storage(_Sealed):
    """One block of numbers, filled in after the pickles have said how it is used."""

    __slots__ = ("data", "dtype", "size")

    def __init__(self, dtype: np.dtype[Any], size: int) -> None:
        self.dtype = dtype
        self.size = size
        self.data: Array | None = None


class _Tensor(_Sealed):
    """A strided view of a storage, resolved once the storage has its data."""

    __slots__ = ("_offset", "_shape", "_storage", "_strides")

    def __init__(self, storage: Any, offset: Any, shape: Any, strides: Any) -> None:
        # Tuples cannot grow between this check and their use, as lists in a pickle can.
        if not isinstance(shape, tuple) or not isinstance(strides, tuple):
            raise pickle.UnpicklingError("a tensor whose shape or strides are not tuples")
        if not isinstance(storage, _Storage) or len(shape) != len(strides):
            raise pickle.UnpicklingError("a tensor without a storage or with mismatched strides")
        values = (offset, *shape, *strides)
        if not all(isinstance(value, int) and value >= 0 for value in values):
            raise pickle.UnpicklingError("a tensor with a negative or odd size")
        last = offset + sum((n - 1) * stride for n, stride in zip(shape, strides, strict=True))
        if math.prod(shape) > storage.size or (0 not in shape and last >= storage.size):
            raise pickle.UnpicklingError("a tensor reaches past the end of its storage")
        self._storage, self._offset, self._shape, self._strides = storage, offset, shape, strides

    def array(self) -> Array:
        data = self._storage.data
        if data is None:
            raise pickle.UnpicklingError("a tensor whose storage is not in the file")
        item = data.itemsize
        copy: Array = np.lib.stride_tricks.as_strided(
            data[self._offset :], self._shape, tuple(stride * item for stride in self._strides)
        ).copy()
        return copy


class _TensorUnpickler(pickle.Unpickler):
    """Knows ordered dictionaries, the tensor rebuild and two kinds of storage; refuses all else."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            # A function of its own for each unpickler, so that no pickle gets hold of a class of ours.
            return lambda storage, offset, shape, strides, *_unused: _Tensor(storage, offset, shape, strides)
        if module == "torch" and name in _STORAGE_DTYPES:
            return name
        wanted = f"{module}.{name}"[:80]
        raise pickle.UnpicklingError(f"it asks for {wanted!r}, which is not part of a tensor")

    def persistent_load(self, pid: Any) -> _Storage:
        match pid:
            case ("storage", str(kind), str(key), str(), int(size), None) if size >= 0:
                dtype = _STORAGE_DTYPES[kind]
                storage = self.storages.setdefault(key, _Storage(dtype, size))
                if (storage.dtype, storage.size) == (dtype, size):
                    return storage
        raise pickle.UnpicklingError(f"an odd storage reference: {str(pid)[:80]!r}")


def read_torch_weights(path: Path) -> dict[str, Array]:
    """Return the tensors of a legacy checkpoint by name: float32 or int64 arrays of their own memory.

    Raises:
        TrainingError: the file cannot be read, is not a legacy checkpoint, is cut short, or holds anything
            but tensors (nothing of it has been executed then).
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TrainingError(f"cannot read the weights {path}: {error.strerror or error}") from None
    if data.startswith(_ZIP_START):
        raise TrainingError(
            f"{path} is a checkpoint in PyTorch's zip format; wanted the legacy one, which PyTorch writes "
            "with torch.save(..., _use_new_zipfile_serialization=False)"
        )
    try:
        return _read(io.BytesIO(data))
    # A hostile pickle can raise nearly anything while the unpickler takes it apart.
    except Exception as error:  # noqa: BLE001
        raise TrainingError(f"{path} is not a checkpoint of plain tensors: {error!s:.200}") from None


def _read(file: BinaryIO) -> dict[str, Array]:
    head = [_load(_TensorUnpickler(file), file) for _ in range(3)]
    if head[:2] != [_MAGIC_NUMBER, _PROTOCOL_VERSION]:
        raise pickle.UnpicklingError("no legacy checkpoint begins like this")
    unpickler = _TensorUnpickler(file)
    tensors = _load(unpickler, file)
    keys = _load(_TensorUnpickler(file), file)
    if not isinstance(keys, list) or set(keys) != set(unpickler.storages):
        raise pickle.UnpicklingError("its list of storages does not match its tensors")
    for key in keys:
        _fill(unpickler.storages[key], file)
    if not isinstance(tensors, dict):
        raise pickle.UnpicklingError("it holds no dictionary of tensors")
    for name, tensor in dict.items(tensors):
        if not isinstance(name, str) or not isinstance(tensor, _Tensor):
            raise pickle.UnpicklingError(f"{str(name)[:80]!r} is not a tensor")
    return {name: tensor.array() for name, tensor in dict.items(tensors)}


def _load(unpickler: _TensorUnpickler, file: BinaryIO) -> Any:
    """Unpickle the next object after reading its instructions through without following any."""
    begin = file.tell()
    for opcode, argument, _ in pickletools.genops(file):
        if opcode.name not in _OPCODES:
            raise pickle.UnpicklingError(f"it uses {opcode.name}, which is not part of a tensor")
        # The memo is an array as long as its largest index: one wrong byte would ask for 64 GiB.
        if opcode.name in {"BINPUT", "LONG_BINPUT"} and int(argument or 0) > _MAX_MEMO:
            raise pickle.UnpicklingError(f"it remembers an object number {argument}")
    file.seek(begin)
    return unpickler.load()


def _fill(storage: _Storage, file: BinaryIO) -> None:
    count = int.from_bytes(file.read(8), "little", signed=True)
    if count != storage.size:
        raise pickle.UnpicklingError(f"a storage of {count} elements where {storage.size} were announced")
    raw = file.read(count * storage.dtype.itemsize)
    if len(raw) != count * storage.dtype.itemsize:
        raise pickle.UnpicklingError("the file ends inside its data")
    storage.data = np.frombuffer(raw, storage.dtype)
