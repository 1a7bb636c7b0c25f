"""What commands and the Python interface use alike where nothing else is asked for; imports nothing."""

from __future__ import annotations

SMOOTHING_S = 0.05
"""Time constant of the smoothing of scores: a change has had 63 % of its effect after this time."""

HOLD_S = 0.1
"""How long another label must have been ahead before it is shown.

Both were chosen on validation photos that change before the simulated camera
(``python -m hangtag_benchmarks.camera.steadiness PHOTOS --sweep``): the quickest pair with few flips.
"""
