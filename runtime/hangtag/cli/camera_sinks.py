"""The sinks that the options of ``hangtag camera`` ask for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from hangtag.cli.secrets import reveal
from hangtag.sinks.base import Sink
from hangtag.sinks.lines import say
from hangtag.sources.account import Outage

if TYPE_CHECKING:
    from hangtag.classifier import Classifier
    from hangtag.pipeline import LoopSettings
    from hangtag.result import Result
    from hangtag.sources import Source

_MB = 1_000_000


def make_sinks(
    classifier: Classifier, source: Source, settings: LoopSettings, options: Mapping[str, Any]
) -> list[Sink]:
    """Return the sinks that the options ask for, ready to take results.

    Raises:
        OutputError: one of them cannot be made here.
        MissingExtra: MQTT's package is not installed.
    """
    sinks: list[Sink] = []
    if not options["headless"]:
        from hangtag.sinks.window import Window

        sinks.append(Window())
    if options["as_json"]:
        from hangtag.sinks.json_lines import JsonLines

        sinks.append(JsonLines(click.echo))
    else:
        sinks.append(_ChangedLabels())
    return [
        *sinks,
        *_on_disk(classifier, source, settings, options),
        *_on_network(source, options),
        *_service(),
    ]


def _on_disk(
    classifier: Classifier, source: Source, settings: LoopSettings, options: Mapping[str, Any]
) -> list[Sink]:
    sinks: list[Sink] = []
    quota_bytes = options["quota_mb"] * _MB
    if options["clip"] is not None:
        from hangtag.sinks.clips import Clips

        sinks.append(Clips(options["clip"], quota_bytes, source.fps, live=source.live))
        click.echo(f"recording to {options['clip']}", err=True)
    if options["record"] is not None:
        from hangtag.sinks.keeper import Keeper

        sinks.append(
            Keeper(options["record"], quota_bytes, classifier.model, settings, continuous=source.continuous)
        )
    if options["snapshots"] is not None:
        from hangtag.sinks.snapshots import Snapshots

        sinks.append(Snapshots(options["snapshots"], quota_bytes))
    return sinks


def _on_network(source: Source, options: Mapping[str, Any]) -> list[Sink]:
    sinks: list[Sink] = []
    if options["serve"] is not None:
        from hangtag.sinks.preview import Preview

        sinks.append(preview := Preview(options["host"], options["serve"]))
        click.echo(f"preview: {preview.url}", err=True)
    if options["mqtt"] is not None:
        from hangtag.sinks.mqtt import Mqtt

        sinks.append(Mqtt(reveal(options["mqtt"]), patient=not source.live))
    if options["webhook"] is not None:
        from hangtag.sinks.webhook import Webhook

        sinks.append(Webhook(reveal(options["webhook"])))
    return sinks


def _service() -> list[Sink]:
    if "NOTIFY_SOCKET" not in os.environ:
        return []
    from hangtag.systemd import ServiceNotes

    return [ServiceNotes()]


class _ChangedLabels(Sink):
    """Prints a line when the label changes (and one per file for photos)."""

    name = "lines"
    backlog = 256
    needs_pictures = False

    def __init__(self) -> None:
        self._shown: tuple[str, str | None] | None = None

    def write(self, result: Result) -> None:
        """Print a line where it says something new."""
        prediction = result.prediction
        shown = (prediction.shown, result.frame.name)
        if shown != self._shown:
            name = f"  {result.frame.name}" if result.frame.name else ""
            say(f"{result.frame.time_s:8.2f} s  {shown[0]:<12} {prediction.score:.2f}{name}", click.echo)
            self._shown = shown

    def missing(self, outage: Outage) -> None:
        """Print once that there is nothing to see."""
        shown = ("-", outage.reason)
        if shown != self._shown:
            say(f"{outage.time_s:8.2f} s  {'-':<12} stale: {outage.reason}", click.echo)
            self._shown = shown
