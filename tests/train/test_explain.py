from __future__ import annotations

import dataclasses
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest
from click.testing import CliRunner, Result
from matplotlib.figure import Figure
from small_run import contract_of, write_run

from hangtag.cli import main
from hangtag.contract import OutputKind, Provenance
from hangtag.errors import RunError, TrainingError
from hangtag.labelled_folder import dataset_digest
from hangtag.photos import read_photo
from hangtag.preprocess import preprocess
from hangtag.progress import Progress
from hangtag_train.datasets import SourceOptions, prepare
from hangtag_train.explain import Explainer, Heat, most_active
from hangtag_train.explain_pictures import draw_heat, seen_pixels

QUIET = Progress(quiet=True)

# --- a network whose evidence is known ---------------------------------------------------------------------

RED = (slice(0, 4), slice(8, 12))
BLUE = (slice(12, 16), slice(2, 5))
"""Rows and columns of the two patches: no reflection or transposition takes one to the other."""


@pytest.fixture(scope="module")
def patches() -> np.ndarray:
    """A black BGR picture with a red patch at the top and a blue one at the bottom left."""
    picture = np.zeros((16, 12, 3), np.uint8)
    picture[RED] = (0, 0, 255)
    picture[BLUE] = (255, 0, 0)
    return picture


def colour_channels(image: keras.KerasTensor) -> keras.KerasTensor:
    """Return two maps: how red and how blue each place is."""
    kernel = np.array([[[[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]]]])  # RGB in, red and blue out
    layer = keras.layers.Conv2D(2, 1, use_bias=False, name="colours")
    maps = layer(image)
    layer.set_weights([kernel])
    return maps


def head(
    units: int, kernel: list[list[float]], **options: str
) -> Callable[[keras.KerasTensor], keras.KerasTensor]:
    def attach(features: keras.KerasTensor) -> keras.KerasTensor:
        layer = keras.layers.Dense(units, use_bias=False, name="logits", **options)
        outputs = layer(features)
        layer.set_weights([np.array(kernel)])
        return outputs

    return attach


def softmax_layer() -> keras.Model:
    image = keras.Input((16, 12, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(colour_channels(image))
    return keras.Model(image, keras.layers.Softmax()(head(2, [[9, 0], [0, 9]])(pooled)))


def softmax_activation() -> keras.Model:
    image = keras.Input((16, 12, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(colour_channels(image))
    return keras.Model(image, head(2, [[9, 0], [0, 9]], activation="softmax")(pooled))


def logits() -> keras.Model:
    image = keras.Input((16, 12, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(colour_channels(image))
    return keras.Model(image, head(2, [[9, 0], [0, 9]])(pooled))


def sigmoid_unit() -> keras.Model:
    image = keras.Input((16, 12, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(colour_channels(image))
    return keras.Model(image, head(1, [[-9], [9]], activation="sigmoid")(pooled))


def frozen() -> keras.Model:
    model = softmax_layer()
    model.trainable = False
    return model


def nested() -> keras.Model:
    inside = keras.Input((16, 12, 3))
    backbone = keras.Model(inside, colour_channels(inside), name="backbone")
    classifier = keras.Sequential(
        [
            keras.Input((16, 12, 2)),
            keras.layers.GlobalMaxPooling2D(),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )
    classifier.layers[-1].set_weights([np.eye(2), np.zeros(2)])
    image = keras.Input((16, 12, 3))
    prepared = keras.layers.Rescaling(1.0)(image)
    return keras.Model(image, classifier(backbone(prepared)))


@pytest.mark.parametrize(
    ("build", "kind"),
    [
        (softmax_layer, OutputKind.SOFTMAX),
        (softmax_activation, OutputKind.SOFTMAX),
        (logits, OutputKind.LOGITS),
        (sigmoid_unit, OutputKind.SIGMOID),
        (frozen, OutputKind.SOFTMAX),
        (nested, OutputKind.SOFTMAX),
    ],
)
@pytest.mark.parametrize(("label", "place"), [(0, RED), (1, BLUE)])
def test_the_heat_lies_on_the_patch_that_speaks_for_the_label(patches, build, kind, label, place) -> None:
    model = build()
    explainer = Explainer(model, contract_of(model, ("red", "blue"), kind))
    tensor = preprocess(patches, explainer.contract.input)
    expected = np.zeros((16, 12), np.float32)
    expected[place] = 1
    before = explainer.scores(tensor)
    heat = explainer.grad_cam(tensor, label)
    np.testing.assert_allclose(heat.values, expected, atol=1e-6)
    assert heat.layer == ("backbone/colours" if build is nested else "colours")
    np.testing.assert_array_equal(explainer.scores(tensor), before)  # the model is left as it was
    assert before.sum() == pytest.approx(1, abs=1e-6)


def test_the_logit_is_explained_and_not_the_score() -> None:
    # In float32 these scores are exactly 1 and 0, and their gradient is exactly 0.
    image = keras.Input((16, 12, 3))
    pooled = keras.layers.GlobalMaxPooling2D()(colour_channels(image))
    sure = keras.Model(image, head(2, [[500, 0], [0, 5]], activation="softmax")(pooled))
    explainer = Explainer(sure, contract_of(sure, ("red", "blue")))
    tensor = np.ones(explainer.contract.input.shape, np.float32)
    assert explainer.scores(tensor)[0] == 1
    assert explainer.grad_cam(tensor, 0).values.max() == 1
    assert explainer.grad_cam(tensor, 1).values.max() == 1


def test_no_evidence_is_no_heat(patches, tmp_path: Path) -> None:
    model = sigmoid_unit()
    explainer = Explainer(model, contract_of(model, ("red", "blue"), OutputKind.SIGMOID))
    without_red = patches.copy()
    without_red[RED] = 0
    heat = explainer.grad_cam(preprocess(without_red, explainer.contract.input), 0)
    assert heat.values.max() == 0
    draw_heat(seen_pixels(without_red, explainer.contract.input), heat, "red 0.01", tmp_path / "heat.png")
    assert (tmp_path / "heat.png").exists()


def test_maps_are_the_outputs_of_the_layer(patches) -> None:
    model = softmax_layer()
    explainer = Explainer(model, contract_of(model, ("red", "blue")))
    (maps,) = explainer.maps(preprocess(patches, explainer.contract.input), [explainer.layer("colours")])
    assert maps.dtype == np.float32
    assert maps.shape == explainer.layers[0].shape == (16, 12, 2)
    assert maps[RED].min(axis=(0, 1)).tolist() == [1, 0]
    assert maps[BLUE].min(axis=(0, 1)).tolist() == [0, 1]


def test_the_overlay_is_bright_where_the_heat_is(patches, tmp_path: Path) -> None:
    values = np.zeros((4, 3), np.float32)
    values[0, 2] = 1
    draw_heat(np.full((16, 12, 3), 60, np.uint8), Heat("x", values), "red", tmp_path / "heat.png")
    picture = read_photo(tmp_path / "heat.png").astype(int)
    # Plasma's strong end is yellow: red and green far above blue, and nowhere else but in the colour bar.
    yellow = (picture[..., 2] - picture[..., 0] > 120) & (picture[..., 1] - picture[..., 0] > 60)
    yellow[:, int(0.87 * yellow.shape[1]) :] = False
    rows, columns = np.nonzero(yellow)
    assert len(rows) > 100
    assert rows.mean() < 0.45 * picture.shape[0]
    assert columns.min() > 0.6 * picture.shape[1]


# --- which layers -------------------------------------------------------------------------------------------


def test_layers_are_listed_in_order_and_spread_from_large_to_small() -> None:
    image = keras.Input((32, 32, 1))
    features = keras.layers.Rescaling(2.0, name="prepared")(image)
    for number in range(4):
        features = keras.layers.Conv2D(4, 3, padding="same", name=f"conv{number}")(features)
        features = keras.layers.ReLU(name=f"relu{number}")(features)
        features = keras.layers.MaxPooling2D(name=f"pool{number}")(features)
    one = keras.layers.GlobalAveragePooling2D(keepdims=True, name="one")(features)
    model = keras.Model(image, keras.layers.Dense(2, activation="softmax")(keras.layers.Flatten()(one)))
    explainer = Explainer(model, contract_of(model, "ab"))
    names = [layer.name for layer in explainer.layers]
    assert names == [f"{kind}{number}" for number in range(4) for kind in ("conv", "relu", "pool")]
    assert [layer.name for layer in explainer.spread(3)] == ["relu0", "relu2", "pool3"]
    assert [layer.name for layer in explainer.spread(5)] == ["relu0", "relu1", "relu2", "relu3", "pool3"]
    assert {"relu0", "pool3"} < {layer.name for layer in explainer.spread(6)}
    assert len(explainer.spread(6)) == 6
    assert explainer.spread(99) == explainer.layers


def test_a_network_of_keras_applications() -> None:
    inner = keras.applications.MobileNet((32, 32, 3), alpha=0.25, include_top=False, weights=None)
    image = keras.Input((32, 32, 3))
    pooled = keras.layers.GlobalMaxPooling2D()(keras.layers.ZeroPadding2D()(inner(image)))
    model = keras.Model(image, keras.layers.Dense(3, activation="softmax", name="logits")(pooled))
    explainer = Explainer(model, contract_of(model, "abc"))
    tensor = np.random.default_rng(1).random((1, 32, 32, 3), np.float32)
    assert explainer.layers[0].name.endswith("/conv1")
    assert explainer.grad_cam(tensor, 2, explainer.layers[3]).values.shape == (16, 16)
    assert explainer.grad_cam(tensor, 2).values.shape == (3, 3)


@pytest.mark.parametrize("reshaped", [False, True])
def test_a_network_without_maps_is_refused(reshaped: bool) -> None:
    image = keras.Input((28, 28, 1))
    features = keras.layers.Rescaling(1.0)(keras.layers.Normalization(mean=0.0, variance=1.0)(image))
    features = keras.layers.Dense(8)(keras.layers.Flatten()(features))
    features = keras.layers.Reshape((1, 1, 8))(features) if reshaped else features
    features = keras.layers.Flatten()(features)
    model = keras.Model(image, keras.layers.Dense(2, activation="softmax")(features))
    with pytest.raises(TrainingError, match="no layer with activation maps"):
        Explainer(model, contract_of(model, "ab"))


def test_the_most_active_channels_come_first() -> None:
    maps = np.zeros((2, 2, 4), np.float32)
    maps[0, 0] = [1, 9, 0, 3]
    maps[..., 2] = 100  # everywhere alike: it shows nothing
    assert most_active(maps, 3) == [1, 3, 0]


# --- the command --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def grey_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of an untrained course network on 28x28 grey pictures, with labels that are not plain words."""
    keras.utils.set_random_seed(3)
    image = keras.Input((28, 28, 1))
    features = keras.layers.MaxPooling2D(name="pool")(
        keras.layers.Conv2D(20, 3, activation="relu", name="conv")(image)
    )
    logits = keras.layers.Dense(3, name="logits")(keras.layers.Flatten()(features))
    model = keras.Model(image, keras.layers.Softmax()(logits))
    path = tmp_path_factory.mktemp("runs") / "grey"
    return write_run(path, model, contract_of(model, ("disc", "square", "stripe")))


@pytest.fixture
def photos(tmp_path: Path, draw_shape) -> list[Path]:
    """Two photos of the same name in two folders."""
    paths = [tmp_path / folder / "$x_1$.png" for folder in ("a", "b")]
    for path, label in zip(paths, ("disc", "stripe"), strict=True):
        path.parent.mkdir()
        assert cv2.imwrite(str(path), draw_shape(label, 1))
    return paths


def explain(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["explain", *(str(argument) for argument in arguments)])


def test_every_photo_gets_its_pictures(grey_run: Path, photos: list[Path], tmp_path: Path) -> None:
    result = explain(grey_run, *photos, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == sorted(
        f"$x_1${number}-{kind}.png" for number in ("", "-2") for kind in ("gradcam", "maps")
    )
    for name in names:
        assert min(read_photo(tmp_path / "out" / name).shape[:2]) > 200
    lines = result.stdout.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(f"{photos[0]}: ")


def test_every_picture_names_its_photo_and_what_it_was_called(
    grey_run: Path, photos: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    titles: list[str] = []
    save = Figure.savefig

    def spy(figure: Figure, *arguments, **named) -> None:
        titles.append(figure.get_suptitle())
        save(figure, *arguments, **named)

    monkeypatch.setattr(Figure, "savefig", spy)
    long = photos[0].rename(tmp_path / f"{'a' * 200}.png")
    result = explain(grey_run, photos[1], long, "--out", tmp_path / "out", "--label", "square")
    assert result.exit_code == 0, result.output
    assert len(titles) == 4
    for title in titles[:2]:
        assert title.startswith("$x_1$.png: ")
    for title in titles[2:]:
        assert title.startswith("aaaa")
        assert len(title) < 120, "nothing of what it was called is cut off"
    assert all(re.search(r": (square \d\.\d\d|(disc|stripe) \d)", title) for title in titles)


def test_a_label_and_layers_of_ones_choice(grey_run: Path, photos: list[Path], tmp_path: Path) -> None:
    result = explain(grey_run, photos[0], "--out", tmp_path, "--label", "square", "--layers", "conv, pool")
    assert result.exit_code == 0, result.output
    assert ": square 0." in result.stdout
    two, one = tmp_path / "$x_1$-maps.png", tmp_path / "one"
    result = explain(grey_run, photos[0], "--out", one, "--layers", "pool")
    assert result.exit_code == 0, result.output
    assert read_photo(two).shape[0] > 1.5 * read_photo(one / two.name).shape[0]


def test_layers_are_printed(grey_run: Path) -> None:
    result = explain(grey_run, "--list-layers")
    assert result.exit_code == 0, result.output
    rows = [line.split() for line in result.stdout.splitlines()]
    assert rows == [
        ["conv", "26", "x", "26", "20", "channels"],
        ["pool", "13", "x", "13", "20", "channels"],
    ]


def test_mistakes_of_a_split_are_drawn(grey_run: Path, shapes_dataset: Path, tmp_path: Path) -> None:
    result = explain(grey_run, "--mistakes", shapes_dataset, "--out", tmp_path, "--split", "train")
    assert result.exit_code == 0, result.output
    assert "train: " in result.stdout
    assert " of 18 photos" in result.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["mistakes_train.png"]


@pytest.fixture
def labels_only(shapes_dataset: Path, tmp_path: Path) -> Path:
    """A folder per label, 36 photos, and no split."""
    for split in ("train", "validation", "test"):
        for photo in (shapes_dataset / split).glob("*/*.png"):
            (tmp_path / "shapes" / photo.parent.name).mkdir(parents=True, exist_ok=True)
            shutil.copy(photo, tmp_path / "shapes" / photo.parent.name / f"{split}-{photo.name}")
    return tmp_path / "shapes"


def _zipped(folder: Path) -> Path:
    return Path(shutil.make_archive(str(folder), "zip", folder))


def _table(folder: Path) -> Path:
    rows = [f"{path.relative_to(folder)},{path.parent.name}\n" for path in sorted(folder.glob("*/*.png"))]
    (folder / "shapes.csv").write_text("".join(["file,what\n", *rows]))
    return folder / "shapes.csv"


@pytest.mark.parametrize(
    ("source", "options"),
    [
        (lambda folder: folder, ()),
        (_zipped, ()),
        (_table, ("--image-column", "file", "--label-column", "what")),
    ],
)
def test_mistakes_of_whatever_training_takes(
    source, options, grey_run: Path, labels_only: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANGTAG_CACHE", str(tmp_path / "cache"))
    given = (*options, "--split-seed", 4, "--validation-share", 0.5, "--test-share", 0.2)
    result = explain(grey_run, "--mistakes", source(labels_only), "--out", tmp_path / "out", *given)
    assert result.exit_code == 0, result.output
    (found,) = (tmp_path / "cache" / "datasets").glob("shapes*/validation")
    count = len(list(found.glob("*/*.png")))
    assert 15 <= count <= 21
    assert f" of {count} photos" in result.stdout


def test_mistakes_name_the_photos_that_are_left_out(
    grey_run: Path, labels_only: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANGTAG_CACHE", str(tmp_path / "cache"))
    (tmp_path / "data").mkdir()
    labels_only.rename(tmp_path / "data" / "test")
    bad = tmp_path / "data" / "test" / "disc" / "train-00.png"
    bad.write_bytes(b"no picture")
    given = ("--mistakes", tmp_path / "data", "--out", tmp_path / "out", "--split", "test")
    result = explain(grey_run, *given)
    assert result.exit_code == 0, result.output
    skipped, note = result.stderr.splitlines()
    assert skipped.startswith(f"skipped: {bad} is not an image")
    assert "the test split was read" in note
    assert " of 35 photos" in result.stdout
    for photo in bad.parent.iterdir():
        photo.write_bytes(b"no picture")
    result = explain(grey_run, *given)
    assert result.exit_code == 1
    assert "12 of 36 photos" in result.stderr


def test_mistakes_of_another_split_than_that_of_training_are_said(
    labels_only: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANGTAG_CACHE", str(tmp_path / "cache"))
    image = keras.Input((26, 26, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(image)
    model = keras.Model(image, keras.layers.Dense(3, activation="softmax")(pooled))
    labels = ("disc", "square", "stripe")
    trained_with = dataset_digest(prepare(str(labels_only), SourceOptions(seed=3), QUIET).path, labels)
    contract = contract_of(model, labels)
    known = dataclasses.replace(contract, provenance=Provenance(dataset_sha256=trained_with))
    run = write_run(tmp_path / "run", model, known)

    def said(seed: int) -> str:
        given = ("--mistakes", labels_only, "--out", tmp_path / "out", "--split-seed", seed)
        result = explain(run, *given)
        assert result.exit_code == 0, result.output
        return result.stderr

    assert "another split" not in said(3)
    assert "note: the model was trained with other photos, or with another split" in said(4)


def test_a_bad_photo_does_not_stop_the_others(grey_run: Path, photos: list[Path], tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"no picture")
    result = explain(grey_run, tmp_path / "bad.png", photos[0], "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "bad.png" in result.stderr
    assert "1 of 2 photos could not be read" in result.stderr
    assert len(list((tmp_path / "out").iterdir())) == 2


@pytest.mark.parametrize(
    ("options", "exit_code", "says"),
    [
        ((), 2, "--out"),
        (("--out", "{out}"), 2, "Nothing to explain"),
        (("{photo}", "--out", "{out}", "--label", "sock"), 1, "no label 'sock'"),
        (("{photo}", "--out", "{out}", "--layers", "conv,nonsense"), 1, "'nonsense'"),
        (("{photo}", "--out", "{photo}"), 1, "cannot write"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(
    grey_run: Path, photos: list[Path], tmp_path: Path, options, exit_code: int, says: str
) -> None:
    filled = [option.format(out=tmp_path / "out", photo=photos[0]) for option in options]
    result = explain(grey_run, *filled)
    assert result.exit_code == exit_code
    assert says in result.stderr
    assert exit_code == 2 or result.stderr.count("\n") == 1


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no finished training run"):
        Explainer.open(tmp_path)


def test_a_model_with_code_inside_is_not_loaded(tmp_path: Path) -> None:
    image = keras.Input((8, 8, 3))
    features = keras.layers.Lambda(lambda values: values * 2)(keras.layers.Conv2D(2, 3)(image))
    pooled = keras.layers.GlobalAveragePooling2D()(features)
    model = keras.Model(image, keras.layers.Dense(2, activation="softmax")(pooled))
    run = write_run(tmp_path / "run", model, contract_of(model, "ab"))
    with pytest.raises(TrainingError, match="cannot be loaded"):
        Explainer.open(run)
