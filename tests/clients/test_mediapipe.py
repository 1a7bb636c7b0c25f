"""MediaPipe Tasks, the client on phones, takes the converted files as they are and says what Hangtag says."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import phone_agreement
import pytest
from click.testing import CliRunner
from client_process import ClientProcess
from model_parts import split
from phone_agreement import phone_scores, scores_in
from tiny_run import TinyRun

from hangtag.classifier import Classifier
from hangtag.contract import Geometry, InputSpec, ModelContract
from hangtag.errors import BenchmarkError
from hangtag.labelled_folder import read_split
from hangtag.mediapipe import region_of_interest
from hangtag.metrics import top_k
from hangtag.photos import read_photo
from hangtag.preprocess import Image, Preprocessor
from hangtag_convert.formats import Format
from hangtag_convert.metadata import embed

MODELS = ("bundled", *(kind.value for kind in Format))

Opener = Callable[..., ClientProcess]


@pytest.fixture
def opened(mediapipe_python: Path) -> Iterator[Opener]:
    """Opens a model file in MediaPipe, with a locale or not; closes what it opened."""
    clients: list[ClientProcess] = []

    def open_model(model: Path, *locale: str) -> ClientProcess:
        clients.append(ClientProcess(mediapipe_python, "mediapipe_client.py", model, *locale))
        return clients[-1]

    yield open_model
    for client in clients:
        client.close()


@pytest.mark.parametrize("name", MODELS)
def test_each_file_loads_and_gives_prepared_pixels_the_same_scores(
    name: str, model_files: dict[str, Path], opened: Opener, drawn_pictures: list[Image]
) -> None:
    classifier = Classifier.load(model_files[name])
    client = opened(model_files[name])
    scores = phone_scores(client, classifier, drawn_pictures)
    tolerance = 1 / 256 if classifier.contract.output.tensor.dtype == "uint8" else 1e-4
    assert scores.worst("prepared") <= tolerance


def test_64_bit_biases_are_used_where_they_lie_in_the_file(
    model_files: dict[str, Path], opened: Opener, drawn_pictures: list[Image]
) -> None:
    client = opened(model_files["int16x8"])
    client.ask(drawn_pictures[0])
    assert "unaligned buffer" not in client.printed()


@pytest.mark.parametrize("name", ["bundled", "float32"])
def test_each_score_has_its_label_and_the_best_comes_first(
    name: str, model_files: dict[str, Path], opened: Opener, drawn_pictures: list[Image]
) -> None:
    labels = Classifier.load(model_files[name]).contract.labels
    client = opened(model_files[name])
    for picture in drawn_pictures[:5]:
        categories = client.ask(picture)["categories"]
        assert {each["index"]: each["name"] for each in categories} == dict(enumerate(labels))
        scores = [each["score"] for each in categories]
        assert scores == sorted(scores, reverse=True)
        assert [each["display_name"] for each in categories] == [None] * len(labels)


def _bare(model: Path) -> bytes:
    """Return a model's network without what we put around it; its metadata is still there, unfindable."""
    return split(model.read_bytes())[0].replace(b"TFLITE_METADATA", b"NO_LONGER_KNOWN")


def _embedded(model: Path, out: Path, contract: ModelContract) -> Path:
    """Write a model's network with another contract around it."""
    out.write_bytes(embed(_bare(model), contract, None))
    return out


@pytest.mark.parametrize(
    ("locale", "shown"),
    [
        (("de",), ("blau", "grün", "rot")),
        (("pt-BR",), ("azul", "verde", "vermelho")),
        (("ja",), (None, None, None)),
        ((), (None, None, None)),
    ],
    ids=["german", "with a region", "not there", "none asked for"],
)
def test_a_phone_shows_the_labels_of_its_language(
    locale: tuple[str, ...],
    shown: tuple[str | None, ...],
    model_files: dict[str, Path],
    opened: Opener,
    tmp_path: Path,
    drawn_pictures: list[Image],
) -> None:
    contract = Classifier.load(model_files["int8"]).contract
    translated = contract.replace(
        translations={"de": ("blau", "grün", "rot"), "pt-BR": ("azul", "verde", "vermelho")}
    )
    path = _embedded(model_files["int8"], tmp_path / "translated.tflite", translated)
    categories = opened(path, *locale).ask(drawn_pictures[0])["categories"]
    by_index = sorted(categories, key=lambda each: each["index"])
    assert tuple(each["display_name"] for each in by_index) == shown
    assert tuple(each["name"] for each in by_index) == contract.labels


def _normalised(model: Path, out: Path, mean: tuple[float, ...], std: tuple[float, ...]) -> Path:
    """Write a model's network with a contract that says another normalisation."""
    contract = Classifier.load(model).contract
    spec = dataclasses.replace(contract.input, mean=mean, std=std)
    return _embedded(model, out, contract.replace(input=spec))


@pytest.mark.parametrize("half_range", [127.5, 64.0])
def test_a_float_model_is_given_the_contracts_normalisation(
    half_range: float,
    model_files: dict[str, Path],
    opened: Opener,
    tmp_path: Path,
    drawn_pictures: list[Image],
) -> None:
    before = Classifier.load(model_files["float32"])
    path = _normalised(model_files["float32"], tmp_path / "other.tflite", (100.0,) * 3, (half_range,) * 3)
    scores = phone_scores(opened(path), Classifier.load(path), drawn_pictures)
    assert scores.worst("prepared") <= 1e-4
    as_trained = np.stack([before.scores(picture) for picture in drawn_pictures])
    assert np.abs(scores.hangtag - as_trained).max() > 0.01


IMAGENET = ((123.7, 116.3, 103.5), (58.4, 57.1, 57.4))


def test_a_float_model_normalised_channel_by_channel_is_refused(
    model_files: dict[str, Path], opened: Opener, tmp_path: Path
) -> None:
    path = _normalised(model_files["float32"], tmp_path / "other.tflite", *IMAGENET)
    with pytest.raises(BenchmarkError, match="Per-channel image normalization is not available"):
        opened(path)


def test_an_integer_model_is_given_the_pixels_bytes_whatever_its_normalisation(
    model_files: dict[str, Path], opened: Opener, tmp_path: Path, drawn_pictures: list[Image]
) -> None:
    # So a uint8 file is the same on a phone only where a pixel's byte is the tensor's byte.
    path = _normalised(model_files["int8"], tmp_path / "other.tflite", *IMAGENET)
    classifier = Classifier.load(path)
    assert not Preprocessor(classifier.contract.input).is_byte_copy
    scores = phone_scores(opened(path), classifier, drawn_pictures)
    assert scores.worst("prepared") > 1 / 256
    as_bytes = Classifier.load(model_files["int8"])
    ours = np.stack([as_bytes.scores(picture) for picture in drawn_pictures])
    assert np.abs(scores.mediapipe["prepared"] - ours).max() <= 1 / 256


def test_a_float_model_without_our_metadata_is_refused(
    model_files: dict[str, Path], opened: Opener, tmp_path: Path, drawn_pictures: list[Image]
) -> None:
    bare = tmp_path / "bare.tflite"
    bare.write_bytes(_bare(model_files["float32"]))
    with pytest.raises(BenchmarkError, match="NormalizationOptions"):
        opened(bare).ask(drawn_pictures[0])


@pytest.mark.parametrize(
    ("image_wh", "input_wh", "geometry", "region"),
    [
        ((640, 480), (224, 224), Geometry.CENTRE_CROP, (80 / 640, 0, 560 / 640, 1)),
        ((480, 640), (224, 224), Geometry.CENTRE_CROP, (0, 80 / 640, 1, 560 / 640)),
        ((225, 100), (224, 224), Geometry.CENTRE_CROP, (62 / 225, 0, 162 / 225, 1)),
        ((100, 100), (320, 160), Geometry.CENTRE_CROP, (0, 0.25, 1, 0.75)),
        ((640, 480), (224, 224), Geometry.STRETCH, (0, 0, 1, 1)),
    ],
    ids=["landscape", "portrait", "odd remainder", "wide input", "stretched"],
)
def test_the_region_of_interest_is_what_the_geometry_takes(
    image_wh: tuple[int, int],
    input_wh: tuple[int, int],
    geometry: Geometry,
    region: tuple[float, ...],
) -> None:
    spec = InputSpec(width_px=input_wh[0], height_px=input_wh[1], geometry=geometry)
    left, top, right, bottom = region
    wanted = {"left": left, "top": top, "right": right, "bottom": bottom}
    assert region_of_interest(image_wh, spec) == pytest.approx(wanted)


@pytest.mark.parametrize("turned", [False, True], ids=["landscape", "portrait"])
def test_the_region_keeps_what_lies_beside_it_out(
    turned: bool, model_files: dict[str, Path], opened: Opener
) -> None:
    classifier = Classifier.load(model_files["float32"])
    picture = np.random.default_rng(3).integers(0, 120, (80, 240, 3), np.uint8)
    picture[..., 2] += 135
    picture[:, 80:160] = picture[:, 80:160, ::-1]  # the square in the middle is blue, all else red
    frame = np.ascontiguousarray(np.rot90(picture)) if turned else picture
    scores = phone_scores(opened(model_files["float32"]), classifier, [frame])
    blue, red = (classifier.contract.labels.index(label) for label in ("blue", "red"))
    assert scores.hangtag[0].argmax() == blue
    assert scores.mediapipe["region"][0].argmax() == blue
    assert scores.mediapipe["whole"][0].argmax() == red
    # Cut out by the app or by MediaPipe: the same pixels, up to where they fall between the old ones.
    np.testing.assert_allclose(scores.mediapipe["cut out"], scores.mediapipe["region"], atol=0.01)


@pytest.mark.slow
def test_real_photos_keep_their_labels_on_a_phone(
    clothing_dataset: Path, bundled_file: Path, opened: Opener
) -> None:
    classifier = Classifier.load(bundled_file)
    validation = read_split(clothing_dataset, "validation", classifier.contract.labels)
    pictures = (read_photo(photo.path) for photo in validation.photos)
    scores = phone_scores(opened(bundled_file), classifier, pictures)
    targets = np.array(validation.targets)
    accuracy = {way: top_k(given, targets, 1) for way, given in scores.mediapipe.items()}
    assert scores.worst("prepared") <= 1 / 256
    assert scores.agreement("region") >= 0.99
    assert accuracy["region"] == pytest.approx(top_k(scores.hangtag, targets, 1), abs=0.005)
    # The region matters: without it a phone is silently wrong.
    assert accuracy["whole"] < accuracy["region"] - 0.01


def test_a_picture_that_cannot_be_classified_is_an_error_of_the_client(
    model_files: dict[str, Path], opened: Opener, drawn_pictures: list[Image]
) -> None:
    with pytest.raises(BenchmarkError, match=r"\[0,1\]"):
        opened(model_files["int8"]).ask(
            drawn_pictures[0], region={"left": 0.0, "top": 0.0, "right": 1.5, "bottom": 1.0}
        )


def test_scores_go_by_index_whatever_the_order(model_files: dict[str, Path]) -> None:
    contract = Classifier.load(model_files["float32"]).contract
    answer = {
        "categories": [{"index": 2, "score": 0.7}, {"index": 0, "score": 0.2}, {"index": 1, "score": 0.1}]
    }
    assert scores_in(answer, contract).tolist() == [0.2, 0.1, 0.7]


def test_the_report_has_a_row_for_each_file(
    model_files: dict[str, Path], mediapipe_python: Path, tiny_run: TinyRun
) -> None:
    del mediapipe_python
    folder = model_files["float32"].parent
    done = CliRunner().invoke(
        phone_agreement.main, [str(folder), "--data", str(tiny_run.data), "--most", "3", "--markdown"]
    )
    assert done.exit_code == 0, done.output
    rows = [line.split(" | ") for line in done.stdout.splitlines()[2:]]
    assert [row[0].removeprefix("| ") for row in rows] == sorted(
        f"tiny-{kind.value}.tflite" for kind in Format
    )
    assert {row[1] for row in rows} == {"yes"}
