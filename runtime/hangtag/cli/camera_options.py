"""The options of ``hangtag camera``, by what they are about; ``hangtag replay`` shares some."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from hangtag.defaults import HOLD_S, SMOOTHING_S

_F = TypeVar("_F", bound=Callable[..., Any])
_LEAST_ROI_PX = 16
_FOLDER = click.Path(path_type=Path)


class SizeParam(click.ParamType):  # type: ignore[type-arg] # generic in newer versions of click only
    """``640x480`` as (640, 480)."""

    name = "WxH"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """Return width and height."""
        width, cross, height = value.partition("x")
        if not (
            cross
            and width.isdigit()
            and height.isdigit()
            and 16 <= int(width) <= 8192
            and 16 <= int(height) <= 8192
        ):
            self.fail(f"{value!r} is not a size like 640x480 (16 to 8192 pixels a side)", param, ctx)
        return int(width), int(height)


class RoiParam(click.ParamType):  # type: ignore[type-arg] # generic in newer versions of click only
    """``x,y,w,h`` in pixels or shares."""

    name = "X,Y,W,H"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[tuple[float, float, float, float], bool]:
        """Return the region and whether it is in shares."""
        from hangtag.view import View

        try:
            roi, shares = View.parse_roi(value)
            View(roi=roi, shares=shares)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if not shares and min(roi[2:]) < _LEAST_ROI_PX:
            # Most likely 0,0,1,1 was to mean the whole picture.
            self.fail(
                f"{value!r} is {roi[2]:g}x{roi[3]:g} pixels, too small to see anything in; wanted "
                f"{_LEAST_ROI_PX} or more a side, or shares, which are written with a point: 0.0,0.0,1.0,1.0",
                param,
                ctx,
            )
        return roi, shares


def _all(*options: Callable[[_F], _F]) -> Callable[[_F], _F]:
    def decorate(command: _F) -> _F:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


source_options = _all(
    click.option(
        "--source",
        "spelling",
        default="0",
        envvar="HANGTAG_SOURCE",
        show_default=True,
        help="0 or /dev/video0, picamera://0, rpicam://0, rtsp://…, http://…, clip.mp4, photos/, "
        "'photos/*.jpg', - (JPEG or raw frames on standard input), scene: or scene:photos/.",
    ),
    click.option("--size", "size_wh", type=SizeParam(), help="Frame size to ask a camera or the scene for."),
    click.option(
        "--fps",
        type=click.FloatRange(0, 1000, min_open=True),
        help="Most frames or photos a second to classify; a camera is asked for it.",
    ),
    click.option(
        "--pixel-format",
        help="To ask a USB camera for (MJPG, YUYV) [the faster]; for -: jpeg, bgr24, rgb24, grey or yuv420p.",
    ),
    click.option("--loop", is_flag=True, help="Play a clip again and again."),
    click.option(
        "--pace",
        type=click.Choice(["real-time", "fast"]),
        help="Clips and the scene as a camera would deliver them, or as fast as they are classified "
        "[real-time in a window or with --serve, else fast].",
    ),
    click.option(
        "--every-frame", is_flag=True, help="Drop no frame of a live source, however old they grow."
    ),
    click.option(
        "--any-frame",
        is_flag=True,
        help="Classify black and unchanging pictures, too: for capture sticks that show screens.",
    ),
    click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of scene:."),
)

view_options = _all(
    click.option("--roi", type=RoiParam(), help="Region to look at: pixels, or shares as 0.25,0.0,0.5,1.0."),
    click.option(
        "--rotate",
        type=click.Choice(["0", "90", "180", "270"]),
        default="0",
        help="Turn clockwise first.",
    ),
    click.option("--flip", type=click.Choice(["horizontal", "vertical"]), help="Mirror, after turning."),
)

decision_options = _all(
    click.option(
        "--smoothing",
        "smoothing_s",
        type=click.FloatRange(0, 60),
        default=SMOOTHING_S,
        show_default=True,
        help="Time constant of the smoothing of scores, in seconds.",
    ),
    click.option(
        "--hold",
        "hold_s",
        type=click.FloatRange(0, 60),
        default=HOLD_S,
        show_default=True,
        help="Seconds that another label must be ahead before it is shown.",
    ),
    click.option("--top", type=click.IntRange(1), default=3, show_default=True, help="Labels to list."),
)

sink_options = _all(
    click.option("--headless", is_flag=True, help="Open no window."),
    click.option("--json", "as_json", is_flag=True, help="One JSON object a frame on standard output."),
    click.option("--clip", type=_FOLDER, help="Folder for annotated clips (large)."),
    click.option("--record", type=_FOLDER, help="Folder for frames and decisions, for hangtag replay."),
    click.option("--snapshots", type=_FOLDER, help="Folder for a picture of each change of the label."),
    click.option(
        "--quota",
        "quota_mb",
        type=click.IntRange(1),
        default=1000,
        show_default=True,
        help="Megabytes that each of these folders may hold; the oldest goes first.",
    ),
    click.option("--serve", type=click.IntRange(0, 65535), help="Port of a page with picture and label."),
    click.option("--host", default="127.0.0.1", show_default=True, help="Address that --serve listens on."),
    click.option("--mqtt", envvar="HANGTAG_MQTT", help="Broker and topic: mqtt://host/topic."),
    click.option("--webhook", envvar="HANGTAG_WEBHOOK", help="Address to post each change of the label to."),
)
