"""Addresses of streams and brokers: what may be shown of them."""

from __future__ import annotations

import re

STREAM = re.compile(r"^(rtsps?|rtmp|https?|udp|tcp)://", re.IGNORECASE)
"""What network streams begin with."""

_HOST = re.compile(r"[\w.-]+(:\d+)?|\[[0-9a-fA-F:.]+\](:\d+)?")


_MASK = "***"
_SECRET_VALUE = re.compile(
    r"((?:pass|pw|psw|token|secret|key|auth)[\w-]*(?:=|%3D)).+?(?=[&;_](?:channel|stream|subtype)\w*=|$)",
    re.IGNORECASE | re.DOTALL,
)
"""Values that cameras want in their path. One goes on to a parameter that is known for harmless: a password
may hold any character."""

_FRAGMENT = re.compile(r"#(?!hidden-\d+$).*", re.DOTALL)
"""What stands behind a # is for nobody but us: :mod:`hangtag.cli.secrets` writes its stand-ins there."""


def without_secrets(url: str) -> str:
    """Return an address without user, password, query and fragment, for logs, records and pages.

    Of a path, values called a password, token or key are masked; what has no name there is not known for a
    secret. Text that is no address comes back as it is.
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        return url
    authority, slash, path = rest.partition("/")
    if "@" in path and _may_be_password(authority, path):
        authority, slash, path = rest.rpartition("@")[2].partition("/")
    shown = f"{authority.rpartition('@')[2].partition('?')[0]}{slash}{path.partition('?')[0]}"
    return f"{scheme}://{_SECRET_VALUE.sub(_masked_value, _FRAGMENT.sub('', shown))}"


def without_anything_secret(text: str) -> str:
    """Return what may be shown of text that was meant for an address, and is none that is known.

    Nothing before an ``@`` is, nor what could be a password by its name or place.
    """
    _, at, behind = without_secrets(text).rpartition("@")
    shown = re.sub(r"#.*:.*", "", f"{_MASK}@{behind}" if at else behind, flags=re.DOTALL)
    return _SECRET_VALUE.sub(_masked_value, shown)


def _masked_value(found: re.Match[str]) -> str:
    return found[1] + _MASK


def _may_be_password(authority: str, path: str) -> bool:
    """Return whether what stands before the first slash may end inside a password that has one.

    It should be written %2F there; who does not know that must not see the password's first half in a log.
    """
    _, at, host = authority.rpartition("@")
    if at:
        return not _HOST.fullmatch(host)
    return not authority or ":" in authority + path.rpartition("@")[0]


def origin(url: str) -> str:
    """Return scheme, host and port: all that may be shown of a webhook, whose path is its password.

    Text that is no address comes back as it is.
    """
    scheme, separator, rest = without_secrets(url).partition("://")
    return f"{scheme}{separator}{rest.partition('/')[0]}" if separator else url
