"""What ``--https`` is worth in a browser, past its warning: the camera, and no offline mode."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hangtag.classifier import bundled_model

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytest.importorskip("playwright", reason="needs pip install playwright")
pytest.importorskip("cryptography", reason='needs pip install "hangtag[web]"')
pytest.importorskip("uvicorn", reason='needs pip install "hangtag[web]"')

from hangtag.web.certificate import self_signed, tls_context
from hangtag.web.server import serving
from hangtag.web.site import site_files

PAST_THE_WARNING = "thisisunsafe"
"""What Chromium takes for "Proceed", typed into its warning."""

FOUND = """async () => {
  const stream = await navigator.mediaDevices.getUserMedia({ video: true });
  const cameras = stream.getVideoTracks().length;
  stream.getTracks().forEach((track) => track.stop());
  const refused = await navigator.serviceWorker.register("sw.js").then(() => null, (error) => error.name);
  return { secure: isSecureContext, isolated: crossOriginIsolated, cameras, refused };
}"""


@pytest.fixture
def https_url(web_assets: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("HANGTAG_CACHE", str(tmp_path))
    files = site_files(bundled_model(), "clothing.tflite")
    with serving(files, tls=tls_context(self_signed(["localhost", "127.0.0.1"]))) as served:
        yield served.url


def _timeout() -> type[Exception]:
    from playwright.sync_api import TimeoutError as Late

    return Late


def _go_on(page: Page, url: str) -> None:
    """Type it until the warning listens: nothing tells when it does."""
    for _ in range(15):
        page.keyboard.type(PAST_THE_WARNING)
        with contextlib.suppress(_timeout()):
            page.wait_for_url(url, timeout=2000)
            return
    pytest.fail("the browser's warning does not go away")


def test_a_certificate_signed_here_gives_the_camera_and_no_offline_mode(
    launch: Callable[..., Browser], https_url: str
) -> None:
    page = launch("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream").new_page()
    with pytest.raises(Exception, match="ERR_CERT_AUTHORITY_INVALID"):
        page.goto(https_url)
    assert page.title() != "Hangtag"
    _go_on(page, https_url)
    from playwright.sync_api import expect

    expect(page).to_have_title(re.compile("Hangtag"))
    assert page.evaluate(FOUND) == {
        "secure": True,
        "isolated": True,
        "cameras": 1,
        "refused": "SecurityError",
    }
