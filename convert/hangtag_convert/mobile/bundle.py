"""Writes a bundle for a phone or the web: the whole folder, or nothing."""

from __future__ import annotations

import enum
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hangtag.errors import OutputError
from hangtag.model_file import ModelFile, read_model_file
from hangtag.model_probe import probe
from hangtag_convert.mobile.android import android_files, default_package
from hangtag_convert.mobile.facts import mobile_facts
from hangtag_convert.mobile.golden import golden_files
from hangtag_convert.mobile.ios import ios_files
from hangtag_convert.mobile.web import web_files


class Platform(str, enum.Enum):
    """What a bundle is for; the value is what the command line calls it."""

    ANDROID = "android"
    IOS = "ios"
    WEB = "web"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle that was written: how many ``files``, and ``notes`` that its user should read."""

    files: int
    notes: tuple[str, ...]


def write_bundle(model: Path, platform: Platform, out: Path, *, package: str | None = None) -> Bundle:
    """Write a model's bundle into a new folder. The same arguments give the same bytes.

    Source for apps is generated from the contract, and golden cases are computed here; the web's page reads
    the contract itself, and runs the golden cases wherever it is opened.

    Args:
        model: a self-describing .tflite file.
        platform: the phones it is for.
        out: the folder; it must not exist yet, or be empty.
        package: the Kotlin package of the Android source; None for ``dev.hangtag.NAME``.

    Raises:
        ModelFileError: the file cannot be read, is damaged, or carries no contract or golden cases.
        ContractError: its contract cannot be used.
        ConversionError: the contract asks for what the generated source cannot do.
        MissingAssets: the page's engine is not installed.
        VerificationFailed: this machine does not compute what the golden cases say.
        OutputError: ``out`` holds files already, or cannot be written.
    """
    _check_empty(out)
    original = read_model_file(model)
    probe(original.data, str(model))
    if platform is Platform.WEB:
        files = web_files(original, model.name)
        write_folder(out, files)
        return Bundle(len(files), ())
    files, notes = _app_files(original, platform, package)
    write_folder(out, files)
    return Bundle(len(files), tuple(notes))


def _app_files(
    original: ModelFile, platform: Platform, package: str | None
) -> tuple[dict[str, bytes], list[str]]:
    """Return the files of an app's source, and what its user should read."""
    facts = mobile_facts(original)
    golden = golden_files(facts, original)
    if platform is Platform.ANDROID:
        files = android_files(facts, golden, package or default_package(facts))
    else:
        files = ios_files(facts, golden)
    notes = [] if facts.note is None else [facts.note]
    if facts.why_no_mediapipe is not None:
        notes.append(f"MediaPipe Tasks is left out: {facts.why_no_mediapipe}. LiteRT runs it.")
    return files, notes


def write_folder(out: Path, files: Mapping[str, bytes]) -> None:
    """Write files, by their paths with slashes, into a folder that appears whole or not at all.

    Raises:
        OutputError: it holds files already, or cannot be written.
    """
    part = out.parent / f".{out.name}.{secrets.token_hex(4)}.part"
    try:
        for name, data in files.items():
            path = part.joinpath(*name.split("/"))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        _check_empty(out)
        part.rename(out)
    except OSError as error:
        raise OutputError(f"cannot write {out}: {error.strerror or error}") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _check_empty(out: Path) -> None:
    try:
        if out.is_dir() and any(out.iterdir()):
            raise OutputError(
                f"{out} is not empty, and what you changed in an earlier bundle should not be lost: "
                "give a new folder to --out"
            )
    except OSError as error:
        raise OutputError(f"cannot write {out}: {error.strerror or error}") from None
