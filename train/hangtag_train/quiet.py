"""TensorFlow's greetings kept from the terminal; its errors still arrive."""

from __future__ import annotations

import os

from hangtag.native_output import STDERR, held_back, import_quietly


def import_tensorflow_quietly() -> None:
    """Import TensorFlow and Keras without the lines that they print about drivers and instruction sets.

    They are printed before any log level is obeyed.

    Raises:
        ModuleNotFoundError: TensorFlow is not installed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import_quietly("tensorflow", "keras")
    import tensorflow as tf

    # Its advice on tracing again speaks to who wrote the program, and every batch size is traced once.
    tf.get_logger().setLevel("ERROR")
    with held_back((STDERR,)):
        tf.config.list_physical_devices()  # looks for a GPU now, while what it says is held back
