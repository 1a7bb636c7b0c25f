"""Networks that are no run: .keras files and SavedModels, with a contract; and what cannot be converted."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from converting import convert_to, written
from small_run import contract_of
from tiny_run import QUIET

from hangtag import Classifier
from hangtag.cli import main
from hangtag.errors import ContractError, ConversionError, DatasetError
from hangtag.labelled_folder import read_split
from hangtag.scoring import score_photos
from hangtag_convert.formats import Format

LABELS = ("disc", "square", "stripe")


def _network() -> Any:
    import keras

    keras.utils.set_random_seed(9)
    picture = keras.Input((24, 24, 3))
    found = keras.layers.Conv2D(6, 5, strides=3, activation="relu")(picture)
    found = keras.layers.GlobalAveragePooling2D()(found)
    return keras.Model(
        picture, keras.layers.Dense(3, activation="softmax", kernel_initializer="he_normal")(found)
    )


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One network as ``net.keras``, as SavedModels of any batch and of one, and its contract."""
    import tensorflow as tf

    root = tmp_path_factory.mktemp("network")
    model = _network()
    model.save(root / "net.keras")
    model.export(str(root / "any-batch"), verbose=False)
    one = [tf.TensorSpec((1, 24, 24, 3), tf.float32)]
    model.export(str(root / "batch-one"), verbose=False, input_signature=one)
    contract = contract_of(model, LABELS).replace(name="net", author="A. Maker", licence="MIT")
    (root / "contract.json").write_text(contract.to_json())
    return root


@pytest.mark.parametrize("name", ["net.keras", "any-batch", "batch-one"])
def test_a_network_by_itself_becomes_files_that_say_the_same(
    network: Path, shapes_dataset: Path, tmp_path: Path, name: str
) -> None:
    contract = network / "contract.json"
    kinds = [Format.FLOAT32, Format.INT8]
    result = convert_to(network / name, tmp_path, kinds, contract_file=contract, data=shapes_dataset)
    assert result.photos == 12
    assert result.outcomes[0].judged.comparison.worst_difference < 1e-5
    classifier = Classifier.load(tmp_path / written(result.outcomes[1]))
    assert (classifier.contract.author, classifier.contract.licence) == ("A. Maker", "MIT")
    scores = score_photos(classifier, read_split(shapes_dataset, "validation"), QUIET)
    accuracy = result.outcomes[1].judged.comparison.accuracy
    assert accuracy is not None
    assert (scores.argmax(1) == np.array(read_split(shapes_dataset, "validation").targets)).mean() == (
        accuracy.after_top1
    )


def test_a_contract_taken_out_of_a_converted_file_will_do(
    network: Path, shapes_dataset: Path, tmp_path: Path
) -> None:
    first = convert_to(
        network / "net.keras",
        tmp_path / "1",
        [Format.INT8],
        contract_file=network / "contract.json",
        data=shapes_dataset,
    )
    said = CliRunner().invoke(main, ["inspect", str(tmp_path / "1" / written(first.outcomes[0])), "--json"])
    (tmp_path / "contract.json").write_text(said.stdout)
    again = convert_to(
        network / "net.keras",
        tmp_path / "2",
        [Format.INT8],
        contract_file=tmp_path / "contract.json",
        data=shapes_dataset,
    )
    assert again.outcomes[0].judged.bare == first.outcomes[0].judged.bare


@pytest.mark.parametrize("name", ["net.keras", "any-batch"])
def test_a_template_states_the_shapes_and_asks_for_the_rest(network: Path, name: str, tmp_path: Path) -> None:
    said = CliRunner().invoke(main, ["convert", str(network / name), "--template"])
    assert said.exit_code == 0, said.output
    contract = json.loads(said.stdout)
    size = contract["input"]["width_px"], contract["input"]["height_px"]
    assert (*size, len(contract["labels"])) == (
        24,
        24,
        3,
    )
    (tmp_path / "contract.json").write_text(said.stdout)
    with pytest.raises(ConversionError, match="not filled in yet"):
        convert_to(network / name, tmp_path, None, contract_file=tmp_path / "contract.json")


def test_what_is_missing_is_asked_for(network: Path, tmp_path: Path) -> None:
    runner = CliRunner()
    said = runner.invoke(main, ["convert", str(network / "net.keras"), "--out", str(tmp_path)])
    assert (said.exit_code, said.stderr.count("--contract")) == (1, 1)
    contract = str(network / "contract.json")
    said = runner.invoke(main, ["convert", str(network / "net.keras"), "--contract", contract])
    assert (said.exit_code, "--out FOLDER" in said.stderr) == (1, True)
    said = runner.invoke(main, ["convert", str(tmp_path / "nothing")])
    assert (said.exit_code, "there is nothing at" in said.stderr) == (1, True)
    with pytest.raises(ConversionError, match="int8 is calibrated on photos, and this network comes without"):
        convert_to(network / "net.keras", tmp_path, [Format.INT8], contract_file=network / "contract.json")
    assert list(tmp_path.iterdir()) == []


def _edited(network: Path, out: Path, **changes: Any) -> Path:
    contract = json.loads((network / "contract.json").read_text())
    contract["input"] |= changes.pop("input", {})
    out.write_text(json.dumps(contract | changes))
    return out


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"labels": ["disc", "square"]}, r"has scores of shape \(3,\), its contract says \(2,\)"),
        ({"input": {"width_px": 32}}, r"has image of shape \(24, 24, 3\), its contract says \(24, 32, 3\)"),
        (
            {"input": {"colour_order": "grey", "mean": [0.0], "std": [255.0]}},
            r"has image of shape \(24, 24, 3\), its contract says \(24, 24, 1\)",
        ),
    ],
)
def test_a_contract_that_is_not_the_networks_is_refused(
    network: Path, tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    contract = _edited(network, tmp_path / "contract.json", **changes)
    for name in ("net.keras", "any-batch"):
        with pytest.raises(ConversionError, match=said):
            convert_to(network / name, tmp_path / "out", [Format.FLOAT32], contract_file=contract)
    assert not list((tmp_path / "out").glob("*"))


def test_labels_of_another_data_set_are_refused(network: Path, shapes_dataset: Path, tmp_path: Path) -> None:
    contract = _edited(network, tmp_path / "contract.json", labels=["disc", "square", "ring"])
    with pytest.raises(DatasetError, match="folders that are not labels of the model: stripe"):
        convert_to(network / "net.keras", tmp_path / "out", contract_file=contract, data=shapes_dataset)


def test_an_edited_label_that_breaks_the_rules_is_refused(network: Path, tmp_path: Path) -> None:
    for labels, said in (
        (["a", "b\nc", "d"], "control character"),
        (["a", "a", "b"], "stands twice"),
        (["a", " b", "c"], "padded with blanks"),
    ):
        contract = _edited(network, tmp_path / "contract.json", labels=labels)
        with pytest.raises(ContractError, match=said):
            convert_to(network / "net.keras", tmp_path / "out", contract_file=contract)


def _saved(path: Path, function: Any, *images: Any) -> Path:
    """Save a function of pictures as a SavedModel."""
    import tensorflow as tf

    module = tf.Module()
    module.function = tf.function(function, input_signature=images)
    tf.saved_model.save(module, str(path), signatures=module.function)
    return path


def _mean_scores(image: Any) -> Any:
    import tensorflow as tf

    return tf.nn.softmax(tf.reduce_mean(image, [1, 2]))


def _writes_a_file(image: Any) -> Any:
    import tensorflow as tf

    tf.io.write_file("written-by-a-model", "x")
    return _mean_scores(image)


def _takes_patches(image: Any) -> Any:
    import tensorflow as tf

    patches = tf.image.extract_patches(image, [1, 3, 3, 1], [1, 3, 3, 1], [1, 1, 1, 1], "VALID")
    return _mean_scores(patches[..., :3])


def _looks_up(image: Any) -> Any:
    import tensorflow as tf

    values = tf.lookup.KeyValueTensorInitializer(tf.constant([0]), tf.constant([1.0]))
    return _mean_scores(image) * tf.lookup.StaticHashTable(values, 0.0)[tf.constant(0)]


@pytest.mark.parametrize(
    ("function", "images", "said"),
    [
        (
            lambda first, second: _mean_scores(first + second),
            2,
            "has 2 inputs and 1 outputs; wanted one image",
        ),
        (
            lambda image: {"a": _mean_scores(image), "b": image},
            1,
            "has 1 inputs and 2 outputs; wanted one image",
        ),
        (_takes_patches, 1, "TFLite has no operation for ExtractImagePatches; replace the layers"),
        (_writes_a_file, 1, r"could read or write files .*\(WriteFile\); wanted a plain classifier"),
        (lambda image: image, 1, r"has scores of shape \(24, 24, 3\), its contract says \(3,\)"),
    ],
)
def test_saved_models_that_are_no_plain_classifiers_are_refused_in_one_line(
    network: Path, tmp_path: Path, function: Any, images: int, said: str
) -> None:
    import tensorflow as tf

    picture = tf.TensorSpec((None, 24, 24, 3), tf.float32)
    saved = _saved(tmp_path / "odd", function, *[picture] * images)
    out, contract = tmp_path / "out", network / "contract.json"
    with pytest.raises(ConversionError, match=said) as caught:
        convert_to(saved, out, [Format.FLOAT32], contract_file=contract)
    assert "\n" not in str(caught.value)
    assert not list(out.glob("*"))
    assert not Path("written-by-a-model").exists()


def _with_layer(layer: Any) -> Any:
    import keras

    picture = keras.Input((24, 24, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(layer(picture))
    return keras.Model(picture, keras.layers.Dense(3, activation="softmax")(pooled))


@pytest.mark.parametrize("kind", ["lambda", "name"])
def test_layers_that_cannot_be_exported_are_named_in_our_words(
    network: Path, tmp_path: Path, kind: str
) -> None:
    import keras

    layer, said = {
        "lambda": (keras.layers.Lambda(lambda x: x * 2), "a layer that runs Python code of its own"),
        "name": (keras.layers.Conv2D(3, 3, name="_odd"), "a layer is called '_odd"),
    }[kind]
    _with_layer(layer).save(tmp_path / "odd.keras")
    with pytest.raises(ConversionError, match=said):
        convert_to(tmp_path / "odd.keras", tmp_path / "out", contract_file=network / "contract.json")


def test_a_keras_file_with_two_inputs_is_refused(network: Path, tmp_path: Path) -> None:
    import keras

    pictures = [keras.Input((24, 24, 3)) for _ in range(2)]
    pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.Add()(pictures))
    keras.Model(pictures, keras.layers.Dense(3)(pooled)).save(tmp_path / "two.keras")
    with pytest.raises(ConversionError, match="has 2 inputs and 1 outputs; wanted one image in"):
        convert_to(tmp_path / "two.keras", tmp_path / "out", contract_file=network / "contract.json")


def test_a_damaged_keras_file_is_refused_in_one_line(network: Path, tmp_path: Path) -> None:
    shutil.copy(network / "net.keras", tmp_path / "cut.keras")
    (tmp_path / "cut.keras").write_bytes((network / "net.keras").read_bytes()[:1000])
    with pytest.raises(ConversionError, match="loading the network failed") as caught:
        convert_to(tmp_path / "cut.keras", tmp_path / "out", contract_file=network / "contract.json")
    assert "\n" not in str(caught.value)


def test_logits_under_a_contract_that_says_softmax_are_refused(network: Path, tmp_path: Path) -> None:
    import keras

    picture = keras.Input((24, 24, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(picture)
    dense = keras.layers.Dense(3, kernel_initializer="he_normal", bias_initializer="ones")
    keras.Model(picture, dense(pooled)).save(tmp_path / "logits.keras")
    with pytest.raises(ContractError, match=r"are no probabilities .* output kind logits"):
        convert_to(tmp_path / "logits.keras", tmp_path / "out", contract_file=network / "contract.json")
    contract = json.loads((network / "contract.json").read_text())
    contract["output"]["kind"] = "logits"
    (tmp_path / "contract.json").write_text(json.dumps(contract))
    result = convert_to(
        tmp_path / "logits.keras",
        tmp_path / "out",
        [Format.FLOAT32],
        contract_file=tmp_path / "contract.json",
    )
    assert result.outcomes[0].judged.comparison.worst_difference < 1e-5


def test_a_fixed_batch_of_several_is_refused_by_its_number(network: Path, tmp_path: Path) -> None:
    import tensorflow as tf

    saved = _saved(tmp_path / "four", _mean_scores, tf.TensorSpec((4, 24, 24, 3), tf.float32))
    with pytest.raises(ConversionError, match="takes 4 images at once; export it with a batch of 1"):
        convert_to(saved, tmp_path / "out", contract_file=network / "contract.json")


def test_photos_that_are_kept_for_measuring_are_not_calibrated_on(
    network: Path, shapes_dataset: Path, tmp_path: Path
) -> None:
    shutil.copytree(shapes_dataset / "validation", tmp_path / "data" / "validation")
    with pytest.raises(DatasetError, match="kept for measuring, and no train/"):
        convert_to(
            network / "net.keras",
            tmp_path / "out",
            contract_file=network / "contract.json",
            data=tmp_path / "data",
        )


def test_options_of_conversion_are_refused_where_a_tflite_is_adopted(network: Path, tmp_path: Path) -> None:
    (tmp_path / "x.tflite").write_bytes(b"")
    for option in (["--format", "int8"], ["--recover"], ["--max-drop", "1"], ["--data", "x"]):
        given = ["convert", str(tmp_path / "x.tflite"), "--contract", "c", "--out", "o", *option]
        said = CliRunner().invoke(main, given)
        assert (said.exit_code, f"{option[0]} is for networks" in said.stderr) == (2, True), option


def _sums_on_the_way(image: Any) -> Any:
    import tensorflow as tf

    return _mean_scores(tf.cumsum(image, axis=1) / 24)


def test_a_format_that_a_network_does_not_know_is_left_out_unless_it_is_asked_for(
    network: Path, shapes_dataset: Path, tmp_path: Path
) -> None:
    import tensorflow as tf

    saved = _saved(tmp_path / "sums", _sums_on_the_way, tf.TensorSpec((None, 24, 24, 3), tf.float32))
    contract = network / "contract.json"
    result = convert_to(saved, tmp_path / "all", contract_file=contract, data=shapes_dataset)
    assert "CUMSUM would stay float" in result.left_out["int8"]
    assert Format.FLOAT16 in {outcome.judged.format for outcome in result.outcomes}
    record = json.loads((tmp_path / "all" / "conversion.json").read_text())
    assert record["left_out"] == dict(result.left_out)
    assert "No int8 file" in (tmp_path / "all" / "conversion.html").read_text()
    with pytest.raises(ConversionError, match="CUMSUM would stay float; choose --format weight-int8"):
        convert_to(saved, tmp_path / "one", [Format.INT8], contract_file=contract, data=shapes_dataset)
