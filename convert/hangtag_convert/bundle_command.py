"""``hangtag bundle``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--for",
    "platform",
    type=click.Choice(["android", "ios", "web"]),
    required=True,
    help="Kotlin with CameraX, or Swift with AVFoundation, both with LiteRT and MediaPipe Tasks; or a page "
    "for any web host.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="New folder for the bundle; see its README.md.",
)
@click.option("--package", help="Kotlin package of the source [dev.hangtag.NAME]. Android only.")
def bundle(model: Path, *, platform: str, out: Path, package: str | None) -> None:
    """Write MODEL with all that an app needs of it: labels, source made from its contract, tests."""
    from hangtag_convert.mobile.bundle import Platform, write_bundle
    from hangtag_convert.mobile.facts import checked_package

    kind = Platform(platform)
    if package is not None:
        if kind is not Platform.ANDROID:
            raise click.UsageError(
                f"--package names a Kotlin package; leave it out of a bundle for {platform}"
            )
        try:
            checked_package(package)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--package") from None
    written = write_bundle(model, kind, out, package=package)
    for note in written.notes:
        click.echo(f"note: {note}", err=True)
    click.echo(f"wrote {written.files} files to {out}: begin with {out / 'README.md'}", err=True)
