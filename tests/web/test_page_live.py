"""The page before a camera: what stands follows what is seen, and says when it does not."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from playwright.sync_api import expect
from web.page_clips import write_clip
from web.page_fixtures import CLIP_LABELS, CLIP_SECONDS_EACH, Visit
from web.page_rig import label_of, labels_over, start_camera, until, wait_for_label

from hangtag import Classifier
from hangtag.photos import read_photo

if TYPE_CHECKING:
    from playwright.sync_api import Browser

HANG_S = 60
"""Longer than this is a hang, whatever the machine is busy with; no measurement."""


def follows(seen: list[str], labels: list[str]) -> bool:
    """True where each label comes after the one before it in the clip, which repeats."""
    known = [label for label in seen if label in labels]
    steps = [
        (labels.index(after) - labels.index(before)) % len(labels)
        for before, after in itertools.pairwise(known)
    ]
    return len(known) > len(labels) and all(step == 1 for step in steps)


def test_labels_follow_the_clip(
    launch: Callable[..., Browser], visit: Visit, clip: tuple[Path, list[str]]
) -> None:
    path, labels = clip
    page = visit(browser=launch(camera=path))
    start_camera(page)
    wait_for_label(page, *labels)
    seen = labels_over(page, 2.6 * CLIP_LABELS * CLIP_SECONDS_EACH)
    assert follows(seen, labels), (seen, labels)
    # A change of picture may pass through doubt, never through a label that was not shown.
    assert set(seen) <= {*labels, "Not sure"}


def test_photos_before_the_camera_get_the_labels_that_python_gives(
    launch: Callable[..., Browser], visit: Visit, clothing_dataset: Path, tmp_path: Path
) -> None:
    classifier = Classifier.bundled()
    shown, labels = [], []
    for folder in sorted((clothing_dataset / "test").iterdir()):
        for photo in sorted(folder.iterdir())[:6]:
            image = cv2.resize(read_photo(photo), (480, 640), interpolation=cv2.INTER_AREA)
            prediction = classifier.classify(image)
            if prediction.label == folder.name and prediction.score > 0.9 and not prediction.unknown:
                shown.append(image)
                labels.append(prediction.label)
                break
    assert len(labels) >= 6
    page = visit(browser=launch(camera=write_clip(tmp_path / "photos.mjpeg", shown, 1.5)))
    start_camera(page)
    wait_for_label(page, *labels)
    seen = labels_over(page, 1.5 * 1.5 * len(labels))
    assert follows([*seen], labels) or len(set(seen) & set(labels)) == len(labels), (seen, labels)


def test_a_label_stands_soon_after_the_camera_was_allowed(
    visit: Visit, still_clip: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    page = visit()
    page.get_by_text("Ready", exact=True).wait_for()
    begun = time.perf_counter()
    start_camera(page)
    wait_for_label(page, still_clip[1])
    took_s = time.perf_counter() - begun
    with capsys.disabled():
        print(f"\nfirst label {took_s:.2f} s after the camera was allowed")
    assert took_s < HANG_S


def test_a_camera_that_was_allowed_before_starts_by_itself(
    visit: Visit, still_clip: tuple[Path, str]
) -> None:
    wait_for_label(visit(allowed=True), still_clip[1])


def test_score_and_the_best_three_stand_with_the_label(visit: Visit, still_clip: tuple[Path, str]) -> None:
    page = visit()
    start_camera(page)
    label = wait_for_label(page, still_clip[1])
    rows = page.get_by_role("list", name="The best labels").get_by_role("listitem")
    expect(rows).to_have_count(3)
    expect(rows.first).to_have_text(re.compile(rf"{label}\s*\d+%"))
    expect(page.locator("#verdict")).to_have_text(re.compile(r"^\d+%$"))
    shares = [int(re.findall(r"(\d+)%", row)[0]) for row in rows.all_inner_texts()]
    assert shares == sorted(shares, reverse=True)


def test_a_picture_of_nothing_is_not_sure(
    launch: Callable[..., Browser], visit: Visit, tmp_path: Path
) -> None:
    rng = np.random.default_rng(1)
    classifier = Classifier.bundled()
    candidates = (
        cv2.GaussianBlur(rng.integers(0, 255, (480, 640, 3), dtype=np.uint8), (0, 0), sigma)
        for sigma in (1, 2, 4, 8, 16, 32)
    )
    vague = next(image for image in candidates if classifier.classify(image).score < 0.35)
    page = visit(browser=launch(camera=write_clip(tmp_path / "vague.mjpeg", [vague], 1)))
    start_camera(page)
    wait_for_label(page, "Not sure")
    expect(page.locator("#verdict")).to_have_text(re.compile(r"^perhaps .+, \d+%$"))


def test_latency_and_rate_are_shown(visit: Visit, still_clip: tuple[Path, str]) -> None:
    page = visit()
    start_camera(page)
    wait_for_label(page, still_clip[1])
    expect(page.locator("#chip")).to_have_text(re.compile(r"CPU[\d.]+\sms\d+ fps"))


def test_what_the_model_sees_is_marked_and_wholly_in_view(visit: Visit, still_clip: tuple[Path, str]) -> None:
    for width, height in ((390, 844), (844, 390), (1280, 800)):
        page = visit(viewport={"width": width, "height": height})
        start_camera(page)
        wait_for_label(page, still_clip[1])
        # The contract's centre square of the camera's 640 x 480.
        expect(page.locator("#mark")).to_have_attribute("data-seen", "80 0 480 480")
        mark, video = page.locator("#mark").bounding_box(), page.locator("#video").bounding_box()
        stage = page.locator("#stage").bounding_box()
        assert mark
        assert video
        assert stage
        assert abs(mark["width"] - mark["height"]) < 1
        assert abs((mark["x"] - video["x"]) / video["width"] - 80 / 640) < 0.01
        assert mark["x"] >= stage["x"] - 1
        assert mark["y"] >= stage["y"] - 1
        assert mark["x"] + mark["width"] <= stage["x"] + stage["width"] + 1
        assert mark["y"] + mark["height"] <= stage["y"] + stage["height"] + 1


def test_a_screen_reader_hears_what_stands_and_no_more(
    launch: Callable[..., Browser], visit: Visit, clip: tuple[Path, list[str]]
) -> None:
    path, labels = clip
    page = visit(browser=launch(camera=path))
    page.evaluate("""() => {
      window.heard = [];
      new MutationObserver(() => {
        const text = document.querySelector("#announcer").textContent;
        if (text) window.heard.push(text);
      }).observe(document.querySelector("#announcer"), {childList: true, characterData: true, subtree: true});
    }""")
    start_camera(page)
    wait_for_label(page, *labels)
    seen = labels_over(page, 2 * CLIP_LABELS * CLIP_SECONDS_EACH)
    heard = page.evaluate("window.heard")
    assert heard, "nothing was said"
    assert len(heard) <= len(seen) + 2, (heard, seen)
    assert all(re.fullmatch(r".+, \d+%|Not sure", text) for text in heard), heard
    # Frames change many times a second; the parts that change with them are not read out.
    live = page.locator("#result [aria-live], #result [role=status], #result [role=alert]")
    expect(live).to_have_count(0)


def test_a_camera_that_gives_no_more_pictures_is_said_to(visit: Visit, still_clip: tuple[Path, str]) -> None:
    page = visit()
    start_camera(page)
    wait_for_label(page, still_clip[1])
    page.evaluate("document.querySelector('#video').pause()")
    expect(page.locator("#stale")).to_have_text(re.compile(r"No new picture for \d+ s"))
    assert label_of(page) == "Waiting for the first picture…"
    page.evaluate("document.querySelector('#video').play()")
    wait_for_label(page, still_clip[1])
    expect(page.locator("#stale")).to_be_hidden()


def test_a_camera_that_is_pulled_out_is_said_to(visit: Visit, still_clip: tuple[Path, str]) -> None:
    page = visit()
    start_camera(page)
    wait_for_label(page, still_clip[1])
    page.evaluate(
        "document.querySelector('#video').srcObject.getTracks()[0].dispatchEvent(new Event('ended'))"
    )
    expect(page.get_by_role("alert")).to_contain_text("The camera has stopped")
    assert label_of(page) != still_clip[1]
    page.get_by_role("button", name="Try again").click()
    wait_for_label(page, still_clip[1])


def test_a_hidden_page_rests_and_goes_on(visit: Visit, still_clip: tuple[Path, str]) -> None:
    page = visit()
    start_camera(page)
    wait_for_label(page, still_clip[1])
    hide = """(state) => {
      Object.defineProperty(document, "visibilityState", {value: state, configurable: true});
      document.dispatchEvent(new Event("visibilitychange"));
    }"""
    page.evaluate(hide, "hidden")
    expect(page.locator("#label")).to_have_text("Paused")
    page.evaluate(hide, "visible")
    wait_for_label(page, still_clip[1])


def test_the_screen_stays_on_while_the_camera_runs(visit: Visit, still_clip: tuple[Path, str]) -> None:
    page = visit()
    page.evaluate("""() => {
      window.locks = [];
      navigator.wakeLock.request = async (kind) => {
        const lock = new EventTarget();
        lock.release = async () => {
          window.locks.push("released");
          lock.dispatchEvent(new Event("release"));
        };
        window.locks.push(kind);
        return lock;
      };
    }""")
    start_camera(page)
    wait_for_label(page, still_clip[1])
    assert page.evaluate("window.locks") == ["screen"]
    page.get_by_role("button", name="Freeze").click()
    until(page, lambda: page.evaluate("window.locks") == ["screen", "released"])


def test_front_and_back_take_turns_and_only_the_preview_is_mirrored(
    launch: Callable[..., Browser], visit: Visit
) -> None:
    browser = launch("--use-fake-device-for-media-stream=device-count=2", "--use-fake-ui-for-media-stream")
    page = visit(browser=browser)
    start_camera(page)
    flip = page.get_by_role("button", name="Switch camera")
    expect(flip).to_be_visible()
    identity = "document.querySelector('#video').srcObject?.getVideoTracks()[0].getSettings().deviceId"
    first = page.evaluate(identity)
    flip.click()
    until(page, lambda: page.evaluate(identity) not in (None, first))
    mirrored = page.evaluate("document.querySelector('#video').classList.contains('mirrored')")
    facing = page.evaluate(
        "document.querySelector('#video').srcObject.getVideoTracks()[0].getSettings().facingMode"
    )
    assert mirrored == (facing == "user")
    until(page, lambda: page.locator("#result").get_attribute("data-state") != "quiet")
    flip.click()
    until(page, lambda: page.evaluate(identity) == first)


def test_one_camera_has_nothing_to_switch_to_and_no_torch(visit: Visit, still_clip: tuple[Path, str]) -> None:
    page = visit()
    start_camera(page)
    wait_for_label(page, still_clip[1])
    expect(page.get_by_role("button", name="Switch camera")).to_be_hidden()
    expect(page.get_by_role("button", name="Torch")).to_be_hidden()


def test_a_camera_with_a_torch_has_a_button_for_it(visit: Visit, still_clip: tuple[Path, str]) -> None:
    page = visit()
    page.evaluate("""() => {
      const track = MediaStreamTrack.prototype;
      const {getCapabilities, getSettings} = track;
      let torch = false;
      track.getCapabilities = function () { return {...getCapabilities.call(this), torch: true}; };
      track.getSettings = function () { return {...getSettings.call(this), torch}; };
      track.applyConstraints = async ({advanced}) => { torch = advanced[0].torch; };
    }""")
    start_camera(page)
    torch = page.get_by_role("button", name="Torch")
    expect(torch).to_have_attribute("aria-pressed", "false")
    torch.click()
    expect(torch).to_have_attribute("aria-pressed", "true")
