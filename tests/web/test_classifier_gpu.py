"""The page's classifier on WebGPU, which the CPU plays here: close to Python, and never the CPU unasked."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
from web.driven_page import Driven, Image, python_classifier

from hangtag.classifier import Classifier

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NO_JSPI = "delete WebAssembly.Suspending;"

KEEP_THE_GPU = """
const real = GPUAdapter.prototype.requestDevice;
GPUAdapter.prototype.requestDevice = async function (...rest) {
  const device = await real.apply(this, rest);
  globalThis.ourGpu ??= device; // the next is one that the engine asks for by itself
  return device;
};
"""


def test_a_float_model_on_webgpu_computes_what_python_does(
    gpu_page: Driven, models: dict[str, bytes], pictures: dict[tuple[int, int], Image]
) -> None:
    model = "t/float-centre.tflite"
    found = gpu_page.open(model, device="gpu")

    device = found["device"]
    assert (device["kind"], device["isSoftware"], device["precision"]) == ("gpu", True, "fp32")
    assert "swiftshader" in device["adapter"].lower()
    assert found["verification"]["passed"], found["verification"]
    classifier = python_classifier(models["float-centre"])
    for size, image in pictures.items():
        assert np.abs(gpu_page.scores(size, model) - classifier.scores(image)).max() <= 1e-3


def test_a_full_integer_model_runs_on_webgpu_where_wasm_can_wait_for_it(
    gpu_page: Driven, pictures: dict[tuple[int, int], Image]
) -> None:
    found = gpu_page.open(device="gpu", verify=False)
    size = (333, 217)

    assert (found["device"]["kind"], found["device"]["build"]) == ("gpu", "jspi")
    # A GPU computes the layers of such a model in floats.
    scores = Classifier.bundled().scores(pictures[size])
    assert np.abs(gpu_page.scores(size) - scores).max() <= 0.05


def test_the_adapter_is_told_without_a_model(gpu_page: Driven, page: Driven) -> None:
    adapter = gpu_page.run("return on.gpuAdapter()")

    assert adapter["isSoftware"] is True
    assert "swiftshader" in adapter["name"].lower()
    assert page.run("return on.gpuAdapter()") is None


def test_a_gpu_that_is_not_there_is_no_cpu(page: Driven) -> None:
    refusal = page.refusal(device="gpu")

    assert refusal is not None
    assert refusal["name"] == "EngineError"
    assert refusal["message"].startswith("no GPU: ")
    # And the page goes on.
    assert page.open(device="cpu")["verification"]["passed"]


@pytest.mark.parametrize("prepared", ["", NO_JSPI], ids=["partly", "opened anew on wasm"])
def test_what_the_engine_would_leave_to_the_cpu_is_an_error(
    open_page: Callable[..., Driven], gpu_browser: Browser, prepared: str
) -> None:
    driven = open_page(gpu_browser, prepared)
    model = "t/looping.tflite"
    refusal = driven.refusal(model, device="gpu")

    assert refusal is not None
    assert refusal["name"] == "EngineError"
    assert "LiteRT.js cannot run the model on the GPU" in refusal["message"]
    assert driven.open(model, device="cpu")["device"]["kind"] == "cpu"


def test_a_lost_gpu_ends_runs_with_an_error(open_page: Callable[..., Driven], gpu_browser: Browser) -> None:
    driven = open_page(gpu_browser, KEEP_THE_GPU)
    driven.open("t/float-centre.tflite", device="gpu")
    message = driven.run(
        """
        const picture = await on.picture("t/333x217.rgba", 333, 217);
        const classifier = on.classifier("t/float-centre.tflite");
        globalThis.ourGpu.destroy();
        await globalThis.ourGpu.lost;
        return classifier.classify(picture).then(() => "no error", String);
        """
    )

    assert message.startswith("EngineError: the GPU was lost")
    driven.run("return on.close('t/float-centre.tflite')")
    assert driven.open("t/float-centre.tflite", device="gpu")["verification"]["passed"]
