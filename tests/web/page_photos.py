"""Photos as people pick them from a gallery."""

from __future__ import annotations

import io

from PIL import Image as Pillow
from playwright.sync_api import FilePayload, Page

from hangtag.preprocess import Image

_ORIENTATION = 0x0112


def photo(name: str, image: Image, orientation: int | None = None) -> FilePayload:
    """Return a JPEG of a picture, with an EXIF orientation or none."""
    buffer = io.BytesIO()
    exif = Pillow.Exif()
    if orientation is not None:
        exif[_ORIENTATION] = orientation
    Pillow.fromarray(image[..., ::-1]).save(buffer, "JPEG", quality=92, exif=exif)
    return {"name": name, "mimeType": "image/jpeg", "buffer": buffer.getvalue()}


def no_photo(name: str) -> FilePayload:
    """Return a file that only its name calls a picture."""
    return {"name": name, "mimeType": "image/jpeg", "buffer": b"not a picture"}


def pick(page: Page, *files: FilePayload) -> None:
    """Pick photos."""
    page.locator("#files").set_input_files(list(files))
