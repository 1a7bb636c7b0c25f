"""Stratified splits that depend on a seed and the photos' content alone."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from hangtag.errors import DatasetError
from hangtag_train.datasets.source import Sample, Shares


def assign_splits(samples: Sequence[Sample], shares: Shares, seed: int, name: str) -> tuple[Sample, ...]:
    """Return the samples in the same order, with every ``split`` filled in.

    A source that names no splits is split into three (two with ``shares.test`` of 0); one that names train
    but no validation has validation carved out of train; else the source's own splits are kept.

    Each label gives the same share to each split, and at least one picture. Pictures that are the same byte
    for byte stay together; those that stand under several labels go to train, because they must not measure
    anything. The order of the samples and their names do not matter.

    Raises:
        DatasetError: a label has too few different pictures to be in every split, or the source names splits
            for a part of its pictures or none for training.
    """
    given = {sample.split for sample in samples}
    if None in given and len(given) > 1:
        raise DatasetError(f"{name} names a split for some of its pictures and none for others")
    if "validation" in given:
        return tuple(samples)
    if given and not given & {None, "train"}:
        raise DatasetError(f"{name} has a test split and nothing to train on; wanted a train split")
    wanted = {"validation": shares.validation}
    if given == {None} and shares.test > 0:
        wanted["test"] = shares.test
    places = [place for place, sample in enumerate(samples) if sample.split in {None, "train"}]
    chosen = _chosen_splits([samples[place] for place in places], wanted, seed, name)
    result = list(samples)
    for place, split in zip(places, chosen, strict=True):
        result[place] = replace(samples[place], split=split)
    return tuple(result)


def _chosen_splits(samples: Sequence[Sample], wanted: dict[str, float], seed: int, name: str) -> list[str]:
    labels_of: dict[str, set[str]] = defaultdict(set)
    groups: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for place, sample in enumerate(samples):
        labels_of[sample.digest].add(sample.label)
        groups[sample.label][sample.digest].append(place)
    splits = ["train"] * len(samples)
    for label, by_digest in sorted(groups.items()):
        # A hash for an order: no generator's stream to depend on, and adding a photo moves few others.
        order = sorted(by_digest, key=lambda digest: _rank(seed, digest))
        movable = [by_digest[digest] for digest in order if len(labels_of[digest]) == 1]
        for split, taken in _taken(movable, by_digest, wanted, label, name).items():
            for place in taken:
                splits[place] = split
    return splits


def _rank(seed: int, digest: str) -> bytes:
    return hashlib.sha256(f"{seed} {digest}".encode()).digest()


def _taken(
    movable: list[list[int]],
    by_digest: dict[str, list[int]],
    wanted: dict[str, float],
    label: str,
    name: str,
) -> dict[str, list[int]]:
    """Return the places of one label's pictures that leave train, by the split they go to."""
    if len(movable) < len(wanted) or len(by_digest) < len(wanted) + 1:
        raise DatasetError(
            f"{name} has {_pictures(len(by_digest))} of {label!r}, too few for one in each of "
            f"{', '.join(('train', *wanted))}; add some, or remove the label"
        )
    total = sum(len(places) for places in by_digest.values())
    left = list(movable)
    result: dict[str, list[int]] = {}
    # Pictures that must stay in train are there already; otherwise one group is kept back for it.
    reserve = 0 if len(movable) < len(by_digest) else 1
    for number, (split, share) in enumerate(wanted.items()):
        for_others = reserve + len(wanted) - number - 1
        aim = max(1, round(share * total))
        result[split] = []
        for group in list(left):
            if len(result[split]) >= aim or len(left) <= for_others:
                break
            if len(result[split]) + len(group) <= aim:
                result[split].extend(group)
                left.remove(group)
        if not result[split]:  # every group of duplicates is larger than the share
            smallest = min(left, key=len)
            result[split].extend(smallest)
            left.remove(smallest)
    return result


def _pictures(count: int) -> str:
    return "1 different picture" if count == 1 else f"{count} different pictures"
