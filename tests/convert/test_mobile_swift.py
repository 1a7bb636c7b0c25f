"""The generated iOS bundle: its own tests pass where they need no phone, and all else has sound types."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from mobile_contracts import model_of
from swift_compiler import SwiftCompiler, find_swift, swift_tool

from hangtag_convert.mobile.bundle import Platform, write_bundle

pytestmark = pytest.mark.slow

_STAND_INS = Path(__file__).parent / "swift" / "stand_ins"
_MODULES = (
    *("CoreVideo", "UIKit", "AVFoundation", "SwiftUI", "CryptoKit"),  # in the order in which they import
    *("TensorFlowLite", "MediaPipeTasksVision"),
)


def _bundle(folder: Path, case: str) -> Path:
    model = folder / "model.tflite"
    model.write_bytes(model_of(case))
    write_bundle(model, Platform.IOS, folder / "bundle")
    return folder / "bundle"


def _swift_test(bundle: Path) -> subprocess.CompletedProcess[str]:
    swift = swift_tool("swift")
    return subprocess.run([swift, "test"], cwd=bundle, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("case", ["clothing", "hostile"])
def test_the_bundles_own_tests_pass(tmp_path: Path, case: str) -> None:
    done = _swift_test(_bundle(tmp_path, case))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Executed 5 tests, with 0 failures" in done.stdout + done.stderr
    assert "warning:" not in done.stdout + done.stderr


def test_the_bundles_own_tests_fail_where_something_is_wrong(tmp_path: Path) -> None:
    bundle = _bundle(tmp_path, "plain")
    contract = bundle / "Sources" / "Pure" / "ModelContract.swift"
    contract.write_text(contract.read_text().replace("geometry: .centreCrop", "geometry: .stretch"))
    done = _swift_test(bundle)
    assert done.returncode != 0
    assert "testEveryFrameBecomesTheTensorOfTraining" in done.stdout


@pytest.fixture(scope="module")
def swift() -> SwiftCompiler:
    return find_swift()


@pytest.fixture(scope="module")
def modules(swift: SwiftCompiler, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stand-ins for Apple's frameworks and the two pods: their signatures alone."""
    folder = tmp_path_factory.mktemp("modules")
    for name in _MODULES:
        swift.module(name, [_STAND_INS / f"{name}.swift"], folder)
    return folder


@pytest.mark.parametrize("case", ["clothing", "grey"])
def test_what_needs_a_phone_has_sound_types(
    swift: SwiftCompiler, modules: Path, tmp_path: Path, case: str
) -> None:
    bundle, folder = _bundle(tmp_path, case), shutil.copytree(modules, tmp_path / "modules")
    swift.module("YourApp", bundle.glob("Sources/*/*.swift"), folder)
    swift.type_check(bundle.glob("Tests/*/*.swift"), folder)


@pytest.mark.parametrize("pod", ["TensorFlowLite", "MediaPipeTasksVision"])
def test_an_app_needs_only_one_of_the_pods(
    swift: SwiftCompiler, modules: Path, tmp_path: Path, pod: str
) -> None:
    bundle, folder = _bundle(tmp_path, "clothing"), shutil.copytree(modules, tmp_path / "modules")
    (folder / f"{pod}.swiftmodule").unlink()
    swift.type_check(bundle.glob("Sources/*/*.swift"), folder)


def test_a_forgotten_region_of_interest_would_not_compile(
    swift: SwiftCompiler, modules: Path, tmp_path: Path
) -> None:
    bundle = _bundle(tmp_path, "clothing")
    classifier = bundle / "Sources" / "App" / "MediaPipeClassifier.swift"
    text = classifier.read_text()
    assert ", regionOfInterest: rectangle" in text
    classifier.write_text(text.replace(", regionOfInterest: rectangle", ""))
    with pytest.raises(AssertionError, match="missing argument for parameter 'regionOfInterest'"):
        swift.type_check(bundle.glob("Sources/*/*.swift"), modules)
