"""What does tflite-runtime load, and does it compute what LiteRT does?

``python tests/clients/tflite_runtime_agreement.py RUN --data DATA`` gives each file the tensors that Hangtag
prepares, in tflite-runtime and in LiteRT; the last column is what
``hangtag verify MODEL --engine tflite-runtime`` says.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from client_environments import TFLITE_RUNTIME, python_in
from client_process import ClientProcess
from report_parts import Measured, Report

from hangtag.classifier import Classifier, Scores, to_scores
from hangtag.metrics import agreement, top_k
from hangtag.preprocess import Image, preprocess


@dataclass(frozen=True, slots=True)
class EngineScores:
    """Scores of the same pictures, each of shape (pictures, labels), by LiteRT and by tflite-runtime.

    ``verified`` tells whether the model's golden cases pass with tflite-runtime.
    """

    litert: Scores
    tflite_runtime: Scores
    verified: bool

    @property
    def worst(self) -> float:
        """The largest difference of any score."""
        return float(np.abs(self.litert - self.tflite_runtime).max())


def engine_scores(client: ClientProcess, classifier: Classifier, pictures: Iterable[Image]) -> EngineScores:
    """Give both engines the tensor of every BGR picture.

    Raises:
        BenchmarkError: tflite-runtime cannot run the model.
    """
    contract = classifier.contract
    ours, theirs = [], []
    for picture in pictures:
        ours.append(classifier.scores(picture))
        answer = client.ask(preprocess(picture, contract.input))
        output = np.array(answer["output"], contract.output.tensor.dtype)
        theirs.append(to_scores(output, contract.output))
    verified = verify_there(Path(classifier.model.name)).returncode == 0
    return EngineScores(np.stack(ours), np.stack(theirs), verified)


def verify_there(model: Path) -> subprocess.CompletedProcess[str]:
    """Run ``hangtag verify MODEL --engine tflite-runtime`` where tflite-runtime is."""
    hangtag = python_in(TFLITE_RUNTIME).with_name("hangtag")
    command: list[str | Path] = [hangtag, "verify", model, "--engine", "tflite-runtime"]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def _cells(row: Measured[EngineScores]) -> tuple[str, ...]:
    scores = row.scores
    both = (scores.litert, scores.tflite_runtime)
    return (
        f"{scores.worst:.2g}",
        f"{256 * scores.worst:.2g}",
        f"{agreement(*both):.4f}",
        *(f"{top_k(each, row.targets, 1):.4f}" for each in both),
        "passes" if scores.verified else "fails",
    )


main = Report(
    environment=TFLITE_RUNTIME,
    script="tflite_runtime_client.py",
    scores=engine_scores,
    header=(
        "worst difference",
        "in steps of 1/256",
        "same top-1",
        "top-1 LiteRT",
        "top-1 tflite-runtime",
        "hangtag verify",
    ),
    cells=_cells,
).command("Compare tflite-runtime with LiteRT on the photos of a split.")

if __name__ == "__main__":
    main()
