"""Every engine that a benchmark knows: what it is, what it takes, and how to get it. Nothing heavy here."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EngineKind:
    """An engine in general.

    Args:
        name: what options, rows and conditions call it.
        title: what tables call it.
        where: ``module:Class`` of its :class:`~hangtag_benchmarks.engines.base.Engine`; empty for one of
            the programs in :mod:`hangtag_benchmarks.native.programs`, and for a browser.
        takes: the ending of the files that it runs.
        modules: what must be importable.
        how: what to do where it is not, in one line.
        device: ``cpu`` or ``gpu``.
        by_threads: has a row for each number of threads.
    """

    name: str
    title: str
    where: str
    how: str
    takes: str = ".tflite"
    modules: tuple[str, ...] = ("ai_edge_litert",)
    device: str = "cpu"
    by_threads: bool = True


TFLITE_ENDING, KERAS_ENDING = ".tflite", ".keras"

_ENGINES = "hangtag_benchmarks.engines."
_LITERT = "pip install ai-edge-litert"
_TENSORFLOW = 'pip install "hangtag[train]"'
_BINARY = "build TFLite's benchmark_model or download it, and give --binary PATH"
_PHONE = f"{_BINARY} for the phone's processor, with --adb SERIAL"
_BROWSER = "apt-get install chromium, or give --browser PATH"
_CONVERTER = ("tf2onnx", "tensorflow")
"""tf2onnx reads a .tflite with TensorFlow's help."""

KINDS = {
    kind.name: kind
    for kind in (
        EngineKind("litert", "LiteRT, XNNPACK", f"{_ENGINES}litert_cpu:LiteRtCpu", _LITERT),
        EngineKind("litert-plain", "LiteRT, no delegate", f"{_ENGINES}litert_plain:LiteRtPlain", _LITERT),
        EngineKind(
            "litert-compiled",
            "LiteRT compiled model",
            f"{_ENGINES}litert_compiled:LiteRtCompiled",
            _LITERT,
        ),
        EngineKind(
            "litert-gpu",
            "LiteRT, WebGPU",
            f"{_ENGINES}litert_compiled:LiteRtGpu",
            "a graphics adapter with a Vulkan driver",
            device="gpu",
            by_threads=False,
        ),
        EngineKind(
            "keras",
            "Keras, TensorFlow",
            f"{_ENGINES}keras_tensorflow:KerasCpu",
            _TENSORFLOW,
            takes=KERAS_ENDING,
            modules=("tensorflow", "keras"),
        ),
        EngineKind(
            "keras-gpu",
            "Keras, TensorFlow CUDA",
            f"{_ENGINES}keras_tensorflow:KerasGpu",
            _TENSORFLOW,
            takes=KERAS_ENDING,
            modules=("tensorflow", "keras"),
            device="gpu",
            by_threads=False,
        ),
        EngineKind(
            "tflite-runtime",
            "tflite-runtime",
            f"{_ENGINES}tflite_runtime:TfliteRuntime",
            "python3.11 -m venv old; old/bin/pip install tflite-runtime 'numpy<2' "
            "'opencv-python-headless<4.12'; then --python tflite-runtime=old/bin/python",
            modules=("tflite_runtime",),
        ),
        EngineKind(
            "mediapipe",
            "MediaPipe Tasks",
            f"{_ENGINES}mediapipe_tasks:MediaPipeTasks",
            "python3 -m venv tasks; tasks/bin/pip install mediapipe; "
            "then --python mediapipe=tasks/bin/python",
            modules=("mediapipe",),
            by_threads=False,
        ),
        EngineKind(
            "opencv",
            "OpenCV DNN",
            f"{_ENGINES}opencv_dnn:OpenCvDnn",
            "pip install opencv-python",
            modules=("cv2",),
        ),
        EngineKind(
            "opencv-onnx",
            "OpenCV DNN, ONNX",
            f"{_ENGINES}opencv_dnn:OpenCvOnnx",
            "pip install tf2onnx tensorflow",
            modules=("cv2", *_CONVERTER),
        ),
        EngineKind(
            "onnxruntime",
            "ONNX Runtime",
            f"{_ENGINES}onnx_runtime:OnnxRuntime",
            "pip install onnxruntime tf2onnx tensorflow",
            modules=("onnxruntime", *_CONVERTER),
        ),
        EngineKind("browser-wasm", "browser, LiteRT.js wasm", "", _BROWSER, modules=()),
        EngineKind(
            "browser-webgpu",
            "browser, LiteRT.js WebGPU",
            "",
            f"a graphics adapter that the browser's WebGPU can use; {_BROWSER}",
            modules=(),
            device="gpu",
            by_threads=False,
        ),
        EngineKind("benchmark_model", "benchmark_model, XNNPACK", "", _BINARY, modules=()),
        EngineKind("adb-cpu", "phone CPU, benchmark_model", "", _PHONE, modules=()),
        EngineKind(
            "adb-gpu",
            "phone GPU, benchmark_model",
            "",
            _PHONE,
            modules=(),
            device="gpu",
            by_threads=False,
        ),
        EngineKind(
            "adb-nnapi",
            "phone NNAPI, benchmark_model",
            "",
            _PHONE,
            modules=(),
            device="gpu",
            by_threads=False,
        ),
    )
}
"""By name, in the order that tables show them."""

DEFAULT_CPU, DEFAULT_GPU = "litert", "litert-gpu"
DEFAULT_KERAS, DEFAULT_KERAS_GPU = "keras", "keras-gpu"


def why_missing(kind: EngineKind) -> str | None:
    """Return what to do to have an engine, or None where this Python can import it."""
    missing = [module for module in kind.modules if importlib.util.find_spec(module) is None]
    return f"not installed ({', '.join(missing)}); {kind.how}" if missing else None
