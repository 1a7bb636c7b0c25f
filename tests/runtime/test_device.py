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


_RK3588 = {
    "soc-thermal": "40692",
    "bigcore0-thermal": "43461",
    "bigcore1-thermal": "44384",
    "littlecore-thermal": "41615",
    "center-thermal": "39769",
    "gpu-thermal": "51000",
    "npu-thermal": "39769",
}
_LAPTOP = {"acpitz": "27800", "INT3400 Thermal": "20000", "iwlwifi_1": "58000", "x86_pkg_temp": "52000"}


@pytest.mark.parametrize(
    ("zones", "chips", "wanted_c"),
    [
        pytest.param({"cpu-thermal": "48850"}, {"cpu_thermal": "48850"}, 48.85, id="Raspberry Pi"),
        pytest.param(_RK3588, {}, 44.384, id="the hotter of two clusters, not the graphics"),
        pytest.param(_LAPTOP, {"coretemp": "53000"}, 52.0, id="laptop: not the radio"),
        pytest.param({"acpitz": "16800"}, {"nvme": "60850", "k10temp": "47500"}, 47.5, id="AMD desktop"),
        pytest.param({"acpitz": "27800"}, {"nvme": "60850"}, None, id="a mainboard is no processor"),
        pytest.param({"tsens_tz_sensor0": "51000"}, {}, 51.0, id="one sensor of another name"),
        pytest.param({"soc_thermal": "55000", "gpu-thermal": "61000"}, {}, 55.0, id="system on a chip"),
        pytest.param({"cpu-thermal": "-274000", "soc-thermal": "39000"}, {}, 39.0, id="asleep"),
        pytest.param({"cpu-thermal": "0"}, {}, None, id="off"),
        pytest.param({"cpu-thermal": "warm"}, {}, None, id="no number"),
        pytest.param({}, {}, None, id="a virtual machine"),
    ],
)
def test_the_temperature_is_the_processors(
    tmp_path: Path, zones: dict[str, str], chips: dict[str, str], wanted_c: float | None
) -> None:
    thermal, hwmon = tmp_path / "thermal", tmp_path / "hwmon"
    for number, (kind, temperature) in enumerate(zones.items()):
        zone = thermal / f"thermal_zone{number}"
        zone.mkdir(parents=True)
        (zone / "type").write_text(kind + "\n")
        (zone / "temp").write_text(temperature + "\n")
    for number, (name, temperature) in enumerate(chips.items()):
        chip = hwmon / f"hwmon{number}"
        chip.mkdir(parents=True)
        (chip / "name").write_text(name + "\n")
        (chip / "temp1_input").write_text(temperature + "\n")
    assert device.cpu_temperature_c(thermal, hwmon) == wanted_c


def test_a_zone_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    (tmp_path / "thermal_zone0" / "temp").mkdir(parents=True)
    (tmp_path / "thermal_zone0" / "type").write_text("cpu-thermal")
    assert device.cpu_temperature_c(tmp_path, tmp_path) is None
