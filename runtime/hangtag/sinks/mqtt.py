"""Publishes what is shown to an MQTT broker."""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import threading
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, unquote, urlsplit

from hangtag.errors import OutputError
from hangtag.extras import extra_needed
from hangtag.result import Result
from hangtag.sinks.base import Sink
from hangtag.sinks.json_lines import as_record
from hangtag.sinks.on_change import state_of
from hangtag.sources.account import Outage

if TYPE_CHECKING:
    from paho.mqtt.client import Client, MQTTMessageInfo

HEARTBEAT_S = 1.0
"""What has not changed is published again after so many seconds."""

AVAILABILITY = "availability"

_PORTS = {"mqtt": 1883, "mqtts": 8883}
_GRACE_S = 3.0
_KEEPALIVE_S = 15
_MOST_QUEUED = 32
_LEAST_RETRY_S, _MOST_RETRY_S = 1, 15
_END_S = 0.4
# Wildcards and control characters have no place in a topic that is published to.
_BAD_TOPIC = re.compile(r"[#+\x00-\x1f\x7f\ud800-\udfff]")


class Mqtt(Sink):
    """Publishes the record that JSON lines would have: each change retained (QoS 1), and once a second.

    ``TOPIC/availability`` is ``online`` or ``offline``, retained; the broker itself says ``offline`` where
    the connection is lost. A broker that cannot be reached is tried again and again, at the start, too; what
    changed meanwhile is not kept, the newest state is published when it is back.

    Args:
        url: ``mqtt://user:password@host:port/topic``, or ``mqtts://`` for TLS with a verified certificate.
        patient: let :meth:`write` wait until the broker has a result, as what files show can wait for it; one
            that does not answer within three seconds is an error.

    Raises:
        MissingExtra: paho-mqtt is not installed.
        OutputError: it is no such address.
    """

    name = "mqtt"
    backlog = 2
    needs_pictures = False

    def __init__(self, url: str, *, patient: bool = False) -> None:
        parts = _checked(url)
        self._patient = patient
        self.topic = unquote(parts.path)[1:]
        self.shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        self._published: tuple[bool, str | None] | None = None
        self._beat_s = 0.0
        self._lost_s = time.monotonic()
        self._reason = "no connection yet"
        self._connected = threading.Event()
        self._client = self._made(parts)
        # Its thread ends with the program, whatever a broker that hangs makes it wait for.
        self._thread = threading.Thread(target=self._keep_connected, name="mqtt-connection", daemon=True)
        self._thread.start()

    def _made(self, parts: SplitResult) -> Client:
        with extra_needed("mqtt", "hangtag camera --mqtt"):
            from paho.mqtt.client import Client
            from paho.mqtt.enums import CallbackAPIVersion
        client = Client(CallbackAPIVersion.VERSION2, client_id=f"hangtag-{secrets.token_hex(6)}")
        if parts.username is not None:
            client.username_pw_set(unquote(parts.username), unquote(parts.password or ""))
        if parts.scheme == "mqtts":
            client.tls_set()
        client.will_set(f"{self.topic}/{AVAILABILITY}", "offline", qos=1, retain=True)
        client.max_queued_messages_set(_MOST_QUEUED)
        client.reconnect_delay_set(_LEAST_RETRY_S, _MOST_RETRY_S)
        client.connect_timeout = _GRACE_S
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.connect_async(parts.hostname or "", parts.port or _PORTS[parts.scheme], _KEEPALIVE_S)
        return client

    def _keep_connected(self) -> None:
        self._client.loop_forever(retry_first_connection=True)

    def _on_connect(self, client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._reason = f"the broker refuses: {reason}"
            return
        client.publish(f"{self.topic}/{AVAILABILITY}", "online", qos=1, retain=True)
        # What is retained may be from before the connection was lost.
        self._published = None
        self._connected.set()

    def _on_disconnect(self, _client: Client, _data: Any, _flags: Any, _reason: Any, _props: Any) -> None:
        if self._connected.is_set():
            self._reason = "the connection was lost"
            self._lost_s = time.monotonic()
        self._connected.clear()

    def write(self, result: Result) -> None:
        """Publish a result where it is news, or a second has passed."""
        self._take(result)

    def missing(self, outage: Outage) -> None:
        """Publish that what was said is stale."""
        self._take(outage)

    def _take(self, item: Result | Outage) -> None:
        if self._patient:
            self._connected.wait(_GRACE_S)
        now = time.monotonic()
        if not self._connected.is_set():
            # Connecting takes a moment; that alone is no failure.
            if not self._patient and now - self._lost_s < _GRACE_S:
                return
            raise OutputError(f"{self.shown} cannot be reached ({self._reason})")
        state = state_of(item)
        changed = state != self._published
        if not changed and now - self._beat_s < HEARTBEAT_S:
            return
        record = json.dumps(as_record(item))
        sent = self._client.publish(self.topic, record, qos=1 if changed else 0, retain=changed)
        if sent.rc:
            raise OutputError(f"{self.shown} takes nothing more just now")
        if self._patient:
            self._await(sent)
        self._published, self._beat_s = state, now

    def _await(self, sent: MQTTMessageInfo) -> None:
        """Wait until the broker has a message.

        Raises:
            OutputError: it has not after three seconds.
        """
        with contextlib.suppress(RuntimeError, ValueError):  # lost meanwhile: it is not published then
            sent.wait_for_publish(_GRACE_S)
        if not sent.is_published():
            raise OutputError(f"{self.shown} does not take what is published ({self._reason})")

    def close(self) -> None:
        """Say that it is offline, and disconnect; a broker that hangs is not waited for."""
        if self._connected.is_set():
            said = self._client.publish(f"{self.topic}/{AVAILABILITY}", "offline", qos=1, retain=True)
            with contextlib.suppress(RuntimeError, ValueError):
                said.wait_for_publish(_END_S)
        self._client.disconnect()
        self._thread.join(timeout=_END_S / 2)


def _checked(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port
        topic = unquote(parts.path, errors="surrogateescape")[1:]
        fine = parts.scheme in _PORTS and parts.hostname and port != 0
        fine = fine and not {"?", "#"} & set(url)
        fine = fine and topic and len(topic.encode(errors="replace")) < 1000 and not _BAD_TOPIC.search(topic)
    except ValueError:
        fine = False
    if not fine or not parts.netloc.isascii():
        # The address itself may hold a password, so that it is not quoted.
        raise OutputError(
            "that is no broker's address; wanted one like mqtt://user:password@host:1883/topic, with "
            "@, / and : in a password written as %40, %2F and %3A, and no + or # in the topic"
        )
    return parts
