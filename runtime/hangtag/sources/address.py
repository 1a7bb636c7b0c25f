"""Addresses of streams and brokers: what may be shown of them."""

from __future__ import annotations

import re

STREAM = re.compile(r"^(rtsps?|rtmp|https?|udp|tcp)://", re.IGNORECASE)
"""What network streams begin with."""


def without_secrets(url: str) -> str:
    """Return an address without user, password and query, for logs, records and pages.

    Text that is no address comes back as it is.
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        return url
    authority, slash, path = rest.partition("/")
    return f"{scheme}://{authority.rpartition('@')[2].partition('?')[0]}{slash}{path.partition('?')[0]}"
