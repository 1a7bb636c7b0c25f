"""``hangtag camera``."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import click

from hangtag.cli.camera_options import decision_options, sink_options, source_options, view_options
from hangtag.cli.idle_options import given_options, refuse_idle, refuse_idle_for
from hangtag.cli.options import load_classifier, model_options

if TYPE_CHECKING:
    from hangtag.classifier import Classifier
    from hangtag.model_watch import ModelWatch
    from hangtag.pipeline import LoopSettings
    from hangtag.sources import Source
    from hangtag.view import View


@click.command()
@source_options
@view_options
@model_options
@click.option(
    "--watch-model", is_flag=True, help="Take up a new file at --model while running, once it verified."
)
@decision_options
@sink_options
@click.option("--max-frames", type=click.IntRange(1), help="Stop after so many frames.")
@click.option(
    "--list", "list_cameras", is_flag=True, help="Show the cameras that are here and their formats."
)
@click.option("--print-systemd", is_flag=True, help="Print a unit that runs this command as a service.")
def camera(*, list_cameras: bool, print_systemd: bool, **options: Any) -> None:
    """Name what a camera sees, frame by frame, until it ends, q is pressed, or Ctrl-C.

    A live source (a camera, a stream, --pace real-time) is read as it comes: frames that cannot be classified
    in time are dropped, and a source that is lost is opened again when it is back. Files wait.
    """
    given = given_options()
    refuse_idle(options, given)
    if list_cameras:
        from hangtag.cli.camera_list import echo_cameras

        echo_cameras()
    elif print_systemd:
        from hangtag.systemd_unit import unit_of_this_command

        click.echo(unit_of_this_command(), nl=False)
    else:
        _run(options, given)


def _run(options: dict[str, Any], given: frozenset[str]) -> None:
    """Classify what the source shows, until something ends it."""
    from hangtag.cli.secrets import hide_from_process_list

    hide_from_process_list()  # before anything that takes time
    from hangtag.cli.camera_sinks import make_sinks
    from hangtag.cli.logs import log_to_stderr
    from hangtag.cli.loop_summary import echo_summary
    from hangtag.pipeline import run_loop

    log_to_stderr()
    settings = _settings(options)
    classifier = load_classifier(options["model_path"], options["threads"], options["engine"])
    with _watch(classifier, options) as watch, _open(options) as source:
        refuse_idle_for(source, given)
        sinks = make_sinks(classifier, source, settings, options)
        reopen = (lambda: _open(options)) if _comes_back(options, source) else None
        summary = run_loop(source, classifier, sinks, settings, reopen=reopen, supply=watch)
    echo_summary(summary)


def _settings(options: dict[str, Any]) -> LoopSettings:
    from hangtag.pipeline import LoopSettings

    return LoopSettings(
        view=_view(options),
        smoothing_s=options["smoothing_s"],
        hold_s=options["hold_s"],
        top=options["top"],
        max_frames=options["max_frames"],
        every_frame=options["every_frame"],
        check_frames=not options["any_frame"],
    )


def _watch(
    classifier: Classifier, options: dict[str, Any]
) -> contextlib.AbstractContextManager[ModelWatch | None]:
    """Return who looks for a newer model, or nobody."""
    if not options["watch_model"]:
        return contextlib.nullcontext()
    from hangtag.model_watch import ModelWatch

    return ModelWatch(
        options["model_path"], classifier.model, threads=options["threads"], engine=options["engine"]
    )


def _view(options: dict[str, Any]) -> View:
    from hangtag.view import Flip, View

    roi, shares = options["roi"] or (None, False)
    flip = Flip(options["flip"]) if options["flip"] else None
    try:
        return View(roi=roi, shares=shares, rotate_deg=int(options["rotate"]), flip=flip)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _open(options: dict[str, Any]) -> Source:
    from hangtag.cli.secrets import reveal
    from hangtag.sources import open_source

    # A window is for looking, so that clips and the scene run at their own speed in it.
    pace = options["pace"] or ("fast" if options["headless"] and options["serve"] is None else "real-time")
    return open_source(
        reveal(options["spelling"]),
        size_wh=options["size_wh"],
        fps=options["fps"],
        pixel_format=options["pixel_format"],
        seed=options["seed"],
        loop=options["loop"],
        real_time=pace == "real-time",
    )


def _comes_back(options: dict[str, Any], source: Source) -> bool:
    """Return whether a source that ends is waited for: what is typed in, and clips, end for good."""
    from hangtag.sources.pace import PacedSource

    return source.live and options["spelling"] != "-" and not isinstance(source, PacedSource)
