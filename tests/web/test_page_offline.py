"""The page without a network, and new versions of it: whole, or not at all."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect
from web.page_fixtures import NOT_ASKED, Visit
from web.page_rig import WAIT_MS, start_camera, wait_for_label

from hangtag.classifier import bundled_model

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_OFFLINE = ("ERR_", "Failed to fetch", "Failed to load resource", "ServiceWorker")


def kept_for_offline(page: Page) -> None:
    """Wait until the page says that it works without a network."""
    page.get_by_role("button", name="Settings").click()
    expect(page.locator("#offline")).to_have_text("The page works without a network.")
    page.keyboard.press("Escape")


def test_the_page_works_offline_after_the_first_visit(
    web_assets: None, launch: Callable[..., Browser], still_clip: tuple[Path, str]
) -> None:
    from hangtag.web.server import serving
    from hangtag.web.site import site_files

    browser = launch(camera=still_clip[0])
    context = browser.new_context(locale="en-GB")
    context.add_init_script(NOT_ASKED)
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    with serving(site_files(bundled_model())) as served:
        page.goto(served.url)
        page.get_by_text("Ready", exact=True).wait_for()
        kept_for_offline(page)
    # The server is gone: not a pretence of the browser's.
    page.reload()
    page.get_by_text("Ready", exact=True).wait_for()
    assert page.evaluate("crossOriginIsolated"), "the worker's answers lost what threads need"
    start_camera(page)
    wait_for_label(page, still_clip[1])
    context.close()


def test_only_what_this_device_uses_of_the_engine_is_kept(visit: Visit) -> None:
    page = visit()
    page.get_by_text("Ready", exact=True).wait_for()
    kept_for_offline(page)
    kept = page.evaluate("""async () => {
      const cache = await caches.open((await caches.keys())[0]);
      return (await cache.keys()).map(({url}) => new URL(url).pathname);
    }""")
    assert len([path for path in kept if path.endswith(".wasm")]) == 1
    assert {"/index.html", "/app.js", "/classifier.js", "/models/clothing.tflite"} <= set(kept)


def test_a_new_version_is_offered_and_replaces_the_old_one_as_a_whole(
    launch: Callable[..., Browser], web_assets: None
) -> None:
    from hangtag.web.server import serving
    from hangtag.web.site import assembled, site_files

    files = site_files(bundled_model())
    changed = {path: data for path, data in files.items() if path not in {"site.json", "sw.js"}}
    changed["manifest.webmanifest"] += b"\n"
    changed["ui/text.js"] = files["ui/text.js"].replace(b'"Start camera"', b'"Begin"')
    worker = (Path(site_files.__globals__["__file__"]).parent / "page" / "sw.js").read_bytes()
    newer = assembled({**changed, "sw.js": worker}, "models/clothing.tflite", "clothing")
    page = launch().new_context(locale="en-GB").new_page()
    page.set_default_timeout(WAIT_MS)
    with serving(files) as served:
        page.goto(served.url)
        page.get_by_text("Ready", exact=True).wait_for()
        kept_for_offline(page)
        page.reload()
        page.get_by_text("Ready", exact=True).wait_for()
    with serving(newer, port=served.port):
        page.reload()
        # The old one, all of it, until the person wants the other.
        expect(page.get_by_role("button", name="Start camera")).to_be_visible()
        news = page.get_by_role("status").filter(has_text="A new version of this page is ready.")
        expect(news).to_be_visible()
        expect(page.get_by_role("button", name="Start camera")).to_be_visible()
        news.get_by_role("button", name="Use it").click()
        expect(page.get_by_role("button", name="Begin")).to_be_visible()
        page.get_by_text("Ready", exact=True).wait_for()
    page.reload()
    expect(page.get_by_role("button", name="Begin")).to_be_visible()
    page.get_by_text("Ready", exact=True).wait_for()
    caches = page.evaluate("caches.keys()")
    assert len(caches) == 1, caches


def test_a_site_whose_files_do_not_belong_together_is_not_kept(
    site_server: Callable[..., str], visit: Visit
) -> None:
    """Half an upload: the worker of one version, a file of another."""
    page = visit(site_server(more={"page.css": b"body { color: #400; }"}), expected=_OFFLINE)
    page.get_by_text("Ready", exact=True).wait_for()
    page.get_by_role("button", name="Settings").click()
    expect(page.locator("#offline")).to_contain_text("No offline mode")


def test_a_self_signed_certificate_gives_the_camera_but_no_offline_mode(
    launch: Callable[..., Browser],
    visit: Visit,
    still_clip: tuple[Path, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    web_assets: None,
) -> None:
    certificate = pytest.importorskip("hangtag.web.certificate", reason='needs pip install "hangtag[web]"')
    from hangtag.web.server import serving
    from hangtag.web.site import site_files

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    tls = certificate.tls_context(certificate.self_signed(["localhost", "127.0.0.1"]))
    with serving(site_files(bundled_model()), tls=tls) as served:
        page = visit(
            served.url,
            browser=launch(camera=still_clip[0]),
            ignore_https_errors=True,
            expected=("SSL", "certificate"),
        )
        start_camera(page)
        wait_for_label(page, still_clip[1])
        page.get_by_role("button", name="Settings").click()
        expect(page.locator("#offline")).to_have_text(re.compile("No offline mode: .*certificate"))
