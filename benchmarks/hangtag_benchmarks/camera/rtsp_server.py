"""An RTSP server of what comes on standard input as raw BGR frames, through GStreamer.

Run by the system's Python, which has GStreamer's bindings (apt): it imports nothing of ours. The newest
frame is served; nothing queues while nobody looks.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import threading
from typing import Any

_CODERS = {
    "h264": "x264enc tune=zerolatency speed-preset=ultrafast bitrate=6000 key-int-max=30 ! "
    "rtph264pay name=pay0 pt=96 config-interval=1",
    "mjpeg": "jpegenc quality=85 ! rtpjpegpay name=pay0 pt=26",
}
_SOUND = "( audiotestsrc is-live=true ! audioconvert ! mulawenc ! rtppcmupay name=pay0 pt=0 )"


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--size", default="640x480")
    parser.add_argument("--fps", type=int, default=30)
    parser.add_argument("--codec", choices=[*_CODERS, "sound"], default="h264")
    parser.add_argument("--login", help="user:password to ask for, in the way of --scheme")
    parser.add_argument("--scheme", choices=["basic", "digest"], default="basic")
    arguments = parser.parse_args()

    gst, rtsp, gst_rtsp, glib = _gstreamer()

    cameras: list[Any] = []
    server = rtsp.RTSPServer(service=str(arguments.port), address="127.0.0.1")
    factory = _factory(rtsp, arguments, cameras)
    server.get_mount_points().add_factory("/camera", factory)
    if arguments.login:
        server.set_auth(_auth(rtsp, gst_rtsp, factory, arguments.login, arguments.scheme))
    loop = glib.MainLoop()
    if not server.attach(None):
        sys.exit(f"cannot listen on port {arguments.port}")
    width, height = (int(side) for side in arguments.size.split("x"))
    threading.Thread(target=_feed, args=(gst, cameras, 3 * width * height, loop), daemon=True).start()
    loop.run()


def _gstreamer() -> list[Any]:
    """Return the modules Gst, GstRtspServer, GstRtsp and GLib."""
    gi: Any = importlib.import_module("gi")
    names = {"Gst": "1.0", "GstRtspServer": "1.0", "GstRtsp": "1.0", "GLib": "2.0"}
    for name, version in names.items():
        gi.require_version(name, version)
    modules: list[Any] = [importlib.import_module(f"gi.repository.{name}") for name in names]
    modules[0].init(None)
    return modules


def _factory(rtsp: Any, arguments: argparse.Namespace, cameras: list[Any]) -> Any:
    width, height = arguments.size.split("x")
    caps = f"video/x-raw,format=BGR,width={width},height={height},framerate={arguments.fps}/1"
    launch = (
        "( appsrc name=camera is-live=true do-timestamp=true format=time max-buffers=1 "
        f"leaky-type=downstream caps={caps} ! videoconvert ! "
        f"video/x-raw,format=I420 ! {_CODERS.get(arguments.codec)} )"
    )
    factory = rtsp.RTSPMediaFactory()
    factory.set_launch(_SOUND if arguments.codec == "sound" else launch)
    factory.set_shared(True)

    def configure(_: Any, media: Any) -> None:
        camera = media.get_element().get_child_by_name("camera")
        if camera is not None:
            cameras.append(camera)
            media.connect("unprepared", lambda _: cameras.remove(camera))

    factory.connect("media-configure", configure)
    return factory


def _auth(rtsp: Any, gst_rtsp: Any, factory: Any, login: str, scheme: str) -> Any:
    user, _, password = login.partition(":")
    token = rtsp.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    auth = rtsp.RTSPAuth()
    if scheme == "basic":
        auth.add_basic(rtsp.RTSPAuth.make_basic(user, password), token)
    else:
        auth.set_supported_methods(gst_rtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest(user, password, token)
    permissions = rtsp.RTSPPermissions()
    permissions.add_permission_for_role("viewer", "media.factory.access", True)
    permissions.add_permission_for_role("viewer", "media.factory.construct", True)
    factory.set_permissions(permissions)
    return auth


def _feed(gst: Any, cameras: list[Any], frame_bytes: int, loop: Any) -> None:
    ready = False
    while len(frame := sys.stdin.buffer.read(frame_bytes)) == frame_bytes:
        if not ready:
            # Not before: without a frame no client would be answered.
            print("ready", flush=True)
            ready = True
        for camera in list(cameras):
            camera.emit("push-buffer", gst.Buffer.new_wrapped(frame))
    loop.quit()


if __name__ == "__main__":
    main()
