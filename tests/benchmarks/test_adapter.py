"""What LiteRT's log says about the adapter, and what may be called a GPU."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hangtag_benchmarks.engines.adapter import left_to_cpu, selected_adapter, why_not_gpu

Log = Callable[[str, str], str]


@pytest.mark.parametrize(
    ("name", "kind", "software"),
    [
        ("NVIDIA H100 PCIe", "Discrete GPU", False),
        ("V3D 7.1.7.0", "Integrated GPU", False),
        ("NVIDIA H100 PCIe", "DiscreteGPU", False),
        ("SwiftShader Device (Subzero)", "CPU / Software", True),
        ("llvmpipe (LLVM 19.1.7, 256 bits)", "CPU / Software", True),
        ("llvmpipe (LLVM 19.1.7, 256 bits)", "Other", True),
        # A name alone gives it away, whatever kind it claims to be.
        ("SwiftShader Device (LLVM 10.0.0)", "Discrete GPU", True),
        ("Microsoft Basic Render Driver", "Integrated GPU", True),
        ("Some Adapter", "CPU", True),
    ],
)
def test_adapters_are_told_apart(gpu_log: Log, name: str, kind: str, *, software: bool) -> None:
    adapter = selected_adapter(f"INFO: before\nI0000 12 x.cc:5] {gpu_log(name, kind)}INFO: after\n")
    assert adapter is not None
    assert (adapter.name, adapter.kind) == (name, kind)
    assert adapter.is_software is software
    assert adapter.is_gpu is not software


def test_a_gpu_has_no_reason_not_to_be_one(gpu_log: Log) -> None:
    assert why_not_gpu(gpu_log("NVIDIA H100 PCIe", "Discrete GPU"), None) is None


def test_what_may_or_may_not_be_hardware_is_no_gpu(gpu_log: Log) -> None:
    reason = why_not_gpu(gpu_log("Virtio-GPU Venus", "Other"), None)
    assert reason == "LiteRT cannot say whether Virtio-GPU Venus is hardware (adapterType=Other)"


def test_a_software_adapter_is_named() -> None:
    log = "Selected adapter: llvmpipe (LLVM 19, 256 bits), arch=, vendor=mesa, adapterType=CPU / Software"
    assert why_not_gpu(log, None) == "only a software adapter (llvmpipe (LLVM 19, 256 bits))"


def test_the_adapter_selected_last_counts(gpu_log: Log) -> None:
    log = gpu_log("Real", "Discrete GPU") + gpu_log("SwiftShader", "CPU / Software")
    assert why_not_gpu(log, None) == "only a software adapter (SwiftShader)"


def test_the_librarys_own_reason_is_passed_on() -> None:
    log = (
        "Warning: vkCreateInstance: Found no drivers!\n"
        "Warning: vkCreateInstance failed with VK_ERROR_INCOMPATIBLE_DRIVER\n"
        "ERROR: [x.cc:359] Failed to initialize WebGPU environment: INTERNAL: No adapters found\n"
    )
    reason = "LiteRT's WebGPU accelerator says: No adapters found (vkCreateInstance: Found no drivers!)"
    assert why_not_gpu(log, "some later error") == reason


@pytest.mark.parametrize(
    ("error", "expected"), [("killed by SIGILL", "killed by SIGILL"), (None, "LiteRT does not say")]
)
def test_without_an_adapter_in_the_log_there_is_no_gpu(error: str | None, expected: str) -> None:
    reason = why_not_gpu("INFO: nothing to see here\n", error)
    assert reason is not None
    assert reason.startswith(expected)


SHARED = "{} operations will run on the GPU, and the remaining {} operations will run on the CPU.\n"
LISTED = "ERROR: Following operations are not supported by GPU delegate:\n"


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        ("INFO: all is well\n", None),
        (SHARED.format(10, 16), "16 of its 26 operations do not run on the GPU"),
        (
            LISTED + "IF: Operation is not supported.\n" + SHARED.format(3, 1) + "I0000 other: line\n",
            "1 of its 4 operations do not run on the GPU (IF)",
        ),
        (
            LISTED
            + "CONV_2D: Tensor type(INT16) is not supported. a/b;c:0\n" * 2
            + "MEAN: x\nQUANTIZE: y\nSOFTMAX: z\n"
            + SHARED.format(1, 8),
            "8 of its 9 operations do not run on the GPU (CONV_2D, MEAN, QUANTIZE, …)",
        ),
    ],
)
def test_what_a_gpu_leaves_to_the_cpu_is_named(log: str, expected: str | None) -> None:
    assert left_to_cpu(f"INFO: before\n{log}INFO: after\n") == expected
