"""The idx format of MNIST: a typed array of bytes, usually in gzip."""

from __future__ import annotations

import gzip
import hashlib
import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import numpy as np
import numpy.typing as npt

from hangtag.errors import DatasetError

_MAX_BYTES = 4 * 10**9
_UINT8 = 0x08


def read_idx(path: Path) -> tuple[npt.NDArray[np.uint8], str]:
    """Return the uint8 array of an idx file, plain or in gzip, and the SHA-256 of the plain file.

    Source: the description of the format on the MNIST page: two zero bytes, a type, the number of
    dimensions, each as a big-endian 32-bit number, then the values.

    Raises:
        DatasetError: it cannot be read, is damaged, or holds anything but bytes.
    """
    try:
        with _opened(path) as file:
            start = file.read(4)
            if len(start) < 4 or start[:2] != b"\0\0" or not 1 <= start[3] <= 4:
                raise DatasetError(f"{path} is no idx file; wanted MNIST's format, plain or in gzip")
            if start[2] != _UINT8:
                raise DatasetError(
                    f"{path} holds values of type 0x{start[2]:02x}; only bytes (0x08) are read"
                )
            sizes = file.read(4 * start[3])
            shape = tuple(int.from_bytes(sizes[at : at + 4], "big") for at in range(0, len(sizes), 4))
            count = math.prod(shape)
            if len(sizes) < 4 * start[3] or count > _MAX_BYTES:
                raise DatasetError(
                    f"{path} announces an array of {count} bytes; at most {_MAX_BYTES} are read"
                )
            content = file.read(count + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None
    if len(content) != count:
        relation = "ends too early" if len(content) < count else "holds more than it announces"
        raise DatasetError(f"{path} {relation}: wanted {' x '.join(map(str, shape))} bytes")
    digest = hashlib.sha256(start + sizes + content).hexdigest()
    return np.frombuffer(content, np.uint8).reshape(shape), digest


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    with cast("IO[bytes]", gzip.open(path)) if zipped else path.open("rb") as opened:
        yield opened
