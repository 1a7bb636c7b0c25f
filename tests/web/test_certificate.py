"""``--https``: whom the certificate is good for, who can read its key, and when another one is made."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import socket
import ssl
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("cryptography", reason='needs pip install "hangtag[web]"')
pytest.importorskip("uvicorn", reason='needs pip install "hangtag[web]"')

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from hangtag.errors import OutputError
from hangtag.preview.listener import listening
from hangtag.web import addresses
from hangtag.web.bounds import Limits
from hangtag.web.certificate import VALID_DAYS, fingerprint, self_signed, tls_context
from hangtag.web.server import serving

NAMES = ["localhost", "127.0.0.1", "::1", "kiosk.local"]
DAY = dt.timedelta(days=1)
NOW = dt.datetime(2026, 11, 22, 12, tzinfo=dt.timezone.utc)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HANGTAG_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def tls_port() -> Iterator[int]:
    with serving(
        {"index.html": b"page"}, tls=tls_context(self_signed(NAMES)), limits=Limits(head_s=1.0)
    ) as served:
        assert served.url == f"https://localhost:{served.port}/"
        yield served.port


# --- the certificate ---------------------------------------------------------------------------------------


def test_it_is_good_for_the_names_asked_for_and_for_servers_alone() -> None:
    made = x509.load_pem_x509_certificate(self_signed(NAMES, now=NOW).read_bytes())
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["kiosk.local", "localhost"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
    assert made.not_valid_before_utc < NOW < made.not_valid_after_utc
    # Apple's systems take none that is valid for longer.
    assert made.not_valid_after_utc - made.not_valid_before_utc <= 825 * DAY
    assert not made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_nobody_else_can_read_the_key(cache: Path) -> None:
    path = self_signed(NAMES)
    assert path.is_relative_to(cache)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "PRIVATE KEY" in path.read_text()
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_it_is_used_again_as_long_as_it_fits() -> None:
    first = self_signed(NAMES, now=NOW).read_bytes()
    assert self_signed(NAMES[:2], now=NOW + 10 * DAY).read_bytes() == first
    assert self_signed(reversed(NAMES), now=NOW + (VALID_DAYS - 2) * DAY).read_bytes() == first


@pytest.mark.parametrize(
    ("names", "later"),
    [
        ([*NAMES, "192.0.2.7"], 0 * DAY),
        (NAMES, (VALID_DAYS - 0.5) * DAY),
        (NAMES, 2 * VALID_DAYS * DAY),
        (NAMES, -30 * DAY),  # a clock that was wrong before
    ],
)
def test_it_is_made_anew_for_other_addresses_and_when_its_time_is_over(
    names: list[str], later: dt.timedelta
) -> None:
    first = self_signed(NAMES, now=NOW).read_bytes()
    second = self_signed(names, now=NOW + later)
    assert second.read_bytes() != first
    assert self_signed(names, now=NOW + later).read_bytes() == second.read_bytes()


def test_what_is_no_certificate_any_more_is_replaced() -> None:
    path = self_signed(NAMES, now=NOW)
    whole = path.read_text()
    other = self_signed(["other"], now=NOW).read_text()
    certificate = whole[whole.index("-----BEGIN CERTIFICATE") :]
    for damaged in ("", "garbage", certificate, other[: other.index("-----BEGIN CERTIFICATE")] + certificate):
        path.write_text(damaged)
        assert self_signed(NAMES, now=NOW) == path
        tls_context(path)


def test_without_a_place_for_the_key_it_says_so(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.write_text("a file where the folder should be")
    with pytest.raises(OutputError, match="cannot write"):
        self_signed(NAMES)
    monkeypatch.delenv("HANGTAG_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)

    def homeless() -> Path:
        raise RuntimeError

    monkeypatch.setattr(Path, "home", staticmethod(homeless))
    with pytest.raises(OutputError, match="set HANGTAG_CACHE"):
        self_signed(NAMES)


def test_its_fingerprint_is_what_browsers_show() -> None:
    path = self_signed(NAMES)
    digest = x509.load_pem_x509_certificate(path.read_bytes()).fingerprint(hashes.SHA256())
    assert fingerprint(path) == digest.hex(":").upper()


# --- whose names -------------------------------------------------------------------------------------------


def test_a_certificate_is_for_all_that_reaches_the_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "network_addresses", lambda: ["192.0.2.7", "198.51.100.3"])
    monkeypatch.setattr(addresses, "own_names", lambda: ["kiosk", "kiosk.local"])
    local = ["localhost", "127.0.0.1", "::1"]
    with listening("127.0.0.1", 0) as listener:
        assert addresses.names_of(listener, "127.0.0.1") == local
        assert addresses.pages_elsewhere(listener, is_tls=True) == []
    with listening("0.0.0.0", 0) as listener:  # noqa: S104 - nobody is asked to connect
        port = listener.getsockname()[1]
        everywhere = [*local, "kiosk", "kiosk.local", "192.0.2.7", "198.51.100.3"]
        assert addresses.names_of(listener, "0.0.0.0") == everywhere  # noqa: S104
        pages = [f"https://192.0.2.7:{port}/", f"https://198.51.100.3:{port}/"]
        assert addresses.pages_elsewhere(listener, is_tls=True) == pages


def test_this_machines_addresses_are_addresses() -> None:
    for address in addresses.network_addresses():
        assert socket.inet_aton(address)
        assert not address.startswith("127.")


@pytest.mark.parametrize(
    ("host", "port", "is_tls", "expected"),
    [
        ("localhost", 8000, False, "http://localhost:8000/"),
        ("localhost", 80, False, "http://localhost/"),
        ("::1", 443, True, "https://[::1]/"),
        ("192.0.2.7", 80, True, "https://192.0.2.7:80/"),
    ],
)
def test_a_page_has_an_address(host: str, port: int, is_tls: bool, expected: str) -> None:
    assert addresses.url(host, port, is_tls) == expected


# --- serving with it ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_who_trusts_it_gets_the_page(tls_port: int, name: str) -> None:
    trusting = ssl.create_default_context(cafile=self_signed(NAMES))
    bare = socket.create_connection(("127.0.0.1", tls_port), timeout=10)
    with trusting.wrap_socket(bare, server_hostname=name) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: client.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"page")


def test_who_does_not_trust_it_is_told(tls_port: int) -> None:
    bare = socket.create_connection(("127.0.0.1", tls_port), timeout=10)
    with bare, pytest.raises(ssl.SSLCertVerificationError, match=r"self.signed"):
        ssl.create_default_context().wrap_socket(bare, server_hostname="localhost")


def test_a_handshake_is_waited_for_only_so_long(tls_port: int) -> None:
    begun = time.monotonic()
    for sent in (b"", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\x16\x03\x01"):
        with socket.create_connection(("127.0.0.1", tls_port), timeout=5) as client:
            client.sendall(sent)
            while client.recv(4096):
                pass
    assert time.monotonic() - begun < 6


def test_a_reader_that_does_not_read_is_cut_off_and_one_that_does_gets_all() -> None:
    data = os.urandom(4_000_000)
    trusting = ssl.create_default_context(cafile=self_signed(NAMES))
    limits = Limits(unread_s=1.0)
    with serving({"big.tflite": data}, tls=tls_context(self_signed(NAMES)), limits=limits) as served:
        for wait_s, whole in ((0, True), (3, False)):
            bare = socket.create_connection(("127.0.0.1", served.port), timeout=10)
            with trusting.wrap_socket(bare, server_hostname="localhost") as client:
                client.sendall(b"GET /big.tflite HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                time.sleep(wait_s)
                got = bytearray()
                with contextlib.suppress(OSError):  # reset, in the midst of a record
                    while part := client.recv(65536):
                        got += part
            assert got.endswith(data) is whole


# --- certificates of one's own -----------------------------------------------------------------------------


def test_a_certificate_and_its_key_may_be_two_files(tmp_path: Path) -> None:
    both = self_signed(NAMES).read_text()
    split = both.index("-----BEGIN CERTIFICATE")
    (tmp_path / "key.pem").write_text(both[:split])
    (tmp_path / "certificate.pem").write_text(both[split:])
    tls_context(tmp_path / "certificate.pem", tmp_path / "key.pem")


def test_what_cannot_be_used_is_said_in_one_line(tmp_path: Path) -> None:
    both = self_signed(NAMES).read_text()
    split = both.index("-----BEGIN CERTIFICATE")
    other = self_signed(["other"]).read_text()
    locked = subprocess.run(
        ["openssl", "pkey", "-aes256", "-passout", "pass:secret"],  # noqa: S607
        input=both[:split],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name, text in {
        "certificate": both[split:],
        "key": both[:split],
        "other": other[: other.index("-----BEGIN CERTIFICATE")],
        "empty": "",
        "locked": locked,
    }.items():
        (tmp_path / name).write_text(text)
    for certificate, key, words in [
        ("certificate", "other", "key values mismatch"),
        ("key", "certificate", "cannot use the certificate"),
        ("empty", "key", "cannot use the certificate"),
        ("certificate", "empty", "cannot use the certificate"),
        ("absent", "key", "cannot read .*absent"),
        ("certificate", "absent", "cannot read .*absent"),
        ("certificate", "locked", "has a password"),
    ]:
        with pytest.raises(OutputError, match=words) as caught:
            tls_context(tmp_path / certificate, tmp_path / key)
        assert "\n" not in str(caught.value)
