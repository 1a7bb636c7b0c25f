"""What a converted file says of itself: its maker, labels in other languages, golden cases of own photos."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from model_parts import split
from small_run import contract_of, write_run

from hangtag import Classifier
from hangtag.cli import main
from hangtag.golden import MAX_TOTAL_BYTES
from hangtag.verification import verify_cases

ODD_LABELS = ("Kleid", "blusa de niña", "帽子", "قبعة", "🧦 socks", "t-shirt / top", 'say "hi"', "a,b", "<b>")


def _run(tmp_path: Path, labels: tuple[str, ...]) -> Path:
    """A run without photos around a network with so many labels."""
    import keras

    keras.utils.set_random_seed(3)
    picture = keras.Input((16, 16, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(picture)
    scores = keras.layers.Dense(len(labels), activation="softmax", kernel_initializer="he_normal")
    model = keras.Model(picture, scores(pooled))
    return write_run(tmp_path / "run", model, contract_of(model, labels), settings={"data": None})


@pytest.fixture(scope="module")
def odd_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _run(tmp_path_factory.mktemp("odd"), ODD_LABELS)


def _convert(run: Path, out: Path, *options: str) -> Any:
    return CliRunner().invoke(main, ["convert", str(run), "--format", "float32", "--out", str(out), *options])


def test_labels_of_any_script_travel_and_are_shown(odd_run: Path, tmp_path: Path) -> None:
    assert _convert(odd_run, tmp_path).exit_code == 0
    classifier = Classifier.load(tmp_path / "classifier-float32.tflite")
    assert classifier.contract.labels == ODD_LABELS
    assert split(classifier.model.data)[1]["labels.txt"].decode().splitlines() == list(ODD_LABELS)
    page = (tmp_path / "conversion.html").read_text()
    assert "<b></bdi>" not in page


def test_a_thousand_and_one_labels_fit(tmp_path: Path) -> None:
    run = _run(tmp_path, tuple(f"label {number}" for number in range(1001)))
    assert _convert(run, tmp_path / "out").exit_code == 0
    classifier = Classifier.load(tmp_path / "out" / "classifier-float32.tflite")
    assert len(classifier.contract.labels) == 1001
    assert all(case.passed for case in verify_cases(classifier))


def test_who_made_it_and_what_it_is_called_are_options(odd_run: Path, tmp_path: Path) -> None:
    options = ["--name", "kiosk", "--author", "Ana", "--licence", "MIT", "--description", "What hangs here."]
    assert _convert(odd_run, tmp_path, *options).exit_code == 0
    contract = Classifier.load(tmp_path / "kiosk-float32.tflite").contract
    assert (contract.author, contract.licence, contract.description) == ("Ana", "MIT", "What hangs here.")


def _labels_file(folder: Path, name: str, content: bytes) -> str:
    path = folder / name
    path.write_bytes(content)
    return str(path)


def test_translated_labels_come_from_files_named_after_their_language(odd_run: Path, tmp_path: Path) -> None:
    spanish = [f"ropa {number}" for number in range(len(ODD_LABELS))]
    # As a spreadsheet on Windows writes it: a mark at the start and two characters at each line's end.
    given = _labels_file(tmp_path, "labels-es.txt", "\ufeff".encode() + "\r\n".join([*spanish, ""]).encode())
    brazilian = _labels_file(tmp_path, "labels-pt-BR.txt", "\n".join(spanish).encode())
    said = _convert(odd_run, tmp_path / "out", "--labels", given, "--labels", brazilian)
    assert said.exit_code == 0, said.output
    contract = Classifier.load(tmp_path / "out" / "classifier-float32.tflite").contract
    assert contract.translations == {"es": tuple(spanish), "pt-BR": tuple(spanish)}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("labels-es.txt", b"uno\ndos\n", f"translations of es has 2 labels; wanted {len(ODD_LABELS)}"),
        ("labels-es.txt", b"uno\n\n" * 9, "translations of es has 18 labels"),
        ("labels-es.txt", b"\xff\xfe\x00", "as UTF-8 text"),
        ("spanish.txt", b"uno\n", "should be called labels-LANGUAGE.txt"),
        ("labels-espanol!.txt", b"uno\n" * 9, "the locale 'espanol!'"),
    ],
)
def test_translations_that_do_not_fit_are_refused(
    odd_run: Path, tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    result = _convert(odd_run, tmp_path / "out", "--labels", _labels_file(tmp_path, name, content))
    assert result.exit_code == 1
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_golden_cases_of_own_photos_are_small_and_hold(odd_run: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    rng = np.random.default_rng(6)
    for number in range(9):
        noise = rng.integers(0, 256, (600, 400 + 50 * number, 3)).astype(np.uint8)
        assert cv2.imwrite(str(photos / f"{number}.jpg"), noise)
    said = _convert(odd_run, tmp_path / "out", "--golden-from", str(photos))
    assert said.exit_code == 0, said.output
    classifier = Classifier.load(tmp_path / "out" / "classifier-float32.tflite")
    golden = classifier.model.golden
    assert golden is not None
    assert sum(map(len, golden.to_files().values())) <= MAX_TOTAL_BYTES
    results = verify_cases(classifier)
    assert len(results) == 4
    assert all(result.passed for result in results)
    # Noise shrinks badly: what is left must still be photos, not thumbnails of a few pixels.
    assert min(min(case.image().shape[:2]) for case in golden.cases) > 60


def test_no_photo_for_golden_cases_is_an_error(odd_run: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    said = _convert(odd_run, tmp_path / "out", "--golden-from", str(tmp_path / "empty"))
    assert (said.exit_code, "holds no image" in said.stderr) == (1, True)
    assert not (tmp_path / "out").exists()


_WITHOUT_SPACE = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
from hangtag.cli import main
main(["convert", *sys.argv[1:]])
"""


def test_a_folder_without_space_keeps_what_it_held(tmp_path: Path) -> None:
    """Adopting needs no TensorFlow; its one file is larger than the system lets this process write."""
    from hangtag.classifier import bundled_model

    model = bundled_model()
    bare, contract, out = tmp_path / "bare.tflite", tmp_path / "contract.json", tmp_path / "new.tflite"
    bare.write_bytes(split(model.data)[0])
    contract.write_text(model.contract.to_json())
    out.write_bytes(b"what was there")
    arguments = [str(bare), "--contract", str(contract), "--out", str(out)]
    said = subprocess.run(
        [sys.executable, "-c", _WITHOUT_SPACE, *arguments], capture_output=True, text=True, check=False
    )
    assert said.returncode == 1
    assert "cannot write" in said.stderr.splitlines()[-1]
    assert out.read_bytes() == b"what was there"
    assert {path.name for path in tmp_path.iterdir()} == {"bare.tflite", "contract.json", "new.tflite"}


_WITHOUT_TENSORFLOW = """
import sys
for name in ("tensorflow", "keras", "flatbuffers.never"):
    sys.modules[name] = None
from hangtag.cli import main
main(sys.argv[1:], standalone_mode=False)
assert not [name for name in sys.modules if name.startswith(("tensorflow.", "keras."))]
"""


def test_adopting_and_inspecting_need_no_tensorflow(tmp_path: Path) -> None:
    from hangtag.classifier import bundled_model

    model = bundled_model()
    bare, contract, out = tmp_path / "bare.tflite", tmp_path / "contract.json", tmp_path / "new.tflite"
    bare.write_bytes(split(model.data)[0])
    contract.write_text(model.contract.to_json())
    for arguments in (
        ["inspect", str(bare), "--template"],
        ["convert", str(bare), "--contract", str(contract), "--out", str(out), "--author", "Ana"],
        ["inspect", str(out)],
    ):
        said = subprocess.run(
            [sys.executable, "-c", _WITHOUT_TENSORFLOW, *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        assert said.returncode == 0, said.stderr
    assert Classifier.load(out).contract.author == "Ana"
