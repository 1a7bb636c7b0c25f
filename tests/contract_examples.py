"""A contract to start from, and its JSON with something changed: what tests of contracts share."""

from __future__ import annotations

import json
from typing import Any

from hangtag.contract import Calibration, InputSpec, ModelContract, Provenance

INPUT = InputSpec(width_px=224, height_px=160)
"""The input of :data:`CONTRACT`."""
CONTRACT = ModelContract(
    labels=("dress", "t-shirt"),
    input=INPUT,
    calibration=Calibration(temperature=1.25, unknown_threshold=0.4),
    provenance=Provenance(metrics={"validation_top1": 0.9}, versions={"hangtag": "0.1.0"}),
)
"""A small valid contract: two labels, what is optional given in part."""


def edited(**changes: Any) -> str:
    """CONTRACT's JSON with dotted fields (``input__mean``) changed."""
    plain = json.loads(CONTRACT.to_json())
    for path, value in changes.items():
        *parents, last = path.split("__")
        place = plain
        for parent in parents:
            place = place[parent]
        place[last] = value
    return json.dumps(plain)
