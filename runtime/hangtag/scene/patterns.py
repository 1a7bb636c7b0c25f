"""Patterned cloth: stripes, checks, denim, dots, flowers, camouflage, folk bands; each a tileable picture."""

from __future__ import annotations

import cv2
import numpy as np

from hangtag.preprocess import Image
from hangtag.scene.colours import BRIGHT, NEUTRAL, SOFT, Colour, contrasting, mixed, pick
from hangtag.scene.fabric import Fabric, fabric, plain_tile
from hangtag.scene.noise import TABLE_PX, Field, noise_table
from hangtag.scene.shapes import Points

_SUPERSAMPLED = 4  # fractional bits of cv2's drawing coordinates


def stripes(
    rng: np.random.Generator, colour: Colour, kind: str, count: int, *, upright: bool = False
) -> Fabric:
    """Return cloth with ``count`` stripes per tile, across the body or upright."""
    profile = _stripe_profile(rng, count, float(rng.uniform(0.25, 0.5)))
    cover = np.broadcast_to(profile[None, :] if upright else profile[:, None], (TABLE_PX, TABLE_PX))
    # Shirts' upright stripes are quiet; stripes across a jersey are meant to be seen.
    strength = np.float32(rng.uniform(0.2, 0.6) if upright else 1.0)
    return fabric(_inked(plain_tile(rng, colour), contrasting(rng, colour), strength * cover), colour, kind)


def check(rng: np.random.Generator, colour: Colour, kind: str, count: int) -> Fabric:
    """Return checked cloth: wide bands both ways, with a thin over-check in a third colour."""
    ink = contrasting(rng, colour)
    tile = plain_tile(rng, colour)
    wide = _stripe_profile(rng, count, 0.5)
    both = 0.5 * (wide[None, :] + wide[:, None])
    tile = _inked(tile, ink, np.float32(rng.uniform(0.55, 0.95)) * both)
    if rng.random() < 0.7:
        thin = np.roll(_stripe_profile(rng, count, 0.07), TABLE_PX // (4 * count))
        over = pick(rng, NEUTRAL, BRIGHT)
        tile = _inked(tile, over, np.float32(0.75) * np.maximum(thin[None, :], thin[:, None]))
    return fabric(tile, colour, kind)


def denim(rng: np.random.Generator, colour: Colour) -> Fabric:
    """Return denim: a twill of dyed and white yarn with slubs along the warp."""
    slubs = noise_table(5.0, 0.6, 5.0, 1)
    yarn = noise_table(3.5, 0.6, 2.0)
    white = np.clip(0.10 + 0.05 * slubs + 0.04 * yarn, 0, 0.5)
    return fabric(_inked(plain_tile(rng, colour, 0.03), (225, 222, 216), white), colour, "denim")


def dots(rng: np.random.Generator, colour: Colour, kind: str) -> Fabric:
    """Return cloth with dots in staggered rows."""
    tile = plain_tile(rng, colour)
    ink = contrasting(rng, colour)
    count = int(rng.choice([8, 10, 12, 16]))
    step = TABLE_PX / count
    radius = step * rng.uniform(0.13, 0.26)
    for row in range(count):
        for column in range(count + 1):
            _disc(tile, ((column + 0.5 * (row % 2)) * step, (row + 0.5) * step), radius, ink)
    return fabric(tile, colour, kind)


def floral(rng: np.random.Generator, colour: Colour, kind: str) -> Fabric:
    """Return cloth printed with scattered flowers and leaves."""
    tile = plain_tile(rng, colour)
    petals = [contrasting(rng, colour), pick(rng, SOFT), pick(rng, BRIGHT)]
    leaf = mixed(pick(rng, ("forest", "olive", "teal")), colour, 0.25)
    size = float(rng.uniform(9, 20))
    for x, y in _scattered(rng, int(5200 / size**1.35)):
        if rng.random() < 0.5:
            _leaves(rng, tile, (x, y), size, leaf)
        else:
            _flower(rng, tile, (x, y), size * rng.uniform(0.6, 1.2), petals[int(rng.integers(3))])
    return fabric(tile, colour, kind)


def camouflage(rng: np.random.Generator, kind: str) -> Fabric:
    """Return camouflage in earth colours."""
    base = pick(rng, ("khaki", "sand", "olive"))
    tile = plain_tile(rng, base)
    for variant, name in enumerate(("olive", "brown", "black")):
        field = noise_table(95.0, 0.5, 0.7, 20 + variant)
        cover = np.clip((field - 0.35 - 0.25 * variant) * 6, 0, 1)
        tile = _inked(tile, pick(rng, (name,)), cover)
    return fabric(tile, base, kind)


def folk(rng: np.random.Generator, colour: Colour, kind: str) -> Fabric:
    """Return cloth with woven bands of diamonds, zigzags and lines."""
    inks = [contrasting(rng, colour), contrasting(rng, colour), pick(rng, BRIGHT)]
    y, x = np.mgrid[:TABLE_PX, :TABLE_PX].astype(np.float32) / TABLE_PX
    cover = [np.zeros_like(x) for _ in inks]
    bands = int(rng.choice([6, 8]))
    wave = np.abs((x * 16) % 1 - 0.5) * 2
    for band in range(bands):
        local = (y * bands - band) * 2 - 1
        inside = np.abs(local) < 1
        kinds = (
            np.abs(local) + wave < 0.75,
            np.abs(local - 0.5 + wave) < 0.22,
            np.abs(np.abs(local) - 0.7) < 0.12,
        )
        cover[band % 3][inside & (kinds[int(rng.integers(3))] | (np.abs(np.abs(local) - 0.88) < 0.06))] = 1
    tile = plain_tile(rng, colour)
    for ink, place in zip(inks, cover, strict=True):
        tile = _inked(tile, ink, cv2.GaussianBlur(place, (0, 0), 0.8).astype(np.float32))
    return fabric(tile, colour, kind)


def heather(rng: np.random.Generator, colour: Colour, kind: str) -> Fabric:
    """Return cloth of mixed light and dark yarn."""
    fibres = noise_table(6.0, 0.7, 0.35, 2)
    tile = _inked(plain_tile(rng, colour, 0.05), contrasting(rng, colour), np.clip(0.1 * fibres, 0, 0.35))
    return fabric(tile, colour, kind)


def _inked(tile: Image, ink: Colour, cover: Field) -> Image:
    """Return the tile with ``ink`` over it where ``cover`` (0 to 1) says so."""
    share = np.ascontiguousarray(cover, np.float32)[..., None]
    blended = tile + (np.array(ink, np.float32) - tile) * share
    inked: Image = np.clip(blended, 0, 255).astype(np.uint8)
    return inked


def _stripe_profile(rng: np.random.Generator, count: int, share: float) -> Field:
    """Return one row of a tile: 1 inside the stripes, 0 between, with soft edges."""
    phase = (np.arange(TABLE_PX, dtype=np.float32) * count / TABLE_PX + rng.uniform()) % 1
    return np.clip((share / 2 - np.abs(phase - 0.5)) * TABLE_PX / count + 0.5, 0, 1).astype(np.float32)


def _scattered(rng: np.random.Generator, count: int) -> Points:
    """Return positions that keep some distance: a jittered grid, in random order."""
    side = max(2, round(np.sqrt(count)))
    grid = np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1).reshape(-1, 2)
    places = (grid + rng.uniform(0.1, 0.9, grid.shape)) * TABLE_PX / side
    order: Points = rng.permutation(places)
    return order


def _flower(
    rng: np.random.Generator, tile: Image, at: tuple[float, float], size: float, colour: Colour
) -> None:
    petals = int(rng.integers(4, 7))
    turn = rng.uniform(0, 2 * np.pi)
    for angle in turn + np.arange(petals) * 2 * np.pi / petals:
        place = (at[0] + np.cos(angle) * size * 0.6, at[1] + np.sin(angle) * size * 0.6)
        _disc(tile, place, size * 0.48, mixed(colour, (235, 235, 235), float(rng.uniform(0, 0.25))))
    _disc(tile, at, size * 0.3, (70, 170, 215))


def _leaves(
    rng: np.random.Generator, tile: Image, at: tuple[float, float], size: float, colour: Colour
) -> None:
    turn = rng.uniform(0, 2 * np.pi)
    for step in range(5):
        place = (at[0] + np.cos(turn) * size * 0.3 * step, at[1] + np.sin(turn) * size * 0.3 * step)
        _disc(tile, place, size * 0.3 * (1 - abs(step - 1.5) / 4), colour)


def _disc(tile: Image, at: tuple[float, float], radius: float, colour: Colour) -> None:
    """Draw a disc that continues on the tile's opposite edges."""
    scale = 1 << _SUPERSAMPLED
    for shift_y in _wraps(at[1], radius):
        for shift_x in _wraps(at[0], radius):
            centre = (round((at[0] + shift_x) * scale), round((at[1] + shift_y) * scale))
            cv2.circle(tile, centre, round(radius * scale), colour, -1, cv2.LINE_AA, _SUPERSAMPLED)


def _wraps(position: float, radius: float) -> tuple[int, ...]:
    if position < radius:
        return (0, TABLE_PX)
    return (0, -TABLE_PX) if position > TABLE_PX - radius else (0,)
