"""Small pieces of HTML. Whatever comes from outside goes through :func:`text`: labels are hostile input."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hangtag.page_style import STYLE

if TYPE_CHECKING:
    from hangtag.preprocess import Image


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table: ready HTML and its CSS class."""

    content: str
    css_class: str = ""


Row = Sequence[str | Cell]
"""Cells of a table; strings are ready HTML, and the first is the row's header."""


def text(value: object) -> str:
    """Return ``value`` as HTML text that is nothing but text, also inside a quoted attribute.

    Control characters become visible escapes, which a browser would drop or refuse.
    """
    shown = "".join(
        character if character >= " " and character not in "\x7f\x85" else ascii(character)[1:-1]
        for character in str(value)
    )
    return html.escape(shown, quote=True)


def name(value: object) -> str:
    """Return a label or a path as HTML whose writing direction stays its own.

    A label may hold characters that turn the direction of what follows them.
    """
    return f"<bdi>{text(value)}</bdi>"


def table(head: Sequence[str], rows: Iterable[Row], *, caption: str = "", css_class: str = "") -> str:
    """Return a table in a box that scrolls sideways; all texts are ready HTML."""
    marked = f' class="{css_class}"' if css_class else ""
    # Beside the table, not in it: a caption is as wide as its table, wider than a phone.
    above = f'<p class="soft">{caption}</p>' if caption else ""
    parts = [f'{above}<div class="scroll" tabindex="0"><table{marked}>']
    if head:
        parts.append(
            "<thead><tr>" + "".join(f'<th scope="col">{cell}</th>' for cell in head) + "</tr></thead>"
        )
    parts.append("<tbody>")
    for first, *others in rows:
        parts.append(f'<tr><th scope="row">{first if isinstance(first, str) else first.content}</th>')
        parts.extend(_cell(other) for other in others)
        parts.append("</tr>")
    parts.append("</tbody></table></div>")
    return "".join(parts)


def number(value: str) -> Cell:
    """Return a cell that lines its digits up with those above."""
    return Cell(value, "number")


def percent(fraction: float) -> str:
    """Return a fraction in per cent, on one line with its sign."""
    return f"{100 * fraction:.1f}\N{NO-BREAK SPACE}%"


def section(title: str, *content: str) -> str:
    """Return a section under a heading, nothing where there is no content."""
    inside = "".join(content)
    return f"<section><h2>{title}</h2>{inside}</section>\n" if inside else ""


def details(summary: str, content: str) -> str:
    """Return what opens at a click; it needs no script."""
    return f"<details><summary>{summary}</summary>{content}</details>"


def picture(image_bgr: Image, description: str) -> str:
    """Return an image that carries its own bytes; ``description`` is plain text."""
    import cv2

    encoded, data = cv2.imencode(".jpg", image_bgr, [cv2.IMWRITE_JPEG_QUALITY, 85])
    if not encoded:
        raise ValueError(f"a picture of shape {image_bgr.shape} cannot be encoded")
    source = base64.b64encode(data.tobytes()).decode()
    height, width = image_bgr.shape[:2]
    return (
        f'<img src="data:image/jpeg;base64,{source}" alt="{text(description)}" '
        f'width="{width}" height="{height}" loading="lazy">'
    )


def document(title: str, body: str) -> str:
    """Return a whole page that loads nothing and runs nothing, whatever it is made of.

    The content security policy allows this very style sheet and images inside the page; no script, no
    connection, no form.
    """
    policy = f"default-src 'none'; img-src data:; style-src 'sha256-{_digest(STYLE)}'; base-uri 'none'; "
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}form-action \'none\'">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{text(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
    )


def _digest(content: str) -> str:
    import hashlib

    return base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def _cell(cell: str | Cell) -> str:
    if isinstance(cell, str):
        return f"<td>{cell}</td>"
    return (
        f'<td class="{cell.css_class}">{cell.content}</td>' if cell.css_class else f"<td>{cell.content}</td>"
    )
