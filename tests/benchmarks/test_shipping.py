"""Which file to ship: by what it lost, who takes it and how fast it is, in this order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from converting import convert_to, written

import hangtag
from hangtag.comparison import AccuracyChange, compare
from hangtag.contract import InputSpec, ModelContract, OutputSpec, TensorFormat
from hangtag_benchmarks import shipping as shipping_module
from hangtag_benchmarks.plans import BlockPlan, Plan
from hangtag_benchmarks.shipping import ShippedFile, advice, shipping, table
from hangtag_convert.formats import Format


def _change(lost: int) -> AccuracyChange:
    """Of a thousand photos so many lost."""
    before = np.eye(2)[np.zeros(1000, int)]
    after = before.copy()
    after[:lost] = after[:lost, ::-1]
    change = compare(before, after, np.zeros(1000, int), ("a", "b")).accuracy
    assert change is not None
    return change


def _file(
    name: str, invoke_ms: float, lost: int = 0, dtype: str = "float32", *, for_mediapipe: bool = True
) -> ShippedFile:
    tensor = TensorFormat() if dtype == "float32" else TensorFormat(dtype=dtype, scale=1.0)
    spec = InputSpec(width_px=8, height_px=8, tensor=tensor)
    contract = ModelContract(labels=("a", "b"), input=spec, output=OutputSpec(tensor=tensor))
    return ShippedFile(
        f"net-{name}.tflite", 1.0, invoke_ms, _change(lost), _change(lost), 1.0, contract, for_mediapipe
    )


_BUNDLED = Path(hangtag.__file__).parent / "models" / "clothing.tflite"
FLOAT32, FLOAT16 = _file("float32", 9.0), _file("float16", 9.0)
INT8 = _file("int8", 4.0, dtype="uint8")
ELSEWHERE = _file("int8", 4.0, dtype="int8", for_mediapipe=False)


@pytest.mark.parametrize(
    ("rows", "chosen"),
    [
        ((FLOAT32, FLOAT16, INT8), ["int8", "int8", "int8", "float16"]),
        ((FLOAT32, FLOAT16, _file("int8", 4.0, lost=6, dtype="uint8")), ["float32"] * 3 + ["float16"]),
        ((FLOAT32, _file("int8", 4.0, lost=5, dtype="uint8")), ["int8"] * 3),
        ((FLOAT32, _file("int8-float-io", 3.8), INT8), ["int8"] * 3),
        ((FLOAT32, _file("int8-float-io", 3.5), INT8), ["int8-float-io"] * 3),
        (
            (FLOAT32, FLOAT16, _file("int8", 4.0, dtype="int8", for_mediapipe=False)),
            ["int8", "float32", "float32", "float16"],
        ),
        ((ELSEWHERE,), ["int8"]),
    ],
)
def test_the_advice_follows_its_rules(rows: tuple[ShippedFile, ...], chosen: list[str]) -> None:
    lines = advice(rows).splitlines()[2:]
    assert [line.split("|")[2].strip() for line in lines] == [f"net-{name}.tflite" for name in chosen]


def test_the_table_gives_times_as_ratios_of_the_first_row() -> None:
    row = table((FLOAT32, _file("int8", 4.5, lost=3, dtype="uint8"))).splitlines()[3]
    assert "4.5 ms, 0.50 x" in row
    assert "| 0.30 (" in row
    assert row.endswith("| yes |")


def test_the_command_measures_real_files(
    shapes_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from shapes_networks import sealed

    short = Plan(BlockPlan(0.01, 10, 0.01, 20, 0.01, 5), rounds=1, enough_width=None, quick=True)
    monkeypatch.setattr(shipping_module, "QUICK_PLAN", short)
    result = convert_to(sealed(tmp_path, shapes_dataset), tmp_path, [Format.FLOAT32, Format.WEIGHT_INT8])
    files = [str(tmp_path / written(outcome)) for outcome in reversed(result.outcomes)]
    said = CliRunner().invoke(shipping, [*files, "--data", str(shapes_dataset), "--quick"])
    assert said.exit_code == 0, said.output
    first, second = said.stdout.splitlines()[2:4]
    assert first.startswith("| shapes-float32.tflite |")
    assert ", 1.00 x |" in first
    assert second.startswith("| shapes-weight-int8.tflite |")
    assert "| Raspberry Pi, any CPU | shapes-" in said.stdout
    other = CliRunner().invoke(shipping, [*files, str(_BUNDLED), "--data", str(shapes_dataset)])
    assert (other.exit_code, "have different labels" in other.stderr) == (1, True)
    gone = CliRunner().invoke(shipping, [files[0], "--data", str(tmp_path / "nowhere")])
    assert (gone.exit_code, gone.stderr.count("Error: ")) == (1, 1)
