"""Draws a hangtag on a frame: what the model sees, the label, and how sure it is."""

from __future__ import annotations

import cv2
import numpy as np

from hangtag.preprocess import Image, Rectangle
from hangtag.result import Result
from hangtag.sources.account import Outage

_PAPER = (236, 244, 248)
_INK = (60, 45, 40)
_FAINT = (170, 165, 160)
_SURE = (120, 150, 60)
_UNKNOWN = (90, 110, 190)
_DARKER = 4
_FONT = cv2.FONT_HERSHEY_DUPLEX


def draw(result: Result) -> Image:
    """Return a copy of the upright picture (BGR uint8) with the corners of what the model saw and a label."""
    image: Image = result.picture().copy()
    height, width = image.shape[:2]
    scale = max(0.35, min(width, height) / 480)
    _draw_corners(image, result.seen, scale)
    _draw_card(image, result, scale)
    return image


def draw_outage(last: Image | None, outage: Outage) -> Image:
    """Return a picture (BGR uint8) that cannot be taken for a new one: the last, dark, with the reason on it.

    Args:
        last: the last annotated picture, if there was one.
        outage: what is wrong.
    """
    image = np.full((480, 640, 3), 40, np.uint8) if last is None else last // _DARKER
    height, width = image.shape[:2]
    scale = max(0.35, min(width, height) / 480)
    since = f"no picture for {outage.age_ms / 1000:.0f} s"
    for text, size, y in ((since, 0.9, 0.45), (outage.reason, 0.5, 0.55)):
        fitting = min(size * scale, size * scale * 0.9 * width / max(1, _text_width(text, size * scale)))
        x = (width - _text_width(text, fitting)) // 2
        _text(image, text, (x, round(y * height)), fitting, _PAPER)
    return image


def _draw_corners(image: Image, rectangle: Rectangle, scale: float) -> None:
    x, y, width, height = rectangle
    inset, arm, line = round(8 * scale), round(28 * scale), max(1, round(2 * scale))
    left, top, right, bottom = x + inset, y + inset, x + width - 1 - inset, y + height - 1 - inset
    for corner_x, step_x in ((left, 1), (right, -1)):
        for corner_y, step_y in ((top, 1), (bottom, -1)):
            corner = (corner_x, corner_y)
            cv2.line(image, corner, (corner_x + step_x * arm, corner_y), _PAPER, line, cv2.LINE_AA)
            cv2.line(image, corner, (corner_x, corner_y + step_y * arm), _PAPER, line, cv2.LINE_AA)


def _draw_card(image: Image, result: Result, scale: float) -> None:
    """A paper tag at the lower left: punched hole, label, score bar, and the runner-up in small print."""
    prediction = result.prediction
    height = image.shape[0]
    label = prediction.shown
    title, small = 0.8 * scale, 0.42 * scale
    left, pad, hole = round(16 * scale), round(12 * scale), round(26 * scale)
    room = max(1, image.shape[1] - 2 * left - hole - 2 * pad)
    # A long label is written smaller, so that the card stays in the picture.
    title *= min(1.0, room / max(1, _text_width(label, title)))
    text_w = min(room, max(_text_width(label, title), round(120 * scale)))
    card_h = round(70 * scale)
    top = height - card_h - round(16 * scale)
    right = left + hole + text_w + 2 * pad
    _paper(image, (left, top, right, top + card_h), scale)
    text_x = left + hole + round(4 * scale)
    _text(image, label, (text_x, top + round(28 * scale)), title, _INK)
    bar = (text_x, top + round(38 * scale), right - pad, top + round(44 * scale))
    cv2.rectangle(image, bar[:2], bar[2:], _FAINT, -1)
    filled = bar[0] + round((bar[2] - bar[0]) * min(max(prediction.score, 0.0), 1.0))
    cv2.rectangle(image, bar[:2], (filled, bar[3]), _UNKNOWN if prediction.unknown else _SURE, -1)
    below = f"{prediction.score:.2f}   {result.prepare_ms + result.infer_ms:.1f} ms"
    _text(image, below, (text_x, top + round(61 * scale)), small, _INK)


def _paper(image: Image, box: tuple[int, int, int, int], scale: float) -> None:
    left, top, right, bottom = box
    cut = round(14 * scale)
    outline = np.array(
        [
            (left + cut, top),
            (right, top),
            (right, bottom),
            (left + cut, bottom),
            (left, bottom - cut),
            (left, top + cut),
        ]
    )
    cv2.fillPoly(image, [outline], _PAPER, cv2.LINE_AA)
    cv2.polylines(image, [outline], True, _FAINT, max(1, round(scale)), cv2.LINE_AA)
    centre = (left + round(14 * scale), (top + bottom) // 2)
    cv2.circle(image, centre, max(2, round(5 * scale)), _INK, -1, cv2.LINE_AA)


def _text(image: Image, text: str, at: tuple[int, int], size: float, colour: tuple[int, int, int]) -> None:
    # OpenCV's built-in fonts know ASCII only.
    plain = text.encode("ascii", "replace").decode()
    cv2.putText(image, plain, at, _FONT, size, colour, max(1, round(size * 1.4)), cv2.LINE_AA)


def _text_width(text: str, size: float) -> int:
    plain = text.encode("ascii", "replace").decode()
    return int(cv2.getTextSize(plain, _FONT, size, max(1, round(size * 1.4)))[0][0])
