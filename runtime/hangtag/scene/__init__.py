"""The simulated camera: garments, drawn or from photos, that come and go before a background.

Deterministic by seed, with the true label of every frame: demo, tests, soak runs and measurements of the time
from picture to label stand on it.
"""

from __future__ import annotations

from hangtag.scene.garments import GARMENTS, render_garment
from hangtag.scene.settings import SceneFrame, SceneSettings
from hangtag.scene.stage import Scene

__all__ = ["GARMENTS", "Scene", "SceneFrame", "SceneSettings", "render_garment"]
