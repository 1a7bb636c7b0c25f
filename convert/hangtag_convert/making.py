"""Makes each format of one float network and judges it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hangtag.classifier import Classifier
from hangtag.contract import ModelContract
from hangtag.errors import ConversionError
from hangtag.metrics import Scores, top_k
from hangtag.model_file import parse_model
from hangtag.preprocess import Image
from hangtag.progress import Progress
from hangtag_convert.chatter import chatter_kept
from hangtag_convert.formats import Format
from hangtag_convert.gate import Judged, check_probabilities, judge
from hangtag_convert.golden_cases import drawn_frames, make_golden_cases
from hangtag_convert.integers import Integers, Way
from hangtag_convert.layers import PHOTOS, LayerError, layer_errors
from hangtag_convert.metadata import embed, for_files
from hangtag_convert.pictures import Pictures
from hangtag_convert.record import Attempt, Outcome
from hangtag_convert.source import Source
from hangtag_convert.weight_only import weight_int8
from hangtag_convert.yardstick import Yardstick


@dataclass(frozen=True, slots=True)
class Parent:
    """The float network that all files are measured against.

    ``contract`` is what files state of it, ``scores`` its own on the yardstick, ``saved_model`` and
    ``float32`` what its files are made of.
    """

    contract: ModelContract
    scores: Scores
    yardstick: Yardstick
    saved_model: Path
    float32: bytes

    @property
    def top1(self) -> float | None:
        """Its accuracy; None where the pictures have no labels."""
        targets = self.yardstick.targets
        return None if targets is None else top_k(self.scores, targets, 1)


def open_parent(source: Source, yardstick: Yardstick, folder: Path) -> Parent:
    """Load a float network, measure it and write its SavedModel into ``folder``.

    Raises:
        ConversionError: TensorFlow cannot load or convert it, or it is not what its contract says.
    """
    from hangtag_convert.export import float_tflite
    from hangtag_convert.network import open_network

    with chatter_kept("loading the network"):
        network = open_network(source, folder)
        scores = yardstick.scores(network.scorer, Progress(quiet=True))
    check_probabilities(scores, str(source.network))
    with chatter_kept("converting to float32"):
        float32 = float_tflite(folder, Format.FLOAT32)
    return Parent(for_files(source.contract), scores, yardstick, folder, float32)


class Making:
    """Makes formats of one parent; what several formats need is made once."""

    def __init__(
        self,
        parent: Parent,
        pictures: Pictures,
        golden: tuple[Image, ...] | None,
        max_drop_points: float,
        progress: Progress,
    ) -> None:
        self._golden = golden
        self._parent, self._pictures, self._progress = parent, pictures, progress
        self._max_drop_points = max_drop_points
        self._integers = Integers(parent.float32, pictures.calibration, pictures.recovery, progress)

    def outcome(self, kind: Format) -> Outcome:
        """Make one format, judge it and complete its file.

        Raises:
            ConversionError: TensorFlow cannot make it.
        """
        self._progress.say(f"converting to {kind.value}")
        tried = self._tried(kind)
        judged, way = min(tried, key=lambda pair: (not pair[0].passed, _drop(pair[0]) or 0.0))
        classifier = Classifier(parse_model(embed(judged.bare, judged.contract, None), kind.value))
        cases = make_golden_cases(classifier, kind.score_tolerance, self._frames())
        return Outcome(
            judged=judged,
            data=embed(judged.bare, judged.contract, cases),
            calibration=None if way is None else way.how(kind),
            attempts=tuple(Attempt(_how(how, kind), _drop(one)) for one, how in tried),
            layers=self._layers(kind, judged),
        )

    def _frames(self) -> tuple[Image, ...]:
        """Return the frames of the golden cases, the same for every format: drawn ones by the float model."""
        if self._golden is None:
            contract = self._parent.contract
            whole = embed(self._parent.float32, contract, None)
            self._golden = drawn_frames(Classifier(parse_model(whole, contract.name)))
        return self._golden

    def _tried(self, kind: Format) -> list[tuple[Judged, Way | None]]:
        """Return the ways that were tried to make one format, up to the first that passes."""
        tried: list[tuple[Judged, Way | None]] = []
        candidates = self._candidates(kind)
        while (found := self._next(candidates, first=not tried)) is not None:
            bare, way = found
            tried.append((self._judged(bare, kind), way))
            if tried[-1][0].passed or not self._recovers(kind):
                break
            self._progress.say(f"  {_how(way, kind)}: {tried[-1][0].verdict}")
        return tried

    def _next(
        self, candidates: Iterator[tuple[bytes, Way | None]], *, first: bool
    ) -> tuple[bytes, Way | None] | None:
        """Return the next way; where one that tries harder is not possible, say so: what there is stays."""
        try:
            return next(candidates, None)
        except ConversionError as error:
            if first:
                raise
            self._progress.say(f"  not to be recovered further: {error}")
            return None

    def _candidates(self, kind: Format) -> Iterator[tuple[bytes, Way | None]]:
        """Give the plain way first, then those that try harder."""
        if not kind.is_calibrated:
            yield self._without_photos(kind), None
        if kind.is_calibrated or self._recovers(kind):
            for way in self._integers.ways(kind):
                yield self._integers.made(way, kind), way

    def _recovers(self, kind: Format) -> bool:
        return kind.is_recoverable and self._pictures.recovery is not None

    def _without_photos(self, kind: Format) -> bytes:
        """Return a format that needs no ranges, bare."""
        from hangtag_convert.export import float_tflite

        if kind is Format.FLOAT32:
            return self._parent.float32
        if kind is Format.WEIGHT_INT8:
            return weight_int8(self._parent.float32)
        with chatter_kept(f"converting to {kind.value}"):
            return float_tflite(self._parent.saved_model, kind)

    def _judged(self, bare: bytes, kind: Format) -> Judged:
        parent = self._parent
        return judge(
            bare,
            kind,
            parent.contract,
            parent.scores,
            parent.yardstick,
            max_drop_points=self._max_drop_points,
            progress=self._progress,
        )

    def _layers(self, kind: Format, judged: Judged) -> tuple[LayerError, ...]:
        """Return which layers lose most, where anything was quantized and there are photos to tell."""
        photos = self._pictures.calibration
        if photos is None or kind in {Format.FLOAT32, Format.FLOAT16}:
            return ()
        return layer_errors(self._parent.float32, judged.bare, photos.thinned(PHOTOS).tensors())


def _drop(judged: Judged) -> float | None:
    accuracy = judged.comparison.accuracy
    return None if accuracy is None else accuracy.drop_points


def _how(way: Way | None, kind: Format) -> str:
    return "plain" if way is None else way.how(kind)
