"""What a Raspberry Pi and a webcam answer, recorded: the hardware is not here."""

from __future__ import annotations

from pathlib import Path

import pytest

from hangtag import device

RECORDED_NAMES = {
    "video0": "HD Pro Webcam C920",
    "video1": "HD Pro Webcam C920",
    "video10": "bcm2835-codec-decode",
    "video13": "bcm2835-isp-output0",
    "video19": "rpi-hevc-dec",
    "video20": "pispbe-input",
}


def test_codecs_of_a_raspberry_pi_are_no_cameras(tmp_path: Path) -> None:
    system, devices = tmp_path / "system", tmp_path / "dev"
    devices.mkdir()
    for video, name in RECORDED_NAMES.items():
        (system / video).mkdir(parents=True)
        (system / video / "name").write_text(name + "\n")
        (devices / video).touch()
    (devices / "video30").touch()
    found = device.cameras(system, devices)
    assert {path.name: name for path, name in found.items()} == {
        "video0": "HD Pro Webcam C920",
        "video1": "HD Pro Webcam C920",
        "video30": "unnamed",
    }


@pytest.mark.parametrize(
    ("variables", "there"), [({}, False), ({"DISPLAY": ":0"}, True), ({"WAYLAND_DISPLAY": "wayland-0"}, True)]
)
def test_a_screen_is_told_by_its_server(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], there: bool
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert device.has_screen() is there
