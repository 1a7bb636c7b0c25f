"""Every screen that people hold: nothing cut off, nothing too small to touch, readable by day and night.

``HANGTAG_SCREENSHOTS=FOLDER`` keeps pictures of them, to be looked at.
"""

from __future__ import annotations

import os
import re
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect
from web.page_fixtures import Visit
from web.page_photos import no_photo, photo, pick
from web.page_rig import ANYWHERE, INSECURE_COMPLAINTS, start_camera, wait_for_label

from hangtag.preprocess import Image

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SCREENS = {
    "small": (360, 640),
    "phone": (390, 844),
    "phone-landscape": (844, 390),
    "small-landscape": (640, 360),
    "tablet": (820, 1180),
    "desktop": (1366, 768),
}
SMALLEST_TARGET_PX = 36
"""Of what is touched; all that is used often has 44 and more."""

_CHECKS = (Path(__file__).parent / "page_checks.js").read_text(encoding="utf-8")


def _faults(page: Page, check: str, argument: int | None = None) -> list[str]:
    source = "\n".join(line for line in _CHECKS.splitlines() if not line.startswith("//"))
    faults: list[str] = page.evaluate(f"(argument) => {source.strip()}.{check}(argument)", argument)
    return faults


def look(page: Page, name: str) -> None:
    """Check what is on the screen, and keep a picture of it where a folder is named."""
    folder = os.environ.get("HANGTAG_SCREENSHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder) / f"{name}.png")
    assert _faults(page, "measure", SMALLEST_TARGET_PX) == [], name
    assert _faults(page, "contrast") == [], name


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
def test_a_visit(
    visit: Visit, garments: dict[str, Image], still_clip: tuple[Path, str], screen: str, scheme: str
) -> None:
    width, height = SCREENS[screen]
    # Spanish by night: its words are longer, and each is looked at once.
    locale = "es-ES" if scheme == "dark" else "en-GB"
    page = visit(viewport={"width": width, "height": height}, color_scheme=scheme, locale=locale)
    name = f"{screen}-{scheme}"
    expect(page.locator("#label")).to_have_text(re.compile("^(Ready|Listo)$"))
    look(page, f"{name}-1-start")
    page.locator("#start").click()
    spanish = {"dress": "vestido", "hat": "sombrero"}
    expect(page.locator("#result")).to_have_attribute("data-state", "sure")
    assert (
        (page.locator("#label").inner_text() in spanish.values())
        or scheme == "light"
        or still_clip[1] not in spanish
    )
    page.wait_for_timeout(600)
    look(page, f"{name}-2-live")
    page.locator("#freeze").click()
    expect(page.locator("#save")).to_be_enabled()
    look(page, f"{name}-3-frozen")
    files = [photo(f"{label}.jpg", garments[label]) for label in list(garments)[:4]]
    pick(page, *files)
    expect(page.locator("#photos-row button:enabled")).to_have_count(len(files))
    look(page, f"{name}-4-photos")
    page.locator("#settings-open").click()
    look(page, f"{name}-5-settings")


@pytest.mark.parametrize("screen", ["small", "small-landscape", "phone", "desktop"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_problem_and_a_warning(
    launch: Callable[..., Browser],
    visit: Visit,
    site_server: Callable[..., str],
    screen: str,
    scheme: str,
) -> None:
    width, height = SCREENS[screen]
    locale = "es-ES" if scheme == "dark" else "en-GB"
    port = urllib.parse.urlsplit(site_server(host=ANYWHERE)).port
    browser = launch("--host-resolver-rules=MAP hangtag.test 127.0.0.1")
    page = visit(
        f"http://hangtag.test:{port}/",
        browser=browser,
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        locale=locale,
        expected=INSECURE_COMPLAINTS,
    )
    page.locator("#start").click()
    expect(page.locator("#problem")).to_be_visible()
    look(page, f"{screen}-{scheme}-6-problem")
    pick(page, no_photo("a file with quite a long name.heic"))
    expect(page.locator(".notice")).to_be_visible()
    look(page, f"{screen}-{scheme}-7-warning")


def test_labels_of_any_length_keep_the_picture_where_it_is(
    visit: Visit, still_clip: tuple[Path, str]
) -> None:
    page = visit()
    start_camera(page)
    wait_for_label(page, still_clip[1])
    before = page.locator("#stage").bounding_box()
    page.get_by_role("button", name="Freeze").click()
    page.evaluate(
        "document.querySelector('#label bdi').textContent = 'camiseta de manga larga con capucha y bolsillos'"
    )
    page.evaluate("document.querySelector('#label').classList.add('long')")
    after = page.locator("#stage").bounding_box()
    assert before
    assert after
    assert abs(before["height"] - after["height"]) <= 2


def test_the_rest_of_the_screen_is_kept_free_of_notches() -> None:
    from web.test_page_files import PAGE

    style = (PAGE / "page.css").read_text(encoding="utf-8")
    for side in ("left", "right", "top", "bottom"):
        assert f"env(safe-area-inset-{side}" in style
        assert f"var(--{side})" in style
    assert "viewport-fit=cover" in (PAGE / "index.html").read_text(encoding="utf-8")


def test_two_hundred_per_cent_text_can_be_scrolled_to(visit: Visit, still_clip: tuple[Path, str]) -> None:
    page = visit(viewport={"width": 360, "height": 640})
    start_camera(page)
    wait_for_label(page, still_clip[1])
    page.evaluate("document.documentElement.style.fontSize = '32px'")
    for name in ("Photos", "Freeze"):
        button = page.get_by_role("button", name=name)
        button.scroll_into_view_if_needed()
        box = button.bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 360
        assert box["y"] + box["height"] <= 641
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
