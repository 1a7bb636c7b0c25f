"""What tests of the page share: a browser for each module, and servers of the site."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from web import browser as browsers
from web.driven_page import BLANK, BLANK_PAGE, SIZES, Driven, Image, made_models, rgba_bytes
from web.node_process import NodePage
from web.page_fixtures import (  # noqa: F401 - fixtures of the tests of what a person sees
    clip,
    filming,
    garments,
    site,
    still_clip,
    visit,
)

from hangtag.classifier import bundled_model
from hangtag.model_file import read_model_file

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, BrowserType


@pytest.fixture(scope="session")
def web_assets() -> None:
    """The page's engine; skips, saying how to get it, where it is not there."""
    reason = browsers.why_no_page()
    if reason is not None:
        pytest.skip(reason)


@pytest.fixture(scope="session")
def chromium_driver() -> Iterator[BrowserType]:
    """Playwright with the system's Chromium; skips, saying what is missing."""
    reason = browsers.why_no_browser()
    if reason is not None:
        pytest.skip(reason)
    with browsers.playwright_chromium() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def launch(chromium_driver: BrowserType) -> Iterator[Callable[..., Browser]]:
    """Start browsers, see :func:`web.browser.launched`; they end with the module."""
    with contextlib.ExitStack() as stack:

        def start(*flags: str, camera: Path | None = None, gpu: bool = False) -> Browser:
            browser = browsers.launched(chromium_driver, *flags, camera=camera, gpu=gpu)
            stack.callback(browser.close)
            return browser

        yield start


@pytest.fixture(scope="module")
def browser(launch: Callable[..., Browser]) -> Browser:
    """A browser without a GPU and without a camera."""
    return launch()


@pytest.fixture(scope="module")
def gpu_browser(launch: Callable[..., Browser]) -> Browser:
    """A browser in which the CPU plays a GPU."""
    return launch(gpu=True)


@pytest.fixture(scope="module")
def site_server(web_assets: None) -> Iterator[Callable[..., str]]:
    """Serve the site with a model (None: the bundled one); gives its URL with a slash at the end.

    ``more`` are files beside the site's; there is always a page that does nothing, ``blank.html``.
    """
    server = pytest.importorskip("hangtag.web.server", reason='needs pip install "hangtag[web]"')
    from hangtag.web.site import site_files

    with contextlib.ExitStack() as stack:

        def serve(
            model: Path | None = None, host: str = "127.0.0.1", more: Mapping[str, bytes] | None = None
        ) -> str:
            files = site_files(bundled_model() if model is None else read_model_file(model))
            files = {**files, BLANK: BLANK_PAGE, **(more or {})}
            url: str = stack.enter_context(server.serving(files, host=host)).url
            return url

        yield serve


@pytest.fixture(scope="session")
def pictures(synthetic_frame: Callable[[int, int], Image]) -> dict[tuple[int, int], Image]:
    """Pictures by width and height; ``t/WxH.rgba`` of :func:`driven_site`."""
    return {size: synthetic_frame(*size) for size in SIZES}


@pytest.fixture(scope="session")
def models() -> dict[str, bytes]:
    """Model files by name; ``t/NAME.tflite`` of :func:`driven_site`."""
    return made_models()


@pytest.fixture(scope="module")
def driven_site(
    site_server: Callable[..., str], models: dict[str, bytes], pictures: dict[tuple[int, int], Image]
) -> str:
    """The URL of a site with models and pictures beside its own."""
    more = {f"t/{name}.tflite": data for name, data in models.items()}
    more |= {f"t/{width}x{height}.rgba": rgba_bytes(image) for (width, height), image in pictures.items()}
    more["t/page_side.js"] = (Path(__file__).parent / "page_side.js").read_bytes()
    return site_server(more=more)


@pytest.fixture
def open_page(driven_site: str) -> Iterator[Callable[..., Driven]]:
    """Gives pages of a browser; ``prepared`` runs in front of all scripts."""
    contexts: list[BrowserContext] = []

    def make(browser: Browser, prepared: str = "") -> Driven:
        context = browser.new_context(service_workers="block")
        contexts.append(context)
        page = context.new_page()
        if prepared:
            page.add_init_script(prepared)
        return Driven(page, driven_site)

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def page(open_page: Callable[..., Driven], browser: Browser) -> Driven:
    return open_page(browser)


@pytest.fixture
def gpu_page(open_page: Callable[..., Driven], gpu_browser: Browser) -> Driven:
    return open_page(gpu_browser)


@pytest.fixture(scope="module")
def node_page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodePage]:
    """Node with the page's pure modules; skips, saying so, where there is no Node."""
    with NodePage(tmp_path_factory.mktemp("page")) as page:
        yield page
