"""The generated Android bundle is compiled whole, and its own tests pass, and fail where they should."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import pytest
from kotlin_compiler import KotlinCompiler, find_kotlin
from mobile_contracts import model_of

from hangtag_convert.mobile.bundle import Platform, write_bundle

_HARNESS = Path(__file__).parent / "kotlin"
_CASES = ("clothing", "hostile", "grey", "letterbox", "many", "logits")


@dataclasses.dataclass(frozen=True, slots=True)
class CompiledBundles:
    """Bundles of every case, each in a package of its own, with all their Kotlin compiled together."""

    kotlin: KotlinCompiler
    classes: Path
    apps: Mapping[str, Path]

    def run_tests(self, case: str) -> str:
        """Run the bundle's own test; return what it printed."""
        app = self.apps[case]
        path = [self.classes, app / "src" / "sharedTest" / "resources"]
        test = f"{_package_of(case)}.PreprocessingGoldenTest"
        return self.kotlin.run("dev.hangtag.harness.RunTestsKt", path, [test], app)


def _package_of(case: str) -> str:
    return f"dev.hangtag.case_{case}"


def _bundle(folder: Path, case: str) -> Path:
    model = folder / f"{case}.tflite"
    model.write_bytes(model_of(case))
    write_bundle(model, Platform.ANDROID, folder / case, package=_package_of(case))
    return folder / case / "app"


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> CompiledBundles:
    """Android, CameraX, LiteRT and MediaPipe are stand-ins here: what needs them is compiled, never run."""
    kotlin, folder = find_kotlin(), tmp_path_factory.mktemp("bundles")
    apps = {case: _bundle(folder, case) for case in _CASES}
    sources = [app / "src" for app in apps.values()]
    said = kotlin.compile([*sources, _HARNESS / "stand_ins", _HARNESS / "RunTests.kt"], folder / "classes")
    assert "/src/" not in said, f"warnings in generated code: {said}"
    return CompiledBundles(kotlin, folder / "classes", apps)


@pytest.mark.slow
@pytest.mark.parametrize("case", _CASES)
def test_the_bundle_compiles_whole_and_its_own_tests_pass(bundles: CompiledBundles, case: str) -> None:
    assert bundles.run_tests(case).count("passed ") == 5


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
            bundles.run_tests("clothing")
    finally:
        path.write_bytes(whole)
