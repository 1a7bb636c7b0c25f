"""CPU and GPU: the switch, what each takes, which is quicker, and that software is called software."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect
from web.page_fixtures import Visit
from web.page_rig import start_camera, wait_for_label

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def filming_gpu(launch: Callable[..., Browser], still_clip: tuple[Path, str]) -> Browser:
    """A browser with a camera in which the CPU plays a GPU."""
    return launch(camera=still_clip[0], gpu=True)


def _settings(page: Page) -> None:
    page.get_by_role("button", name="Settings").click()


def _milliseconds(page: Page, device: str) -> float:
    cost = page.locator(f"#{device}-cost")
    expect(cost).to_have_text(re.compile(r"^[\d.,]+\sms a picture$"), timeout=120_000)
    return float(re.findall(r"[\d.,]+", cost.inner_text())[0].replace(",", ""))


def test_the_switch_measures_both_and_names_the_quicker(
    filming_gpu: Browser, visit: Visit, still_clip: tuple[Path, str]
) -> None:
    page = visit(browser=filming_gpu)
    start_camera(page)
    wait_for_label(page, still_clip[1])
    _settings(page)
    expect(page.locator("#gpu-detail")).to_have_text(
        re.compile("swiftshader.*a software adapter, no graphics chip", re.IGNORECASE)
    )
    expect(page.get_by_role("radio", name="CPU")).to_be_checked()
    page.get_by_role("radio", name="GPU").check()
    cpu, gpu = _milliseconds(page, "cpu"), _milliseconds(page, "gpu")
    expect(page.get_by_role("radio", name="GPU")).to_be_checked()
    winner = "gpu" if gpu < cpu else "cpu"
    if cpu != gpu:
        expect(page.locator(f"#{winner}-fastest")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#device")).to_have_text("GPU in software")
    wait_for_label(page, still_clip[1])
    # The choice is remembered.
    page.reload()
    start_camera(page)
    wait_for_label(page, still_clip[1])
    expect(page.locator("#device")).to_have_text("GPU in software")


def test_measuring_both_leaves_the_device_in_use(
    filming_gpu: Browser, visit: Visit, still_clip: tuple[Path, str]
) -> None:
    page = visit(browser=filming_gpu)
    page.get_by_text("Ready", exact=True).wait_for()
    _settings(page)
    page.get_by_role("button", name="Measure both").click()
    _milliseconds(page, "cpu")
    _milliseconds(page, "gpu")
    expect(page.get_by_role("button", name="Measure both")).to_be_enabled(timeout=120_000)
    expect(page.get_by_role("radio", name="CPU")).to_be_checked()
    page.keyboard.press("Escape")
    start_camera(page)
    wait_for_label(page, still_clip[1])


def test_without_webgpu_the_switch_says_so(visit: Visit) -> None:
    page = visit()
    page.get_by_text("Ready", exact=True).wait_for()
    _settings(page)
    expect(page.get_by_role("radio", name="GPU")).to_be_disabled()
    expect(page.locator("#gpu-detail")).to_have_text("This browser offers no WebGPU here.")
    expect(page.get_by_role("button", name="Measure both")).to_be_disabled()


def test_a_gpu_that_no_longer_starts_is_said_to(visit: Visit, site: str) -> None:
    page = visit("about:blank")
    page.context.add_init_script("localStorage.setItem('hangtag.device', 'gpu')")
    page.goto(site)
    expect(page.get_by_role("alert")).to_contain_text("The GPU did not start, the CPU does the work.")
    page.get_by_text("Ready", exact=True).wait_for()
