"""Embedding and adopting: the writer's files are read by our reader and by the official schema alike."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from model_parts import joined, split

from hangtag.classifier import Classifier, bundled_model
from hangtag.cli import main
from hangtag.contract import ColourOrder
from hangtag.errors import ContractError, ConversionError, ModelFileError
from hangtag.model_file import parse_model
from hangtag_convert.metadata import embed


def test_embedding_is_repeatable_and_reversible() -> None:
    model = bundled_model()
    once = embed(model.data, model.contract, model.golden)
    assert embed(once, model.contract, model.golden) == once
    again = parse_model(once, "again")
    assert again.golden == model.golden
    assert again.contract.replace(flatbuffer_sha256=None) == model.contract.replace(flatbuffer_sha256=None)


def test_repacking_leaves_the_network_alone() -> None:
    model = bundled_model()
    frame = np.random.default_rng(0).integers(0, 256, (90, 120, 3)).astype(np.uint8)
    repacked = parse_model(embed(model.data, model.contract, None), "repacked")
    np.testing.assert_array_equal(Classifier(repacked).scores(frame), Classifier(model).scores(frame))


def test_the_official_schema_reads_our_metadata_entry() -> None:
    tables = schema.ModelT.InitFromObj(schema.Model.GetRootAs(bundled_model().data, 0))
    names = [entry.name for entry in tables.metadata]
    assert names.count(b"TFLITE_METADATA") == 1
    (entry,) = [entry for entry in tables.metadata if entry.name == b"TFLITE_METADATA"]
    assert bytes(tables.buffers[entry.buffer].data)[4:8] == b"M001"


_TEXT = st.text(st.characters(blacklist_categories=["Cs", "Cc", "Zl", "Zp", "Zs"]), min_size=1, max_size=12)


@settings(max_examples=10, deadline=None)
@given(labels=st.lists(_TEXT, min_size=10, max_size=10, unique=True), name=_TEXT, author=_TEXT)
def test_any_contract_that_fits_comes_back_as_it_was(labels: list[str], name: str, author: str) -> None:
    name = re.sub(r"[/\\:.]", "-", name)
    model = bundled_model()
    contract = model.contract.replace(labels=tuple(labels), name=name, author=author)
    read = parse_model(embed(model.data, contract, None), "any").contract
    assert read.replace(flatbuffer_sha256=None) == contract.replace(flatbuffer_sha256=None)


def test_translated_labels_travel_with_the_model() -> None:
    model = bundled_model()
    spanish = tuple(f"ropa {number}" for number in range(10))
    translated = model.contract.replace(translations={"es": spanish, "pt-BR": model.contract.labels})
    data = embed(model.data, translated, None)
    assert parse_model(data, "translated").contract.translations == translated.translations
    _, files = split(data)
    assert files["labels-es.txt"].decode().splitlines() == list(spanish)
    assert {"labels.txt", "labels-es.txt", "labels-pt-BR.txt"} < set(files)


@pytest.mark.parametrize(
    "change", [{"labels-es.txt": b"otra\n" * 10}, {"labels-de.txt": b"Hut\n" * 10}, {"labels-.txt": b""}]
)
def test_translations_that_disagree_with_the_contract_do_not_load(change: dict[str, bytes]) -> None:
    model = bundled_model()
    spanish = {"es": tuple(f"ropa {number}" for number in range(10))}
    flatbuffer, files = split(embed(model.data, model.contract.replace(translations=spanish), None))
    with pytest.raises(ContractError, match="disagree"):
        parse_model(joined(flatbuffer, {**files, **change}), "changed")


def test_what_does_not_fit_is_refused() -> None:
    model = bundled_model()
    with pytest.raises(ContractError, match="9 labels"):
        embed(model.data, model.contract.replace(labels=model.contract.labels[:9], translations={}), None)
    bgr = dataclasses.replace(model.contract.input, colour_order=ColourOrder.BGR)
    with pytest.raises(ConversionError, match="BGR"):
        embed(model.data, model.contract.replace(input=bgr), None)
    with pytest.raises(ModelFileError, match="not a TFLite model"):
        embed(b"nothing of the kind", model.contract, None)


def test_adopting_a_bare_model(tmp_path: Path) -> None:
    """Inspect gives a template, a person fills it in, convert embeds it: the result is a whole model."""
    model = bundled_model()
    bare, contract_file, out = tmp_path / "bare.tflite", tmp_path / "contract.json", tmp_path / "new.tflite"
    bare.write_bytes(split(model.data)[0])
    runner = CliRunner()
    assert runner.invoke(main, ["predict", "x.jpg", "--model", str(bare)]).exit_code == 1
    shown = runner.invoke(main, ["inspect", str(bare), "--template"])
    contract_file.write_text(shown.stdout)
    early = runner.invoke(main, ["convert", str(bare), "--contract", str(contract_file), "--out", str(out)])
    assert (early.exit_code, out.exists()) == (1, False)
    assert "not filled in yet" in early.stderr
    # The template is of the tensors; mean and std are what a person knows about the training.
    filled = json.loads(shown.stdout) | {"labels": list(model.contract.labels), "description": "mine"}
    filled["input"] |= {"mean": [127.0] * 3, "std": [128.0] * 3}
    contract_file.write_text(json.dumps(filled))
    adopted = runner.invoke(main, ["convert", str(bare), "--contract", str(contract_file), "--out", str(out)])
    assert adopted.exit_code == 0, adopted.output
    frame = np.random.default_rng(1).integers(0, 256, (90, 120, 3)).astype(np.uint8)
    np.testing.assert_array_equal(Classifier.load(out).scores(frame), Classifier(model).scores(frame))
    assert runner.invoke(main, ["verify", str(out)]).exit_code == 0


def test_adopting_with_a_bad_contract_writes_nothing(tmp_path: Path) -> None:
    bare, out = tmp_path / "bare.tflite", tmp_path / "new.tflite"
    bare.write_bytes(split(bundled_model().data)[0])
    for text in ("", "{}", '{"schema_version": 2}'):
        (tmp_path / "contract.json").write_text(text)
        result = CliRunner().invoke(
            main, ["convert", str(bare), "--contract", str(tmp_path / "contract.json"), "--out", str(out)]
        )
        assert result.exit_code == 1
        assert result.stderr.count("Error: ") == 1
        assert not out.exists()
