"""The generated iOS bundle: its own XCTest, for what needs no phone, passes, and fails where it should."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from mobile_contracts import model_of
from swift_compiler import swift_tool

from hangtag_convert.mobile.bundle import Platform, write_bundle

pytestmark = pytest.mark.slow


def _bundle(folder: Path, case: str) -> Path:
    model = folder / "model.tflite"
    model.write_bytes(model_of(case))
    write_bundle(model, Platform.IOS, folder / "bundle")
    return folder / "bundle"


def _swift_test(bundle: Path) -> subprocess.CompletedProcess[str]:
    swift = swift_tool("swift")
    return subprocess.run([swift, "test"], cwd=bundle, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("case", ["clothing", "hostile", "grey", "letterbox"])
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
