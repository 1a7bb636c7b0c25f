"""Lets a page do a job in a browser of its own, within a time limit."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hangtag.errors import BenchmarkError
from hangtag_benchmarks.browser.chromium import RunningBrowser, started
from hangtag_benchmarks.browser.exchange import Exchange, serving
from hangtag_benchmarks.child import JOB_TIMEOUT_S
from hangtag_benchmarks.engines.base import read_model

START_TIMEOUT_S = 60.0
"""How long a browser may take until its page asks for the first file."""

_PAGE = Path(__file__).parent / "page"
_LOOK_S = 1.0
_SHOWN_LOG = 300


@dataclass(frozen=True, slots=True)
class PageJob:
    """What a page is to do.

    Args:
        values: its ``job.json``.
        program: the browser.
        flags: of the browser.
        files: the site, see :func:`site_of`.
        more_files: beside the site's.
        photos: files that it may fetch by number.
    """

    values: Mapping[str, Any]
    program: Path
    flags: tuple[str, ...]
    files: Mapping[str, bytes]
    more_files: Mapping[str, bytes]
    photos: Sequence[Path] = ()


@dataclass(frozen=True, slots=True)
class PageAnswer:
    """What came of it: the page's own ``values``, or the ``error`` in one line; ``log`` is the browser's."""

    values: Mapping[str, Any] | None
    error: str | None
    log: str


@functools.lru_cache(maxsize=2)
def site_of(model_path: Path | None) -> Mapping[str, bytes]:
    """Return the phone page's files with a model in it (None: the bundled one).

    Raises:
        MissingAssets: the engine's files are not there.
        HangtagError: the model cannot be used in a browser.
    """
    from hangtag.web.site import site_files

    return site_files(read_model(None if model_path is None else str(model_path)))


def run_page(
    job: PageJob,
    *,
    on_mark: Callable[[str, RunningBrowser], None] = lambda _name, _browser: None,
    timeout_s: float = JOB_TIMEOUT_S,
) -> PageAnswer:
    """Do a job in a browser of its own and wait for its answer.

    Args:
        job: what to do.
        on_mark: is told what the page has come to; it waits meanwhile.
        timeout_s: longest from the page's first sign to its answer.
    """
    running: list[RunningBrowser] = []
    exchange = Exchange(
        {**job.files, **_page_files(), **job.more_files, "job.json": json.dumps(job.values).encode()},
        job.photos,
        lambda name: on_mark(name, running[0]),
    )
    try:
        with serving(exchange) as url, started(job.program, f"{url}job.html", job.flags) as browser:
            running.append(browser)
            error = _waited(exchange, browser, timeout_s)
            log = browser.log()
    except BenchmarkError as failure:
        return PageAnswer(None, str(failure), "")
    if error is not None:
        return PageAnswer(None, error, log)
    answer = exchange.answer or {}
    return PageAnswer(None if "error" in answer else answer, answer.get("error"), log)


def _page_files() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in _PAGE.iterdir() if path.is_file()}


def _waited(exchange: Exchange, browser: RunningBrowser, timeout_s: float) -> str | None:
    """Wait for the answer; return why there is none, None where there is one."""
    reason = _until(exchange.came, browser, START_TIMEOUT_S, "its page did not open")
    if reason is not None:
        return reason
    until = time.monotonic() + timeout_s
    while exchange.answer is None:
        if exchange.is_gone:
            return _ended(browser) or "the browser's page crashed"
        exchange.news.clear()
        if exchange.answer is None and not exchange.is_gone:
            left = until - time.monotonic()
            if left <= 0:
                return f"the browser's page did not answer within {timeout_s:g} s"
            exchange.news.wait(min(left, _LOOK_S))
        ended = _ended(browser)
        if ended is not None and exchange.answer is None:
            return ended
    return None


def _until(event: Any, browser: RunningBrowser, timeout_s: float, otherwise: str) -> str | None:
    until = time.monotonic() + timeout_s
    while not event.wait(_LOOK_S / 10):
        ended = _ended(browser)
        if ended is not None:
            return ended
        if time.monotonic() > until:
            return f"the browser started, but {otherwise} within {timeout_s:g} s"
    return None


def _ended(browser: RunningBrowser) -> str | None:
    status = browser.has_ended()
    if status is None:
        return None
    said = " ".join(browser.log().split())[-_SHOWN_LOG:]
    return f"the browser ended with status {status}: {said or 'it said nothing'}"
