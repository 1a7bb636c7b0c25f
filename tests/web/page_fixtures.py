"""Fixtures of the tests of what a person sees: a clip, a browser that films it, pages that are watched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from web.page_clips import known_garments, write_clip
from web.page_rig import WAIT_MS, Watch, opened

from hangtag import Classifier
from hangtag.preprocess import Image

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

Visit = Callable[..., "Page"]

# A browser whose pretended camera needs no leave says that leave was given: the page would begin at once.
NOT_ASKED = """navigator.permissions.query = async () => ({ state: "prompt" });"""

CLIP_SECONDS_EACH = 1.5
CLIP_LABELS = 3


@pytest.fixture(scope="session")
def garments() -> dict[str, Image]:
    """Drawn garments that the bundled model names surely, by label."""
    known = known_garments(Classifier.bundled())
    assert len(known) >= CLIP_LABELS, f"the bundled model knows only {sorted(known)} of the drawn garments"
    return known


@pytest.fixture(scope="session")
def clip(garments: dict[str, Image], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A clip of some garments one after another, and their labels."""
    labels = list(garments)[:CLIP_LABELS]
    path = tmp_path_factory.mktemp("clip") / "garments.mjpeg"
    return write_clip(path, [garments[label] for label in labels], CLIP_SECONDS_EACH), labels


@pytest.fixture(scope="session")
def still_clip(garments: dict[str, Image], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A clip of one garment that stays, and its label."""
    label = next(iter(garments))
    path = tmp_path_factory.mktemp("clip") / "still.mjpeg"
    return write_clip(path, [garments[label]], 1.0), label


@pytest.fixture(scope="module")
def filming(launch: Callable[..., Browser], still_clip: tuple[Path, str]) -> Browser:
    """A browser whose camera sees one garment."""
    return launch(camera=still_clip[0])


@pytest.fixture(scope="module")
def site(site_server: Callable[..., str]) -> str:
    """The page with the bundled model."""
    return site_server()


@pytest.fixture
def visit(filming: Browser, site: str) -> Iterator[Visit]:
    """Open the page as somebody would: ``visit(url="", browser=..., **context options)``.

    The camera was not allowed yet, unless ``allowed``: the page waits for the button.

    Afterwards no page may have thrown, broken its policy or asked another host for anything. What a test
    brings about on purpose it names in ``expected``, parts of the messages.
    """
    contexts: list[BrowserContext] = []
    watches: list[tuple[Watch, tuple[str, ...]]] = []

    def open_one(
        url: str = "",
        *,
        browser: Browser | None = None,
        allowed: bool = False,
        expected: tuple[str, ...] = (),
        **options: Any,
    ) -> Page:
        options.setdefault("locale", "en-GB")
        options.setdefault("viewport", {"width": 390, "height": 844})
        context = (browser or filming).new_context(**options)
        context.set_default_timeout(WAIT_MS)
        if not allowed:
            context.add_init_script(NOT_ASKED)
        contexts.append(context)
        page, watch = opened(context, url or site)
        watches.append((watch, expected))
        return page

    yield open_one
    for context in contexts:
        context.close()
    for watch, expected in watches:
        faults = [fault for fault in watch.faults if not any(part in fault for part in expected)]
        assert not faults, faults
        assert not watch.strangers, watch.strangers
