from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps
from PIL.PngImagePlugin import PngInfo

from hangtag.errors import PhotoError
from hangtag.photos import decode_photo, find_photos, read_photo

ORIENTATION_TAG = 0x0112


def noise(width: int = 24, height: int = 16, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(7).integers(0, 256, (height, width, channels), np.uint8)


def encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def quadrants(size: int = 32) -> Image.Image:
    """Red, green, blue and yellow quarters, wider than high: no two orientations look alike."""
    picture = np.zeros((size, 2 * size, 3), np.uint8)
    half = size // 2
    picture[:half, :size] = (220, 20, 20)
    picture[:half, size:] = (20, 200, 20)
    picture[half:, :size] = (20, 20, 220)
    picture[half:, size:] = (220, 220, 20)
    return Image.fromarray(picture)


def with_thumbnail(jpeg: bytes) -> bytes:
    """``jpeg`` with an EXIF segment that holds a whole small JPEG, end marker and all."""
    thumbnail = encoded(Image.fromarray(noise(8, 8)), "JPEG")
    body = b"Exif\0\0" + b"II*\0" + (8).to_bytes(4, "little") + bytes(6) + thumbnail
    segment = b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body
    assert b"\xff\xd9" in segment
    return jpeg[:2] + segment + jpeg[2:]


NOISE = Image.fromarray(noise())
WHOLE = {
    "jpeg": encoded(NOISE, "JPEG"),
    "progressive jpeg": encoded(NOISE, "JPEG", progressive=True),
    "jpeg with restart markers": encoded(NOISE, "JPEG", restart_marker_blocks=1),
    "jpeg with thumbnail": with_thumbnail(encoded(NOISE, "JPEG")),
    "progressive jpeg with thumbnail": with_thumbnail(encoded(NOISE, "JPEG", progressive=True)),
    "cmyk jpeg": encoded(NOISE.convert("CMYK"), "JPEG"),
    "png": encoded(NOISE, "PNG"),
    "rgba png": encoded(Image.fromarray(noise(channels=4)), "PNG"),
    "palette png": encoded(NOISE.convert("P"), "PNG"),
    "webp": encoded(NOISE, "WEBP"),
    "lossless webp": encoded(NOISE, "WEBP", lossless=True),
    "bmp": encoded(NOISE, "BMP"),
    "tiff": encoded(NOISE, "TIFF"),
    "lzw tiff": encoded(NOISE, "TIFF", compression="tiff_lzw"),
}


@pytest.mark.parametrize("kind", WHOLE)
def test_whole_files_are_read(kind: str) -> None:
    image = decode_photo(WHOLE[kind], kind)
    assert image.dtype == np.uint8
    assert image.shape == (16, 24, 3)
    assert image.flags.c_contiguous


@pytest.mark.parametrize("kind", ["png", "lossless webp", "bmp", "tiff", "lzw tiff"])
def test_lossless_files_give_their_very_pixels_as_bgr(kind: str) -> None:
    np.testing.assert_array_equal(decode_photo(WHOLE[kind], kind), noise()[..., ::-1])


@pytest.mark.parametrize("kind", WHOLE)
def test_a_file_cut_short_anywhere_is_refused(kind: str) -> None:
    data = WHOLE[kind]
    # Every place near both ends, and a spread of those between.
    places = {*range(40), *range(len(data) - 40, len(data)), *range(0, len(data), 23)}
    # A TIFF's last bytes can be a tag that nothing needs: cutting there loses no pixel.
    places = {place for place in places if place < len(data) - (40 if "tiff" in kind else 0)}
    for place in sorted(place for place in places if place >= 0):
        with pytest.raises(PhotoError, match=r"broken\.jpg"):
            decode_photo(data[:place], "broken.jpg")


@pytest.mark.parametrize("kind", [kind for kind in WHOLE if "tiff" not in kind and "bmp" not in kind])
def test_refusing_a_cut_file_prints_nothing(kind: str, capfd: pytest.CaptureFixture[str]) -> None:
    data = WHOLE[kind]
    for share in (0.3, 0.6, 0.9, 0.99):
        with pytest.raises(PhotoError, match="cut short"):
            decode_photo(data[: int(len(data) * share)], "broken")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", ["jpeg", "progressive jpeg", "jpeg with thumbnail", "png", "webp"])
@pytest.mark.parametrize("tail", [b"\0", b"abc" * 20, b"\0" * 9000, b"\xff\xd8\xff\xe0 another picture"])
def test_bytes_after_the_end_do_not_matter(kind: str, tail: bytes) -> None:
    # Cameras append previews, depth maps and videos.
    whole = decode_photo(WHOLE[kind], kind)
    np.testing.assert_array_equal(decode_photo(WHOLE[kind] + tail, kind), whole)


def test_a_png_that_mentions_its_end_mark_can_still_be_cut() -> None:
    text = PngInfo()
    text.add_text("Comment", "a PNG ends with IEND")
    data = encoded(NOISE, "PNG", pnginfo=text)
    np.testing.assert_array_equal(decode_photo(data, "whole"), noise()[..., ::-1])
    with pytest.raises(PhotoError, match="cut short"):
        decode_photo(data[:-20], "cut")


@given(st.sampled_from(sorted(WHOLE)), st.data())
def test_damaged_files_give_a_picture_or_a_photo_error(kind: str, data: st.DataObject) -> None:
    if "tiff" in kind:  # libtiff is chatty about damage and that is all we would see
        return
    damaged = bytearray(WHOLE[kind])
    for _ in range(data.draw(st.integers(1, 8))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        image = decode_photo(bytes(damaged), "damaged")
    except PhotoError:
        return
    assert image.dtype == np.uint8
    assert image.ndim == 3
    assert image.shape[2] == 3


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty (0 bytes)"),
        (b"this is a shopping list, not a photo\n" * 40, "not an image"),
        (b"\xff", "not an image"),
        (b"\xff\xd8\xff", "cut short"),
        (b"\xff\xd8\xff\xd9", "cut short"),
        (b"\x89PNG\r\n\x1a\n", "cut short"),
        (b"RIFF\x00\x00\x00\x00WEBP", "cut short: its header does not say how large the picture is"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not an image"),
        (bytes(1000), "not an image"),
        # OpenCV would decode these, at whatever size they announce.
        (b"P5 2 2 255\n" + bytes(4), "wanted JPEG, PNG, WebP, BMP, TIFF"),
        (b"GIF89a" + bytes(40), "wanted JPEG, PNG, WebP, BMP, TIFF"),
    ],
)
def test_what_is_no_photo(
    data: bytes, message: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "list.jpg"
    path.write_bytes(data)
    with pytest.raises(PhotoError) as caught:
        read_photo(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_a_picture_too_large_for_memory_is_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    header = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR"
    size = (60_000).to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0"
    checksum = zlib.crc32(b"IHDR" + size).to_bytes(4, "big")
    with pytest.raises(PhotoError) as caught:
        decode_photo(header + size + checksum + WHOLE["png"][33:], "bomb.png")
    assert "bomb.png" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(lambda tmp_path: tmp_path, id="folder"),
        pytest.param(lambda tmp_path: tmp_path / "missing.jpg", id="missing"),
        pytest.param(lambda tmp_path: tmp_path / "no" / "folder.jpg", id="missing folder"),
        pytest.param(lambda _: Path("/proc/self/mem"), id="unreadable"),
    ],
)
def test_what_cannot_be_opened(path: Callable[[Path], Path], tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match=r"^cannot read /.*: "):
        read_photo(path(tmp_path))


# --- the kinds of picture that end as the same upright BGR bytes --------------------------------------------


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(("kind", "tolerance"), [("JPEG", 4), ("PNG", 0), ("WEBP", 0)])
def test_all_exif_orientations_end_upright(orientation: int, kind: str, tolerance: int) -> None:
    tags = Image.Exif()
    tags[ORIENTATION_TAG] = orientation
    options = {"JPEG": {"quality": 95, "subsampling": 0}, "PNG": {}, "WEBP": {"lossless": True}}[kind]
    data = encoded(quadrants(), kind, exif=tags, **options)
    with Image.open(io.BytesIO(data)) as opened:
        upright = np.asarray(ImageOps.exif_transpose(opened).convert("RGB"))
    image = decode_photo(data, "tagged")
    assert image.shape == upright.shape
    assert (image.shape[0] > image.shape[1]) == (orientation >= 5)
    assert np.abs(image[..., ::-1].astype(int) - upright).max() <= tolerance


@pytest.mark.parametrize(
    ("ink", "expected_bgr"),
    [
        ((0, 255, 255, 0), (0, 0, 255)),
        ((255, 0, 255, 0), (0, 255, 0)),
        ((255, 255, 0, 0), (255, 0, 0)),
        ((0, 0, 0, 0), (255, 255, 255)),
        ((0, 0, 0, 255), (0, 0, 0)),
        ((0, 0, 0, 128), (127, 127, 127)),
    ],
)
def test_cmyk_jpeg(ink: tuple[int, ...], expected_bgr: tuple[int, ...]) -> None:
    data = encoded(Image.new("CMYK", (16, 16), ink), "JPEG", quality=95)
    image = decode_photo(data, "ink")
    assert np.abs(image.astype(int) - expected_bgr).max() <= 3


@pytest.mark.parametrize(("suffix", "tolerance"), [(".png", 0), (".tiff", 1)])  # libtiff rounds
def test_sixteen_bits_keep_their_upper_eight(suffix: str, tolerance: int) -> None:
    deep = np.random.default_rng(1).integers(0, 65536, (9, 11, 3)).astype(np.uint16)
    image = decode_photo(cv2.imencode(suffix, deep)[1].tobytes(), "deep")
    assert np.abs(image.astype(int) - (deep >> 8)).max() <= tolerance


def test_sixteen_bit_grey() -> None:
    deep = np.random.default_rng(1).integers(0, 65536, (9, 11)).astype(np.uint16)
    image = decode_photo(cv2.imencode(".png", deep)[1].tobytes(), "deep")
    np.testing.assert_array_equal(image, np.repeat((deep >> 8)[..., None], 3, axis=2))


@pytest.mark.parametrize(("kind", "tolerance"), [("PNG", 0), ("TIFF", 0), ("BMP", 0), ("JPEG", 2)])
@pytest.mark.parametrize("grey", [0, 77, 255])
def test_grey(kind: str, tolerance: int, grey: int) -> None:
    image = decode_photo(encoded(Image.new("L", (16, 16), grey), kind), "grey")
    assert image.shape == (16, 16, 3)
    assert np.abs(image.astype(int) - grey).max() <= tolerance


def test_black_and_white() -> None:
    picture = Image.new("1", (10, 4), 0)
    picture.putpixel((3, 2), 1)
    image = decode_photo(encoded(picture, "PNG"), "fax")
    assert image[2, 3].tolist() == [255, 255, 255]
    assert int(image.sum()) == 3 * 255


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("alpha", [0, 1, 64, 128, 254, 255])
def test_transparency_shows_white(kind: str, alpha: int) -> None:
    colour = (250, 100, 3)
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    data = encoded(Image.new("RGBA", (8, 6), (*colour, alpha)), kind, **options)
    expected = [(value * alpha + 255 * (255 - alpha)) / 255 for value in reversed(colour)]
    assert np.abs(decode_photo(data, "glass") - np.array(expected)).max() <= 1


def test_transparency_is_pixel_by_pixel() -> None:
    picture = noise(channels=4)
    picture[..., 3] = np.where(picture[..., 3] > 128, 255, 0)
    expected = np.where(picture[..., 3:] == 255, picture[..., :3], 255)[..., ::-1]
    np.testing.assert_array_equal(decode_photo(encoded(Image.fromarray(picture), "PNG"), "glass"), expected)


def test_sixteen_bit_transparency() -> None:
    deep = np.zeros((4, 4, 4), np.uint16)
    deep[..., 2] = 65535
    deep[:2, :, 3] = 65535
    image = decode_photo(cv2.imencode(".png", deep)[1].tobytes(), "glass")
    assert (image[:2] == (0, 0, 255)).all()
    assert (image[2:] == 255).all()


def test_grey_with_transparency() -> None:
    picture = Image.new("LA", (8, 8), (40, 255))
    picture.putpixel((2, 5), (40, 0))
    image = decode_photo(encoded(picture, "PNG"), "glass")
    assert image[0, 0].tolist() == [40, 40, 40]
    assert image[5, 2].tolist() == [255, 255, 255]


def test_palettes_with_and_without_transparency() -> None:
    picture = Image.new("P", (8, 8), 0)
    picture.putpalette([10, 20, 30, 200, 100, 50])
    picture.putpixel((4, 1), 1)
    opaque = decode_photo(encoded(picture, "PNG"), "palette")
    assert opaque[0, 0].tolist() == [30, 20, 10]
    assert opaque[1, 4].tolist() == [50, 100, 200]
    holes = decode_photo(encoded(picture, "PNG", transparency=0), "palette")
    assert holes[0, 0].tolist() == [255, 255, 255]
    assert holes[1, 4].tolist() == [50, 100, 200]


def test_transparency_and_rotation_together_are_refused_rather_than_mixed_up() -> None:
    tags = Image.Exif()
    tags[ORIENTATION_TAG] = 6
    data = encoded(Image.fromarray(noise(channels=4)), "PNG", exif=tags)
    with pytest.raises(PhotoError, match="both transparency and a rotation tag"):
        decode_photo(data, "glass")


@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from(["PNG", "BMP", "TIFF"]))
def test_any_size_comes_back_as_it_was(width: int, height: int, kind: str) -> None:
    picture = noise(width, height)
    image = decode_photo(encoded(Image.fromarray(picture), kind), "any")
    np.testing.assert_array_equal(image, picture[..., ::-1])


def test_the_suffix_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "really a png.JPG"
    path.write_bytes(WHOLE["png"])
    np.testing.assert_array_equal(read_photo(path), noise()[..., ::-1])


def test_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    path = Path(str(tmp_path), b"caf\xe9.png".decode(errors="surrogateescape"))
    path.write_bytes(WHOLE["png"])
    assert read_photo(path).shape == (16, 24, 3)


def test_real_photos_are_read_as_pillow_reads_them(real_photos: list[Path]) -> None:
    for path in real_photos:
        image = read_photo(path)
        with Image.open(path) as opened:
            expected = np.asarray(ImageOps.exif_transpose(opened).convert("RGB"))
        assert image.shape == expected.shape
        # Decoders differ by rounding in colour conversion, not by a rotation or a swapped channel.
        assert np.abs(image[..., ::-1].astype(int) - expected).mean() < 1.5, path


# --- finding them ------------------------------------------------------------------------------------------


def make(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(WHOLE["png"])


def test_folders_are_searched_for_images_in_sorted_order(tmp_path: Path) -> None:
    make(tmp_path, "b/2.PNG", "b/1.jpeg", "a.webp", "c/d/e.Tif", "notes.txt", "b/readme", "f.gif.part")
    found = [str(path.relative_to(tmp_path)) for path in find_photos([tmp_path])]
    assert found == ["a.webp", "b/1.jpeg", "b/2.PNG", "c/d/e.Tif"]


def test_hidden_files_are_not_photos(tmp_path: Path) -> None:
    make(tmp_path, "._a.jpg", "a.jpg", ".thumbnails/a.jpg", ".trash/b/c.jpg")
    assert list(find_photos([tmp_path])) == [tmp_path / "a.jpg"]


def test_a_folder_below_a_hidden_one_can_be_asked_for(tmp_path: Path) -> None:
    make(tmp_path, ".cache/photos/a.jpg")
    folder = tmp_path / ".cache" / "photos"
    assert list(find_photos([folder])) == [folder / "a.jpg"]


def test_files_are_taken_as_given(tmp_path: Path) -> None:
    make(tmp_path, "b.dat", "a.jpg")
    given_order = [tmp_path / "b.dat", tmp_path / "a.jpg"]
    assert list(find_photos(given_order)) == given_order


def test_a_folder_named_like_a_photo_is_not_one(tmp_path: Path) -> None:
    make(tmp_path, "album.jpg/a.jpg")
    assert list(find_photos([tmp_path])) == [tmp_path / "album.jpg" / "a.jpg"]


@pytest.mark.parametrize(
    ("names", "asked", "message"),
    [([], ".", "holds no image"), (["a.txt"], ".", "looked for .bmp")],
)
def test_nothing_to_find(names: list[str], asked: str, message: str, tmp_path: Path) -> None:
    make(tmp_path, *names)
    with pytest.raises(PhotoError, match=message):
        list(find_photos([tmp_path / asked]))


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_small_file_of_too_many_pixels_is_refused_unread(tmp_path: Path, suffix: str) -> None:
    """The header is believed: nothing is decoded to find out."""
    image = np.zeros((20, 30, 3), np.uint8)
    written, encoded = cv2.imencode(suffix, image)
    assert written
    data = bytearray(encoded.tobytes())
    if suffix == ".png":
        data[16:24] = (20_000).to_bytes(4, "big") * 2
    else:
        place = data.index(b"\xff\xc0")
        data[place + 5 : place + 9] = (20_000).to_bytes(2, "big") * 2
    with pytest.raises(PhotoError, match="20000 x 20000 pixels"):
        decode_photo(bytes(data), "huge")
