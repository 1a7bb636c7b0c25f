"""Conversions for tests, without a word and with the gate open unless a test closes it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tiny_run import QUIET

from hangtag_convert.formats import Format

if TYPE_CHECKING:
    from hangtag_convert.record import Conversion, Outcome


def convert_to(source: Path, out: Path, kinds: Sequence[Format] | None = None, **options: Any) -> Conversion:
    """Convert a run or a network; ``options`` are those of :class:`hangtag_convert.conversion.Plan`."""
    from hangtag_convert.conversion import Plan, convert

    plan = Plan(source=source, out=out, kinds=kinds, **{"max_drop_points": 100.0, **options})
    return convert(plan, QUIET)


def written(outcome: Outcome) -> str:
    """Return the name of a file that passed."""
    assert outcome.file is not None
    return outcome.file


def float32_of(model: Any, folder: Path) -> bytes:
    """Return a Keras model as bare float32 TFLite bytes, batch 1."""
    import tensorflow as tf

    from hangtag_convert.chatter import chatter_kept
    from hangtag_convert.export import float_tflite

    with chatter_kept("converting for a test"):
        archive = model.export  # a SavedModel with a batch of one, as conversion makes it
        signature = [tf.TensorSpec((1, *model.input_shape[1:]), tf.float32, name="image")]
        archive(str(folder / "saved"), verbose=False, input_signature=signature)
        return float_tflite(folder / "saved", Format.FLOAT32)
