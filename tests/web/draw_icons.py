"""Draws the page's PNG icons from its icon.svg: run it again when the drawing changes.

    python tests/web/draw_icons.py

needs Chromium and Playwright, which the page's tests need too.
"""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import sync_playwright

PAGE = Path(__file__).resolve().parents[2] / "runtime" / "hangtag" / "web" / "page"
ICONS = {"icon-192.png": 192, "icon-512.png": 512, "icon-maskable-512.png": 512, "apple-touch-icon.png": 180}
SQUARE = {"icon-maskable-512.png", "apple-touch-icon.png"}
"""Phones cut these to their own shape, so the ground fills them to the corners."""


def draw(chromium: str = "/usr/bin/chromium") -> None:
    """Write all icons."""
    drawing = (PAGE / "icon.svg").read_text(encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for name, side in ICONS.items():
            shape = re.sub(r' rx="\d+"', "", drawing, count=1) if name in SQUARE else drawing
            page = browser.new_page(viewport={"width": side, "height": side})
            page.set_content(
                f"<style>*{{margin:0}}svg{{display:block;width:{side}px;height:{side}px}}</style>{shape}"
            )
            page.screenshot(path=PAGE / name, omit_background=True)
            page.close()
        browser.close()


if __name__ == "__main__":
    draw()
