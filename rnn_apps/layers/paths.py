"""What decides which way through time is open: the backend, the device, and whether the graph leaves this process."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from functools import cache

import keras

from rnn_apps.kernels import compiler

_generic_only: ContextVar[bool] = ContextVar("generic_only", default=False)


@contextlib.contextmanager
def generic_path() -> Iterator[None]:
    """Makes layers traced inside this context use plain `keras.ops` only.

    For graphs that leave this process, such as a SavedModel: compiled loops are called through Python, which no other
    program can do.
    """
    token = _generic_only.set(True)
    try:
        yield
    finally:
        _generic_only.reset(token)


def is_generic_only() -> bool:
    """Whether `generic_path` is in force."""
    return _generic_only.get()


@cache
def on_gpu() -> bool:
    """Whether TensorFlow sees a GPU."""
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU"))


def is_tensorflow() -> bool:
    """Whether another way than the generic one is open: TensorFlow, and nothing that forbids it."""
    return keras.backend.backend() == "tensorflow" and not is_generic_only()


def can_compile(dtype: str) -> bool:
    """Whether compiled loops can run: in float32 on a CPU, with Numba installed."""
    return is_tensorflow() and dtype == "float32" and compiler.available() and not on_gpu()
