from __future__ import annotations

from pathlib import Path

import pytest

from hangtag.errors import ModelFileError, RunError
from hangtag.model_file import read_model_file
from hangtag.run_seal import MODEL_NAME, STATE_NAME, read_run


def test_what_is_no_finished_run_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"no finished training run \(no run.json\); make one"):
        read_run(tmp_path)
    (tmp_path / STATE_NAME).write_bytes(b"")
    with pytest.raises(RunError, match=r"is not finished: go on with hangtag train DATA --out .* --resume"):
        read_run(tmp_path)
    (tmp_path / MODEL_NAME).write_bytes(b"")
    with pytest.raises(RunError, match=f"is a file; wanted the folder of a training run, such as {tmp_path}"):
        read_run(tmp_path / MODEL_NAME)


@pytest.mark.parametrize(("name", "what"), [(".", "a folder"), (MODEL_NAME, "a Keras model")])
def test_a_run_is_no_tflite_model(name: str, what: str, tmp_path: Path) -> None:
    (tmp_path / MODEL_NAME).write_bytes(b"PK")
    with pytest.raises(ModelFileError, match=f"it is {what}; wanted a .tflite file, which hangtag convert"):
        read_model_file(tmp_path / name)
