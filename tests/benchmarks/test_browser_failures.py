"""Browsers and pages that fail: one line in time, and nothing left behind."""

from __future__ import annotations

import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from hangtag.errors import BenchmarkError
from hangtag_benchmarks.browser import browser_runner as runner_module
from hangtag_benchmarks.browser import chromium, page_jobs
from hangtag_benchmarks.browser.browser_runner import BrowserRunner
from hangtag_benchmarks.browser.exchange import Exchange, serving
from hangtag_benchmarks.engines.registry import KINDS
from hangtag_benchmarks.plans import BlockPlan

pytestmark = pytest.mark.usefixtures("nothing_left")

SHORT = BlockPlan(0.01, 3, 0.01, 12, 0.01, 3)


def _pretended(tmp_path: Path, body: str) -> Path:
    """Return a program that calls itself a browser and does as ``body`` says, the page's URL in ``url``."""
    path = tmp_path / "pretended"
    path.write_text(
        f"#!{sys.executable}\n"
        "import os, subprocess, sys, time, urllib.request\n"
        'if "--version" in sys.argv:\n'
        '    print("Chromium 1.2.3.4")\n'
        "    sys.exit()\n"
        "url = sys.argv[-1]\n"
        f"{body}\n"
    )
    path.chmod(0o755)
    return path


OPENED = "urllib.request.urlopen(url).read()\n"
ANSWERS = "urllib.request.urlopen(url.rpartition('/')[0] + '/answer', {!r})\n"
SLEEPS = "time.sleep(600)"
A_STUBBORN_CHILD = """
ignoring = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
subprocess.Popen([sys.executable, "-c", ignoring], start_new_session=True)
"""


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("sys.exit('no display')", "the browser ended with status 1: no display"),
        ("os.abort()", "the browser ended with status -6"),
        (SLEEPS, "its page did not open within 2 s"),
        (OPENED + SLEEPS, "the browser's page did not answer within 2 s"),
        (A_STUBBORN_CHILD + OPENED + SLEEPS, "the browser's page did not answer within 2 s"),
        (OPENED + ANSWERS.format(b"[1]") + SLEEPS, "its answer is no object"),
        (OPENED + ANSWERS.format(b"{") + SLEEPS, "its answer cannot be read"),
        (OPENED + ANSWERS.format(b'{"device": 1}') + SLEEPS, "the page gave an answer that cannot be read"),
    ],
    ids=["ends", "crashes", "hangs", "page hangs", "child stays", "no object", "no JSON", "odd answer"],
)
def test_a_browser_that_fails_is_a_failed_row_in_time(
    browser_runner: Callable[..., BrowserRunner],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    body: str,
    said: str,
) -> None:
    monkeypatch.setattr(page_jobs, "START_TIMEOUT_S", 2.0)
    monkeypatch.setattr(runner_module, "JOB_TIMEOUT_S", 2.0)
    one = browser_runner(browser=_pretended(tmp_path, body))
    assert one.missing() is None
    begun = time.monotonic()
    outcome = one.block(SHORT)

    assert outcome.measurement is None
    assert outcome.error is not None
    assert said in outcome.error
    assert time.monotonic() - begun < 30


def test_a_page_that_crashes_is_a_failed_row(
    browser_runner: Callable[..., BrowserRunner], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The browser itself lives on after its page has crashed, and would say nothing for ever."""
    one = browser_runner()
    assert one.missing() is None
    monkeypatch.setattr(runner_module._Watch, "mark", _kill_the_page)
    begun = time.monotonic()
    outcome = one.block(SHORT)

    assert outcome.error == "the browser's page crashed"
    assert time.monotonic() - begun < 60


def _kill_the_page(_watch: object, _name: str, browser: chromium.RunningBrowser) -> None:
    pid = browser.page_pid()
    assert pid is not None
    os.kill(pid, 9)


def test_what_is_no_browser_is_refused(browser_frames: Path, browser_program: Path) -> None:
    one = BrowserRunner(KINDS["browser-wasm"], None, 1, browser_frames, Path("/bin/true"))

    with pytest.raises(BenchmarkError, match="true is no Chromium or Chrome: it answers"):
        one.missing()


# --- the exchange


@pytest.fixture
def exchange() -> Exchange:
    return Exchange({"job.html": b"page", "a.js": b"1", "x.wasm": b"2"}, [], lambda _name: None)


def _asked(url: str, data: bytes | None = None) -> tuple[int, dict[str, str], bytes]:
    try:
        with urllib.request.urlopen(url, data, timeout=10) as answer:  # noqa: S310 - a URL of our own
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read()


def test_the_exchange_isolates_the_page_and_knows_its_types(exchange: Exchange) -> None:
    with serving(exchange) as url:
        found = {name: _asked(f"{url}{name}") for name in exchange.files}

    assert {status for status, _, _ in found.values()} == {200}
    assert [headers["Content-Type"].split(";")[0] for _, headers, _ in found.values()] == [
        "text/html",
        "text/javascript",
        "application/wasm",
    ]
    for _, headers, _ in found.values():
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Cross-Origin-Embedder-Policy"] == "require-corp"


def test_the_exchange_answers_only_who_knows_its_secret(exchange: Exchange) -> None:
    with serving(exchange) as url:
        host = "/".join(url.split("/")[:3])
        token = url.split("/")[3]
        assert len(token) >= 20
        for path in ("/", "/job.html", f"/{token[:-1]}/job.html", f"/{token}x/job.html", "/x/job.html"):
            assert _asked(f"{host}{path}")[0] == 404
        for path in (f"{token}/../job.html", f"{token}/photos/0", f"{token}/photos/x", f"{token}/etc/passwd"):
            assert _asked(f"{host}/{path}")[0] == 404
        assert _asked(f"{host}/answer", b"{}")[0] == 400
        assert exchange.answer is None
        assert _asked(f"{url}answer", b'{"a": 1}')[0] == 204

    assert exchange.answer == {"a": 1}
