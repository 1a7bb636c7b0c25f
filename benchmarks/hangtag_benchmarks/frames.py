"""The frames that every model is timed on."""

from __future__ import annotations

from pathlib import Path

import numpy as np

SEED = 1
COUNT = 4
WIDTH_PX, HEIGHT_PX = 640, 480
DESCRIPTION = f"{COUNT} frames of the simulated camera, seed {SEED}, {WIDTH_PX}x{HEIGHT_PX} BGR, in turn"


def write_frames(path: Path) -> None:
    """Write the frames as .npy: uint8, shape (frames, height, width, 3), BGR.

    They are made once, here, so that making them costs the measuring processes neither time nor memory.
    """
    from hangtag.scene import Scene, SceneSettings

    scene = Scene(SceneSettings(seed=SEED))
    np.save(path, np.stack([scene.frame(number).image_bgr for number in range(COUNT)]))
