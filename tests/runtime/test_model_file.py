"""One file is the whole model: what loads, and what is refused before anything native sees it."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import flatbuffers
import pytest
from ai_edge_litert import schema_py_generated as schema
from model_parts import joined, split, with_json_edited

from hangtag.classifier import bundled_model
from hangtag.errors import ContractError, HangtagError, ModelFileError
from hangtag.model_file import (
    CONTRACT_NAME,
    LABELS_NAME,
    ModelFile,
    label_files,
    parse_model,
    read_model_file,
)


@pytest.fixture(scope="module")
def model() -> ModelFile:
    return bundled_model()


def test_the_bundled_model_is_whole(model: ModelFile) -> None:
    contract = model.contract
    assert contract.labels == (
        "dress", "hat", "longsleeve", "outwear", "pants", "shirt", "shoes", "shorts", "skirt", "t-shirt",
    )  # fmt: skip
    assert contract.input.shape == (1, 224, 224, 3)
    assert contract.input.tensor.dtype == contract.output.tensor.dtype == "uint8"
    assert (contract.input.tensor.scale, contract.input.tensor.zero_point) == (1 / 128, 127)
    assert len(model.data) <= 4_200_000
    assert model.golden is not None
    assert sum(len(case.png) for case in model.golden.cases) <= 150_000


def test_labels_txt_and_phone_metadata_say_what_the_contract_says(model: ModelFile) -> None:
    _, files = split(model.data)
    assert files[LABELS_NAME].decode().split("\n")[:-1] == list(model.contract.labels)
    metadata = model.info.metadata
    assert metadata is not None
    assert metadata.mean == model.contract.input.mean
    assert metadata.std == model.contract.input.std
    labels = label_files(model.contract)
    assert {LABELS_NAME, "labels-es.txt", "labels-de.txt"} == set(labels)
    assert set(metadata.files) == {CONTRACT_NAME, *labels}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty", b"", "empty"),
        ("a PNG", b"\x89PNG\r\n\x1a\n" + bytes(200), "not a TFLite model"),
        ("text", b"this is not a model at all", "not a TFLite model"),
        ("nothing but the identifier", b"\x10\0\0\0TFL3", "cut short"),
    ],
)
def test_other_files_are_refused_in_one_line(name: str, content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=said) as caught:
        read_model_file(path)
    assert str(path) in str(caught.value), name
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "nope.tflite", tmp_path):
        with pytest.raises(ModelFileError, match="cannot read"):
            read_model_file(path)


def test_a_cut_is_noticed_wherever_it_falls(model: ModelFile) -> None:
    size = len(model.data)
    flatbuffer, _ = split(model.data)
    cuts = [
        8,
        100,
        size // 10,
        size // 2,
        len(flatbuffer) - 1,
        len(flatbuffer),
        len(flatbuffer) + 50,
        size - 1,
    ]
    for cut in cuts:
        with pytest.raises(ModelFileError, match=r"cut short|damaged"):
            parse_model(model.data[:cut], "cut")


def test_a_model_without_contract_says_how_to_adopt_it(model: ModelFile) -> None:
    flatbuffer, files = split(model.data)
    bare = joined(flatbuffer, {LABELS_NAME: files[LABELS_NAME]})
    with pytest.raises(ModelFileError, match=r"hangtag convert MODEL\.tflite --contract"):
        parse_model(bare, "bare")


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda c: c.update(schema_version=99), "schema version 99"),
        (lambda c: c.update(labels=[*c["labels"], "cape"], translations={}), "11 labels"),
        (lambda c: c["labels"].__setitem__(0, "gown"), "labels.txt"),
        (lambda c: c["input"].update(width_px=192), "input shape"),
        (lambda c: c["input"]["tensor"].update(zero_point=128), "zero point"),
        (lambda c: c["input"]["tensor"].update(scale=0.5), "scale"),
        (lambda c: c["input"]["tensor"].update(dtype="int8", zero_point=0), "dtype"),
        (lambda c: c["input"].update(mean=[0.0, 0.0, 0.0]), "mean"),
        (lambda c: c["input"].update(std=[1.0, 128.0, 128.0]), "std"),
        (lambda c: c["output"].update(kind="sigmoid"), "two labels"),
        (lambda c: c["output"]["tensor"].update(scale=1.0), "output scale"),
        (lambda c: c.pop("calibration"), "calibration"),
    ],
)
def test_a_contract_that_contradicts_its_model_does_not_load(
    model: ModelFile, edit: Callable[[dict], object], said: str
) -> None:
    with pytest.raises(ContractError, match=said):
        parse_model(with_json_edited(model.data, edit), "edited")


def test_an_unchanged_contract_loads_again(model: ModelFile) -> None:
    # Guards the table above: what it refuses is refused for the edit, not for being put together again.
    assert parse_model(with_json_edited(model.data, lambda _: None), "same").contract == model.contract


def test_one_changed_weight_is_noticed(model: ModelFile) -> None:
    flatbuffer, _ = split(model.data)
    damaged = bytearray(model.data)
    damaged[len(flatbuffer) // 2] ^= 1
    with pytest.raises(ModelFileError, match="damaged"):
        parse_model(bytes(damaged), "damaged")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({f"f{number}": b"" for number in range(1001)}, "too much"),
        ({"bomb": bytes(17 * 2**20)}, "too much"),
        ({"golden.json": b"[]"}, "golden"),
        ({"golden.json": b'{"cases": [{"image": "gone.png"}], "score_tolerance": 0}'}, "golden"),
        ({"golden.json": b'{"cases": [], "score_tolerance": 7}'}, "golden"),
    ],
)
def test_odd_embedded_files_are_refused(model: ModelFile, files: dict[str, bytes], said: str) -> None:
    flatbuffer, own = split(model.data)
    with pytest.raises(ModelFileError, match=said):
        parse_model(joined(flatbuffer, {**own, **files}), "odd")


def test_an_operator_without_its_input_is_refused(model: ModelFile) -> None:
    """The native library would end the process: its convolution does not ask whether its input is there."""
    tables = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model.data, 0))
    for operator in tables.subgraphs[0].operators:
        if len(operator.inputs) == 3:
            operator.inputs = [-1, *operator.inputs[1:]]
            break
    builder = flatbuffers.Builder(0)
    builder.Finish(tables.Pack(builder), file_identifier=b"TFL3")
    with pytest.raises(ModelFileError, match="an operator uses a tensor"):
        parse_model(bytes(builder.Output()), "crafted")


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_odd_compressions_are_refused_unread(model: ModelFile, compression: int) -> None:
    flatbuffer, files = split(model.data)
    buffer = io.BytesIO(flatbuffer)
    with zipfile.ZipFile(buffer, "a", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    with pytest.raises(ModelFileError, match="compressed in a way"):
        parse_model(buffer.getvalue(), "crafted")


def test_a_contract_without_digest_is_refused_inside_a_file(model: ModelFile) -> None:
    with pytest.raises(ModelFileError, match="not those that the contract was written for"):
        parse_model(with_json_edited(model.data, lambda c: c.update(flatbuffer_sha256=None)), "crafted")


def _said_about(data: bytes) -> str:
    """Return the one line that refuses a model, or nothing where it loads; any other error is a defect."""
    try:
        parse_model(data, "fuzzed")
    except HangtagError as error:
        return str(error)
    return ""


def test_damaged_files_end_in_one_clear_line(model: ModelFile) -> None:
    """A short fuzz run: most damage is done where the structure is, at the ends and in the offsets."""
    rng = random.Random(7)  # noqa: S311
    size = len(model.data)
    loaded = 0
    for _ in range(200):
        damaged = bytearray(model.data)
        for _ in range(rng.randint(1, 12)):
            place = rng.choice([rng.randrange(size), rng.randrange(4096), size - 1 - rng.randrange(20_000)])
            damaged[place] = rng.choice([0, 1, 127, 128, 255, rng.randrange(256)])
        outcome = _said_about(bytes(damaged))
        assert "\n" not in outcome
        loaded += not outcome
    # Damage to the FlatBuffer is caught by its digest, to the archive by its checksums; little gets by
    # (a file's date in the archive, say).
    assert loaded < 50
