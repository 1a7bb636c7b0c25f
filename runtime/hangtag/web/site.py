"""The site: the phone page's files by their paths, the same whether they are served or put into a folder."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import unicodedata
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath

from hangtag.archive import read_archive
from hangtag.contract import SCHEMA_VERSION, Kernel
from hangtag.errors import ModelFileError
from hangtag.model_file import CONTRACT_NAME, ModelFile, with_calibration
from hangtag.web.assets import ENGINE, LEGAL, WASM, engine_files

INDEX = "index.html"
"""The file that stands for the site's root."""

FACTS = "site.json"
"""The file that tells the page which model it has."""

WORKER = "sw.js"
"""The service worker, which keeps the site for use without a network."""

_PAGE = Path(__file__).parent / "page"

_PLACEHOLDER = b'"@SITE@"'
"""What stands in the worker for the files that it keeps."""

USUAL_WASM = (f"{WASM}litert_wasm_threaded_internal.js", f"{WASM}litert_wasm_threaded_internal.wasm")
"""The build that most phones fetch; the others are a little smaller, or for the GPU when it is asked for."""

_DTYPES = ("float32", "uint8")
_KERNELS = (Kernel.LINEAR_EXACT, Kernel.HALVED)
_GZIP_LEVEL = 6
_GAIN = 0.95


def site_files(model: ModelFile, file_name: str | None = None) -> dict[str, bytes]:
    """Return the whole site: files by their paths below its root, sorted.

    Args:
        model: the model that the page classifies with.
        file_name: what the model is called on the site, as far as a URL takes it; the contract's where None.

    Raises:
        MissingAssets: the engine's files are not there.
        ModelFileError: a browser cannot run the model as its contract says.
    """
    check_model(model)
    place = f"models/{url_name(file_name or model.contract.name)}"
    files = {**page_files(), **engine_files(), place: _as_the_page_reads_it(model)}
    return assembled(files, place, model.contract.name)


def assembled(files: Mapping[str, bytes], model_path: str, model_name: str) -> dict[str, bytes]:
    """Return files with the site's own facts added, and the worker told what to keep.

    The version is the digest of all that is on the site: the same files have the same version everywhere.
    """
    others = {path: data for path, data in files.items() if path not in {WORKER, FACTS}}
    version = _version(others)
    facts = {"model": model_path, "name": model_name, "version": version}
    others[FACTS] = (json.dumps(facts, indent=2, ensure_ascii=False) + "\n").encode()
    legal = {f"{ENGINE}{name}" for name in LEGAL}
    digests = {
        path: hashlib.sha256(data).hexdigest() for path, data in sorted(others.items()) if path not in legal
    }
    kept = {path: digest for path, digest in digests.items() if path.startswith(WASM)}
    site = {
        "version": version,
        "model": model_path,
        "precache": {path: digest for path, digest in digests.items() if path not in kept},
        "kept": kept,
    }
    return dict(sorted({**others, WORKER: _told(files[WORKER], site)}.items()))


def page_files() -> dict[str, bytes]:
    """Return our own files of the page by their paths below its root."""
    return dict(_below(_PAGE))


def check_model(model: ModelFile) -> None:
    """Raise where a browser cannot run a model as its contract says.

    Raises:
        ModelFileError: its tensors or its kernel are none that the page has.
    """
    contract = model.contract
    for role, tensor in (("input", contract.input.tensor), ("output", contract.output.tensor)):
        if tensor.dtype not in _DTYPES:
            raise ModelFileError(
                f"{model.name}: its {role} is {tensor.dtype}, and the page's engine, LiteRT.js, has "
                f"{' and '.join(_DTYPES)} alone: convert it with --format int8 (its bytes are uint8)"
            )
    if contract.input.kernel not in _KERNELS:
        raise ModelFileError(
            f"{model.name}: its contract resizes with the kernel {contract.input.kernel.value}, whose bytes "
            "differ from one processor to the next; the page has "
            f"{' and '.join(kernel.value for kernel in _KERNELS)}"
        )


def url_name(name: str) -> str:
    """Return a file name, ending in .tflite, that needs no escaping in a URL and no care on a file system."""
    last = PurePath(name.replace("\\", "/")).name
    plain = unicodedata.normalize("NFKD", last).encode("ascii", "ignore").decode()
    stem = re.sub(r"(?i)\.tflite$", "", plain)
    words = re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip(".-_")[:80].strip(".-_")
    return f"{words or 'model'}.tflite"


def gzipped(data: bytes) -> bytes | None:
    """Return a file as it goes over the wire; None where compressing it gains next to nothing."""
    # No time in the header: the same file is the same bytes.
    packed = gzip.compress(data, _GZIP_LEVEL, mtime=0)
    return packed if len(packed) < _GAIN * len(data) else None


def first_visit_bytes(files: Mapping[str, bytes]) -> int:
    """Return how many bytes a first visit takes, compressed: page, model and one build of the engine."""
    legal = {f"{ENGINE}{name}" for name in LEGAL}
    fetched = {path for path in files if not path.startswith(WASM)} - legal | set(USUAL_WASM)
    return sum(len(gzipped(files[path]) or files[path]) for path in fetched)


def _below(folder: Path, prefix: str = "") -> Iterator[tuple[str, bytes]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.name.startswith((".", "__")):
            continue
        if entry.is_dir():
            yield from _below(entry, f"{prefix}{entry.name}/")
        elif not entry.name.endswith((".md", ".test.js")):
            yield f"{prefix}{entry.name}", entry.read_bytes()


def _version(files: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for path, data in sorted(files.items()):
        digest.update(f"{len(path.encode())}:{path}{len(data)}:".encode() + data)
    return digest.hexdigest()[:16]


def _told(worker: bytes, site: Mapping[str, object]) -> bytes:
    if worker.count(_PLACEHOLDER) != 1:
        raise RuntimeError(f"{WORKER} must hold {_PLACEHOLDER.decode()} once")
    return worker.replace(_PLACEHOLDER, json.dumps(site, indent=1).encode())


def _as_the_page_reads_it(model: ModelFile) -> bytes:
    """Return a model's bytes; packed anew where its contract is of an older schema, or compressed.

    The page reads today's contracts, stored as they are: Python has migrated and unpacked the others.
    """
    written = json.loads(read_archive(model.data).files[CONTRACT_NAME])
    if _is_stored(model.data) and written.get("schema_version") == SCHEMA_VERSION:
        return model.data
    return with_calibration(model, model.contract.calibration, model.contract.provenance)


def _is_stored(data: bytes) -> bool:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return all(member.compress_type == zipfile.ZIP_STORED for member in archive.infolist())
    except zipfile.BadZipFile:
        return False
