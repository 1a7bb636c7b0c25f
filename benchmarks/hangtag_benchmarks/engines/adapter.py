"""Which graphics adapter LiteRT chose, by its log: the only place where it says so."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SELECTED = re.compile(r"Selected adapter: (?P<name>.*?), arch=.*adapterType=(?P<kind>[^\n]*)")
_REFUSED = re.compile(r"Failed to initialize WebGPU environment: (?:[A-Z_]+: )?(?P<why>[^\n]+)")
_WARNING = re.compile(r"^Warning: (?P<text>[^\n]+)", re.MULTILINE)
_ON_BOTH = re.compile(
    r"(?P<on_gpu>\d+) operations will run on the GPU, "
    r"and the remaining (?P<on_cpu>\d+) operations will run on the CPU"
)
_UNSUPPORTED = re.compile(
    r"operations are not supported by GPU delegate:\n(?P<lines>(?:[A-Z0-9_]+: [^\n]*\n)+)"
)
_SHOWN_OPERATIONS = 3
_SOFTWARE = re.compile(r"swiftshader|llvmpipe|lavapipe|softpipe|software|basic render", re.IGNORECASE)
_HARDWARE = re.compile(r"\b(?:discrete|integrated) ?gpu\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Adapter:
    """A graphics adapter as LiteRT names it; ``kind`` is "Discrete GPU", "CPU / Software" or the like."""

    name: str
    kind: str

    @property
    def is_software(self) -> bool:
        """True where the CPU only plays a GPU."""
        return self.kind.upper().startswith("CPU") or bool(_SOFTWARE.search(f"{self.name} {self.kind}"))

    @property
    def is_gpu(self) -> bool:
        """True where the library says that it is hardware; what it cannot tell is no GPU."""
        return not self.is_software and bool(_HARDWARE.search(self.kind))


def announcement(name: str, kind: str) -> str:
    """Return the line, in LiteRT's words, with which an engine of ours says which adapter it used."""
    return f"Selected adapter: {name}, arch=, adapterType={kind}"


def selected_adapter(log: str) -> Adapter | None:
    """Return the adapter that was selected last, or None where the log names none."""
    found = list(_SELECTED.finditer(log))
    return Adapter(found[-1]["name"].strip(), found[-1]["kind"].strip()) if found else None


def why_not_gpu(log: str, error: str | None) -> str | None:
    """Return in one line why there is no GPU to measure, or None where there is one.

    Args:
        log: standard error of a process that opened a model on the GPU.
        error: what that process died of or complained about, if it did.
    """
    adapter = selected_adapter(log)
    if adapter is None:
        return _refusal(log) or error or "LiteRT does not say which adapter it uses"
    if adapter.is_software:
        return f"only a software adapter ({adapter.name})"
    if not adapter.is_gpu:
        return f"LiteRT cannot say whether {adapter.name} is hardware (adapterType={adapter.kind})"
    return None


def left_to_cpu(log: str) -> str | None:
    """Return in one line which operations a GPU would leave to the CPU, None where the log names none."""
    shared = _ON_BOTH.search(log)
    if shared is None:
        return None
    on_cpu = int(shared["on_cpu"])
    names = _unsupported(log)
    shown = ", ".join(names[:_SHOWN_OPERATIONS]) + (", …" if len(names) > _SHOWN_OPERATIONS else "")
    which = f" ({shown})" if names else ""
    return f"{on_cpu} of its {on_cpu + int(shared['on_gpu'])} operations do not run on the GPU{which}"


def _unsupported(log: str) -> list[str]:
    """Return the operations that the log calls unsupported, each once."""
    listed = _UNSUPPORTED.search(log)
    return (
        []
        if listed is None
        else list(dict.fromkeys(line.partition(":")[0] for line in listed["lines"].splitlines()))
    )


def _refusal(log: str) -> str | None:
    """Return the library's own reason, with what it warned of before."""
    refused = _REFUSED.search(log)
    if refused is None:
        return None
    reason = f"LiteRT's WebGPU accelerator says: {refused['why'].strip()}"
    warning = _WARNING.search(log)
    return f"{reason} ({warning['text'].strip().rstrip('.')})" if warning else reason
