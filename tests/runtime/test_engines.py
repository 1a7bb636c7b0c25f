"""Which engine is here in which version, and what its refusals mean."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable

import pytest

from hangtag import engines
from hangtag.errors import HangtagError
from hangtag.interpreter import ENGINES


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes it look as if exactly these versions were installed."""

    def install(**versions: str) -> None:
        by_name = {name.replace("_", "-"): version for name, version in versions.items()}
        monkeypatch.setattr(engines, "version_of", by_name.get)

    return install


def test_every_engine_has_a_package() -> None:
    assert set(engines.PACKAGES) == set(ENGINES)


def test_an_engine_is_called_by_package_and_version(installed: Callable[..., None]) -> None:
    assert engines.titled("litert") == f"ai-edge-litert {importlib.metadata.version('ai-edge-litert')}"
    installed(tflite_runtime="2.14.0")
    assert engines.titled("tflite-runtime") == "tflite-runtime 2.14.0"
    assert engines.titled("litert") == "ai-edge-litert"


@pytest.mark.parametrize(
    ("engine", "versions", "refused"),
    [
        ("tflite-runtime", {"tflite_runtime": "2.14.0", "numpy": "2.2.6"}, True),
        ("tflite-runtime", {"tflite_runtime": "2.14.0", "numpy": "1.26.4"}, False),
        ("tflite-runtime", {"numpy": "2.2.6"}, False),
        ("litert", {"tflite_runtime": "2.14.0", "numpy": "2.2.6"}, False),
    ],
    ids=["numpy too new", "numpy fits", "not installed: another error", "another engine"],
)
def test_tflite_runtime_is_refused_beside_numpy_2(
    installed: Callable[..., None], engine: str, versions: dict[str, str], refused: bool
) -> None:
    installed(**versions)
    if not refused:
        engines.check_engine(engine)
        return
    with pytest.raises(HangtagError, match=r'2\.14\.0 cannot work with NumPy 2\.2\.6: pip install "numpy<2"'):
        engines.check_engine(engine)


def test_an_operator_that_is_too_new_is_named_with_a_way_out(installed: Callable[..., None]) -> None:
    installed(tflite_runtime="2.14.0", ai_edge_litert="2.3.0")
    native = ValueError(
        "Didn't find op for builtin opcode 'FULLY_CONNECTED' version '12'. An older version of this builtin "
        "might be supported. Are you using an old TFLite binary with a newer model?\nRegistration failed.\n"
    )
    assert engines.refusal("tflite-runtime", native) == (
        "tflite-runtime 2.14.0 refuses the model, which needs FULLY_CONNECTED in version 12: "
        "use ai-edge-litert (--engine litert) or convert to another format"
    )
    assert engines.refusal("litert", native).endswith("in version 12: convert to another format")


def test_other_refusals_are_quoted_in_one_line(installed: Callable[..., None]) -> None:
    installed(tflite_runtime="2.14.0")
    assert "too little memory?" in engines.refusal("litert", RuntimeError(""))
    said = engines.refusal("tflite-runtime", RuntimeError("failed\n  to allocate\n"))
    assert said == "tflite-runtime 2.14.0 refuses the model: failed to allocate"
