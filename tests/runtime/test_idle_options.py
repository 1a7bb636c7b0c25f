"""An option that would do nothing is a usage error: whoever gave it meant something by it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from hangtag.cli import main


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a clip and a folder of one photo."""
    folder = tmp_path_factory.mktemp("files")
    writer = cv2.VideoWriter(str(folder / "clip.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 12.0, (64, 48))
    writer.write(np.full((48, 64, 3), 90, np.uint8))
    writer.release()
    (folder / "photos").mkdir()
    cv2.imwrite(str(folder / "photos" / "a.png"), np.full((48, 64, 3), 90, np.uint8))
    return folder


def camera(*arguments: str) -> Result:
    """Run the camera for one frame."""
    return CliRunner().invoke(main, ["camera", "--headless", "--max-frames", "1", *arguments])


@pytest.mark.parametrize(
    ("source", "option"),
    [
        ("clip.avi", "--size 640x480"),
        ("clip.avi", "--pixel-format MJPG"),
        ("clip.avi", "--seed 0"),
        ("photos", "--size 640x480"),
        ("photos", "--loop"),
        ("photos", "--pace real-time"),
        ("photos", "--smoothing 1"),
        ("photos", "--hold 1"),
        ("scene:", "--loop"),
        ("scene:", "--pixel-format MJPG"),
        ("scene:", "--pace real-time --loop"),
    ],
)
def test_what_makes_no_difference_to_a_source_is_refused(files: Path, source: str, option: str) -> None:
    spelling = source if source == "scene:" else str(files / source)
    done = camera("--source", spelling, *option.split())
    assert done.exit_code == 2, done.output
    said = done.stderr.splitlines()[-1]
    assert f"does nothing to {spelling}" in said
    assert any(word in said for word in option.split() if word.startswith("--"))


@pytest.mark.parametrize(
    ("source", "options"),
    [
        ("clip.avi", "--fps 5 --loop --pace real-time --every-frame --any-frame --hold 1 --smoothing 1"),
        ("clip.avi", "--pace fast"),
        ("photos", "--fps 5 --every-frame --any-frame"),
        ("scene:", "--size 64x48 --fps 5 --seed 3 --pace fast --every-frame --any-frame --hold 1"),
        ("scene:", "--pace real-time --seed 3"),
    ],
)
def test_what_makes_a_difference_or_is_so_anyway_is_taken(files: Path, source: str, options: str) -> None:
    spelling = source if source == "scene:" else str(files / source)
    done = camera("--source", spelling, *options.split())
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ("--host 0.0.0.0", "--serve"),
        ("--quota 50", "--record"),
        ("--watch-model", "--model"),
    ],
)
@pytest.mark.parametrize("also", [[], ["--print-systemd"]])
def test_what_does_nothing_without_another_option_names_it(
    options: str, wanted: str, also: list[str]
) -> None:
    """Also before a unit is printed, which would fail when nobody looks."""
    done = camera("--source", "scene:", *options.split(), *also)
    assert done.exit_code == 2, done.output
    assert wanted in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("roi", ["0,0,1,1", "100,100,640,15"])
def test_a_region_of_a_few_pixels_is_most_likely_meant_in_shares(roi: str) -> None:
    done = camera("--source", "scene:", "--roi", roi)
    assert done.exit_code == 2
    assert "shares" in done.stderr.splitlines()[-1]
