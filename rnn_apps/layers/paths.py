"""Which way through time a layer takes: compiled, by way of Keras and cuDNN, or generic."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from functools import cache
from typing import Any

import keras

from rnn_apps.kernels import compiler

_generic_only: ContextVar[bool] = ContextVar("generic_only", default=False)


@contextlib.contextmanager
def generic_path() -> Iterator[None]:
    """Makes layers traced inside this context use plain `keras.ops` only.

    For graphs that leave this process, such as a SavedModel: the fast path calls into Python, which no other program
    can do.
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


def accelerated() -> bool:
    """Whether another way than the generic one is open: TensorFlow, and nothing that forbids it."""
    return keras.backend.backend() == "tensorflow" and not is_generic_only()


def by_keras(layer: Any, training: bool | None) -> bool:
    """Whether Keras' own layer runs this one: a gated cell that Keras has, on a GPU."""
    return (
        accelerated()
        and on_gpu()
        and layer.gate_names
        and layer.is_standard()
        and not (training and layer.recurrent_dropout)
    )


def fast(layer: Any, training: bool | None) -> bool:
    """Whether the compiled loops can run this layer: a standard cell in float32 on a CPU, with Numba installed."""
    return (
        compiled(layer.compute_dtype)
        and layer.compiled_activations() is not None
        and not (training and layer.recurrent_dropout)
    )


def compiled(dtype: str) -> bool:
    """Whether compiled loops can run: in float32 on a CPU, with Numba installed."""
    return accelerated() and dtype == "float32" and compiler.available() and not on_gpu()


ACTIVATION_NAMES = {
    keras.activations.tanh: "tanh",
    keras.activations.sigmoid: "sigmoid",
    keras.activations.relu: "relu",
    keras.activations.linear: "linear",
}
"""Activations that the compiled steps know."""
