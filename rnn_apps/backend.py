"""TensorFlow, started quietly and the same way every time, by whatever needs it first."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from rnn_apps.errors import MissingExtraError


def start_tensorflow(what: str) -> Any:
    """Imports TensorFlow and Keras without their start-up noise and returns the module `tensorflow`.

    Args:
        what: what needs it, as the start of a sentence ("Training").

    Raises:
        MissingExtraError: if the extra "train" is not installed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # a user who wants another backend imports Keras first; what runs here runs on TensorFlow
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    try:
        with _without_native_stderr():
            import keras  # noqa: F401
            import tensorflow as tf

            tf.config.list_physical_devices()  # looks for GPUs now, while nobody sees what it says
    except ImportError:
        raise MissingExtraError(what, "train") from None
    tf.get_logger().setLevel("ERROR")
    return tf


def require_training_packages() -> None:
    """Makes sure, before long work and without importing anything, that what training needs is installed.

    Raises:
        MissingExtraError: if the extra "train" is not.
    """
    for module in ("tensorflow", "keras", "onnx", "matplotlib"):
        try:
            found = find_spec(module)
        except ImportError:
            found = None
        if not found:
            raise MissingExtraError("Training", "train")


@contextmanager
def _without_native_stderr() -> Iterator[None]:
    """Discards what is written to file descriptor 2 inside the block.

    TensorFlow logs while it is imported, before it has read `TF_CPP_MIN_LOG_LEVEL`, past Python's `sys.stderr`.
    Exceptions are not touched.
    """
    try:
        saved = os.dup(2)
    except OSError:  # stderr is closed: nobody sees anything anyway
        yield
        return
    sys.stderr.flush()
    with tempfile.TemporaryFile() as discarded:
        os.dup2(discarded.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(saved, 2)
            os.close(saved)
