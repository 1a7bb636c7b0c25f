"""TensorFlow's greetings kept from the terminal; its errors still arrive."""

from __future__ import annotations

import os

from hangtag.native_output import STDERR, held_back


def import_tensorflow_quietly() -> None:
    """Import TensorFlow and Keras without the lines that they print about drivers and instruction sets.

    They are printed before any log level is obeyed. What is printed is shown when the import fails.

    Raises:
        ModuleNotFoundError: TensorFlow is not installed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    said = b""
    try:
        with held_back((STDERR,)) as printed:
            try:
                import keras  # noqa: F401
                import tensorflow as tf

                tf.config.list_physical_devices()  # looks for a GPU now, while it is held back
            except ImportError:
                said = printed.read()
                raise
    finally:
        if said:
            os.write(STDERR, said)
