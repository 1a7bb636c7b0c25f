"""The page: picture, label and how things stand, readable on a phone; it loads nothing from elsewhere.

Without JavaScript it shows the same and loads itself again every few seconds. Labels are hostile input: they
reach the page as text only.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.resources
from typing import Any

from hangtag.page_parts import name, text


def _part(file_name: str) -> str:
    return importlib.resources.files(__package__).joinpath(file_name).read_text(encoding="utf-8")


def _digest(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


_STYLE, _SCRIPT = _part("page.css"), _part("page.js")

POLICY = (
    f"default-src 'none'; img-src 'self'; connect-src 'self'; style-src '{_digest(_STYLE)}'; "
    f"script-src '{_digest(_SCRIPT)}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The content security policy: this very style sheet and script, and pictures and news from here."""

_RELOAD_S = 5


def html(report: dict[str, Any]) -> str:
    """Return the page as things stand.

    Args:
        report: a record of :func:`hangtag.sinks.json_lines.as_record`, with ``fps`` and ``since_ms``, the
            time since the last frame's capture.
    """
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<noscript><meta http-equiv="refresh" content="{_RELOAD_S}"></noscript>\n'
        f"<title>Hangtag</title>\n<style>{_STYLE}</style>\n</head>\n"
        f'<body class="{_state(report)}">\n<main>\n'
        '<figure><img id="picture" src="/stream" alt="What the camera sees">'
        f'<p id="alarm" role="alert">{_alarm(report)}</p></figure>\n'
        f'<section>\n<h1><bdi id="label">{_label(report)}</bdi></h1>\n'
        f'<p id="verdict">{_verdict(report)}</p>\n'
        f'<table id="top" aria-label="The best labels"><tbody>{_top(report)}</tbody></table>\n'
        f"<dl>{_facts(report)}</dl>\n</section>\n</main>\n<script>{_SCRIPT}</script>\n</body>\n</html>\n"
    )


def _state(report: dict[str, Any]) -> str:
    if report["stale"]:
        return "stale"
    return "unknown" if report["unknown"] else "sure"


def _alarm(report: dict[str, Any]) -> str:
    if not report["stale"]:
        return ""
    return f"No picture for {report['since_ms'] / 1000:.0f} s: {text(report['reason'])}"


def _label(report: dict[str, Any]) -> str:
    if report["stale"]:
        return "\N{EN DASH}"
    return "not sure" if report["unknown"] else text(report["label"])


def _verdict(report: dict[str, Any]) -> str:
    if report["stale"]:
        return "stale"
    score = f"{100 * report['score']:.0f} %"
    return f"perhaps {name(report['label'])}, {score}" if report["unknown"] else score


def _top(report: dict[str, Any]) -> str:
    if report["stale"]:
        return ""
    return "".join(
        f'<tr><th scope="row">{name(label)}</th><td><meter value="{score:.4f}"></meter></td>'
        f"<td>{100 * score:.0f} %</td></tr>"
        for label, score in report["top"]
    )


def _facts(report: dict[str, Any]) -> str:
    facts = {
        "age": ("Capture to label", _shown(report, "age_ms", " ms")),
        "infer": ("Model", _shown(report, "infer_ms", " ms")),
        "fps": ("Frames a second", _shown(report, "fps", "")),
        "dropped": ("Dropped", f"{report['dropped']}"),
        "source": ("Source", name(report["source"])),
    }
    return "".join(
        f'<div><dt>{what}</dt><dd id="{key}">{shown}</dd></div>' for key, (what, shown) in facts.items()
    )


def _shown(report: dict[str, Any], key: str, unit: str) -> str:
    return "\N{EN DASH}" if report["stale"] else f"{report[key]:.1f}{unit}"
