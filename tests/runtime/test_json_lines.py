"""The lines that others parse are what their published schema says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from camera_results import outage, results_of

from hangtag import Classifier
from hangtag.sinks.base import StopLoop
from hangtag.sinks.json_lines import SCHEMA, JsonLines, as_record
from hangtag.sources import Frame

_SCHEMA = Path(__file__).resolve().parents[2] / "docs" / f"camera-record-{SCHEMA}.schema.json"


@pytest.fixture(scope="module")
def schema() -> Any:
    schema = json.loads(_SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    # What is written and not described would be a secret between us and whoever finds it.
    return jsonschema.Draft202012Validator({**schema, "additionalProperties": False})


def frames(**facts: Any) -> list[Frame]:
    rng = np.random.default_rng(0)
    return [
        Frame(rng.integers(0, 255, (48, 64, 3), np.uint8), number, number / 10, 0.0, **facts)
        for number in range(3)
    ]


@pytest.mark.parametrize("facts", [{}, {"label": "hat"}, {"name": "photos/ä\udce9.jpg"}, {"wall_s": 0.0}])
def test_records_follow_the_schema(schema: Any, facts: dict[str, Any]) -> None:
    for result in results_of(Classifier.bundled(), frames(**facts)):
        record = json.loads(json.dumps(as_record(result)))
        schema.validate(record)
        assert record["dropped"] == 0
        assert record["source"] == "frames"
        assert record["energy"] == pytest.approx(result.prediction.energy, abs=1e-4)


def test_a_stale_record_follows_the_schema(schema: Any) -> None:
    record = as_record(outage(reason="unplugged"))
    schema.validate(record)
    assert (record["label"], record["reason"], record["age_ms"]) == (None, "unplugged", 1500.0)


@pytest.mark.parametrize(
    "change", [{"stale": True}, {"label": None}, {"schema": 2}, {"time": "now"}, {"score": 1.5}, {"more": 1}]
)
def test_the_schema_refuses_what_it_should(schema: Any, change: dict[str, Any]) -> None:
    record = {**as_record(results_of(Classifier.bundled(), frames())[0]), **change}
    with pytest.raises(jsonschema.ValidationError):
        schema.validate(record)


def test_a_reader_that_has_gone_ends_the_loop() -> None:
    def gone(line: str) -> None:
        raise BrokenPipeError

    with pytest.raises(StopLoop):
        JsonLines(gone).missing(outage())


_FULL = Path("/dev/full")


@pytest.mark.skipif(not _FULL.exists(), reason="needs /dev/full: Linux has it")
@pytest.mark.parametrize("form", [["--json"], []])
@pytest.mark.parametrize("pace", ["fast", "real-time"])
def test_a_disk_that_is_full_is_said_in_one_line(form: list[str], pace: str) -> None:
    command = ["camera", "--source", "scene:", "--headless", "--max-frames", "5", "--pace", pace, *form]
    with _FULL.open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "hangtag", *command],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    said = done.stderr.splitlines()
    assert ["a line cannot be written: No space left on device" in line for line in said].count(True) == 1
    if pace == "fast":
        assert (done.returncode, len(said)) == (1, 1), said
    else:  # what one sink suffers does not end a camera
        assert (done.returncode, "5 frames in" in done.stderr) == (0, True), said
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("form", [["--json"], []])
def test_the_command_ends_in_good_order_when_its_reader_goes(form: list[str]) -> None:
    """As in ``hangtag camera | head -n 1``."""
    scene = ["--source", "scene:", "--pace", "real-time", "--fps", "60", "--size", "64x48"]
    command = ["camera", *scene, "--headless", "--smoothing", "0", "--hold", "0", *form]
    with subprocess.Popen(
        [sys.executable, "-m", "hangtag", *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        line = child.stdout.readline()
        child.stdout.close()
        said = child.stderr.read()
        assert child.wait(timeout=30) == 0, said
    assert line
    assert not form or json.loads(line)["schema"] == SCHEMA
    assert "Traceback" not in said
    assert "BrokenPipe" not in said
