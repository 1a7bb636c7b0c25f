"""MQTT with a real broker and a second real client."""

from __future__ import annotations

import getpass
import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from camera_results import outage
from click.testing import CliRunner
from made_results import made_result

from hangtag.cli import main
from hangtag.errors import OutputError

pytest.importorskip("paho.mqtt", reason="needs paho-mqtt: pip install 'hangtag[mqtt]'")
from hangtag.sinks import mqtt
from hangtag.sinks.mqtt import Mqtt

_BROKER = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin")

needs_broker = pytest.mark.skipif(_BROKER is None, reason="needs a broker: apt install mosquitto")


class _Broker:
    """A mosquitto of the test's own, which can be stopped and started again."""

    def __init__(self, folder: Path, settings: str = "allow_anonymous true") -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self._config = folder / "mosquitto.conf"
        self._config.write_text(f"listener {self.port} 127.0.0.1\nuser {getpass.getuser()}\n{settings}\n")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        assert _BROKER is not None
        self._process = subprocess.Popen(
            [_BROKER, "-c", str(self._config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        _until(self._answers)

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class _Listener:
    """A second client, which remembers what it hears."""

    def __init__(self, port: int, user: str | None = None, password: str | None = None) -> None:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        self.heard: list[tuple[str, Any, bool]] = []
        self._client = Client(CallbackAPIVersion.VERSION2)
        if user is not None:
            self._client.username_pw_set(user, password)
        subscribed = threading.Event()
        self._client.on_connect = lambda client, *_: client.subscribe("#", qos=1)
        self._client.on_subscribe = lambda *_: subscribed.set()
        self._client.on_message = self._hear
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        # Of what is published before, a listener hears the retained one alone.
        assert subscribed.wait(10)

    def _hear(self, _client: Any, _data: Any, message: Any) -> None:
        text = message.payload.decode()
        value = json.loads(text) if text.startswith("{") else text
        self.heard.append((message.topic, value, message.retain))

    def labels(self, topic: str = "shop/camera 1") -> list[str | None]:
        return [value["label"] for heard, value, _ in self.heard if heard == topic]

    def availability(self) -> list[str]:
        return [value for topic, value, _ in self.heard if topic.endswith("/availability")]

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def _until(true: Callable[[], bool], most_s: float = 15.0) -> None:
    until = time.monotonic() + most_s
    while not true():
        assert time.monotonic() < until, "waited for too long"
        time.sleep(0.02)


def _publish(sink: Mqtt, *labels: str) -> None:
    _until(sink._connected.is_set)
    for label in labels:
        sink.write(made_result(label).without_picture())


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[_Broker]:
    broker = _Broker(tmp_path)
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def sink(broker: _Broker) -> Iterator[Mqtt]:
    sink = Mqtt(f"mqtt://127.0.0.1:{broker.port}/shop/camera%201")
    yield sink
    sink.close()


@needs_broker
def test_changes_are_heard_at_once_and_the_newest_is_retained(broker: _Broker, sink: Mqtt) -> None:
    listener = _Listener(broker.port)
    _publish(sink, "dress", "dress", "hat")
    sink.missing(outage())
    sink.write(made_result("shirt", number=7))
    _until(lambda: len(listener.labels()) >= 4)
    assert listener.labels() == ["dress", "hat", None, "shirt"]
    late = _Listener(broker.port)
    _until(lambda: len(late.heard) >= 2)
    assert sorted((topic, retained) for topic, _, retained in late.heard) == [
        ("shop/camera 1", True),
        ("shop/camera 1/availability", True),
    ]
    assert late.labels() == ["shirt"]
    assert late.availability() == ["online"]
    for client in (listener, late):
        client.close()


@needs_broker
def test_what_does_not_change_is_said_once_a_second(broker: _Broker, sink: Mqtt) -> None:
    listener = _Listener(broker.port)
    _until(sink._connected.is_set)
    begun = time.monotonic()
    while (passed := time.monotonic() - begun) < 2.5:
        sink.write(made_result())
        time.sleep(0.02)
    time.sleep(0.2)
    assert 2 <= len(listener.labels()) <= passed + 1
    listener.close()


@needs_broker
def test_closing_says_offline_and_so_does_the_broker_for_one_that_dies(broker: _Broker) -> None:
    listener = _Listener(broker.port)
    sink = Mqtt(f"mqtt://127.0.0.1:{broker.port}/shop/camera%201")
    _publish(sink, "dress")
    begun = time.monotonic()
    sink.close()
    assert time.monotonic() - begun < 3
    _until(lambda: listener.availability() == ["online", "offline"])
    dying = Mqtt(f"mqtt://127.0.0.1:{broker.port}/shop/camera%201")
    _publish(dying, "dress")
    dying._client.socket().shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]
    _until(lambda: listener.availability()[2:4] == ["online", "offline"])
    _until(lambda: listener.availability()[2:] == ["online", "offline", "online"])
    dying.close()
    listener.close()


@needs_broker
def test_a_broker_that_comes_later_or_again_is_found(tmp_path: Path) -> None:
    broker = _Broker(tmp_path)
    sink = Mqtt(f"mqtt://127.0.0.1:{broker.port}/shop/camera%201")
    sink.write(made_result("dress"))  # a moment is allowed for connecting
    sink._lost_s -= 10
    with pytest.raises(OutputError, match="cannot be reached"):
        sink.write(made_result("dress"))
    broker.start()
    _publish(sink, "hat")
    broker.stop()
    _until(lambda: not sink._connected.is_set())
    sink._lost_s -= 10
    for _ in range(500):  # nothing is piled up
        with pytest.raises(OutputError, match="the connection was lost"):
            sink.write(made_result("shoes"))
    broker.start()
    _publish(sink, "hat")  # as before, though this broker has forgotten it
    time.sleep(0.3)
    listener = _Listener(broker.port)
    _until(lambda: listener.labels() == ["hat"])
    sink.close()
    listener.close()
    broker.stop()


@needs_broker
def test_user_and_password_are_used_and_not_shown(tmp_path: Path) -> None:
    passwords = tmp_path / "passwords"
    command = ["mosquitto_passwd", "-b", "-c", str(passwords), "shop", "p@ss/w:rd"]
    subprocess.run(command, check=True, capture_output=True)
    broker = _Broker(tmp_path, f"allow_anonymous false\npassword_file {passwords}")
    broker.start()
    try:
        listener = _Listener(broker.port, "shop", "p@ss/w:rd")
        right = Mqtt(f"mqtt://shop:p%40ss%2Fw%3Ard@127.0.0.1:{broker.port}/t")
        _publish(right, "dress")
        _until(lambda: listener.labels("t") == ["dress"])
        right.close()
        listener.close()
        wrong = Mqtt(f"mqtt://shop:guess@127.0.0.1:{broker.port}/t")
        _until(lambda: "refuses" in wrong._reason)
        wrong._lost_s -= 10
        with pytest.raises(OutputError, match="refuses: Not authorized") as caught:
            wrong.write(made_result())
        assert "guess" not in str(caught.value)
        wrong.close()
    finally:
        broker.stop()


@needs_broker
def test_what_is_written_before_the_connection_is_made_can_wait_for_it(broker: _Broker) -> None:
    listener = _Listener(broker.port)
    sink = Mqtt(f"mqtt://127.0.0.1:{broker.port}/t", patient=True)
    assert not sink._connected.is_set()
    sink.write(made_result("dress").without_picture())
    _until(lambda: listener.labels("t") == ["dress"])
    sink.close()
    listener.close()


@pytest.mark.parametrize("hangs", [False, True])
def test_what_files_show_is_not_lost_unseen(
    hangs: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt, "_GRACE_S", 0.3)
    photo = tmp_path / "photo.png"
    cv2.imwrite(str(photo), np.full((48, 64, 3), 90, np.uint8))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        if not hangs:
            silent.close()
        command = ["camera", "--source", str(photo), "--headless", "--mqtt", f"mqtt://127.0.0.1:{port}/t"]
        done = CliRunner().invoke(main, command)
    assert done.exit_code == 1, done.output
    assert "cannot be reached" in done.stderr


def test_a_broker_that_hangs_does_not_hold_up_the_end() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        sink = Mqtt(f"mqtt://127.0.0.1:{silent.getsockname()[1]}/t")
        time.sleep(0.2)
        sink.write(made_result())
        begun = time.monotonic()
        sink.close()
        assert time.monotonic() - begun < 3


@pytest.mark.parametrize(
    "url",
    [
        "http://host/topic",
        "mqtt://host",
        "mqtt://host/",
        "mqtt:///topic",
        "mqtt://host/a/#",
        "mqtt://host/a/%23",
        "mqtt://host/a/+/b",
        "mqtt://host/a%00b",
        "mqtt://host/a?b=1",
        "mqtt://host:0/a",
        "mqtt://host:123456/a",
        "mqtt://user:secret/x@host/topic",
        "mqtt://user:secret@höst/topic",
        "mqtt://host/" + "a" * 1001,
        "",
    ],
)
def test_other_addresses_are_refused_without_quoting_them(url: str) -> None:
    with pytest.raises(OutputError, match="broker's address") as caught:
        Mqtt(url)
    assert "secret" not in str(caught.value)
