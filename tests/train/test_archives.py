"""Archives: honest ones come out whole, hostile ones leave nothing behind."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hangtag.errors import DatasetError, HangtagError
from hangtag.progress import Progress
from hangtag_train.datasets.archives import Limits, archive_stem, unpack_in_cache

_SMALL = Limits(members=20, total_bytes=5_000_000, ratio=50.0, ratio_free_bytes=100_000)
_TAR_ENDINGS = {".tar": "", ".tar.gz": "gz", ".tgz": "gz", ".tar.xz": "xz", ".tar.bz2": "bz2"}


def _zip(path: Path, members: dict[str, bytes], mode: int = 0) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(info, data)
    return path


def _tar(
    path: Path, members: dict[str, bytes], change: Callable[[tarfile.TarInfo], None] | None = None
) -> Path:
    kind = next(
        kind
        for end, kind in _TAR_ENDINGS.items()
        if path.name.endswith(end) and end.count(".") == path.name.count(".")
    )
    with tarfile.open(path, f"w:{kind}") as file:  # type: ignore[call-overload]
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            if change is not None:
                change(info)
            file.addfile(info, io.BytesIO(data))
    return path


def _made(path: Path, members: dict[str, bytes]) -> Path:
    return _zip(path, members) if path.suffix == ".zip" else _tar(path, members)


def _unpack(archive: Path, cache: Path, limits: Limits = _SMALL) -> Path:
    return unpack_in_cache(archive, cache, Progress(quiet=True), limits)


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


_PHOTOS = {"photos/cat/1.jpg": b"one", "photos/cat/2.jpg": b"two", "photos/dog/1.jpg": b"three"}


@pytest.mark.parametrize("ending", [".zip", *_TAR_ENDINGS])
def test_an_archive_comes_out_whole_without_its_wrapping(ending: str, tmp_path: Path) -> None:
    extra = {"photos/.hidden": b"x", "__MACOSX/photos/._1.jpg": b"y", "photos/README": b"z" * 3_000_000}
    limits = Limits(ratio_free_bytes=10**7)
    found = _unpack(_made(tmp_path / f"set{ending}", {**_PHOTOS, **extra}), tmp_path / "cache", limits)
    assert found.name == "photos"
    expected = {name.removeprefix("photos/"): data for name, data in _PHOTOS.items()}
    assert _files(found) == {**expected, "README": b"z" * 3_000_000}


@pytest.mark.parametrize(
    ("members", "top"),
    [
        (["train/cat/1.jpg", "train/dog/1.jpg"], ""),  # a split is no wrapping
        (["cat/1.jpg", "cat/2.jpg"], ""),  # nor is a label
        (["a/cat/1.jpg", "b/cat/1.jpg"], ""),
        (["a/train/cat/1.jpg", "a/test/cat/1.jpg"], "a"),
    ],
)
def test_only_a_wrapping_is_stepped_into(members: list[str], top: str, tmp_path: Path) -> None:
    archive = _zip(tmp_path / "set.zip", dict.fromkeys(members, b"x"))
    found = _unpack(archive, tmp_path / "cache")
    assert (found.name if top else "") == top
    assert len(_files(found)) == len(members)


def test_the_same_content_is_unpacked_once(tmp_path: Path) -> None:
    archive = _zip(tmp_path / "set.zip", _PHOTOS)
    found = _unpack(archive, tmp_path / "cache")
    (found / "mark").touch()
    assert (_unpack(archive, tmp_path / "cache") / "mark").exists()
    _zip(archive, {**_PHOTOS, "photos/cat/3.jpg": b"four"})
    assert not (_unpack(archive, tmp_path / "cache") / "mark").exists()


@pytest.mark.parametrize(
    "name",
    [
        "../evil.jpg",
        "a/../../evil.jpg",
        "/etc/evil.jpg",
        "..\\evil.jpg",
        "C:\\evil.jpg",
        "C:evil",
        "\\\\host\\x\\evil",
    ],
)
@pytest.mark.parametrize("ending", [".zip", ".tar"])
def test_names_that_lead_outside_are_refused(name: str, ending: str, tmp_path: Path) -> None:
    archive = _made(tmp_path / f"set{ending}", {"fine/a.jpg": b"x", name: b"evil"})
    with pytest.raises(DatasetError, match="leads outside"):
        _unpack(archive, tmp_path / "deep" / "cache")
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path != archive]


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]
)
def test_links_and_devices_in_a_tar_are_refused(kind: bytes, tmp_path: Path) -> None:
    def change(info: tarfile.TarInfo) -> None:
        info.type, info.linkname, info.size = kind, "/etc/passwd", 0

    archive = _tar(tmp_path / "set.tar", {"cat/1.jpg": b""}, change)
    with pytest.raises(DatasetError, match="a link or device"):
        _unpack(archive, tmp_path / "cache")


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    archive = _zip(tmp_path / "set.zip", {"cat/1.jpg": b"/etc/passwd"}, mode=0o120777)
    with pytest.raises(DatasetError, match="a link or device"):
        _unpack(archive, tmp_path / "cache")


@pytest.mark.parametrize("ending", [".zip", ".tar.gz", ".tar.xz", ".tar.bz2"])
def test_a_bomb_is_stopped_by_what_comes_out(ending: str, tmp_path: Path) -> None:
    archive = _made(tmp_path / f"bomb{ending}", {"cat/1.bmp": bytes(4_000_000)})
    assert archive.stat().st_size < 10_000
    with pytest.raises(DatasetError, match=r"more than 0 MB.*bomb"):
        _unpack(archive, tmp_path / "cache")
    assert not list((tmp_path / "cache" / "unpacked").iterdir())


def test_a_size_that_lies_does_not_help_a_zip(tmp_path: Path) -> None:
    archive = _zip(tmp_path / "bomb.zip", {"cat/1.bmp": bytes(4_000_000)})
    data = archive.read_bytes().replace(struct.pack("<I", 4_000_000), struct.pack("<I", 10))
    archive.write_bytes(data)
    with pytest.raises(DatasetError, match=r"cannot be unpacked|bomb"):
        _unpack(archive, tmp_path / "cache")


def test_headers_that_never_end_are_stopped(tmp_path: Path) -> None:
    archive = tmp_path / "set.tar.gz"
    with tarfile.open(
        archive, "w:gz", format=tarfile.PAX_FORMAT, pax_headers={"comment": "x" * 8_000_000}
    ) as file:
        file.addfile(tarfile.TarInfo("cat/1.jpg"))
    with pytest.raises(DatasetError, match="headers of many megabytes"):
        _unpack(archive, tmp_path / "cache", Limits())


@pytest.mark.parametrize("ending", [".zip", ".tar"])
def test_too_many_members_are_refused(ending: str, tmp_path: Path) -> None:
    archive = _made(tmp_path / f"set{ending}", {f"cat/{number}.jpg": b"" for number in range(21)})
    with pytest.raises(DatasetError, match="too many members"):
        _unpack(archive, tmp_path / "cache")


def test_a_member_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "set.tar"
    with tarfile.open(archive, "w") as file:
        for _ in range(2):
            file.addfile(tarfile.TarInfo("cat/1.jpg"))
    with pytest.raises(DatasetError, match="twice"):
        _unpack(archive, tmp_path / "cache")


@pytest.mark.parametrize("members", [["a", "a/b"], ["a/b", "a"]])
def test_a_file_that_is_a_folder_too_is_refused(members: list[str], tmp_path: Path) -> None:
    archive = _zip(tmp_path / "set.zip", dict.fromkeys(members, b"x"))
    with pytest.raises(DatasetError, match="as a file and as a folder"):
        _unpack(archive, tmp_path / "cache")


def test_an_encrypted_zip_is_named_so(tmp_path: Path) -> None:
    archive = _zip(tmp_path / "set.zip", {"cat/1.jpg": b"x"})
    data = bytearray(archive.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(data)
    with pytest.raises(DatasetError, match="encrypted"):
        _unpack(archive, tmp_path / "cache")


@pytest.mark.parametrize("ending", [".zip", ".tar", ".tar.gz", ".tar.xz", ".tar.bz2"])
@pytest.mark.parametrize("cut", [0, 10, 300])
def test_a_cut_archive_is_an_error(ending: str, cut: int, tmp_path: Path) -> None:
    archive = _made(tmp_path / f"set{ending}", {"cat/1.jpg": bytes(range(256)) * 9, "dog/1.jpg": b"x" * 99})
    archive.write_bytes(archive.read_bytes()[:cut])
    with pytest.raises(DatasetError, match="cannot be unpacked"):
        _unpack(archive, tmp_path / "cache")


@settings(deadline=None, max_examples=40)
@given(draw=st.data())
def test_damage_is_one_clear_error_or_none(
    draw: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("damage")
    ending = draw.draw(st.sampled_from([".zip", ".tar", ".tar.gz", ".tar.bz2", ".tar.xz"]))
    archive = _made(folder / f"set{ending}", _PHOTOS)
    content = bytearray(archive.read_bytes())
    for _ in range(draw.draw(st.integers(1, 4))):
        content[draw.draw(st.integers(0, len(content) - 1))] = draw.draw(st.integers(0, 255))
    archive.write_bytes(content)
    try:
        found = _unpack(archive, folder / "cache")
    except HangtagError:
        return
    assert found.is_relative_to(folder / "cache" / "unpacked")


@pytest.mark.parametrize(
    ("name", "stem"), [("a.zip", "a"), ("a.b.tar.gz", "a.b"), ("A.TGZ", "A"), (".zip", ".zip")]
)
def test_an_archive_is_called_after_its_file(name: str, stem: str) -> None:
    assert archive_stem(Path(name)) == stem
