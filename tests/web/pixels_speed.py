"""Prints how long the page's preprocessing takes in Node on this machine; see also the page's own measuring.

python tests/web/pixels_speed.py
"""

from __future__ import annotations

import dataclasses
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from web.node_process import NodePage

from hangtag.contract import InputSpec, Kernel, TensorFormat

_TIMES, _WARM = 300, 100
_TENSORS = {
    "uint8": TensorFormat(dtype="uint8", scale=1 / 128, zero_point=127),
    "float32": TensorFormat(),
}


def main() -> None:
    """Time frames of usual cameras becoming 224 x 224 tensors."""
    rng = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder, NodePage(Path(folder)) as page:
        for width, height in ((640, 480), (1280, 720), (1920, 1080)):
            rgba = rng.integers(0, 256, (height, width, 4)).astype(np.uint8)
            rgba[..., 3] = 255
            for kernel in (Kernel.LINEAR_EXACT, Kernel.HALVED):
                for name, tensor in _TENSORS.items():
                    spec = dataclasses.asdict(
                        InputSpec(width_px=224, height_px=224, kernel=kernel, tensor=tensor)
                    )
                    taken = page.call(
                        "timePrepare", rgba.tobytes(), spec=spec, width=width, height=height, times=_TIMES
                    )
                    p50, p95 = np.percentile(taken[_WARM:], [50, 95])
                    print(
                        f"{width}x{height} -> 224x224 {name:7} {kernel.value:19} "
                        f"p50 {p50:.2f} ms, p95 {p95:.2f} ms, the first {taken[0]:.1f} ms"
                    )


if __name__ == "__main__":
    main()
