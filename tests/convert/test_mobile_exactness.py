"""The generated Kotlin and Swift, compiled and run, do what Hangtag's own Python does, for any frame.

The same questions go to both: a small program is compiled together with the generated source, reads a script
and answers it.
"""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from kotlin_compiler import find_kotlin
from mobile_contracts import CONTRACTS, HOSTILE_TEXTS, model_of
from swift_compiler import find_swift

from hangtag.classifier import to_scores
from hangtag.contract import ColourOrder, Geometry, InputSpec, OutputKind, OutputSpec, TensorFormat
from hangtag.preprocess import Image, Preprocessor, preprocess, source_rectangle
from hangtag_convert.mobile.bundle import Platform, write_bundle

_HARNESS = Path(__file__).parent
_PACKAGE = "dev.hangtag.probe"
_KOTLIN = ("ModelContract", "ContractTypes", "Frame", "RegionOfInterest", "Preprocessor", "Scores", "Labels")


@dataclasses.dataclass(frozen=True, slots=True)
class Probe:
    """The pure part of a bundle, compiled with a program that does what a script asks for.

    It comes from the bundle with hostile labels; other contracts are given by line. ``assets`` is the folder
    in which the source looks for its files.
    """

    run: Callable[[Path], str]
    folder: Path
    assets: Path

    def ask(self, lines: Sequence[str]) -> list[str]:
        """Return what the program prints for the lines of its script."""
        script = self.folder / "script.txt"
        script.write_text("\n".join(lines) + "\n")
        return self.run(script).splitlines()


@pytest.fixture(scope="module", params=[Platform.ANDROID, Platform.IOS], ids=["kotlin", "swift"])
def probe(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Probe:
    platform: Platform = request.param
    folder = tmp_path_factory.mktemp(platform.value)
    model, out = folder / "model.tflite", folder / "bundle"
    model.write_bytes(model_of("hostile"))
    package = _PACKAGE if platform is Platform.ANDROID else None
    write_bundle(model, platform, out, package=package)
    if platform is Platform.ANDROID:
        return Probe(_kotlin_program(out, folder), folder, out / "app" / "src" / "main" / "assets")
    return Probe(_swift_program(out, folder), folder, out / "Resources")


def _kotlin_program(bundle: Path, folder: Path) -> Callable[[Path], str]:
    kotlin, classes = find_kotlin(), folder / "classes"
    main = bundle / "app" / "src" / "main" / "kotlin" / _PACKAGE.replace(".", "/")
    sources = [main / f"{name}.kt" for name in _KOTLIN]
    assert "warning" not in kotlin.compile([*sources, _HARNESS / "kotlin" / "Probe.kt"], classes)
    return lambda script: kotlin.run(f"{_PACKAGE}.ProbeKt", [classes], [str(script)], folder)


def _swift_program(bundle: Path, folder: Path) -> Callable[[Path], str]:
    program = folder / "probe"
    sources = [*(bundle / "Sources" / "Pure").glob("*.swift"), _HARNESS / "swift" / "main.swift"]
    find_swift().compile(sources, program)

    def run(script: Path) -> str:
        done = subprocess.run([program, script], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def _words(spec: InputSpec) -> str:
    """Return a contract's input as the probe reads it."""
    tensor = spec.tensor
    words = [spec.width_px, spec.height_px, spec.colour_order.name, spec.geometry.name, spec.pad_value]
    form = [tensor.dtype.upper(), "null" if tensor.scale is None else repr(tensor.scale), tensor.zero_point]
    numbers = [",".join(map(repr, values)) for values in (spec.mean, spec.std)]
    return " ".join(map(str, [*words, *form, *numbers]))


def _specs(rng: np.random.Generator) -> list[InputSpec]:
    """Return inputs of every colour order, geometry and element type, and of odd sizes."""
    tensors = [
        TensorFormat(),
        TensorFormat(dtype="uint8", scale=1 / 128, zero_point=127),
        TensorFormat(dtype="uint8", scale=0.0173, zero_point=101),
        TensorFormat(dtype="int8", scale=1 / 128, zero_point=-1),
        TensorFormat(dtype="int16", scale=0.0001),
    ]
    specs = []
    for number, (order, geometry) in enumerate(
        (order, geometry) for order in ColourOrder for geometry in Geometry
    ):
        channels = 1 if order is ColourOrder.GREY else 3
        specs.extend(
            InputSpec(
                width_px=int(rng.integers(1, 90)),
                height_px=int(rng.integers(1, 90)),
                colour_order=order,
                geometry=geometry,
                pad_value=37 * number % 256,
                mean=tuple(rng.uniform(-10, 200, channels).tolist()),
                std=tuple(rng.uniform(0.1, 200, channels).tolist()),
                tensor=tensor,
            )
            for tensor in tensors
        )
    return [*specs, InputSpec(width_px=224, height_px=224), InputSpec(width_px=1, height_px=1)]


def _photo(rng: np.random.Generator, width: int, height: int) -> Image:
    frame: Image = rng.integers(0, 256, (height, width, 3)).astype(np.uint8)
    return frame


def _lying(image: Image, degrees: int) -> Image:
    """Return the frame of a sensor that must be turned clockwise by so many degrees to show ``image``."""
    return np.ascontiguousarray(np.rot90(image, degrees // 90))


def test_every_byte_is_that_of_training(probe: Probe) -> None:
    rng = np.random.default_rng(7)
    lines, expected = [], []
    for number, spec in enumerate(_specs(rng) * 3):
        width, height = (int(side) for side in rng.integers(1, 200, 2))
        if number % 11 == 0:
            width, height = spec.width_px, spec.height_px
        image, degrees = _photo(rng, width, height), int(rng.choice([0, 90, 180, 270]))
        frame = _lying(image, degrees)
        source, out = probe.folder / f"{number}.bgra", probe.folder / f"{number}.out"
        source.write_bytes(cv2.cvtColor(frame, cv2.COLOR_BGR2BGRA).tobytes())
        lines.append(f"tensor {_words(spec)} {frame.shape[1]} {frame.shape[0]} {degrees} {source} {out}")
        pixels: Image = np.empty(spec.shape[1:], np.uint8)
        Preprocessor(spec).write_pixels(image, pixels)
        expected.append((out, pixels.tobytes() + preprocess(image, spec).tobytes(), lines[-1]))
    probe.ask(lines)
    for out, wanted, line in expected:
        assert out.read_bytes() == wanted, line


def test_the_region_of_interest_is_what_preprocess_cuts_out(probe: Probe) -> None:
    """For frames of every size and rotation: the whole-number rectangle, and its fractions for MediaPipe."""
    rng = np.random.default_rng(8)
    spec_of = [
        InputSpec(width_px=224, height_px=224),
        InputSpec(width_px=320, height_px=240),
        InputSpec(width_px=3, height_px=4096),
        InputSpec(width_px=224, height_px=224, geometry=Geometry.STRETCH),
    ]
    cases = [
        (spec, int(width), int(height), degrees)
        for spec in spec_of
        for width, height in [
            *rng.integers(1, 5000, (60, 2)),
            (1, 1),
            (1, 5000),
            (5000, 1),
            (639, 480),
            (12000, 9000),
        ]
        for degrees in (0, 90, 180, 270)
    ]
    printed = probe.ask(
        [f"region {_words(spec)} {width} {height} {degrees}" for spec, width, height, degrees in cases]
    )
    for (spec, width, height, degrees), line in zip(cases, printed, strict=True):
        cut, fractions = line.split()[:4], line.split()[4:]
        wanted = _cut_out(spec, (width, height), degrees)
        assert tuple(map(int, cut)) == wanted, (spec, width, height, degrees)
        if "-" in fractions:  # Swift has frames turned before
            assert degrees != 0
            continue
        left, top, right, bottom = map(float, fractions)
        in_pixels = np.array([left * width, top * height, right * width, bottom * height])
        edges = (wanted[0], wanted[1], wanted[0] + wanted[2], wanted[1] + wanted[3])
        np.testing.assert_allclose(in_pixels, edges, atol=0.01)
        assert 0 <= left < right <= 1
        assert 0 <= top < bottom <= 1


def _cut_out(spec: InputSpec, frame_wh: tuple[int, int], degrees: int) -> tuple[int, ...]:
    """Return the rectangle by turning columns and rows that carry their numbers, not by formulas."""
    width, height = frame_wh
    columns, rows = np.arange(width), np.arange(height)
    # Where the upright picture's columns and rows come from: the frame turned clockwise.
    across, down = {
        0: (columns, rows),
        90: (rows[::-1], columns),
        180: (columns[::-1], rows[::-1]),
        270: (rows, columns[::-1]),
    }[degrees]
    left, top, cut_w, cut_h = source_rectangle((len(across), len(down)), spec)
    across, down = across[left : left + cut_w], down[top : top + cut_h]
    xs, ys = (across, down) if degrees % 180 == 0 else (down, across)
    return (int(xs.min()), int(ys.min()), len(xs), len(ys))


_OUTPUTS: list[tuple[OutputSpec, npt.NDArray[np.generic]]] = [
    (OutputSpec(), np.array([0.1, 0.7, 0.2], np.float32)),
    (OutputSpec(), np.array([0.4, 0.4, 0.2], np.float32)),
    (OutputSpec(tensor=TensorFormat(dtype="uint8", scale=1 / 256)), np.array([0, 255, 3], np.uint8)),
    (
        OutputSpec(tensor=TensorFormat(dtype="int8", scale=1 / 256, zero_point=-128)),
        np.array([-128, 127, 5], np.int8),
    ),
    (OutputSpec(tensor=TensorFormat(dtype="int16", scale=1 / 32768)), np.array([-3, 32767, 90], np.int16)),
    (OutputSpec(kind=OutputKind.LOGITS), np.array([-1000.0, 3.5, 3.25], np.float32)),
    (OutputSpec(kind=OutputKind.SIGMOID), np.array([0.75], np.float32)),
]


@pytest.mark.parametrize("threshold", [None, 0.5, 0.99])
def test_scores_are_those_of_the_runtime(probe: Probe, threshold: float | None) -> None:
    lines = []
    for number, (spec, output) in enumerate(_OUTPUTS):
        raw, tensor = probe.folder / f"output-{number}", spec.tensor
        raw.write_bytes(output.tobytes())
        labels = 2 if spec.kind is OutputKind.SIGMOID else len(output)
        scale = "null" if tensor.scale is None else repr(tensor.scale)
        least = "null" if threshold is None else repr(threshold)
        form = f"{tensor.dtype.upper()} {scale} {tensor.zero_point}"
        lines.append(f"scores {spec.kind.name} {form} {labels} {least} {raw}")
    for (spec, output), line in zip(_OUTPUTS, probe.ask(lines), strict=True):
        scores = to_scores(output, spec)
        printed, top, unknown = line.split(" ")
        np.testing.assert_allclose([float(score) for score in printed.split(",")], scores, rtol=1e-12)
        assert top == ",".join(map(str, np.argsort(-scores, kind="stable")[:3]))
        assert unknown == str(threshold is not None and scores.max() < threshold).lower()


def test_labels_come_back_whole_in_the_language_that_fits(probe: Probe) -> None:
    contract = CONTRACTS["hostile"]
    asked = {
        f"labels {probe.assets}": contract.labels,
        f"labels {probe.assets} fr de": contract.labels,
        f"labels {probe.assets} es-MX pt": contract.translations["es"],
        f"labels {probe.assets} pt-br": contract.translations["pt-BR"],
        f"labels {probe.assets} fr es": contract.translations["es"],
    }
    printed = probe.ask(list(asked))
    found = [tuple(bytes.fromhex(label).decode() for label in line.split(",")) for line in printed]
    assert found == list(asked.values())
    assert contract.labels == HOSTILE_TEXTS


def test_other_labels_are_refused(probe: Probe, tmp_path: Path) -> None:
    shutil.copytree(probe.assets, tmp_path / "assets")
    (labels,) = (tmp_path / "assets").rglob("labels.txt")
    labels.write_bytes(labels.read_bytes().replace(b"hi", b"ho"))
    with pytest.raises(AssertionError, match="these labels are not those of the model"):
        probe.ask([f"labels {tmp_path / 'assets'}"])
