"""Records of strangers do no harm: whatever is wrong with one is a line."""

from __future__ import annotations

import functools
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import Result as Ran
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kept_colours import FRAMES, edit_header, edit_line, model, plain, run

from hangtag import Classifier
from hangtag.errors import SourceError
from hangtag.record_header import HEADER_NAME, LINES_NAME
from hangtag.record_reader import find_records
from hangtag.replay import replay
from hangtag.result import Result

HUGE = 10**400
HEADERS: dict[str, Callable[[dict[str, Any]], object]] = {
    "a newer schema": lambda header: header.update(schema=2),
    "no schema": lambda header: header.pop("schema"),
    "a huge schema": lambda header: header.update(schema=HUGE),
    "no model": lambda header: header.pop("model"),
    "a model that is a list": lambda header: header.update(model=[]),
    "no labels": lambda header: header["model"].update(labels=[]),
    "labels that are numbers": lambda header: header["model"].update(labels=[1, 2, 3]),
    "a label that drives a terminal": lambda header: header["model"].update(labels=["\x1b[2J", "b", "c"]),
    "the same label twice": lambda header: header["model"].update(labels=["a", "a", "b"]),
    "more labels than scores": lambda header: header["model"].update(labels=list("abcd")),
    "a threshold above 1": lambda header: header["model"].update(unknown_threshold=7),
    "a digest that is none": lambda header: header["model"].update(sha256="\x1b[31m" * 9),
    "a model's name that is a path": lambda header: header["model"].update(name="../../x"),
    "smoothing backwards": lambda header: header["decision"].update(smoothing_s=-1),
    "smoothing for ever": lambda header: header["decision"].update(smoothing_s=HUGE),
    "a hold that is a text": lambda header: header["decision"].update(hold_s="1"),
    "a region without end": lambda header: header["view"].update(roi=[0, 0, 1e300, 5]),
    "a region beyond the picture": lambda header: header["view"].update(roi=[0, 0, 5000, 5]),
    "a region of three numbers": lambda header: header["view"].update(roi=[0, 0, 5]),
    "a region of lists": lambda header: header["view"].update(roi=[[], [], [], []]),
    "an odd angle": lambda header: header["view"].update(rotate_deg=45),
    "an odd flip": lambda header: header["view"].update(flip="inside out"),
    "versions that are lists": lambda header: header.update(versions={"a": []}),
}
LINES: dict[str, Callable[[dict[str, Any]], object]] = {
    "a file elsewhere": lambda line: line.update(file="../../../etc/passwd"),
    "a file in a folder": lambda line: line.update(file="x/000001.png"),
    "an absolute file": lambda line: line.update(file="/etc/000001.png"),
    "a file with a zero byte": lambda line: line.update(file="000001.png\0"),
    "digits of another script": lambda line: line.update(file="\u0660\u0660\u0660\u0660\u0660\u0660.png"),
    "no file": lambda line: line.update(file=None),
    "too few scores": lambda line: line["scores"].pop(),
    "too many scores": lambda line: line["scores"].append(0.5),
    "a huge score": lambda line: line["scores"].__setitem__(0, HUGE),
    "a score of many ones": lambda line: line["scores"].__setitem__(0, 1e300),
    "a score that is a text": lambda line: line["scores"].__setitem__(0, "0.5"),
    "scores that are an object": lambda line: line.update(scores={"0": 1}),
    "a score that is no number": lambda line: line["scores"].__setitem__(0, float("nan")),
    "a time that is infinite": lambda line: line.update(time_s=float("inf")),
    "a time beyond all times": lambda line: line.update(time_s=1e300),
    "a frame below 0": lambda line: line.update(frame=-1),
    "a frame beyond counting": lambda line: line.update(frame=HUGE),
    "a frame that is true": lambda line: line.update(frame=True),
    "a latency below 0": lambda line: line.update(infer_ms=-5),
    "no latency": lambda line: line.pop("prepare_ms"),
    "a label that is a list": lambda line: line.update(true_label=["hat"]),
    "an outage without a reason": lambda line: (line.update(stale=True), line.pop("reason", None)),
}


def check_one_line(ran: Ran) -> str:
    """Return the one line in which a command failed."""
    assert ran.exit_code == 1, (ran.output, ran.exception)
    assert isinstance(ran.exception, SystemExit), ran.exception
    (line,) = ran.stderr.splitlines()
    assert line.startswith("Error: ")
    assert line.isprintable()
    assert len(line) < 500
    return line


@pytest.mark.parametrize("kind", HEADERS)
def test_a_hostile_header_is_one_line(copy: Path, tiny: Path, kind: str) -> None:
    edit_header(copy, HEADERS[kind])
    check_one_line(run(copy.parent, "--model", tiny))


@pytest.mark.parametrize("kind", LINES)
def test_a_hostile_line_is_one_line(copy: Path, tiny: Path, kind: str) -> None:
    edit_line(copy, LINES[kind])
    assert "line 5" in check_one_line(run(copy.parent, "--model", tiny))


def _deep(copy: Path) -> None:
    (copy / LINES_NAME).write_bytes(b'{"scores":' + b"[" * 100_000 + b"\n")


def _long_line(copy: Path) -> None:
    with (copy / LINES_NAME).open("wb") as file:
        file.truncate(50_000_000)


def _large_header(copy: Path) -> None:
    with (copy / HEADER_NAME).open("r+b") as file:
        file.truncate(2**40)


def _link(name: str) -> Callable[[Path], None]:
    def make(copy: Path) -> None:
        (copy / name).unlink()
        (copy / name).symlink_to("/dev/zero")

    return make


def _pipe(copy: Path) -> None:
    (copy / LINES_NAME).unlink()
    os.mkfifo(copy / LINES_NAME)


def _not_utf8(copy: Path) -> None:
    (copy / LINES_NAME).write_bytes(b'{"a": "\xff\xfe"}\n')


def _no_frames(copy: Path) -> None:
    (copy / LINES_NAME).write_bytes(b"")


def _no_object(copy: Path) -> None:
    (copy / LINES_NAME).write_bytes(b"[1, 2]\n")


def _many_digits(copy: Path) -> None:
    (copy / LINES_NAME).write_bytes(b"9" * 100_000 + b"\n")


def _linked_segment(copy: Path) -> None:
    copy.rename(copy.parent.parent / "elsewhere")
    copy.symlink_to(copy.parent.parent / "elsewhere")


def _segments_that_differ(copy: Path) -> None:
    other = shutil.copytree(copy, copy.with_name(copy.name[:-1] + "2"))
    edit_header(other, lambda header: header.update(source="another"))


@pytest.mark.parametrize(
    "spoil",
    [
        _deep,
        _long_line,
        _large_header,
        _link(HEADER_NAME),
        _link(LINES_NAME),
        _pipe,
        _not_utf8,
        _no_frames,
        _no_object,
        _many_digits,
        _linked_segment,
        _segments_that_differ,
    ],
)
def test_hostile_files_are_one_line(copy: Path, tiny: Path, spoil: Callable[[Path], None]) -> None:
    spoil(copy)
    check_one_line(run(copy.parent, "--model", tiny))


def test_pictures_are_not_looked_for_behind_links_nor_made_without_end(copy: Path, tiny: Path) -> None:
    (copy / "000001.png").unlink()
    (copy / "000001.png").symlink_to("/dev/zero")
    (copy / "000002.png").unlink()
    os.mkfifo(copy / "000002.png")
    with (copy / "000003.png").open("wb") as file:
        file.truncate(2**40)
    huge = bytearray((copy / "000004.png").read_bytes())
    huge[16:24] = b"\0\1\0\0\0\1\0\0"  # 65,536 x 65,536
    (copy / "000004.png").write_bytes(huge)
    said = plain(run(copy.parent, "--model", tiny, "--json"))
    assert (said["frames"], said["unreadable"]) == (FRAMES - 4, 4)


def test_pictures_of_another_size_are_a_line_where_the_region_does_not_fit(copy: Path, tiny: Path) -> None:
    cv2.imwrite(str(copy / "000004.png"), np.zeros((8, 8, 3), np.uint8))
    assert "reaches beyond the picture of 8x8" in check_one_line(run(copy.parent, "--model", tiny))


def test_what_a_stranger_wrote_does_not_drive_the_terminal(copy: Path, tiny: Path) -> None:
    edit_header(copy, lambda header: header.update(source="\x1b[2J\u202e", cpu="\x1b"))
    edit_header(copy, lambda header: header["model"].update(labels=["\x9b2J", "\u202eb", "c"]))
    ran = run(copy.parent, "--model", tiny)
    assert ran.exit_code == 0
    assert ran.output.replace("\n", "").isprintable()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=6,
)
HEADER_PLACES = [
    ["schema"], ["begun_s"], ["source"], ["model"], ["model", "labels"], ["model", "name"],
    ["model", "unknown_threshold"], ["decision"], ["decision", "hold_s"], ["view"], ["view", "roi"],
    ["view", "shares"], ["view", "rotate_deg"], ["view", "flip"], ["cpu"], ["versions"],
]  # fmt: skip
LINE_PLACES = [
    "frame",
    "time_s",
    "file",
    "scores",
    "energy",
    "shown",
    "infer_ms",
    "missed",
    "true_label",
    "stale",
]


@given(st.sampled_from(HEADER_PLACES), st.sampled_from(LINE_PLACES), json_values, st.booleans())
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_value_anywhere_is_replayed_or_refused(
    recorded: tuple[Path, list[Result]],
    tmp_path_factory: pytest.TempPathFactory,
    header_place: list[str],
    line_place: str,
    value: Any,
    in_header: bool,
) -> None:
    folder = tmp_path_factory.mktemp("fuzz") / "record"
    (segment,) = shutil.copytree(recorded[0], folder).iterdir()
    lines = (segment / LINES_NAME).read_text().splitlines()[:6]
    (segment / LINES_NAME).write_text("\n".join(lines) + "\n")

    def edit(header: dict[str, Any]) -> None:
        *parents, last = header_place
        place = functools.reduce(lambda inside, name: inside[name], parents, header)
        place[last] = value

    if in_header:
        edit_header(segment, edit)
    else:
        edit_line(segment, lambda line: line.update({line_place: value}))
    try:
        (found,) = find_records(folder)
        replay(found, _classifier())
    except SourceError as error:
        refusal = str(error)
    else:
        refusal = ""
    shutil.rmtree(folder)
    assert "\n" not in refusal


@functools.cache
def _classifier() -> Classifier:
    return Classifier(model())
