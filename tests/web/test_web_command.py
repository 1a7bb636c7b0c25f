"""``hangtag web``: what it says before it serves, what it refuses in one line, and how it ends."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from mobile_contracts import CONTRACTS, model_of
from tiny_models import whole_model
from web.raw_client import ASK, ask, read_all
from web.web_process import WebProcess, running

from hangtag.cli import main
from hangtag.contract import Kernel
from hangtag.web import assets
from hangtag.web.site import FACTS

pytest.importorskip("starlette", reason='needs pip install "hangtag[web]"')
pytest.importorskip("uvicorn", reason='needs pip install "hangtag[web]"')


@contextlib.contextmanager
def _serving(folder: Path, *options: str) -> Iterator[WebProcess]:
    environment = {**os.environ, "HANGTAG_CACHE": str(folder / "cache")}
    with running([sys.executable, "-m", "hangtag"], *options, env=environment) as served:
        yield served


def _refused(*options: str) -> str:
    """Return the one line that a command which cannot serve ends with."""
    result = CliRunner().invoke(main, ["web", *options])
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    return result.stderr


# --- serving -----------------------------------------------------------------------------------------------


def test_it_says_where_the_page_is_and_how_a_phone_gets_there(web_assets: None, tmp_path: Path) -> None:
    with _serving(tmp_path) as served:
        port = served.port
        assert served.said.splitlines() == [
            f"clothing on this machine: http://localhost:{port}/",
            f"on a phone by USB: adb reverse tcp:{port} tcp:{port}, then http://localhost:{port}/ there",
            "Ctrl-C ends it",
        ]
        facts = ask(port, f"/{FACTS}")
        assert b'"models/clothing.tflite"' in facts.body
        assert ask(port, "/").status == 200
        assert served.end() == (0, "")


def test_in_a_network_it_says_what_phones_want(web_assets: None, tmp_path: Path) -> None:
    with _serving(tmp_path, "--host", "0.0.0.0") as served:  # noqa: S104
        assert f"http://localhost:{served.port}/" in served.said
        assert "browsers give no camera to that: they want HTTPS (--https" in served.said
        assert f"adb reverse tcp:{served.port}" in served.said
        assert ask(served.port, "/", Host="kiosk.local").status == 200


def test_https_says_what_it_is_worth(web_assets: None, tmp_path: Path) -> None:
    with _serving(tmp_path, "--https") as served:
        assert f"https://localhost:{served.port}/" in served.said
        assert "signed by this machine itself" in served.said
        assert "no offline mode" in served.said
        trusting = ssl.create_default_context(cafile=tmp_path / "cache" / "web" / "self-signed.pem")
        bare = socket.create_connection(("127.0.0.1", served.port), timeout=10)
        with trusting.wrap_socket(bare, server_hostname="localhost") as client:
            client.sendall(ASK % b"/site.json")
            assert read_all(client).startswith(b"HTTP/1.1 200")
        assert served.end() == (0, "")


def test_a_model_of_ones_own_is_served_under_its_name(web_assets: None, tmp_path: Path) -> None:
    model = tmp_path / "My shapes.tflite"
    model.write_bytes(model_of("hostile"))
    with _serving(tmp_path, "--model", str(model)) as served:
        assert ask(served.port, "/models/My-shapes.tflite").body == model_of("hostile")
        assert "\u202e" not in served.said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_cleanly_in_the_midst_of_a_download(web_assets: None, tmp_path: Path, number: int) -> None:
    with (
        _serving(tmp_path) as served,
        socket.create_connection(("127.0.0.1", served.port), timeout=10) as client,
    ):
        client.sendall(ASK % b"/models/clothing.tflite")
        client.recv(1000)
        begun = time.monotonic()
        assert served.end(number) == (0, "")
        assert time.monotonic() - begun < 4


# --- what is refused before it serves ----------------------------------------------------------------------


def test_a_port_in_use(web_assets: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert f"port {port} of 127.0.0.1 is in use: choose another one with --port" in _refused(
            "--port", str(port)
        )


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc, which Linux has")
def test_a_port_of_the_system(web_assets: None) -> None:
    first = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    if os.geteuid() == 0 or first <= 80:
        pytest.skip("needs a user who is not root, and ports that are the system's alone")
    assert "choose one from 1024 with --port" in _refused("--port", "80")


def test_models_that_cannot_be_served(tmp_path: Path) -> None:
    linear = dataclasses.replace(CONTRACTS["plain"].input, kernel=Kernel.LINEAR)
    for name, data, words in [
        ("absent", None, "cannot read the model"),
        ("garbage", b"nothing of the kind", "not a TFLite model"),
        ("int8", model_of("int8"), "its input is int8, and the page's engine"),
        (
            "linear",
            whole_model(CONTRACTS["plain"].replace(input=linear)),
            "the kernel linear, whose bytes differ",
        ),
    ]:
        model = tmp_path / f"{name}.tflite"
        if data is not None:
            model.write_bytes(data)
        assert words in _refused("--model", str(model))


def test_without_the_engine_it_says_which_command_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assets, "FOLDER", tmp_path)
    assert "run `make web-assets`" in _refused()


def test_without_the_extra_it_says_which_one() -> None:
    program = "import sys; sys.modules[sys.argv[1]] = None; from hangtag.cli import main; main(['web'])"
    for package in ("starlette", "uvicorn"):
        done = subprocess.run(
            [sys.executable, "-c", program, package], capture_output=True, text=True, check=False
        )
        assert done.returncode == 1
        assert f"hangtag web needs the package {package}" in done.stderr
        assert 'pip install "hangtag[web]"' in done.stderr
        assert done.stderr.count("\n") == 1


def test_certificates_that_cannot_be_used(web_assets: None, tmp_path: Path) -> None:
    (tmp_path / "a.pem").write_text("no certificate")
    options = ["--certificate", str(tmp_path / "a.pem"), "--key", str(tmp_path / "a.pem"), "--port", "0"]
    assert "cannot use the certificate" in _refused(*options)


@pytest.mark.parametrize(
    "options",
    [
        ["--certificate", "a"],
        ["--key", "a"],
        ["--https", "--certificate", "a", "--key", "b"],
        ["--port", "70000"],
    ],
)
def test_options_that_do_not_go_together_are_usage_errors(options: list[str]) -> None:
    assert CliRunner().invoke(main, ["web", *options]).exit_code == 2


def test_help_needs_no_extra() -> None:
    program = (
        "import sys; sys.modules['starlette'] = sys.modules['uvicorn'] = sys.modules['cryptography'] = None\n"
        "from hangtag.cli import main; main(['web', '--help'])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "--certificate" in done.stdout
