from __future__ import annotations

import gzip
import os
import re
import sys
from pathlib import Path

import cv2
import nbformat
import numpy as np
import pytest

from hangtag.scene import GARMENTS, render_garment

_PROJECT = Path(__file__).resolve().parents[2]
NOTEBOOK = _PROJECT / "train" / "notebooks" / "from-fashion-mnist-to-a-camera.ipynb"
_FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")
_COUNTS = (("train", 600), ("t10k", 100))


@pytest.fixture(scope="module")
def notebook() -> nbformat.NotebookNode:
    return nbformat.read(NOTEBOOK, as_version=4)


def test_the_notebook_is_stored_without_outputs_and_is_valid(notebook) -> None:
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
    assert notebook.metadata.kernelspec.name == "python3"
    assert set(notebook.metadata) == {"kernelspec", "language_info"}


def test_every_command_is_explained_first(notebook) -> None:
    before = [earlier.cell_type for earlier in notebook.cells]
    assert before[0] == "markdown"
    for index, kind in enumerate(before[1:], 1):
        assert kind == "markdown" or "markdown" in before[max(0, index - 2) : index]


def test_its_commands_and_options_exist(notebook) -> None:
    import click

    from hangtag.cli import main

    def command_of(words: list[str]) -> tuple[click.Command, list[str]]:
        group, rest = main, words
        while isinstance(group, click.Group):
            found = group.get_command(click.Context(group), rest[0])
            assert found is not None, rest
            group, rest = found, rest[1:]
        return group, rest

    sources = [cell.source.replace("\\\n", " ") for cell in notebook.cells]
    lines = [line for source in sources for line in source.splitlines() if "!hangtag" in line]
    assert len(lines) > 12
    for line in lines:
        command, rest = command_of(line.split("!hangtag", 1)[1].split())
        options = {name for parameter in command.params for name in parameter.opts}
        assert {word for word in rest if word.startswith("--")} <= options, line


@pytest.mark.slow
def test_the_course_runs_from_top_to_bottom(
    notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nbclient = pytest.importorskip("nbclient", reason="needs nbclient and ipykernel (the extra dev)")
    _write_pictures(tmp_path)
    for name, value in {
        "HANGTAG_COURSE_DATA": "pictures.npz --labels names.txt",
        "HANGTAG_COURSE_EPOCHS": "1",
        "HANGTAG_COURSE_SIZE": "64",
        "HANGTAG_COURSE_PHOTOS": "6",
        "HANGTAG_DATA": str(tmp_path / "no-photos"),  # real photos would take minutes
        "HANGTAG_CACHE": str(tmp_path / "cache"),
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "JUPYTER_PLATFORM_DIRS": "1",
        "JUPYTER_DATA_DIR": str(tmp_path / "jupyter"),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "jupyter" / "runtime"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }.items():
        monkeypatch.setenv(name, value)
    checked = nbformat.from_dict(notebook)
    for cell in checked.cells:
        if cell.cell_type == "code":
            cell.source = _strict(cell.source)
    checked.cells.insert(0, nbformat.v4.new_code_cell("import sys, warnings\nwarnings.simplefilter('error')"))
    checked.cells.append(nbformat.v4.new_code_cell("warnings.resetwarnings()\nprint(sys.executable)"))
    client = nbclient.NotebookClient(
        checked, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    client.km = _kernel_of_this_interpreter(nbclient)
    client.execute()
    said = [_text(cell) for cell in checked.cells if cell.cell_type == "code"]
    assert Path(said[-1].strip()).resolve() == Path(sys.executable).resolve()
    assert not [text for text in said if "Traceback" in text or "Warning" in text]
    pictures = [
        output
        for cell in checked.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if "image/png" in output.get("data", {})
    ]
    assert len(pictures) >= 8
    assert (tmp_path / "course" / "clothes" / "clothes-int8.tflite").is_file()
    assert len((tmp_path / "course" / "frames.jsonl").read_text().splitlines()) == 60
    assert any(re.search(r"frame +0: ", text) for text in said)


def _strict(source: str) -> str:
    """Make a failing shell command fail its cell: IPython only notes its exit code."""
    lines: list[str] = []
    for line in source.splitlines():
        goes_on = bool(lines) and lines[-1].endswith("\\")
        lines.append(line)
        shell = line.startswith("!") or goes_on
        if shell and not line.endswith("\\"):
            lines.append(f"assert _exit_code == 0, ({line!r}, _exit_code)")
    return "\n".join(lines)


def _kernel_of_this_interpreter(nbclient):
    """Return a kernel manager whose python3 is the one that runs the tests, whatever is installed."""
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager

    class Here(AsyncKernelManager):
        @property
        def kernel_spec(self) -> KernelSpec:
            return KernelSpec(
                argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
                display_name="Python 3",
                language="python",
            )

    return Here()


def _text(cell) -> str:
    return "".join(output.get("text", "") for output in cell.outputs)


def _write_pictures(folder: Path) -> None:
    """Write pictures.npz and names.txt: some of Fashion-MNIST, else rendered garments at its size."""
    if _FASHION_MNIST.is_dir():
        names = (
            "t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot",
        )  # fmt: skip
        arrays = [_fashion_mnist(split, count) for split, count in _COUNTS]
    else:
        print("Fashion-MNIST is not installed: the course runs on rendered garments of 28 px")
        names = GARMENTS
        arrays = [_garments(seed, count) for seed, (_, count) in enumerate(_COUNTS)]
    (folder / "names.txt").write_text("\n".join(names) + "\n")
    (train, train_labels), (test, test_labels) = arrays
    np.savez(folder / "pictures.npz", x_train=train, y_train=train_labels, x_test=test, y_test=test_labels)


def _fashion_mnist(split: str, count: int) -> tuple[np.ndarray, np.ndarray]:
    def payload(name: str, header: int) -> np.ndarray:
        with gzip.open(_FASHION_MNIST / f"{split}-{name}-ubyte.gz") as file:
            return np.frombuffer(file.read(), np.uint8, offset=header)

    images = payload("images-idx3", 16).reshape(-1, 28, 28)
    return images[:count], payload("labels-idx1", 8)[:count]


def _garments(seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % len(GARMENTS)
    images = np.zeros((count, 28, 28), np.uint8)
    for image, label in zip(images, labels, strict=True):
        picture, matte = render_garment(GARMENTS[label], rng, 28)
        grey = (cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY) * (matte / 255)).astype(np.uint8)
        width = min(28, grey.shape[1])
        left, cut = (28 - width) // 2, (grey.shape[1] - width) // 2
        image[:, left : left + width] = grey[:28, cut : cut + width]
    return images, labels
