"""One clear line where a command needs packages that the light install does not carry."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from hangtag.errors import MissingExtra


@contextlib.contextmanager
def extra_needed(extra: str, needed_by: str) -> Iterator[None]:
    """Turn a failing import inside the block into :class:`hangtag.errors.MissingExtra`.

    Args:
        extra: the extra of the distribution that would bring the package ("train").
        needed_by: who asks, as the user knows it ("hangtag train").

    Raises:
        MissingExtra: an import in the block found no such package.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        # Our own modules are always there: failing to find one is a defect, not a missing extra.
        if not missing or missing.startswith("hangtag"):
            raise
        raise MissingExtra(needed_by, extra, missing) from None
