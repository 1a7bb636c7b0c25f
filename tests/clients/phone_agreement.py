"""Do MediaPipe Tasks and Hangtag say the same? ``python tests/clients/phone_agreement.py RUN --data DATA``.

Four ways to hand a photo over are compared with what Hangtag itself makes of it:

- *prepared*: the input's pixels as Hangtag prepares them; what is left is the interpreter alone;
- *region*: the photo, and the part that the contract's geometry takes as the region of interest;
- *cut out*: only that part, cut out by the app;
- *whole*: the photo alone, as an app does that forgets the region: MediaPipe stretches it.

What *region* and *cut out* lose is MediaPipe's resampling: with s source pixels to an input pixel it looks
for pixel i at i * s, where Hangtag, as cv2.resize does, looks at (i + 0.5) * s - 0.5. An app for which that
is too much hands over prepared pixels.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from client_environments import MEDIAPIPE
from client_process import ClientProcess
from report_parts import Measured, Report

from hangtag.classifier import Classifier, Scores, to_scores
from hangtag.contract import ModelContract, OutputSpec
from hangtag.mediapipe import region_of_interest
from hangtag.metrics import agreement, top_k
from hangtag.preprocess import Image, Preprocessor, source_rectangle

WAYS = ("prepared", "region", "cut out", "whole")


@dataclass(frozen=True, slots=True)
class PhoneScores:
    """Scores of the same pictures, each of shape (pictures, labels): Hangtag's, and MediaPipe's by way."""

    hangtag: Scores
    mediapipe: dict[str, Scores]

    def worst(self, way: str) -> float:
        """Return the largest difference of any score."""
        return float(np.abs(self.mediapipe[way] - self.hangtag).max())

    def agreement(self, way: str) -> float:
        """Return the fraction of pictures with the same best label."""
        return agreement(self.mediapipe[way], self.hangtag)


def phone_scores(client: ClientProcess, classifier: Classifier, pictures: Iterable[Image]) -> PhoneScores:
    """Hand every BGR picture to both sides, to MediaPipe in every way.

    Raises:
        BenchmarkError: MediaPipe cannot classify one.
    """
    contract = classifier.contract
    preprocessor = Preprocessor(contract.input)
    ours: list[Scores] = []
    theirs: dict[str, list[Scores]] = {way: [] for way in WAYS}
    for picture in pictures:
        ours.append(classifier.scores(picture))
        for way, scores in _by_way(client, contract, preprocessor, picture).items():
            theirs[way].append(scores)
    return PhoneScores(np.stack(ours), {way: np.stack(scores) for way, scores in theirs.items()})


def _by_way(
    client: ClientProcess, contract: ModelContract, preprocessor: Preprocessor, picture: Image
) -> dict[str, Scores]:
    rgb = picture[..., ::-1]
    prepared = np.empty(contract.input.shape[1:], np.uint8)
    preprocessor.write_pixels(picture, prepared)
    image_wh = (picture.shape[1], picture.shape[0])
    x, y, width, height = source_rectangle(image_wh, contract.input)
    answers = {
        "prepared": client.ask(prepared),
        "region": client.ask(rgb, region=region_of_interest(image_wh, contract.input)),
        "cut out": client.ask(rgb[y : y + height, x : x + width]),
        "whole": client.ask(rgb),
    }
    return {way: scores_in(answer, contract) for way, answer in answers.items()}


def scores_in(answer: dict[str, Any], contract: ModelContract) -> Scores:
    """Return one score per label from MediaPipe's categories, whatever their order."""
    raw = np.full(contract.output_units, np.nan)
    for category in answer["categories"]:
        raw[category["index"]] = category["score"]
    return to_scores(raw, OutputSpec(kind=contract.output.kind))


def _cells(row: Measured[PhoneScores]) -> tuple[str, ...]:
    scores = row.scores
    measured = (scores.hangtag, scores.mediapipe["region"], scores.mediapipe["whole"])
    return (
        f"{scores.worst('prepared'):.2g}",
        *(f"{scores.agreement(way):.4f}" for way in ("region", "cut out", "whole")),
        *(f"{top_k(each, row.targets, 1):.4f}" for each in measured),
    )


main = Report(
    environment=MEDIAPIPE,
    script="mediapipe_client.py",
    scores=phone_scores,
    header=(
        "worst difference, prepared",
        "same top-1, region",
        "same top-1, cut out",
        "same top-1, whole",
        "top-1 Hangtag",
        "top-1 region",
        "top-1 whole",
    ),
    cells=_cells,
).command("Compare MediaPipe Tasks with Hangtag on the photos of a split.")

if __name__ == "__main__":
    main()
