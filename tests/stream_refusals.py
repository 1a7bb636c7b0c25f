"""What tests of network streams share: what they need, and what a refusal may say."""

from __future__ import annotations

import time

import pytest

from hangtag.errors import SourceError
from hangtag.sources import open_source
from hangtag_benchmarks.camera.stream_servers import (
    why_no_mjpeg,
    why_no_rtsp,
)

SECRET = "Geh3im-nis"  # noqa: S105 - it must not be found anywhere

needs_rtsp = pytest.mark.skipif(why_no_rtsp() is not None, reason=str(why_no_rtsp()))
needs_mjpeg = pytest.mark.skipif(why_no_mjpeg() is not None, reason=str(why_no_mjpeg()))


def refusal(url: str) -> str:
    """Return what opening a stream fails with; it must come in time, in one line, without the password."""
    begun = time.monotonic()
    with pytest.raises(SourceError) as caught:
        open_source(url)
    assert time.monotonic() - begun < 5.5
    said = str(caught.value)
    assert "\n" not in said
    assert SECRET not in said
    return said
