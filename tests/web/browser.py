"""A headless Chromium that tests drive through Playwright, and what must be there for it."""

from __future__ import annotations

import contextlib
import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from hangtag.web.assets import MissingAssets, engine_files
from hangtag_benchmarks.browser.chromium import (
    CPU_FLAGS,
    FLAGS,
    SOFTWARE_GPU_FLAGS,
    found_browser,
    sandbox_flags,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserType

START_TIMEOUT_MS = 60_000


def browser_path() -> Path | None:
    """Return Chromium: the one that ``HANGTAG_BROWSER`` names, else the first on the PATH."""
    named = os.environ.get("HANGTAG_BROWSER")
    return found_browser(None if named is None else Path(named))


def why_no_browser() -> str | None:
    """Return what tests in a browser lack and how to get it, None where all is there."""
    if browser_path() is None:
        return "needs Chromium: apt-get install chromium, or set HANGTAG_BROWSER to one"
    if importlib.util.find_spec("playwright") is None:
        return 'needs Playwright: pip install "hangtag[dev]" (and no more: the system\'s browser serves)'
    return None


def why_no_page() -> str | None:
    """Return why the page has no engine, None where it has."""
    try:
        engine_files()
    except MissingAssets as error:
        return str(error)
    return None


def launched(chromium: BrowserType, *flags: str, camera: Path | None = None, gpu: bool = False) -> Browser:
    """Start the system's browser on a fresh profile.

    Args:
        chromium: of a running Playwright.
        flags: more of the browser's flags.
        camera: a clip (.mjpeg or .y4m) that is the camera, which nobody asks leave for; None for no camera.
        gpu: WebGPU on SwiftShader, the CPU that plays a GPU; else none at all.
    """
    program = browser_path()
    assert program is not None
    return chromium.launch(
        executable_path=program,
        timeout=START_TIMEOUT_MS,
        # Ours, so that what is tested is started as what is measured.
        ignore_default_args=["--hide-scrollbars"],
        args=[
            *FLAGS,
            *sandbox_flags(),
            *(SOFTWARE_GPU_FLAGS if gpu else CPU_FLAGS),
            *([] if camera is None else camera_flags(camera)),
            *flags,
        ],
    )


def camera_flags(clip: Path) -> list[str]:
    """Return the flags that make a clip the camera, and let every page have it."""
    return [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={clip}",
    ]


@contextlib.contextmanager
def playwright_chromium() -> Iterator[BrowserType]:
    """Run Playwright's driver; give what starts browsers."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright.chromium
