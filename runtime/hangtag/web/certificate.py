"""``--https``: a certificate that this machine signs itself, for a quick try of the camera on a phone.

No browser trusts it, and each says so before it shows the page; whoever goes on gets a secure context. The
key never leaves the user's cache folder, where nobody else can read it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import ipaddress
import ssl
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from hangtag.cache import cache_folder
from hangtag.errors import OutputError
from hangtag.files import whole_file

if TYPE_CHECKING:
    from cryptography import x509

VALID_DAYS = 365
_RENEW_DAYS = 1
_NAME = "Hangtag, signed by this machine itself"


def self_signed(names: Iterable[str], *, now: dt.datetime | None = None) -> Path:
    """Return the file of a certificate and its key for names and addresses; make one where none fits.

    One that was made before is used again, because a browser asks about each new one: as long as it is valid
    for a day at least and for all of ``names``.

    Args:
        names: host names and IP addresses.
        now: the time in UTC; None for the clock's.

    Raises:
        OutputError: there is no place for the key.
    """
    now = now or dt.datetime.now(dt.timezone.utc)
    wanted = frozenset(names)
    path = _place()
    if not _serves(path, wanted, now):
        _write(path, _made(sorted(wanted), now))
    return path


def tls_context(certificate: Path, key: Path | None = None) -> ssl.SSLContext:
    """Return what a server encrypts with.

    Args:
        certificate: PEM, with the chain up to the authority where there is one.
        key: PEM; None where it stands beside the certificate in its file.

    Raises:
        OutputError: they cannot be read, are none, do not belong together, or the key has a password.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)

    def refuse() -> NoReturn:
        raise OutputError(f"the key {key or certificate} has a password: give one without to --key")

    try:
        context.load_cert_chain(certificate, key, password=refuse)
    except ssl.SSLError as error:
        named = str(certificate) if key is None else f"{certificate} with the key {key}"
        raise OutputError(
            f"cannot use the certificate {named}: {_reason(error)}; wanted PEM files that belong together"
        ) from None
    except OSError as error:
        missing = next((path for path in (certificate, key) if path and not path.is_file()), certificate)
        raise OutputError(f"cannot read {missing}: {error.strerror or error}") from None
    return context


def fingerprint(path: Path) -> str:
    """Return the SHA-256 fingerprint of the first certificate in a file, as browsers show it."""
    text = path.read_text(encoding="ascii", errors="replace")
    begin = text.index("-----BEGIN CERTIFICATE-----")
    end = text.index("-----END CERTIFICATE-----", begin)
    der = ssl.PEM_cert_to_DER_cert(text[begin:end] + "-----END CERTIFICATE-----\n")
    return hashlib.sha256(der).digest().hex(":").upper()


def _place() -> Path:
    try:
        return cache_folder() / "web" / "self-signed.pem"
    except RuntimeError:
        raise OutputError(
            "there is no home folder to keep the certificate's key in: set HANGTAG_CACHE to a folder of yours"
        ) from None


def _serves(path: Path, names: frozenset[str], now: dt.datetime) -> bool:
    """Return whether a file holds a certificate for these names that is valid now, and the key to it."""
    from cryptography import x509

    try:
        data = path.read_bytes()
        found = x509.load_pem_x509_certificate(data)
        tls_context(path)
        covered = _names_of(found)
    except (OSError, ValueError, OutputError, x509.ExtensionNotFound):
        return False
    late = now + dt.timedelta(days=_RENEW_DAYS)
    return found.not_valid_before_utc <= now and late < found.not_valid_after_utc and names <= covered


def _names_of(certificate: x509.Certificate) -> frozenset[str]:
    from cryptography import x509

    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    addresses = names.get_values_for_type(x509.IPAddress)
    return frozenset([*names.get_values_for_type(x509.DNSName), *map(str, addresses)])


def _made(names: list[str], now: dt.datetime) -> bytes:
    """Return a key and its certificate, PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _NAME)])
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # A phone's clock may be behind this machine's.
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + made.public_bytes(serialization.Encoding.PEM)


def _general_name(name: str) -> x509.GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write(path: Path, data: bytes) -> None:
    with whole_file(path) as temporary:
        # Before the key is in it.
        temporary.chmod(0o600)
        temporary.write_bytes(data)


def _reason(error: ssl.SSLError) -> str:
    return (error.reason or str(error)).lower().replace("_", " ")
