"""TensorFlow, started quietly and the same way every time."""

from __future__ import annotations

import os
from typing import Any

from rnn_apps.errors import MissingExtraError
from rnn_apps.quiet import without_native_stderr


def start_tensorflow() -> Any:
    """Imports TensorFlow and Keras without their start-up noise and returns the module `tensorflow`.

    Raises:
        MissingExtraError: if the extra "train" is not installed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    # a user who wants another backend imports Keras first; training here runs on TensorFlow
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    try:
        with without_native_stderr():
            import keras  # noqa: F401
            import tensorflow as tf
    except ImportError:
        raise MissingExtraError("Training", "train") from None
    tf.get_logger().setLevel("ERROR")
    return tf
