"""Data sets: any kind of source becomes one normal form, ROOT/{train,validation[,test]}/LABEL/photo."""

from __future__ import annotations

from hangtag_train.datasets.prepare import prepare
from hangtag_train.datasets.source import PreparedDataset, SourceOptions

__all__ = ["PreparedDataset", "SourceOptions", "prepare"]
