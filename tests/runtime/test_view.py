"""Region of interest, rotation and mirroring: the model sees exactly that part of the upright picture."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hangtag.contract import InputSpec
from hangtag.errors import SourceError
from hangtag.view import Flip, View

views = st.builds(View, rotate_deg=st.sampled_from([0, 90, 180, 270]), flip=st.sampled_from([None, *Flip]))


def picture(width: int, height: int) -> np.ndarray:
    """Every pixel different from every other."""
    values = np.arange(width * height * 3, dtype=np.uint32).reshape(height, width, 3) * 2654435761
    return (values >> 24).astype(np.uint8)


@given(views, st.integers(1, 40), st.integers(1, 40), st.data())
def test_what_is_seen_is_the_region_of_the_upright_picture(
    view: View, width: int, height: int, data: st.DataObject
) -> None:
    image = picture(width, height)
    upright = view.upright(image)
    upright_wh = (upright.shape[1], upright.shape[0])
    assert upright_wh == view.upright_wh((width, height))
    x, y = (data.draw(st.integers(0, side - 1)) for side in upright_wh)
    roi_w, roi_h = data.draw(st.integers(1, upright_wh[0] - x)), data.draw(st.integers(1, upright_wh[1] - y))
    cut = View(roi=(x, y, roi_w, roi_h), rotate_deg=view.rotate_deg, flip=view.flip)
    np.testing.assert_array_equal(cut.seen(image), upright[y : y + roi_h, x : x + roi_w])


def test_turning_is_clockwise_and_comes_before_mirroring() -> None:
    image = np.zeros((2, 3, 3), np.uint8)
    image[0, 0] = 255  # the upper left corner
    assert View(rotate_deg=90).upright(image)[0, 1].all()
    assert View(rotate_deg=270).upright(image)[2, 0].all()
    assert View(rotate_deg=90, flip=Flip.HORIZONTAL).upright(image)[0, 0].all()
    assert View(rotate_deg=90, flip=Flip.VERTICAL).upright(image)[2, 1].all()


def test_nothing_is_copied_where_nothing_is_turned() -> None:
    image = picture(64, 48)
    assert View().upright(image) is image
    assert View().seen(image) is image
    assert np.shares_memory(View(roi=(1, 2, 30, 20)).seen(image), image)


def test_shares_grow_with_the_picture() -> None:
    view = View(roi=(0.25, 0.0, 0.5, 1.0), shares=True)
    assert view.region((640, 480)) == (160, 0, 320, 480)
    assert view.region((1920, 1080)) == (480, 0, 960, 1080)


@given(st.integers(1, 2000), st.integers(1, 2000), st.data())
def test_shares_stay_inside_every_picture(width: int, height: int, data: st.DataObject) -> None:
    x, y = (data.draw(st.floats(0, 0.999)) for _ in range(2))
    roi_w, roi_h = (data.draw(st.floats(1e-6, 1 - start)) for start in (x, y))
    left, top, inner_w, inner_h = View(roi=(x, y, roi_w, roi_h), shares=True).region((width, height))
    assert left >= 0
    assert top >= 0
    assert min(inner_w, inner_h) >= 1
    assert left + inner_w <= width
    assert top + inner_h <= height


def test_pixels_that_do_not_fit_are_an_error_that_says_what_to_do() -> None:
    view = View(roi=(100, 0, 600, 480))
    assert view.fits((700, 480))
    assert not view.fits((640, 480))
    with pytest.raises(SourceError, match=r"100,0,600,480 reaches beyond the picture of 640x480"):
        view.seen(picture(640, 480))


def test_the_contracts_square_is_drawn_inside_the_region() -> None:
    spec = InputSpec(width_px=224, height_px=224)
    assert View().model_rectangle((640, 480), spec) == (80, 0, 480, 480)
    assert View(roi=(300, 100, 200, 300)).model_rectangle((640, 480), spec) == (300, 150, 200, 200)
    assert View(rotate_deg=90).model_rectangle((640, 480), spec) == (0, 80, 480, 480)


@pytest.mark.parametrize(
    ("text", "roi", "shares"),
    [
        ("100,0,480,480", (100, 0, 480, 480), False),
        ("0.25,0.0,0.5,1.0", (0.25, 0, 0.5, 1), True),
        ("0,0,1,1", (0, 0, 1, 1), False),
        ("0.,0,1,1", (0, 0, 1, 1), True),
    ],
)
def test_regions_are_read_as_they_are_written(text: str, roi: tuple[float, ...], shares: bool) -> None:
    assert View.parse_roi(text) == (roi, shares)


@pytest.mark.parametrize("text", ["", "1,2,3", "1,2,3,4,5", "a,b,c,d", "1;2;3;4", "1,2,3,"])
def test_what_is_no_region_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a region like"):
        View.parse_roi(text)


@pytest.mark.parametrize(
    "settings",
    [
        {"roi": (-1, 0, 5, 5)},
        {"roi": (0, 0, 0, 5)},
        {"roi": (0, 0, float("nan"), 5)},
        {"roi": (0, 0, float("inf"), 5)},
        {"roi": (0.6, 0, 0.5, 1), "shares": True},
        {"rotate_deg": 45},
    ],
)
def test_views_that_cannot_be_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"region|rotate_deg"):
        View(**settings)  # type: ignore[arg-type]


def test_the_turned_crop_has_the_bytes_of_the_turned_picture_after_resizing() -> None:
    """Cropping before turning saves time; it must not change what the model sees."""
    image = picture(640, 480)
    view = View(roi=(40, 60, 300, 300), rotate_deg=270, flip=Flip.HORIZONTAL)
    whole = view.upright(image)[60:360, 40:340]
    for size in (224, 160):
        first, second = (
            cv2.resize(part, (size, size), interpolation=cv2.INTER_LINEAR_EXACT)
            for part in (view.seen(image), np.ascontiguousarray(whole))
        )
        np.testing.assert_array_equal(first, second)
