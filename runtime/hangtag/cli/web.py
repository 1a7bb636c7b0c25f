"""``hangtag web``."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hangtag.extras import extra_needed

if TYPE_CHECKING:
    import socket
    import ssl

    from hangtag.model_file import ModelFile


@click.command()
@click.option(
    "--model", "model_path", type=click.Path(path_type=Path), help="A .tflite file [the bundled model]."
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 for any that is free."
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Where to listen: this machine alone, or 0.0.0.0 for its networks.",
)
@click.option("--https", is_flag=True, help="Encrypt, with a certificate that this machine signs itself.")
@click.option(
    "--certificate", type=click.Path(path_type=Path), help="Encrypt with this certificate (PEM, needs --key)."
)
@click.option("--key", type=click.Path(path_type=Path), help="The certificate's key (PEM).")
def web(
    *, model_path: Path | None, port: int, host: str, https: bool, certificate: Path | None, key: Path | None
) -> None:
    """Serve a page that names what a phone's camera sees, on the phone: no picture leaves it.

    Browsers give a camera to pages from this machine (http://localhost) and over HTTPS alone; docs/phone.md
    says how a phone gets one of the two.
    """
    if (certificate is None) != (key is None):
        raise click.UsageError("--certificate and --key go together: give both, or --https for one made here")
    if https and certificate is not None:
        raise click.UsageError("--https makes a certificate: leave it out where you give one of your own")
    with extra_needed("web", "hangtag web"):
        from hangtag.web.server import make_server
    from hangtag.preview.listener import listening
    from hangtag.web.site import site_files

    model, file_name = _model(model_path)
    files = site_files(model, file_name)
    with contextlib.closing(listening(host, port, option="--port")) as listener:
        own = _own_certificate(listener, host) if https else None
        tls = _tls(own or certificate, key)
        server = make_server(files, listener, tls=tls, pack_now=True)
        _announce(listener, model, tls is not None, own)
        # Ctrl-C is how it is meant to end.
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[listener])


def _model(path: Path | None) -> tuple[ModelFile, str]:
    from hangtag.classifier import BUNDLED_NAME, bundled_model
    from hangtag.model_file import read_model_file

    return (bundled_model(), BUNDLED_NAME) if path is None else (read_model_file(path), path.name)


def _own_certificate(listener: socket.socket, host: str) -> Path:
    from hangtag.web.addresses import names_of
    from hangtag.web.certificate import self_signed

    with extra_needed("web", "hangtag web --https"):
        return self_signed(names_of(listener, host))


def _tls(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    from hangtag.web.certificate import tls_context

    return None if certificate is None else tls_context(certificate, key)


def _announce(listener: socket.socket, model: ModelFile, is_tls: bool, own: Path | None) -> None:
    """Say where the page is, and how a phone gets to it."""
    from hangtag.cli.inspect_lines import printable
    from hangtag.web.addresses import local_url, pages_elsewhere

    here = local_url(listener, is_tls)
    click.echo(f"{printable(model.contract.name)} on this machine: {here}", err=True)
    elsewhere = pages_elsewhere(listener, is_tls)
    for page in elsewhere:
        click.echo(f"in your network: {page}", err=True)
    if elsewhere and not is_tls:
        click.echo(
            "browsers give no camera to that: they want HTTPS (--https for a quick try), see docs/phone.md",
            err=True,
        )
    if "//localhost" in here:
        port = listener.getsockname()[1]
        click.echo(f"on a phone by USB: adb reverse tcp:{port} tcp:{port}, then {here} there", err=True)
    if own is not None:
        from hangtag.web.certificate import fingerprint

        click.echo(
            "the certificate is signed by this machine itself: browsers warn of it; go on, and Chrome gives "
            f"the page the camera, but no offline mode. Its SHA-256 is {fingerprint(own)}",
            err=True,
        )
    click.echo("Ctrl-C ends it", err=True)
