"""The wheel that ``make wheel`` builds holds the page, its engine and its licence, and works alone."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from arm64.wheels import build_wheel
from web.raw_client import ask
from web.web_process import running

from hangtag.web.assets import ENGINE, engine_files, pins
from hangtag.web.npm import check_wheel, install
from hangtag.web.site import page_files

pytestmark = pytest.mark.slow

ROOT = "hangtag/web/"


@pytest.fixture(scope="module")
def wheel(web_assets: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel; what that depends on comes from the one that tests run in."""
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--python",
        str(folder / "bin" / "python"),
    ]
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel)], check=True)
    return folder


def _environment(folder: Path) -> dict[str, str]:
    # An editable install is a .pth file, which counts in the environment's own folder alone.
    return {**os.environ, "PYTHONPATH": sysconfig.get_path("purelib"), "HANGTAG_CACHE": str(folder / "cache")}


def _repacked(wheel: Path, out: Path, changes: Mapping[str, bytes | None]) -> Path:
    """Return a copy of a wheel's page with files changed, added, or left out (None)."""
    with zipfile.ZipFile(wheel) as source, zipfile.ZipFile(out, "w") as target:
        names = [name for name in source.namelist() if name.startswith(ROOT)]
        for name in {*names, *changes}:
            data = changes[name] if name in changes else source.read(name)
            if data is not None:
                target.writestr(name, data)
    return out


def test_the_wheel_is_complete(wheel: Path) -> None:
    assert check_wheel.faults(wheel) == []
    with zipfile.ZipFile(wheel) as archive:
        held = {
            name.removeprefix(ROOT): archive.read(name)
            for name in archive.namelist()
            if name.startswith(ROOT)
        }
    for path, data in engine_files().items():
        assert held[path] == data, path
    for path, data in page_files().items():
        assert held[f"page/{path}"] == data, path
    assert b"Apache License" in held[f"{ENGINE}LICENSE"]


def test_a_wheel_that_is_not_complete_is_refused(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = {
        f"{ROOT}{ENGINE}LICENSE": None,
        f"{ROOT}page/index.html": None,
        f"{ROOT}{ENGINE}core.js": b"another",
        f"{ROOT}npm/package.json": b"{}",
    }
    changed = _repacked(wheel, tmp_path / "changed.whl", changes)
    assert check_wheel.faults(changed) == [
        f"{ENGINE}LICENSE is missing",
        "page/index.html is missing",
        f"{ENGINE}core.js is another file",
        "npm/package.json does not belong there",
    ]
    monkeypatch.setattr(sys, "argv", ["check_wheel.py", str(changed)])
    with pytest.raises(SystemExit, match=r"changed.whl is not complete: .*; run: make web-assets") as ending:
        check_wheel.main()
    assert ending.value.code


def test_the_page_is_served_from_an_installed_wheel(installed: Path, tmp_path: Path) -> None:
    with running([str(installed / "bin" / "hangtag")], env=_environment(tmp_path)) as served:
        site_packages = str(installed / "lib")
        where = subprocess.run(
            [str(installed / "bin" / "python"), "-c", "import hangtag; print(hangtag.__file__)"],
            capture_output=True,
            text=True,
            check=True,
            env=_environment(tmp_path),
        )
        assert where.stdout.startswith(site_packages)
        for path, digest in pins().files.items():
            assert hashlib.sha256(ask(served.port, f"/{ENGINE}{path}").body).hexdigest() == digest
        assert served.end() == (0, "")


def test_an_installation_without_the_engine_works_and_says_what_is_missing(
    installed: Path, tmp_path: Path
) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(installed, bare, symlinks=True)
    (engine,) = bare.glob("lib/python*/site-packages/hangtag/web/vendor")
    shutil.rmtree(engine)
    program = "import sys; from hangtag.cli import main; main(sys.argv[1:])"
    python = [str(bare / "bin" / "python"), "-c", program]
    done = [
        subprocess.run(
            [*python, *command], capture_output=True, text=True, check=False, env=_environment(tmp_path)
        )
        for command in (["inspect", "--help"], ["web", "--port", "0"])
    ]
    assert done[0].returncode == 0
    assert done[1].returncode == 1
    assert "run `make web-assets`" in done[1].stderr
    assert done[1].stderr.count("\n") == 1


# --- what brings the engine --------------------------------------------------------------------------------


def _modules(folder: Path) -> Path:
    """Make a ``node_modules`` folder that looks like npm's."""
    core, utils = folder / "@litertjs" / "core", folder / "@litertjs" / "wasm-utils"
    for package in (core, utils):
        (package / "dist").mkdir(parents=True)
        (package / "package.json").write_text(
            f'{{"name": "@litertjs/{package.name}", "version": "1.2.3", "license": "Apache-2.0"}}'
        )
    (core / "dist" / "index.js").write_text(
        'import { a } from "@litertjs/wasm-utils";\nexport { a };\n//# sourceMappingURL=index.js.map'
    )
    (utils / "dist" / "index.js").write_text("export const a = 1;\n//# sourceMappingURL=index.js.map")
    (core / "wasm").mkdir()
    for build in ("compat_internal", "internal", "jspi_internal", "threaded_internal"):
        for suffix in ("js", "wasm"):
            (core / "wasm" / f"litert_wasm_{build}.{suffix}").write_text(build)
    return folder


def test_the_engine_is_changed_as_its_notice_says_and_no_more(tmp_path: Path) -> None:
    files, made = install.engine(_modules(tmp_path / "node_modules"))
    assert files["core.js"].splitlines()[1:] == [b'import { a } from "./wasm-utils.js";', b"export { a };"]
    assert files["wasm-utils.js"].splitlines()[1:] == [b"export const a = 1;"]
    assert all(files[name].startswith(b"// Changed by Hangtag") for name in ("core.js", "wasm-utils.js"))
    assert files["wasm/litert_wasm_jspi_internal.wasm"] == b"jspi_internal"
    assert (
        b"LiteRT.js 1.2.3: the npm packages @litertjs/core 1.2.3 and @litertjs/wasm-utils 1.2.3"
        in files["NOTICE.txt"]
    )
    assert made.files == {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    assert set(made.files) == set(pins().files)
    install.put(files, made, tmp_path / "vendor")
    install.put(files, made, tmp_path / "vendor")
    put = {
        path.relative_to(tmp_path / "vendor").as_posix(): path.read_bytes()
        for path in (tmp_path / "vendor").rglob("*")
        if path.is_file()
    }
    assert put == {**files, "VERSIONS.json": made.to_bytes()}


def test_another_engine_than_the_pinned_one_is_named(tmp_path: Path) -> None:
    modules = _modules(tmp_path / "node_modules")
    _, first = install.engine(modules)
    assert install.differences(first, first) == []
    (modules / "@litertjs" / "core" / "wasm" / "litert_wasm_internal.wasm").write_text("changed")
    _, second = install.engine(modules)
    assert install.differences(first, second) == ["wasm/litert_wasm_internal.wasm"]
    assert {"@litertjs/core", "core.js"} <= set(install.differences(pins(), first))


@pytest.mark.parametrize(
    ("path", "old", "new", "words"),
    [
        ("@litertjs/core/package.json", "Apache-2.0", "Proprietary", "is now under Proprietary"),
        ("@litertjs/core/dist/index.js", "wasm-utils", "other", "no longer imports"),
    ],
)
def test_what_our_notice_would_not_be_true_of_is_refused(
    tmp_path: Path, path: str, old: str, new: str, words: str
) -> None:
    modules = _modules(tmp_path / "node_modules")
    file = modules / path
    file.write_text(file.read_text().replace(old, new))
    with pytest.raises(SystemExit, match=words):
        install.engine(modules)


def test_the_lock_pins_what_the_page_goes_with_and_names_no_host() -> None:
    lock = json.loads((Path(install.__file__).parent / "package-lock.json").read_text())
    packages = {name.removeprefix("node_modules/"): facts for name, facts in lock["packages"].items() if name}
    assert {name: facts["version"] for name, facts in packages.items()} == dict(pins().packages)
    for facts in packages.values():
        assert facts["integrity"].startswith("sha512-")
        assert "resolved" not in facts
