"""TensorFlow's greetings kept from the terminal; its errors still arrive."""

from __future__ import annotations

import os


def quiet_tensorflow() -> None:
    """Lower TensorFlow's log level, unless the user has set one. Call before TensorFlow is imported."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
