"""Addresses of streams and brokers: what may be shown of them."""

from __future__ import annotations

import re

STREAM = re.compile(r"^(rtsps?|rtmp|https?|udp|tcp)://", re.IGNORECASE)
"""What network streams begin with."""

_HOST = re.compile(r"[\w.-]+(:\d+)?|\[[0-9a-fA-F:.]+\](:\d+)?")


def without_secrets(url: str) -> str:
    """Return an address without user, password and query, for logs, records and pages.

    Text that is no address comes back as it is.
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        return url
    authority, slash, path = rest.partition("/")
    if "@" in path and _may_be_password(authority):
        authority, slash, path = rest.rpartition("@")[2].partition("/")
    return f"{scheme}://{authority.rpartition('@')[2].partition('?')[0]}{slash}{path.partition('?')[0]}"


def _may_be_password(authority: str) -> bool:
    """Return whether what stands before the first slash may end inside a password that has one.

    It should be written %2F there; who does not know that must not see the password's first half in a log.
    """
    _, at, host = authority.rpartition("@")
    return not _HOST.fullmatch(host) if at else ":" in authority


def origin(url: str) -> str:
    """Return scheme, host and port: all that may be shown of a webhook, whose path is its password.

    Text that is no address comes back as it is.
    """
    scheme, separator, rest = without_secrets(url).partition("://")
    return f"{scheme}{separator}{rest.partition('/')[0]}" if separator else url
