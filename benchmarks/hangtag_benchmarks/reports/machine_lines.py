"""The machine, the models and the plan of a benchmark in words, a line for each thing."""

from __future__ import annotations

from hangtag_benchmarks.machine.records import Conditions, Environment
from hangtag_benchmarks.measurements import RemoteDevice
from hangtag_benchmarks.plans import ModelIdentity, Plan
from hangtag_benchmarks.records import Result
from hangtag_benchmarks.reports.soak_report import soak_plan_line


def plan_line(result: Result) -> str:
    """Return how it was measured."""
    plan: Plan = result.plan
    if result.soak is not None:
        return f"{soak_plan_line(result.soak)}; {result.frames}."
    return (
        f"{result.rounds} rounds (at most {plan.rounds}), blocks of {plan.block.invoke_s:g} s of invocations "
        f"after {plan.block.warmup_s:g} s of warm-up; {result.frames}."
    )


def accuracy_lines(result: Result) -> list[str]:
    """Return which photos accuracies are about."""
    sets = dict.fromkeys(
        (row.accuracy.photos, row.accuracy.split, row.accuracy.dataset_sha256)
        for row in result.rows
        if row.accuracy is not None
    )
    if not sets:
        return ["accuracy: not measured; --data FOLDER sets it beside each latency"]
    return [
        f"accuracy: {photos} photos of the {split} split, data set {digest[:12]}"
        for photos, split, digest in sets
    ]


def environment_lines(machine: Environment) -> list[str]:
    """Return the machine, line by line."""
    memory = "" if machine.memory_mb is None else f", {machine.memory_mb:.0f} MB"
    variables = [f"{name}={value}" for name, value in machine.thread_variables.items()]
    return [
        f"{machine.cpu}, {machine.usable_cores} usable cores{memory}",
        machine.platform,
        ", ".join([*(f"{name} {version}" for name, version in machine.versions.items()), *variables]),
        "; ".join(machine.core_groups) or "clocks and frequency governor not readable",
        f"energy: {machine.energy}",
        f"power source {machine.power_source or 'not readable'}",
        f"before: {_conditions(machine.before)}",
        f"after: {_conditions(machine.after)}",
    ]


def _conditions(value: Conditions) -> str:
    shown = (
        ("load average {:.2f}", value.load_average_1min),
        ("{:.0f} MHz", value.cpu_frequency_mhz),
        ("{:.1f} °C", value.cpu_temperature_c),
        ("throttle flags {:#x}", value.throttled),
    )
    return ", ".join(text.format(number) for text, number in shown if number is not None) or "not readable"


def device_lines(result: Result) -> list[str]:
    """Return the other machines that rows ran on."""
    devices = dict.fromkeys(row.device for row in result.rows if row.device is not None)
    return [device_line(device) for device in devices]


def device_line(device: RemoteDevice) -> str:
    """Return another machine in one line."""
    most, hottest = device.most_frequency_mhz, device.temperature_c
    return ", ".join(
        part
        for part in (
            device.name,
            device.soc,
            device.system,
            f"frequency governor {device.frequency_governor or 'not readable'}",
            None if most is None else f"at most {most:.0f} MHz",
            "temperature not readable" if hottest is None else f"at most {hottest:.1f} °C",
            None if device.throttling is None else f"thermal status {device.throttling} of 6",
        )
        if part is not None
    )


def model_line(model: ModelIdentity) -> str:
    """Return which file a model is."""
    width, height = model.input_wh
    return (
        f"{model.file_name}: {model.name}, {model.input_dtype} input {width}x{height}, "
        f"{model.size_bytes / 1e6:.2f} MB, sha256 {model.sha256}, contract {model.contract_sha256}"
    )
