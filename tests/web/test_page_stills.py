"""Pictures that stay: frozen, saved, picked from the gallery."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np
from playwright.sync_api import Route, expect
from web.page_fixtures import Visit
from web.page_photos import no_photo, photo, pick
from web.page_rig import label_of, start_camera, until, wait_for_label

from hangtag.preprocess import Image

_LABEL_IN_NAME = r"hangtag-\d{4}-\d\d-\d\d-\d{6}-%s\.jpg"


def test_a_frozen_picture_keeps_its_label_and_can_be_saved(
    visit: Visit, still_clip: tuple[Path, str], garments: dict[str, Image], tmp_path: Path
) -> None:
    page = visit(accept_downloads=True)
    start_camera(page)
    label = wait_for_label(page, still_clip[1])
    page.get_by_role("button", name="Freeze").click()
    save = page.get_by_role("button", name="Save")
    expect(save).to_be_enabled()
    assert label_of(page) == label
    with page.expect_download() as caught:
        save.click()
    assert re.fullmatch(_LABEL_IN_NAME % label, caught.value.suggested_filename)
    caught.value.save_as(tmp_path / "saved.jpg")
    saved = cv2.imread(str(tmp_path / "saved.jpg"))
    # The camera's whole picture, and the caption below it.
    assert saved.shape[1] == 640
    assert 500 <= saved.shape[0] <= 560
    # Its colours went through a camera's format and back; what is on it is the same.
    assert np.corrcoef(saved[:480].ravel(), garments[label].ravel())[0, 1] > 0.97
    caption = saved[490:]
    assert caption.min() < 60
    assert caption.max() > 200, "no words on the caption"
    expect(page.get_by_role("status").filter(has_text="Saved as")).to_be_visible()
    page.get_by_role("button", name="Go on").click()
    wait_for_label(page, label)


def test_a_still_is_shared_where_the_device_can(visit: Visit, still_clip: tuple[Path, str]) -> None:
    page = visit()
    page.evaluate("""() => {
      navigator.canShare = ({files}) => files.length === 1;
      navigator.share = async ({files}) => { window.shared = [files[0].name, files[0].type, files[0].size]; };
    }""")
    start_camera(page)
    label = wait_for_label(page, still_clip[1])
    page.get_by_role("button", name="Freeze").click()
    page.get_by_role("button", name="Share").click()
    until(page, lambda: page.evaluate("window.shared"))
    name, kind, size = page.evaluate("window.shared")
    assert re.fullmatch(_LABEL_IN_NAME % label, name)
    assert kind == "image/jpeg"
    assert size > 5000


def test_several_photos_are_named_each(visit: Visit, garments: dict[str, Image]) -> None:
    page = visit()
    chosen = list(garments)[:3]
    with page.expect_file_chooser() as caught:
        page.get_by_role("button", name="Pick photos").click()
    caught.value.set_files([photo(f"{label}.jpg", garments[label]) for label in chosen])
    row = page.get_by_role("list", name="Picked photos").get_by_role("button")
    expect(row).to_have_count(3)
    for place, label in enumerate(chosen):
        expect(row.nth(place)).to_have_accessible_name(f"Photo {place + 1} of 3: {label}")
    assert label_of(page) == chosen[0]
    row.nth(2).click()
    wait_for_label(page, chosen[2])
    expect(row.nth(2)).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Camera").click()
    expect(page.get_by_role("list", name="Picked photos")).to_be_hidden()


def test_a_rotated_photo_is_upright(visit: Visit, garments: dict[str, Image]) -> None:
    page = visit()
    label = next(iter(garments))
    # Orientation 6: the sensor was held on its side, the viewer turns it clockwise.
    lying = np.rot90(garments[label])
    pick(page, photo("lying.jpg", lying, 6))
    wait_for_label(page, label)
    wide = page.evaluate(
        "(() => { const c = document.querySelector('#still'); return c.width / c.height; })()"
    )
    assert abs(wide - 640 / 480) < 0.01


def test_a_file_that_is_no_picture_is_named_and_the_others_go_on(
    visit: Visit, garments: dict[str, Image]
) -> None:
    page = visit()
    label = next(iter(garments))
    files = [no_photo("notes.jpg"), photo("good.jpg", garments[label])]
    pick(page, *files)
    wait_for_label(page, label)
    expect(page.get_by_role("alert")).to_contain_text("notes.jpg is no picture that this browser can read.")


def test_a_photo_may_be_picked_before_the_model_is_there(visit: Visit, garments: dict[str, Image]) -> None:
    page = visit("about:blank")
    label = next(iter(garments))
    site_url = visit().url
    held: list[Route] = []
    # A function of its own: Playwright wants to write something on it.
    page.route("**/*.tflite", lambda route: held.append(route))  # noqa: PLW0108
    page.goto(site_url)
    pick(page, photo("early.jpg", garments[label]))
    expect(page.locator("#label")).to_have_text("Reading the photo…")
    assert held
    held[0].continue_()
    wait_for_label(page, label)
