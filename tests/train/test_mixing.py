from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hangtag_train.mixing import mix

# Each photo is one grey level of its own, so that what is left of it can be counted.
COUNT = 8
PHOTOS = np.broadcast_to(np.arange(COUNT, dtype=np.float32)[:, None, None, None], (COUNT, 12, 10, 3)).copy()
TARGETS = np.eye(COUNT, dtype=np.float32)


@given(st.floats(0, 5), st.floats(0, 5), st.integers(0, 2**32 - 1))
def test_targets_still_add_up(mixup: float, cutmix: float, seed: int) -> None:
    mixed, targets = mix(PHOTOS, TARGETS, mixup=mixup, cutmix=cutmix, rng=np.random.default_rng(seed))
    assert mixed.shape == PHOTOS.shape
    assert mixed.dtype == targets.dtype == np.float32
    np.testing.assert_allclose(targets.sum(axis=1), 1, atol=1e-6)
    assert (targets >= 0).all()


@given(st.integers(0, 2**32 - 1))
def test_cutmix_gives_every_photo_the_share_of_its_pixels(seed: int) -> None:
    mixed, targets = mix(PHOTOS, TARGETS, mixup=0, cutmix=1.0, rng=np.random.default_rng(seed))
    for photo, target in zip(mixed, targets, strict=True):
        pixels = [(photo[..., 0] == level).mean() for level in range(COUNT)]
        np.testing.assert_allclose(target, pixels, atol=1e-6)


def test_cutmix_pastes_one_rectangle() -> None:
    for seed in range(20):
        mixed, _ = mix(PHOTOS, TARGETS, mixup=0, cutmix=1.0, rng=np.random.default_rng(seed))
        for number, photo in enumerate(mixed):
            other = np.argwhere(photo[..., 0] != number)
            if len(other):
                (top, left), (bottom, right) = other.min(axis=0), other.max(axis=0)
                assert len(other) == (bottom - top + 1) * (right - left + 1)


@given(st.integers(0, 2**32 - 1))
def test_mixup_blends_photos_as_it_blends_targets(seed: int) -> None:
    mixed, targets = mix(PHOTOS, TARGETS, mixup=0.4, cutmix=0, rng=np.random.default_rng(seed))
    np.testing.assert_allclose(mixed[:, 3, 3, 0], targets @ np.arange(COUNT), atol=1e-5)


def test_what_is_mixed_depends_on_the_seed_alone() -> None:
    def mixed(seed: int) -> np.ndarray:
        return mix(PHOTOS, TARGETS, mixup=0.5, cutmix=0.5, rng=np.random.default_rng(seed))[0]

    np.testing.assert_array_equal(mixed(3), mixed(3))
    assert not np.array_equal(mixed(3), mixed(4))


def test_both_ways_take_turns() -> None:
    blended = [
        bool((mix(PHOTOS, TARGETS, mixup=1, cutmix=1, rng=np.random.default_rng(seed))[0] % 1 != 0).any())
        for seed in range(60)
    ]
    assert 0.25 < np.mean(blended) < 0.75


@pytest.mark.parametrize("photos", [1, COUNT])
def test_nothing_is_mixed_without_settings_or_partner(photos: int) -> None:
    settings = {"mixup": 1.0, "cutmix": 1.0} if photos == 1 else {"mixup": 0.0, "cutmix": 0.0}
    mixed, targets = mix(PHOTOS[:photos], TARGETS[:photos], rng=np.random.default_rng(1), **settings)
    np.testing.assert_array_equal(mixed, PHOTOS[:photos])
    np.testing.assert_array_equal(targets, TARGETS[:photos])


def test_photos_are_not_written_to() -> None:
    before = PHOTOS.copy()
    for seed in range(10):
        mix(PHOTOS, TARGETS, mixup=1, cutmix=1, rng=np.random.default_rng(seed))
    np.testing.assert_array_equal(PHOTOS, before)
