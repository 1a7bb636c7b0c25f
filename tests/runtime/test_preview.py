"""The HTTP preview: what it answers, what that costs, and that nothing old is shown as new."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import re
import time
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from camera_results import outage
from html_page import Page
from hypothesis import given
from hypothesis import strategies as st
from preview_rig import ASK, Loop, get, result_of_the_scene, running, until
from prometheus_client.parser import text_string_to_metric_families

from hangtag.preview import page
from hangtag.preview.connection import Door
from hangtag.preview.display import SILENT_S, Display
from hangtag.preview.metrics import Histogram, Metrics
from hangtag.result import Result
from hangtag.sinks import overlay
from hangtag.sinks.json_lines import as_record
from hangtag.sinks.preview import Preview


@pytest.fixture(scope="module")
def result() -> Result:
    return result_of_the_scene()


HOSTILE = "<img src=x onerror=alert(1)>\"'&\u202e\n\\"


@pytest.fixture(scope="module")
def loop(result: Result) -> Iterator[Loop]:
    with running(result) as one:
        yield one


def labelled(result: Result, label: str, *, unknown: bool = False) -> Result:
    prediction = dataclasses.replace(result.prediction, label=label, unknown=unknown, top=((label, 0.5),))
    return dataclasses.replace(result, decision=dataclasses.replace(result.decision, prediction=prediction))


# --- what is answered --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "status", "content_type"),
    [
        ("/", 200, "text/html; charset=utf-8"),
        ("/?anything=../../etc", 200, "text/html; charset=utf-8"),
        ("/state", 200, "application/json"),
        ("/snapshot.jpg", 200, "image/jpeg"),
        ("/metrics", 200, "text/plain; version=0.0.4; charset=utf-8"),
        ("/healthz", 200, "text/plain; charset=utf-8"),
        *(
            (path, 404, "text/plain; charset=utf-8")
            for path in (
                "/favicon.ico", "/../../etc/passwd", "//etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/state/",
                "/STATE", "/;ls", "/$(reboot)", "http://localhost/state", "/state%00", "/" + "a" * 4000,
            )
        ),
    ],
)  # fmt: skip
def test_paths_and_what_every_answer_carries(loop: Loop, path: str, status: int, content_type: str) -> None:
    reply = loop.get(path)
    assert (reply.status, reply.headers["content-type"]) == (status, content_type)
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["cross-origin-resource-policy"] == "same-origin"
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    assert "unsafe" not in reply.headers["content-security-policy"]
    assert not [name for name in reply.headers if name.startswith("access-control")]
    assert int(reply.headers["content-length"]) == len(reply.body) > 0


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
def test_other_methods_are_refused(loop: Loop, method: str) -> None:
    reply = loop.get("/state", method=method)
    assert (reply.status, reply.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", ["/", "/state", "/metrics", "/healthz", "/stream", "/news", "/nothing"])
def test_head_is_get_without_a_body(loop: Loop, path: str) -> None:
    reply = loop.get(path, method="HEAD")
    assert reply.body == b""
    assert reply.status == (404 if path == "/nothing" else 200)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200), ("LOCALHOST:80", 200), ("127.0.0.1:8000", 200), ("[::1]", 200), ("[::1]:1", 200),
        ("evil.example", 421), ("evil.example:8000", 421), ("localhost.evil.example", 421),
        ("127.0.0.1.nip.io", 421),
        ("", 421), ("192.168.1.2", 421),
    ],
)  # fmt: skip
def test_a_name_that_points_here_from_elsewhere_is_refused(loop: Loop, host: str, status: int) -> None:
    assert loop.get("/state", host=host).status == status


def test_state_is_the_record_of_the_json_lines(loop: Loop, result: Result) -> None:
    assert json.loads(loop.get("/state").body) == as_record(result)


def test_the_snapshot_is_the_annotated_picture(loop: Loop, result: Result) -> None:
    picture = cv2.imdecode(np.frombuffer(loop.get("/snapshot.jpg").body, np.uint8), cv2.IMREAD_COLOR)
    wanted = overlay.draw(result)
    assert picture.shape == wanted.shape
    assert np.abs(picture.astype(int) - wanted).mean() < 4


def test_large_pictures_are_fitted(result: Result) -> None:
    large = np.full((1080, 1920, 3), 90, np.uint8)
    with running(
        dataclasses.replace(result, frame=dataclasses.replace(result.frame, image_bgr=large))
    ) as loop:
        picture = cv2.imdecode(np.frombuffer(loop.get("/snapshot.jpg").body, np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == (720, 1280, 3)


def test_the_stream_is_read_by_other_programs(loop: Loop, result: Result) -> None:
    capture = cv2.VideoCapture(f"http://127.0.0.1:{loop.port}/stream", cv2.CAP_FFMPEG)
    try:
        for _ in range(5):
            read, picture = capture.read()
            assert read
            assert picture.shape == result.frame.image_bgr.shape
    finally:
        capture.release()


def test_pictures_are_shown_when_they_are_there_and_not_with_the_next_one(loop: Loop) -> None:
    """Browsers wait for the boundary after a part."""
    with loop.connect() as client:
        client.sendall(ASK % b"/stream")
        data = b""
        while data.count(b"Content-Type: image/jpeg") < 3:
            data += client.recv(65536)
        parts = data.split(b"--picture\r\n")
        assert parts[1].endswith(b"\xff\xd9\r\n")


def test_news_come_several_times_a_second(loop: Loop, result: Result) -> None:
    with loop.connect() as client:
        client.sendall(ASK % b"/news")
        begun, data = time.monotonic(), b""
        while data.count(b"\n\n") < 5:
            data += client.recv(65536)
        assert 0.5 < time.monotonic() - begun < 3
    news = [json.loads(line[6:]) for line in data.splitlines() if line.startswith(b"data: ")]
    assert news[0]["label"] == result.prediction.label
    assert news[-1]["fps"] > 5


# --- what it costs -----------------------------------------------------------------------------------------


def test_pictures_are_made_while_somebody_looks_and_once_for_all(
    result: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[float] = []
    real = overlay.draw
    # Another preview of this process may be drawing as well.
    ours = dataclasses.replace(result, source="ours")

    def draw(item: Result) -> np.ndarray:
        if item.source == "ours":
            drawn.append(time.monotonic())
        return real(item)

    monkeypatch.setattr(overlay, "draw", draw)
    with running(ours) as loop:
        time.sleep(0.5)
        assert drawn == []
        viewers = [loop.connect() for _ in range(3)]
        for viewer in viewers:
            viewer.sendall(ASK % b"/stream")
        time.sleep(2)
        assert 5 <= len(drawn) <= 25, "ten a second at most, however many look"
        for viewer in viewers:
            viewer.close()
        until(lambda: time.monotonic() - drawn[-1] > 1)


# --- nothing old is shown as new ---------------------------------------------------------------------------


def test_an_outage_is_told_everywhere(result: Result) -> None:
    with running(result) as loop:
        bright = _brightness(loop)
        loop.item = outage(reason="unplugged")
        loop.wait_for(503)
        state = json.loads(loop.get("/state").body)
        assert (state["stale"], state["label"], state["reason"]) == (True, None, "unplugged")
        assert b"stale: unplugged" in loop.get("/healthz").body
        until(lambda: _brightness(loop) < bright / 2)
        words = Page(loop.get("/").body.decode()).words
        assert "unplugged" in words
        assert f"{result.prediction.label} " not in words
        samples = _samples(loop.get("/metrics").body.decode())
        assert samples[("hangtag_stale", ())] == 1
        assert not [name for name, _ in samples if name == "hangtag_label_score"]
        loop.item = result
        loop.wait_for(200)
        until(lambda: _brightness(loop) > bright / 1.2)


def test_a_picture_from_before_the_outage_is_dark_where_nobody_had_looked(result: Result) -> None:
    with running(result) as loop:
        loop.item = outage()
        loop.wait_for(503)
        assert 0 < _brightness(loop) < result.frame.image_bgr.mean() / 2


def test_a_loop_that_hangs_is_stale_too(result: Result) -> None:
    with running(result) as loop:
        loop.get("/snapshot.jpg")
        loop.item = None
        time.sleep(SILENT_S + 0.5)
        assert loop.get("/healthz").status == 503
        state = json.loads(loop.get("/state").body)
        assert (state["stale"], state["label"], "hang" in state["reason"]) == (True, None, False)
        assert state["age_ms"] > 1000 * SILENT_S
        assert loop.get("/snapshot.jpg").status == 503


def test_before_the_first_frame() -> None:
    preview = Preview("127.0.0.1", 0)
    try:
        port = int(preview.url.rstrip("/").rpartition(":")[2])
        assert get(port, "/healthz").status == 503
        assert json.loads(get(port, "/state").body)["reason"] == "no frame yet"
        assert "no frame yet" in Page(get(port, "/").body.decode()).words
        assert get(port, "/snapshot.jpg").status == 503
    finally:
        preview.close()


def _brightness(loop: Loop) -> float:
    jpeg = loop.get("/snapshot.jpg").body
    return float(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR).mean())


# --- the page ----------------------------------------------------------------------------------------------

_FRESH = {
    "stale": False, "label": HOSTILE, "score": 0.91, "unknown": False, "top": [[HOSTILE, 0.91]],
    "age_ms": 5.0, "infer_ms": 3.0, "dropped": 1, "source": HOSTILE, "fps": 29.7, "since_ms": 12,
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "words", "missing"),
    [
        ({}, "91 %", "not sure"),
        ({"unknown": True}, "not sure", "role"),
        ({"stale": True, "label": None, "reason": HOSTILE}, "No picture for 0 s", "91"),
    ],
)
def test_the_page_is_whole_without_a_script_and_labels_are_text(
    change: dict[str, object], words: str, missing: str
) -> None:
    read = Page(page.html(_FRESH | change).split("<script>")[0] + "</body></html>")
    assert words in read.words
    assert missing not in read.words
    assert [image["src"] for image in read.images] == ["/stream"]
    assert not [name for _, name, _ in read.attributes if name.startswith("on")]


def test_the_policy_allows_this_script_and_this_style_alone() -> None:
    html = page.html(_FRESH)
    for tag, directive in (("style", "style-src"), ("script", "script-src")):
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}';" in page.POLICY
        assert not re.findall(r"https?://|//[a-z]|url\(|@import", content.replace("// Too many", ""))


# --- numbers -----------------------------------------------------------------------------------------------


def test_prometheus_reads_the_metrics(loop: Loop, result: Result) -> None:
    until(lambda: _samples(loop.get("/metrics").body.decode())[("hangtag_frames_total", ())] > 10)
    samples = _samples(loop.get("/metrics").body.decode())
    frames = samples[("hangtag_frames_total", ())]
    labels = (("label", result.prediction.label), ("unknown", str(result.prediction.unknown).lower()))
    assert samples[("hangtag_label_score", labels)] == pytest.approx(result.prediction.score, abs=1e-4)
    assert samples[("hangtag_stale", ())] == 0
    assert samples[("hangtag_age_seconds_count", ())] == frames
    assert samples[("hangtag_inference_seconds_bucket", (("le", "+Inf"),))] == frames
    mean_s = samples[("hangtag_inference_seconds_sum", ())] / frames
    assert mean_s == pytest.approx(result.infer_ms / 1000, rel=0.01)
    assert samples[("hangtag_resident_memory_bytes", ())] > 20e6
    assert samples[("hangtag_preview_responses_total", (("status", "200"),))] > 0


@given(label=st.text(), source=st.text())
def test_any_label_survives_the_text_format(label: str, source: str) -> None:
    record = {"stale": False, "label": label, "unknown": False, "score": 0.5, "source": source}
    display = Display(record)
    text = Metrics(display, Door(), 0).text({})
    samples = _samples(text)
    assert samples[("hangtag_label_score", (("label", label), ("unknown", "false")))] == 0.5


def test_sinks_of_one_name_are_summed_up() -> None:
    metrics = Metrics(Display({"stale": True}), Door(), 0)
    counts = {"dropped": 0, "rejected": 0, "reconnects": 0, "outages": 0}
    metrics.count({"stale": True}, counts, [("record", 2, 0), ("mine", 1, 5), ("mine", 3, 1)])
    samples = _samples(metrics.text({}))
    assert samples[("hangtag_sink_late_total", (("sink", "record"),))] == 2
    assert samples[("hangtag_sink_late_total", (("sink", "mine"),))] == 4
    assert samples[("hangtag_sink_failed_total", (("sink", "mine"),))] == 6


@given(st.lists(st.floats(0, 10), max_size=30))
def test_histograms_count_by_upper_limit(values: list[float]) -> None:
    histogram = Histogram((0.5, 1.0, 5.0))
    for value in values:
        histogram.add(value)
    samples = [value for _, _, value in histogram.samples()]
    counts = [sum(value <= limit for value in values) for limit in (0.5, 1.0, 5.0, np.inf)]
    assert samples == [*counts, pytest.approx(sum(values)), len(values)]


def _samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
