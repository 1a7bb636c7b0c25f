"""Keeps what native converters print off the terminal, and says in one line why they failed."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

from hangtag.errors import ConversionError, HangtagError
from hangtag.native_output import held_back

_TAIL_CHARACTERS = 400
_MESSAGE_CHARACTERS = 600

_UNKNOWN_OPERATION = re.compile(r"'tf\.(\w+)' op is neither a custom op nor a flex op")
_UNREGISTERED = re.compile(r"Op type not registered '(\w+)'")
_SCOPE_NAME = re.compile(r"'([^']*)' is not a valid (?:root )?scope name")
_UNSAFE = re.compile(r"Lambda|safe_mode|unsafe", re.IGNORECASE)
_NO_QUANTIZED_KERNEL = re.compile(r"Quantization (?:to 16x8-bit )?not yet supported for op: '?(\w+)'?")


@contextlib.contextmanager
def chatter_kept(what: str) -> Iterator[None]:
    """Hold back standard output and error, native code's included, while the block runs.

    Raises:
        ConversionError: the block failed; the message names ``what`` and says why: in our words where the
            cause is known, else in those of the converter, with the end of what it printed.
    """
    with held_back() as printed:
        try:
            yield
        except HangtagError:
            raise
        # Whatever a converter raises becomes one line; its log is quoted so that nothing is hidden.
        except Exception as error:
            said = " ".join(str(error).split()) or type(error).__name__
            raise ConversionError(
                f"{what} failed: {_translated(said) or _quoted(said, printed.read())}"
            ) from error


def _translated(said: str) -> str | None:
    """Return a converter's message in our words; None for one that is not known."""
    unknown = set(_UNKNOWN_OPERATION.findall(said)) | set(_UNREGISTERED.findall(said))
    if unknown:
        names = ", ".join(sorted(unknown))
        return f"TFLite has no operation for {names}; replace the layers that use it by plain ones"
    scope = _SCOPE_NAME.search(said)
    if scope is not None:
        return f"a layer is called {scope[1]!r}; names must begin with a letter or a digit: rename it"
    unsupported = _NO_QUANTIZED_KERNEL.search(said)
    if unsupported is not None:
        return f"{unsupported[1]} has no integer version; choose --format weight-int8 or float16"
    if _UNSAFE.search(said) and "deserializ" in said:
        return (
            "the model holds a layer that runs Python code of its own (a Lambda); such code is not executed: "
            "build the network of plain layers"
        )
    return None


def _quoted(said: str, printed: bytes) -> str:
    tail = " ".join(printed[-_TAIL_CHARACTERS:].decode(errors="replace").split())
    cut = said if len(said) <= _MESSAGE_CHARACTERS else f"{said[:_MESSAGE_CHARACTERS]}…"
    return f"{cut} (it printed last: {tail})" if tail else cut
