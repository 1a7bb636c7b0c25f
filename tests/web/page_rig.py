"""A page as tests use it: opened, watched for what it must never do, and read as a person reads it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, expect

WAIT_MS = 60_000
"""How long anything may take before it counts as hung: this machine may be busy."""

ANYWHERE = "0.0.0.0"  # noqa: S104 - so that the page can be reached by another name than localhost
"""What a server listens on for phones."""

INSECURE_COMPLAINTS = ("Cross-Origin-Opener-Policy",)
"""What browsers remark on where a page is not in a secure context."""

expect.set_options(timeout=WAIT_MS)

_HARMLESS = re.compile(
    # What the engine writes by itself.
    r"XNNPACK|TensorFlow Lite|LiteRT|INFO:|WARNING:"
)


class Watch:
    """What went wrong in a page without anybody seeing it."""

    def __init__(self, page: Page) -> None:
        self.faults: list[str] = []
        self.strangers: list[str] = []
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("console", self._hear)
        page.on("request", lambda request: self._look(page, request.url))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not _HARMLESS.search(message.text):
            self.faults.append(f"console: {message.text}")

    def _look(self, page: Page, url: str) -> None:
        here = re.match(r"https?://[^/]+/", page.url)
        if here and not url.startswith((here[0], "blob:", "data:")):
            self.strangers.append(url)


def opened(context: BrowserContext, url: str) -> tuple[Page, Watch]:
    """Open the page in a context and watch it."""
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    watch = Watch(page)
    page.goto(url)
    return page, watch


def start_camera(page: Page) -> None:
    """Press what a person presses first."""
    page.get_by_role("button", name="Start camera").click()


def result(page: Page) -> Locator:
    """The part of the page that says the label."""
    return page.get_by_role("region", name=re.compile("^Result"))


def label_of(page: Page) -> str:
    """The large text."""
    return page.locator("#label").inner_text()


def wait_for_label(page: Page, *labels: str) -> str:
    """Wait until one of the labels stands; return it."""
    until(page, lambda: label_of(page) in labels)
    return label_of(page)


def labels_over(page: Page, seconds: float) -> list[str]:
    """Return the labels that stood one after another during some seconds, none twice in a row."""
    script = """async (ms) => {
      const seen = [];
      const look = () => {
        const state = document.querySelector("#result").dataset.state;
        const now = state === "quiet" ? null : document.querySelector("#label").innerText;
        if (now !== null && now !== seen.at(-1)) seen.push(now);
      };
      const observer = new MutationObserver(look);
      const all = {subtree: true, childList: true, characterData: true, attributes: true};
      observer.observe(document.querySelector("#result"), all);
      look();
      await new Promise((resolve) => setTimeout(resolve, ms));
      observer.disconnect();
      return seen;
    }"""
    labels: list[str] = page.evaluate(script, seconds * 1000)
    return labels


def until(page: Page, truth: Callable[[], Any], *, limit_ms: int = WAIT_MS) -> None:
    """Wait until something is true.

    From its second look on, Playwright's own ``wait_for_function`` evaluates text, which the page's policy
    forbids.
    """
    for _ in range(limit_ms // 50):
        if truth():
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"not true within {limit_ms / 1000:.0f} s")
