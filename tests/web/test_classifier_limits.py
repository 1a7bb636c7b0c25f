"""What the page's classifier refuses, and what it leaves behind: one line each, and nothing."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from model_parts import joined, split
from web.browser import browser_path
from web.driven_page import BUNDLED, SIZES, Driven, Image

from hangtag.classifier import bundled_model
from hangtag_benchmarks.browser.chromium import CPU_FLAGS, RunningBrowser
from hangtag_benchmarks.browser.page_jobs import PageJob, run_page, site_of
from hangtag_benchmarks.machine.memory import resident_mb

# --- files that cannot be used


def test_a_damaged_model_is_an_error_of_the_model(page: Driven) -> None:
    refusal = page.refusal("t/damaged.tflite")

    assert refusal is not None
    assert refusal["name"] == "ModelError"
    assert "damaged" in refusal["message"]


def test_a_model_that_is_not_there(page: Driven) -> None:
    refusal = page.refusal("t/none.tflite")

    assert refusal is not None
    assert refusal["name"] == "ModelError"
    assert "404" in refusal["message"]


def test_signed_bytes_are_refused_with_advice(page: Driven) -> None:
    refusal = page.refusal("t/signed-bytes.tflite")

    assert refusal is not None
    assert refusal["name"] == "EngineError"
    assert "LiteRT.js has no int8 tensors" in refusal["message"]
    assert "hangtag" not in refusal["message"] or "--format int8" in refusal["message"]


def test_a_model_that_the_engine_cannot_read_does_not_spoil_the_next(page: Driven) -> None:
    refusal = page.refusal("t/unknown-operator.tflite", threads=1)

    assert refusal is not None
    assert refusal["name"] == "EngineError"
    assert page.open(threads=1)["verification"]["passed"]


@pytest.mark.parametrize("file", ["core.js", "litert_wasm_internal.js", "litert_wasm_internal.wasm"])
def test_an_engine_that_is_not_there_says_how_to_get_it(page: Driven, file: str) -> None:
    page.page.route(f"**/{file}", lambda route: route.fulfill(status=404))
    refusal = page.refusal(threads=1)

    assert refusal is not None
    assert refusal["name"] == "EngineError"
    assert "make web-assets" in refusal["message"]


def test_a_golden_case_that_differs_is_told(page: Driven, models: dict[str, bytes]) -> None:
    """A difference is shown, not thrown: the page must be able to say which."""
    flatbuffer, files = split(models["float-centre"])
    index = json.loads(files["golden.json"])
    index["cases"][0]["tensor_sha256"] = "0" * 64
    scores = index["cases"][1]["scores"]
    scores[0] = 1 - scores[0]
    changed = joined(flatbuffer, {**files, "golden.json": json.dumps(index).encode()})
    page.page.route(
        "**/t/changed.tflite",
        lambda route: route.fulfill(body=changed, headers={"Cross-Origin-Resource-Policy": "same-origin"}),
    )
    verification = page.open("t/changed.tflite")["verification"]

    assert verification["passed"] is False
    first, second, *others = verification["cases"]
    assert (first["sameTensor"], first["worstDifference"] < 1e-3, first["passed"]) == (False, True, False)
    assert (second["sameTensor"], second["worstDifference"] > 0.1, second["passed"]) == (True, True, False)
    assert all(case["passed"] for case in others)


# --- one engine, and what it leaves


def test_calls_at_the_same_time_take_turns(page: Driven, pictures: dict[tuple[int, int], Image]) -> None:
    page.open()
    found = page.run(
        """
        const pictures = await Promise.all(given.sizes.map(([w, h]) => on.picture(`t/${w}x${h}.rgba`, w, h)));
        const all = await Promise.all(pictures.map((picture) => on.scores(given.model, picture)));
        return all;
        """,
        sizes=SIZES,
        model=BUNDLED,
    )
    alone = [page.scores(size) for size in SIZES]

    assert np.array_equal(np.array(found), np.array(alone))


def test_the_threads_of_a_deleted_classifier_end(page: Driven) -> None:
    page.open(threads=2)
    assert page.page.workers != []
    page.run("return on.close(given.model)", model=BUNDLED)

    page.page.wait_for_timeout(500)
    assert page.page.workers == []


def test_two_models_share_a_build_and_not_two_builds(page: Driven) -> None:
    page.open("t/float-centre.tflite", threads=1)
    page.open("t/bundled.tflite", threads=1)
    refusal = page.refusal("t/float-logits.tflite", threads=2)

    assert refusal is not None
    assert "delete() the first" in refusal["message"]
    # One that goes leaves the other as it was.
    page.run("return on.close('t/float-centre.tflite')")
    assert page.run("return on.classifier('t/bundled.tflite').verify()")["passed"]


def test_deleting_waits_for_what_runs_and_ends_what_comes_after(page: Driven) -> None:
    page.open(threads=2)
    found = page.run(
        """
        const picture = await on.picture("t/640x480.rgba", 640, 480);
        const classifier = on.classifier(given.model);
        const steps = classifier.steps;
        const tensor = steps.prepare(steps.pixels(picture)).slice();
        const run = steps.run(tensor);
        const gone = classifier.delete();
        const late = steps.run(tensor).then(() => "no error", String);
        const ran = await run;
        await gone;
        return [ran.length, await late];
        """,
        model=BUNDLED,
    )

    assert found == [len(bundled_model().contract.labels), "EngineError: this classifier was deleted"]


_OPEN_AND_DELETE = """
const classifier = await Classifier.load(bytes, job.options);
await classifier.delete();
"""
_RUN_OFTEN = """
globalThis.classifier ??= await Classifier.load(bytes, job.options);
for (let run = 0; run < 100; run++) await globalThis.classifier.classify(picture);
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc, to see a process's memory")
@pytest.mark.parametrize(
    ("cycle", "threads"),
    [(_OPEN_AND_DELETE, 1), (_OPEN_AND_DELETE, 2), (_RUN_OFTEN, 1)],
    ids=["opened, plain", "opened, threaded", "run"],
)
def test_nothing_is_left_after_it(web_assets: None, cycle: str, threads: int) -> None:
    """What a model's engine takes is 12 MB and more, and what 100 runs copy is 15 MB."""
    memory_mb = _memory_after_each(cycle, {"device": "cpu", "threads": threads}, cycles=4)

    assert max(memory_mb[2:]) < memory_mb[1] + 10, memory_mb


def _memory_after_each(cycle: str, options: dict[str, Any], cycles: int) -> list[float]:
    """Return what the page's process holds after each cycle, in megabytes.

    No driver is attached to this browser: Playwright's keeps what a page has fetched.
    """
    program = browser_path()
    if program is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    script = f"""
      import {{ Classifier }} from "./classifier.js";
      const job = await (await fetch("job.json")).json();
      const {{ model }} = await (await fetch("site.json")).json();
      const bytes = new Uint8Array(await (await fetch(model)).arrayBuffer());
      const picture = new ImageData(640, 480);
      for (let number = 0; number < job.cycles; number++) {{
        {cycle}
        for (let more = 0; more < 2; more++) {{ gc(); await new Promise((done) => setTimeout(done, 200)); }}
        await fetch("looked", {{ method: "POST", body: "null" }});
      }}
      await fetch("answer", {{ method: "POST", body: "{{}}" }});
    """
    found: list[float] = []

    def look(_name: str, browser: RunningBrowser) -> None:
        held_mb = resident_mb(Path(f"/proc/{browser.page_pid()}/status"))
        assert held_mb is not None
        found.append(held_mb)

    flags = (*CPU_FLAGS, "--js-flags=--expose-gc")
    values = {"options": options, "cycles": cycles}
    job = PageJob(values, program, flags, site_of(None), {"job.js": script.encode()})
    answer = run_page(job, on_mark=look, timeout_s=120.0)
    assert answer.error is None, answer.error
    assert len(found) == cycles
    return found
