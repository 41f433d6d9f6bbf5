"""What surrounds the program: environment variables, the cache folder, and TensorFlow, started quietly.

RNNAPPS_THREADS    threads of training and prediction; one for each usable processor if unset or 0
RNNAPPS_CACHE      the folder of the compiled kernels; `rnn_apps` in the user's cache folder if unset
RNNAPPS_API_KEY    see `rnnapps serve --api-key`
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rnn_apps.errors import ConfigError, MissingExtraError

THREADS, CACHE = "RNNAPPS_THREADS", "RNNAPPS_CACHE"


def threads_wanted() -> int:
    """Returns the threads that the environment asks for, 0 where it does not.

    Raises:
        ConfigError: if it asks for anything but a number.
    """
    text = _variable(THREADS) or "0"
    if not (text.isascii() and text.isdecimal()):
        raise ConfigError(f"Expected {THREADS} to be a number of threads. Received: '{text}'")
    return int(text)


def threads() -> int:
    """Returns the threads to work with: `threads_wanted`, or one for each processor that this process may run on."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return threads_wanted() or usable


def cache_folder() -> Path:
    """Returns the folder of what is computed once and kept."""
    return Path(_variable(CACHE) or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "rnn_apps"))


def _variable(name: str) -> str | None:
    """Returns an environment variable.

    Raises:
        ConfigError: if it is spelled as it once was, which nothing reads any more.
    """
    old = name.replace("RNNAPPS", "RNN_APPS")
    if old in os.environ:
        raise ConfigError(f"The environment variable {old} is now called {name}. Rename it.")
    return os.environ.get(name)


def start_tensorflow(what: str) -> Any:
    """Imports TensorFlow and Keras without their start-up noise and returns the module `tensorflow`.

    Args:
        what: what needs it, as the start of a sentence ("Training").

    Raises:
        MissingExtraError: if the extra "train" is not installed.
        ConfigError: if an environment variable cannot be used.
    """
    threads()
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
    with open(os.devnull, "wb") as discarded:
        os.dup2(discarded.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(saved, 2)
            os.close(saved)
