"""The generated Android bundle is compiled whole, and its own tests pass, and fail where they should."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from kotlin_compiler import KotlinCompiler, find_kotlin
from mobile_contracts import WITHOUT_MEDIAPIPE, contract_of, model_of

from hangtag.contract import TensorFormat
from hangtag.preprocess import preprocess, source_rectangle
from hangtag_convert.mobile.bundle import Platform, write_bundle

_HARNESS = Path(__file__).parent / "kotlin"
_DIGESTS = ("tensor_sha256", "pixels_sha256")
_CASES = ("clothing", "hostile", "grey", "letterbox", "many", "logits")


@dataclasses.dataclass(frozen=True, slots=True)
class CompiledBundles:
    """Bundles of several cases, each in a package of its own, with all their Kotlin compiled together."""

    kotlin: KotlinCompiler
    classes: Path
    apps: Mapping[str, Path]

    def run_tests(self, case: str, *tests: str) -> str:
        """Run some of the bundle's own test classes; return what they printed."""
        resources = self.apps[case] / "src" / "sharedTest" / "resources"
        golden = json.loads((resources / "golden" / "golden.json").read_text())
        known = {entry[key]: entry["scores"] for entry in golden["cases"] for key in _DIGESTS}
        names = [f"{_package_of(case)}.{test}" for test in tests]
        return self.on_the_phone(case, "dev.hangtag.harness.RunTestsKt", names, known)

    def on_the_phone(
        self, case: str, main: str, arguments: Sequence[str], known: Mapping[str, Sequence[float]]
    ) -> str:
        """Run a program whose model answers with the ``known`` scores, by the digest of what it is given."""
        app, contract = self.apps[case], contract_of(case)
        resources, answers = app / "src" / "sharedTest" / "resources", app / "answers.txt"
        answers.write_text("".join(f"{sha} {','.join(map(repr, row))}\n" for sha, row in known.items()))
        phone = {
            "assets": app / "src" / "main" / "assets",
            "test.assets": resources,
            "answers": answers,
            "input": _form(contract.input.shape, contract.input.tensor),
            "output": _form((1, contract.output_units), contract.output.tensor),
        }
        return self.kotlin.run(main, [self.classes, resources], arguments, app, phone)


def _form(shape: tuple[int, ...], tensor: TensorFormat) -> str:
    return f"{','.join(map(str, shape))} {tensor.dtype.upper()} {tensor.scale or 1.0} {tensor.zero_point}"


def _package_of(case: str) -> str:
    return f"dev.hangtag.case_{case}"


def _bundle(folder: Path, case: str) -> Path:
    model = folder / f"{case}.tflite"
    model.write_bytes(model_of(case))
    write_bundle(model, Platform.ANDROID, folder / case, package=_package_of(case))
    return folder / case / "app"


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> CompiledBundles:
    """Android, CameraX, LiteRT and MediaPipe are stand-ins here, see tests/convert/kotlin/stand_ins."""
    kotlin, folder = find_kotlin(), tmp_path_factory.mktemp("bundles")
    apps = {case: _bundle(folder, case) for case in _CASES}
    sources = [app / "src" for app in apps.values()]
    harness = [_HARNESS / name for name in ("stand_ins", "RunTests.kt", "PhoneFrames.kt")]
    said = kotlin.compile([*sources, *harness], folder / "classes")
    assert "/src/" not in said, f"warnings in generated code: {said}"
    return CompiledBundles(kotlin, folder / "classes", apps)


@pytest.mark.slow
@pytest.mark.parametrize("case", _CASES)
def test_the_bundle_compiles_whole_and_its_own_tests_pass(bundles: CompiledBundles, case: str) -> None:
    assert bundles.run_tests(case, "PreprocessingGoldenTest").count("passed ") == 5


@pytest.mark.slow
@pytest.mark.parametrize("case", ["clothing", "hostile", "letterbox", "grey"])
def test_the_tests_for_a_phone_pass_on_the_stand_ins(bundles: CompiledBundles, case: str) -> None:
    """Pictures are decoded, turned and prepared, and reach a model that knows its golden cases by heart."""
    assert bundles.run_tests(case, "ScoresGoldenTest").count("passed ") == 2
    if case not in WITHOUT_MEDIAPIPE:
        assert bundles.run_tests(case, "MediaPipeGoldenTest").count("passed ") == 1


@pytest.mark.slow
def test_whole_frames_reach_both_libraries_as_training_saw_them(
    bundles: CompiledBundles, tmp_path: Path
) -> None:
    """LiteRT gets the exact tensor, MediaPipe the region that preprocess would cut out, upright."""
    rng, spec, lines, known, expected = np.random.default_rng(3), contract_of("clothing").input, [], {}, []
    labels = contract_of("clothing").labels
    for number in range(24):
        width, height = (int(side) for side in rng.integers(1, 120, 2))
        image, degrees = rng.integers(0, 256, (height, width, 3)).astype(np.uint8), 90 * (number % 4)
        frame = np.ascontiguousarray(np.rot90(image, number % 4))
        (tmp_path / f"{number}").write_bytes(cv2.cvtColor(frame, cv2.COLOR_BGR2BGRA).tobytes())
        lines.append(f"{frame.shape[1]} {frame.shape[0]} {degrees} {tmp_path / str(number)}\n")
        left, top, cut_w, cut_h = source_rectangle((width, height), spec)
        cut = image[top : top + cut_h, left : left + cut_w, ::-1]
        for given, best in ((preprocess(image, spec), number % 10), (cut, (number + 3) % 10)):
            scores = [0.75 if label == best else 0.0 for label in range(10)]
            known[hashlib.sha256(np.ascontiguousarray(given).tobytes()).hexdigest()] = scores
            expected.append(f"{labels[best]} 0.75 false")
    (tmp_path / "frames.txt").write_text("".join(lines))
    main = f"{_package_of('clothing')}.PhoneFramesKt"
    printed = bundles.on_the_phone("clothing", main, [str(tmp_path / "frames.txt")], known)
    assert printed.splitlines() == expected


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "old", "new", "test"),
    [
        (
            "golden.json",
            b'"tensor_sha256": "',
            b'"tensor_sha256": "0',
            "everyFrameBecomesTheTensorOfTraining",
        ),
        ("golden.json", b'"best": 1', b'"best": 2', "scoresAreRankedAndDoubtedAsInTraining"),
        (
            "golden.json",
            b"[ 640, 480, 90, 80,",
            b"[ 640, 480, 90, 81,",
            "theRegionOfInterestIsWhatTrainingCutOut",
        ),
        ("golden-1.rgb", b"\x78", b"\x79", "aFrameThatHasYetToBeTurnedBecomesTheSameTensor"),
        ("labels.txt", b"dress", b"Dress", "labelsAndTranslationsAreThoseOfTheModel"),
    ],
)
def test_the_bundles_own_tests_fail_where_something_is_wrong(
    bundles: CompiledBundles, file: str, old: bytes, new: bytes, test: str
) -> None:
    (path,) = bundles.apps["clothing"].rglob(file)
    whole = path.read_bytes()
    assert old in whole
    path.write_bytes(whole.replace(old, new))
    try:
        with pytest.raises(AssertionError, match=f"FAILED {test}"):
            bundles.run_tests("clothing", "PreprocessingGoldenTest")
    finally:
        path.write_bytes(whole)
