"""Under which names and addresses this machine can be reached, and the pages that follow."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import struct
import sys

from hangtag.preview.listener import is_local

_SIOCGIFADDR = 0x8915
"""Linux: the IPv4 address of a network interface (netdevice(7))."""

_LOCAL = ("localhost", "127.0.0.1", "::1")


def network_addresses() -> list[str]:
    """Return this machine's IPv4 addresses that others in its networks reach, without asking any of them."""
    found = _of_interfaces() if sys.platform == "linux" else _of_name()
    return [address for address in dict.fromkeys(found) if not ipaddress.ip_address(address).is_loopback]


def own_names() -> list[str]:
    """Return the names that this machine calls itself, the one of multicast DNS included."""
    own = socket.gethostname().lower()
    if not own or own == "localhost":
        return []
    return [own] if "." in own else [own, f"{own}.local"]


def names_of(listener: socket.socket, host: str) -> list[str]:
    """Return what a certificate for a socket must be good for: names and addresses, without brackets.

    Args:
        listener: the socket.
        host: what the user called the place where it listens.
    """
    address = str(listener.getsockname()[0])
    if is_local(listener):
        reached = []
    elif ipaddress.ip_address(address).is_unspecified:
        reached = [*own_names(), *network_addresses()]
    else:
        reached = [address, host.lower()]
    unspecified = {"0.0.0.0", "::"}  # noqa: S104 - left out, not listened on
    return [name for name in dict.fromkeys([*_LOCAL, address, *reached]) if name not in unspecified]


def pages_elsewhere(listener: socket.socket, is_tls: bool) -> list[str]:
    """Return what browsers of other machines open; nothing where none reaches the socket."""
    address, port = listener.getsockname()[:2]
    if is_local(listener):
        return []
    everywhere = ipaddress.ip_address(address).is_unspecified
    reached = network_addresses() or own_names() if everywhere else [address]
    return [url(name, port, is_tls) for name in reached]


def local_url(listener: socket.socket, is_tls: bool) -> str:
    """Return what a browser on this machine opens: by the name localhost, wherever that leads there."""
    address, port = listener.getsockname()[:2]
    plain = ipaddress.ip_address(address).is_unspecified or address in _LOCAL
    return url("localhost" if plain else address, port, is_tls)


def url(host: str, port: int, is_tls: bool) -> str:
    """Return the address of the page, with a slash at its end."""
    usual = 443 if is_tls else 80
    place = bracketed(host) if port == usual else f"{bracketed(host)}:{port}"
    return f"{'https' if is_tls else 'http'}://{place}/"


def bracketed(host: str) -> str:
    """Return a name or address as it stands in URLs and Host headers."""
    return f"[{host}]" if ":" in host else host


def _of_interfaces() -> list[str]:
    import fcntl

    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        for _, name in socket.if_nameindex():
            # An interface that is down, or has an IPv6 address alone, has none.
            with contextlib.suppress(OSError):
                answer = fcntl.ioctl(asked, _SIOCGIFADDR, struct.pack("256s", name.encode()[:15]))
                found.append(socket.inet_ntoa(answer[20:24]))
    return found


def _of_name() -> list[str]:
    try:
        infos = socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)
    except OSError:
        return []
    return [str(info[4][0]) for info in infos]
