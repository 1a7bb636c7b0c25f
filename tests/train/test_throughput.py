from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from hangtag.errors import DatasetError
from hangtag.labelled_folder import read_split
from hangtag.progress import Progress
from hangtag_train import throughput
from hangtag_train.recipe import Recipe
from hangtag_train.throughput import Round, measure, table

SMALL = ("--recipe", "fashion-mnist-mlp", "--size", "8", "--set", "augmentation.flip=0.5")


@pytest.fixture
def arguments(shapes_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("HANGTAG_CACHE", str(tmp_path / "cache"))
    return [str(shapes_dataset), *SMALL]


def test_the_table_gives_every_round_the_medians_and_the_range() -> None:
    rounds = [Round(80.0, 100.0, 0.1), Round(95.0, 100.0, 0.0), Round(90.0, 50.0, 0.02)]
    lines = table(rounds, Recipe(name="some", batch_size=16), 48)
    assert lines[0] == "some: 48 photos an epoch, batches of 16"
    assert [line.split()[:2] for line in lines[2:5]] == [["round", "1"], ["round", "2"], ["round", "3"]]
    assert lines[5].split() == ["median", "90.0", "100.0", "2.0%", "photos/s"]
    assert lines[6].startswith("ratio 0.950 (0.800 to 1.800): ")


def test_both_train_in_turn_after_a_warm_up(
    shapes_dataset: Path, silent: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def ours(number: int) -> tuple[float, float]:
        calls.append(f"ours {number}")
        return 2.0, 0.25

    def bare() -> float:
        calls.append("bare")
        return 1.5

    monkeypatch.setattr(throughput, "_ours", lambda *_: ours)
    monkeypatch.setattr(throughput, "_bare", lambda *_: bare)
    rounds = measure(read_split(shapes_dataset, "train"), Recipe(), 2, silent)
    assert calls == ["ours 0", "bare", "ours 1", "bare", "ours 2", "bare"]
    assert rounds == [Round(9.0, 12.0, 0.25)] * 2
    assert rounds[0].ratio == 0.75


def test_both_are_real_trainings(shapes_dataset: Path) -> None:
    from hangtag_train import network
    from hangtag_train.trainer import TrainedView

    photos = read_split(shapes_dataset, "train")
    recipe = Recipe(backbone="mlp", pretrained=False, size_px=8, head_epochs=0, epochs=2, batch_size=7)
    made: list[network.Network] = []
    fits: list[tuple[int, ...]] = []
    build, keras_fit = network.build_network, TrainedView.fit

    def watched_build(*arguments, **options):
        made.append(build(*arguments, **options))
        return made[-1]

    def watched_fit(self, tensors, targets, **options):
        fits.append(tensors.shape)
        assert options["batch_size"] == 7
        return keras_fit(self, tensors, targets, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network, "build_network", watched_build)
        patch.setattr(TrainedView, "fit", watched_fit)
        ours, bare = throughput._ours(photos, recipe), throughput._bare(photos, recipe)
        before = [made_one.logits.get_weights() for made_one in made]
        for number in range(3):  # past the recipe's last epoch
            seconds, waiting_share = ours(number)
            assert seconds > 0
            assert 0 <= waiting_share <= 1
            assert bare() > 0
    assert fits == [(18, 8, 8, 3)] * 3
    assert len(made) == 2
    for one, weights in zip(made, before, strict=True):
        assert any(
            not np.array_equal(new, old) for new, old in zip(one.logits.get_weights(), weights, strict=True)
        )


def test_the_command_prints_a_table_and_the_ratio(arguments: list[str], shapes_dataset: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hangtag_train.throughput", *arguments, "--photos", "12", "--rounds", "2"],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "fashion-mnist-mlp: 12 photos an epoch, batches of 32"
    assert len(lines) == 6
    assert lines[-1].startswith("ratio ")
    assert "Warning" not in done.stderr


def test_a_recipe_that_does_not_fine_tune_is_refused(arguments: list[str]) -> None:
    result = CliRunner().invoke(throughput.main, [arguments[0], "--recipe", "clothing-quick"])
    assert result.exit_code == 2
    assert "does not fine-tune" in result.stderr


def test_a_data_set_that_is_not_there(arguments: list[str]) -> None:
    result = CliRunner().invoke(throughput.main, ["/no/such/photos"])
    assert isinstance(result.exception, DatasetError)
