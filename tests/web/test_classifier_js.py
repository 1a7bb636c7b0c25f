"""The page's classifier in a real browser: every build of the engine, every picture, held against Python."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from web.driven_page import BLANK, BUNDLED, CONTRACTS, SIZES, Driven, Image, python_classifier

from hangtag.classifier import Classifier, bundled_model
from hangtag.preprocess import preprocess

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NO_RELAXED_SIMD = """
const real = WebAssembly.instantiate;
const refused = () => Promise.reject(new WebAssembly.CompileError("no relaxed SIMD"));
WebAssembly.instantiate = (bytes, ...rest) => (bytes.byteLength === 36 ? refused() : real(bytes, ...rest));
"""
"""Makes the engine's own question about relaxed SIMD come out as it does in older browsers."""


# --- the CPU


@pytest.mark.parametrize(
    ("threads", "build", "prepared"),
    [(1, "plain", ""), (2, "threaded", ""), (1, "compat", NO_RELAXED_SIMD)],
)
def test_every_wasm_build_computes_what_python_does(
    open_page: Callable[..., Driven],
    browser: Browser,
    pictures: dict[tuple[int, int], Image],
    threads: int,
    build: str,
    prepared: str,
) -> None:
    if threads > (os.cpu_count() or 1):
        pytest.skip(f"needs {threads} cores")
    driven = open_page(browser, prepared)
    found = driven.open(threads=threads)

    assert found["device"] == {"kind": "cpu", "threads": threads, "build": build}
    assert found["verification"]["passed"], found["verification"]
    assert len(found["verification"]["cases"]) == len(bundled_model().golden.cases)  # type: ignore[union-attr]
    classifier = Classifier.bundled()
    for size, image in pictures.items():
        # A full-integer model: the engines may round one last bit otherwise.
        scale = classifier.contract.output.tensor.scale or 0.0
        assert np.abs(driven.scores(size) - classifier.scores(image)).max() <= 1.001 * scale


@pytest.mark.parametrize("name", CONTRACTS)
def test_models_of_every_kind(page: Driven, models: dict[str, bytes], name: str) -> None:
    model = f"t/{name}.tflite"
    found = page.open(model)

    assert found["verification"]["passed"], found["verification"]
    assert found["labels"] == list(CONTRACTS[name].labels)


@pytest.mark.parametrize("name", ["bundled", *CONTRACTS])
def test_the_input_tensor_is_pythons_to_the_byte(
    page: Driven, models: dict[str, bytes], pictures: dict[tuple[int, int], Image], name: str
) -> None:
    model = f"t/{name}.tflite"
    page.open(model, threads=1, verify=False)
    spec = python_classifier(models[name]).contract.input

    for size, image in pictures.items():
        assert page.tensor(size, model) == preprocess(image, spec).tobytes(), size


def test_threads_are_used_where_the_page_may(page: Driven) -> None:
    device = page.open()["device"]
    cores = page.run("return navigator.hardwareConcurrency")

    expected = min(4, cores)
    assert device == {"kind": "cpu", "threads": expected, "build": "plain" if expected == 1 else "threaded"}


def test_a_page_that_is_not_isolated_has_one_thread_and_says_why_not_two(
    open_page: Callable[..., Driven], browser: Browser
) -> None:
    driven = open_page(browser)
    # As a static host serves it that cannot set headers.
    driven.page.route(
        f"**/{BLANK}", lambda route: route.fulfill(body="<body></body>", content_type="text/html")
    )
    driven.page.goto(driven.page.url)

    assert driven.run("return crossOriginIsolated") is False
    assert driven.open()["device"] == {"kind": "cpu", "threads": 1, "build": "plain"}
    driven.run("return on.close(given.model)", model=BUNDLED)
    refusal = driven.refusal(threads=2)
    assert refusal is not None
    assert refusal["name"] == "EngineError"
    assert "COOP" in refusal["message"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"threads": 0}, "threads is 0; wanted a whole number from 1"),
        ({"threads": 1.5}, "threads is 1.5"),
        ({"threads": 4096}, "4096 threads; the browser tells of"),
        ({"device": "npu"}, 'device is npu; wanted "cpu" or "gpu"'),
        ({"precision": "int4"}, "precision is int4"),
    ],
)
def test_options_that_cannot_be(page: Driven, options: dict[str, Any], said: str) -> None:
    refusal = page.refusal(**options)

    assert refusal is not None
    assert refusal["name"] == "EngineError"
    assert said in refusal["message"]


# --- pictures and results


def test_classify_gives_what_python_gives(page: Driven, pictures: dict[tuple[int, int], Image]) -> None:
    size = SIZES[0]
    page.open()
    found = page.run(
        """
        const bitmap = await createImageBitmap(await on.picture(given.path, ...given.size));
        const { scores, ...rest } = await on.classifier(given.model).classify(bitmap, { top: 4 });
        return { ...rest, scores: Array.from(scores) };
        """,
        path=f"t/{size[0]}x{size[1]}.rgba",
        size=size,
        model=BUNDLED,
    )
    wanted = Classifier.bundled().classify(pictures[size], top=4)

    assert found["label"] == wanted.label
    assert found["score"] == pytest.approx(wanted.score, abs=0.005)
    assert [label for label, _ in found["top"]][:2] == [label for label, _ in wanted.top][:2]
    assert len(found["top"]) == 4
    assert found["score"] == max(found["scores"])
    timings = found["timings"]
    assert set(timings) == {"pixels_ms", "prepare_ms", "run_ms", "total_ms"}
    assert timings["total_ms"] >= timings["run_ms"] > 0


_SOURCES = {
    "ImageData": "picture",
    "ImageBitmap": "await createImageBitmap(picture)",
    "OffscreenCanvas": "drawn(new OffscreenCanvas(...given.size))",
    "HTMLCanvasElement": "drawn(Object.assign(document.createElement('canvas'), size))",
    "VideoFrame": "new VideoFrame(drawn(new OffscreenCanvas(...given.size)), { timestamp: 0 })",
    "HTMLImageElement": "await loaded(drawn(new OffscreenCanvas(...given.size)))",
}


@pytest.mark.parametrize("kind", _SOURCES)
def test_every_kind_of_picture_becomes_the_same_tensor(page: Driven, kind: str) -> None:
    size = (333, 217)
    page.open(verify=False)
    found = page.run(
        f"""
        const picture = await on.picture(given.path, ...given.size);
        const size = {{ width: picture.width, height: picture.height }};
        const drawn = (canvas) => {{ canvas.getContext("2d").putImageData(picture, 0, 0); return canvas; }};
        const loaded = async (canvas) => {{
          const image = new Image();
          image.src = URL.createObjectURL(await canvas.convertToBlob());
          await image.decode();
          return image;
        }};
        return on.bytesOf(on.classifier(given.model).tensor({_SOURCES[kind]}));
        """,
        path=f"t/{size[0]}x{size[1]}.rgba",
        size=size,
        model=BUNDLED,
    )

    assert base64.b64decode(found) == page.tensor(size)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("document.createElement('video')", "the HTMLVideoElement has no pixels (yet)"),
        ("document.body", "HTMLBodyElement is no picture; wanted an ImageBitmap"),
        ("'photo.jpg'", "String is no picture"),
        ("null", "null is no picture"),
    ],
)
def test_what_is_no_picture_is_refused(page: Driven, source: str, said: str) -> None:
    page.open(verify=False)
    message = page.run(
        f"return on.classifier(given.model).classify({source}).catch(String)",
        model=BUNDLED,
    )

    assert message.startswith("TypeError: ")
    assert said in message


def test_a_page_of_ones_own_needs_one_function(page: Driven, pictures: dict[tuple[int, int], Image]) -> None:
    found = page.run(
        """
        const bitmap = await createImageBitmap(await on.picture("t/640x480.rgba", 640, 480));
        const [first, second] = await Promise.all([on.classify(bitmap), on.classify(bitmap)]);
        return [first.label, second.label];
        """
    )

    assert found == [Classifier.bundled().classify(pictures[640, 480]).label] * 2
