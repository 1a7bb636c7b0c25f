"""The page without a pointer and in another language."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from web.page_fixtures import Visit
from web.page_rig import start_camera, wait_for_label

from hangtag import Classifier


def _focused(page: Page) -> str:
    focused: str = page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()")
    return focused


def _tab_to(page: Page, name: str) -> None:
    for _ in range(15):
        page.keyboard.press("Tab")
        if _focused(page) == name:
            return
    raise AssertionError(f"Tab does not come to {name}")


def test_a_whole_visit_with_the_keyboard(visit: Visit, still_clip: tuple[Path, str]) -> None:
    page = visit()
    _tab_to(page, "start")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid", "the focus cannot be seen"
    page.keyboard.press("Enter")
    label = wait_for_label(page, still_clip[1])
    # What was pressed is gone; the focus has not gone with it.
    assert _focused(page) == "freeze"
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Save")).to_be_enabled()
    assert _focused(page) == "back"
    page.keyboard.press("Enter")
    wait_for_label(page, label)
    assert _focused(page) == "freeze"
    page.get_by_role("button", name="Settings").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Settings")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert _focused(page) == "settings-open"


def test_everything_that_can_be_pressed_has_a_name(visit: Visit, still_clip: tuple[Path, str]) -> None:
    page = visit()
    start_camera(page)
    wait_for_label(page, still_clip[1])
    page.get_by_role("button", name="Settings").click()
    for role in ("button", "combobox", "radio"):
        for control in page.get_by_role(role, include_hidden=False).all():  # type: ignore[arg-type]
            name = control.evaluate("e => e.ariaLabel || e.innerText || e.labels?.[0]?.innerText || ''")
            assert name.strip(), control.evaluate("e => e.outerHTML")


def test_the_language_is_the_browsers_and_can_be_changed_and_is_remembered(
    visit: Visit, still_clip: tuple[Path, str]
) -> None:
    contract = Classifier.bundled().contract
    place = contract.labels.index(still_clip[1])
    page = visit(locale="es-MX")
    assert page.evaluate("document.documentElement.lang") == "es"
    page.get_by_role("button", name="Abrir la cámara").click()
    wait_for_label(page, contract.translations["es"][place])
    page.get_by_role("button", name="Ajustes").click()
    page.get_by_label("Etiquetas", exact=True).select_option("de")
    expect(page.locator("#label")).to_have_text(contract.translations["de"][place])
    page.get_by_label("Página").select_option("en")
    expect(page.get_by_role("heading", name="Settings")).to_be_visible()
    page.get_by_label("Labels", exact=True).select_option("page")
    page.keyboard.press("Escape")
    wait_for_label(page, still_clip[1])
    page.reload()
    expect(page.get_by_role("button", name="Start camera")).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == "en"


@pytest.mark.parametrize(("locale", "language"), [("fr-FR", "en"), ("es", "es"), ("en-US", "en")])
def test_other_languages_get_english(visit: Visit, locale: str, language: str) -> None:
    page = visit(locale=locale)
    expect(page.locator("html")).to_have_attribute("lang", language)


def test_motion_is_left_out_where_it_is_not_wanted(visit: Visit, still_clip: tuple[Path, str]) -> None:
    page = visit(reduced_motion="reduce")
    start_camera(page)
    wait_for_label(page, still_clip[1])
    assert page.evaluate("getComputedStyle(document.querySelector('.fill')).transitionDuration") == "0s"
