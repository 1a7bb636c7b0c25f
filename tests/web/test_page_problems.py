"""What a person reads when something is in the way, and that it says what to do."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from model_parts import with_json_edited
from playwright.sync_api import expect
from web.page_fixtures import Visit
from web.page_photos import photo, pick
from web.page_rig import ANYWHERE, INSECURE_COMPLAINTS, start_camera, wait_for_label

from hangtag.classifier import bundled_model
from hangtag.preprocess import Image

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_EXPECTED = ("404", "Failed to load resource", "ERR_")


def test_a_refused_camera(launch: Callable[..., Browser], visit: Visit) -> None:
    browser = launch("--use-fake-device-for-media-stream", "--deny-permission-prompts")
    page = visit(browser=browser)
    start_camera(page)
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("The camera was refused")
    expect(alert).to_contain_text("allow the camera for this page")
    expect(alert.get_by_role("button", name="Try again")).to_be_visible()
    page.context.grant_permissions(["camera"])
    alert.get_by_role("button", name="Try again").click()
    expect(alert).to_be_hidden()


def test_no_camera_at_all_but_photos(browser: Browser, visit: Visit, garments: dict[str, Image]) -> None:
    page = visit(browser=browser)
    page.context.grant_permissions(["camera"])
    start_camera(page)
    expect(page.get_by_role("alert")).to_contain_text("No camera was found")
    label = next(iter(garments))
    pick(page, photo("photo.jpg", garments[label]))
    wait_for_label(page, label)


@pytest.mark.parametrize(
    ("error", "title"),
    [
        ("NotReadableError", "The camera is busy"),
        ("AbortError", "The camera is busy"),
        ("OverconstrainedError", "No camera was found"),
        ("TypeError", "The camera did not start"),
    ],
)
def test_other_refusals_of_the_hardware(visit: Visit, error: str, title: str) -> None:
    page = visit()
    page.evaluate(
        """(name) => {
          const refusal = Object.assign(new Error("why"), { name });
          navigator.mediaDevices.getUserMedia = () => Promise.reject(refusal);
        }""",
        error,
    )
    start_camera(page)
    expect(page.get_by_role("alert")).to_contain_text(title)


def test_an_insecure_address_says_how_to_get_a_secure_one(
    launch: Callable[..., Browser],
    visit: Visit,
    site_server: Callable[..., str],
    garments: dict[str, Image],
) -> None:
    browser = launch("--host-resolver-rules=MAP hangtag.test 127.0.0.1")
    port = urllib.parse.urlsplit(site_server(host=ANYWHERE)).port
    page = visit(f"http://hangtag.test:{port}/", browser=browser, expected=INSECURE_COMPLAINTS)
    start_camera(page)
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("The camera needs a secure address")
    expect(alert).to_contain_text(f"adb reverse tcp:{port} tcp:{port}")
    expect(alert).to_contain_text("hangtag web --https")
    expect(alert.get_by_role("button", name="Try again")).to_be_hidden()
    label = next(iter(garments))
    pick(page, photo("photo.jpg", garments[label]))
    wait_for_label(page, label)
    page.get_by_role("button", name="Settings").click()
    expect(page.locator("#offline")).to_contain_text("No offline mode")


def _site_with(site_server: Callable[..., str], edit: Callable[[bytes], bytes]) -> str:
    """Serve the page with a model's file changed behind its server's back."""
    data = bundled_model().data
    return site_server(more={"models/clothing.tflite": edit(data)})


def _flipped(data: bytes) -> bytes:
    place = len(data) // 3
    return data[:place] + bytes([data[place] ^ 255]) + data[place + 1 :]


def _halved(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _emptied(_: bytes) -> bytes:
    return b""


@pytest.mark.parametrize("edit", [_flipped, _halved, _emptied])
def test_a_corrupted_model(
    site_server: Callable[..., str], visit: Visit, edit: Callable[[bytes], bytes]
) -> None:
    page = visit(_site_with(site_server, edit))
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("The model cannot be used")
    alert.get_by_text("Details").click()
    expect(page.locator("#problem-detail")).to_have_text(re.compile(".{10,}"))
    expect(alert.get_by_role("button", name="Reload")).to_be_visible()


@pytest.mark.parametrize("pattern", ["**/*.tflite", "**/site.json"])
def test_a_part_that_does_not_arrive(visit: Visit, site: str, pattern: str) -> None:
    page = visit("about:blank", expected=_EXPECTED, service_workers="block")
    page.route(pattern, lambda route: route.abort())
    page.goto(site)
    expect(page.get_by_role("alert")).to_contain_text("Not everything arrived")
    page.unroute(pattern)
    page.get_by_role("button", name="Reload").click()
    page.get_by_text("Ready", exact=True).wait_for()


def test_an_engine_that_does_not_arrive(visit: Visit, site: str) -> None:
    page = visit("about:blank", expected=(*_EXPECTED, "wasm", "abort", "Abort"), service_workers="block")
    page.route("**/*.wasm", lambda route: route.abort())
    page.goto(site)
    expect(page.get_by_role("alert")).to_contain_text(
        re.compile("The classifier did not start|Not everything")
    )


def test_check_pictures_that_come_out_differently_are_not_hidden(
    site_server: Callable[..., str], visit: Visit, still_clip: tuple[Path, str]
) -> None:
    def edit(golden: dict[str, Any]) -> None:
        case = golden["cases"][0]
        case["scores"] = case["scores"][1:] + case["scores"][:1]

    page = visit(_site_with(site_server, lambda data: with_json_edited(data, edit, "golden.json")))
    warning = page.get_by_role("alert").filter(has_text="Labels may be wrong on this device: 1 of")
    expect(warning).to_be_visible()
    warning.get_by_role("button", name="Show details").click()
    expect(page.get_by_role("dialog")).to_contain_text("scores differ by")
    page.keyboard.press("Escape")
    # It goes on, with the warning in view.
    start_camera(page)
    wait_for_label(page, still_clip[1])
    expect(warning).to_be_visible()


def test_check_pictures_that_come_out_right_are_listed(visit: Visit) -> None:
    page = visit()
    page.get_by_text("Ready", exact=True).wait_for()
    expect(page.get_by_role("alert")).to_have_count(0)
    page.get_by_role("button", name="Settings").click()
    expect(page.locator("#golden")).to_have_text(
        re.compile(r"All \d+ check pictures come out as they must\.")
    )
