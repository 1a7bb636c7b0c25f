"""MediaPipe Tasks' side of a comparison, run by a Python that has MediaPipe: ``mediapipe_client.py MODEL``.

It knows nothing of Hangtag. It opens the model and says so; then, for each line of JSON on standard input
(``frames``, a .npy file of BGR frames; ``swap``; ``region`` or null; ``warmup`` and ``calls``), it classifies
the frames in turn and answers with a line that holds the ``latencies_ms`` of the calls. A latency is that of
wrapping the pixels, classifying and reading the best label; with ``swap`` also of turning the camera's BGR
into the RGB that MediaPipe takes, which is else done beforehand.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import time
from typing import IO, Any

import numpy as np


class Answerer:
    """A model in MediaPipe Tasks, and the frames it was given last."""

    def __init__(self, model: str) -> None:
        self._mediapipe = importlib.import_module("mediapipe")
        tasks = importlib.import_module("mediapipe.tasks.python")
        self._rectangle = importlib.import_module("mediapipe.tasks.python.components.containers.rect").RectF
        self._options = importlib.import_module(
            "mediapipe.tasks.python.vision.core.image_processing_options"
        ).ImageProcessingOptions
        # Of one result, as Hangtag's label is one; more would cost it more.
        self._classifier = tasks.vision.ImageClassifier.create_from_options(
            tasks.vision.ImageClassifierOptions(
                base_options=tasks.BaseOptions(model_asset_path=model), max_results=1
            )
        )
        self._cv2 = importlib.import_module("cv2")
        self._cv2.setNumThreads(1)
        self._loaded: tuple[str, bool] | None = None
        self._arriving = importlib.import_module("arriving").arriving
        self._camera: Any = None

    @property
    def version(self) -> str:
        """MediaPipe's."""
        return str(self._mediapipe.__version__)

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Classify as a request asks."""
        swap = bool(request["swap"])
        self._load(request["frames"], swap)
        region = None if request["region"] is None else self._rectangle(**request["region"])
        options = self._options(region_of_interest=region)
        latencies_ms = []
        for number in range(request["warmup"] + request["calls"]):
            frame = self._camera(number)
            start_ns = time.perf_counter_ns()
            if swap:
                frame = self._rgb(frame)
            image = self._mediapipe.Image(image_format=self._mediapipe.ImageFormat.SRGB, data=frame)
            result = self._classifier.classify(image, options)
            result.classifications[0].categories[0].category_name  # noqa: B018 - reading it is part of it
            elapsed_ns = time.perf_counter_ns() - start_ns
            if number >= request["warmup"]:
                latencies_ms.append(elapsed_ns / 1e6)
        return {"latencies_ms": latencies_ms}

    def _load(self, path: str, swap: bool) -> None:
        if self._loaded != (path, swap):
            frames = list(np.load(path, allow_pickle=False))
            self._camera = self._arriving(frames if swap else [self._rgb(frame) for frame in frames])
            self._loaded = (path, swap)

    def _rgb(self, frame: Any) -> Any:
        return self._cv2.cvtColor(frame, self._cv2.COLOR_BGR2RGB)


def main(model: str, answers: IO[str]) -> None:
    """Answer requests until there are no more; say in the answer what went wrong."""
    gc.disable()
    try:
        answerer = Answerer(model)
        print(json.dumps({"version": answerer.version}), file=answers, flush=True)
        for line in sys.stdin:
            print(json.dumps(answerer.answer(json.loads(line))), file=answers, flush=True)
            gc.collect()
    except Exception as error:  # noqa: BLE001 - whatever MediaPipe raises is the answer
        text = " ".join(str(error).split())
        print(json.dumps({"error": f"{type(error).__name__}: {text}"}), file=answers, flush=True)


if __name__ == "__main__":
    # Native code may print where it likes: the answers keep the real standard output for themselves.
    kept = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    main(sys.argv[1], kept)
