"""Splits: nothing torn, nothing lost, the same every time."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hangtag.errors import DatasetError
from hangtag_train.datasets.source import Sample, Shares, SourceOptions
from hangtag_train.datasets.splitting import assign_splits


def _sample(label: str, number: int, picture: str, split: str | None = None) -> Sample:
    digest = hashlib.sha256(picture.encode()).hexdigest()
    return Sample(label, f"{label}-{number}.png", digest, picture.encode(), split)


@st.composite
def _data_sets(draw: st.DrawFn) -> list[Sample]:
    """Two to four labels, each with some pictures of its own, each picture there one to three times."""
    samples = []
    for label in "abcd"[: draw(st.integers(2, 4))]:
        for picture in range(draw(st.integers(3, 12))):
            for _ in range(draw(st.sampled_from([1, 1, 1, 1, 2, 3]))):
                samples.append(_sample(label, len(samples), f"{label}{picture}"))
    return samples


_SHARES = st.builds(Shares, st.floats(0.02, 0.45), st.floats(0.02, 0.45))


@settings(deadline=None, max_examples=40)
@given(_data_sets(), _SHARES, st.integers(0, 5))
def test_every_label_is_in_every_split_and_no_picture_in_two(
    samples: list[Sample], shares: Shares, seed: int
) -> None:
    split = assign_splits(samples, shares, seed, "data")
    assert [(one.label, one.name) for one in split] == [(one.label, one.name) for one in samples]
    where: dict[str, set[str | None]] = defaultdict(set)
    for one in split:
        where[one.digest].add(one.split)
    assert all(len(splits) == 1 for splits in where.values())
    labels = {one.label for one in samples}
    assert {(one.split, one.label) for one in split} == {
        (name, label) for name in ("train", "validation", "test") for label in labels
    }


@settings(deadline=None, max_examples=40)
@given(_data_sets(), _SHARES, st.integers(0, 5), st.randoms())
def test_order_and_names_do_not_matter(
    samples: list[Sample], shares: Shares, seed: int, random: object
) -> None:
    expected = Counter((one.digest, one.split) for one in assign_splits(samples, shares, seed, "data"))
    shuffled = [_sample(one.label, 900 + place, one.content.decode()) for place, one in enumerate(samples)]  # type: ignore[union-attr]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert (
        Counter((one.digest, one.split) for one in assign_splits(shuffled, shares, seed, "data")) == expected
    )


@pytest.mark.parametrize(("shares", "expected"), [((0.1, 0.1), (80, 10, 10)), ((0.25, 0.0), (75, 25, 0))])
def test_each_label_gives_its_share(shares: tuple[float, float], expected: tuple[int, int, int]) -> None:
    samples = [_sample(label, number, f"{label}{number}") for label in "ab" for number in range(100)]
    split = assign_splits(samples, Shares(*shares), 1, "data")
    for label in "ab":
        counts = Counter(one.split for one in split if one.label == label)
        assert tuple(counts[name] for name in ("train", "validation", "test")) == expected


def test_another_seed_is_another_split() -> None:
    samples = [_sample("a", number, str(number)) for number in range(60)]
    splits = {
        tuple(one.split for one in assign_splits(samples, Shares(0.2, 0.2), seed, "data"))
        for seed in range(5)
    }
    assert len(splits) == 5


def test_validation_is_carved_out_of_train_and_test_stays() -> None:
    samples = [_sample("a", number, str(number), "train" if number < 20 else "test") for number in range(30)]
    split = assign_splits(samples, Shares(0.1, 0.5), 1, "data")
    assert [one.split for one in split[20:]] == ["test"] * 10
    assert Counter(one.split for one in split[:20]) == {"train": 18, "validation": 2}


def test_splits_of_the_source_are_kept() -> None:
    samples = [_sample("a", 0, "x", "train"), _sample("a", 1, "x", "validation")]
    assert assign_splits(samples, Shares(0.5, 0.1), 1, "data") == tuple(samples)


def test_a_picture_under_two_labels_is_never_measured() -> None:
    samples = [_sample(label, number, f"{label}{number}") for label in "ab" for number in range(4)]
    samples += [_sample("a", 9, "same"), _sample("b", 9, "same")]
    for seed in range(20):
        split = assign_splits(samples, Shares(0.4, 0.4), seed, "data")
        assert [one.split for one in split[-2:]] == ["train", "train"]


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        ([_sample("a", 0, "x"), _sample("a", 1, "y")], "2 different pictures of 'a', too few"),
        ([_sample("a", number, "same") for number in range(9)], "1 different picture of 'a', too few"),
        ([_sample("a", 0, "x", "test")], "nothing to train on"),
        ([_sample("a", 0, "x", "train"), _sample("a", 0, "y")], "for some of its pictures"),
    ],
)
def test_what_cannot_be_split_is_refused(samples: list[Sample], message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        assign_splits(samples, Shares(0.1, 0.1), 1, "data")


@pytest.mark.parametrize("shares", [(0.0, 0.1), (-0.1, 0.1), (1.0, 0.0), (0.5, 0.5), (0.1, 1.0)])
def test_options_refuse_shares_that_cannot_be(shares: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="share"):
        SourceOptions(validation_share=shares[0], test_share=shares[1])
