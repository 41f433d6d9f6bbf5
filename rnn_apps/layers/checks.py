"""Checks of arguments, with messages that say what was expected, what came, and what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from rnn_apps.errors import ConfigError, did_you_mean


def choice(name: str, value: Any, allowed: tuple[Any, ...]) -> Any:
    """One of a few values."""
    if value not in allowed:
        hint = did_you_mean(value, [a for a in allowed if isinstance(a, str)]) if isinstance(value, str) else ""
        raise ConfigError(f"Expected {name} to be one of {', '.join(map(repr, allowed))}. Received: {value!r}.{hint}")
    return value


def activation(name: str, value: Any) -> Callable[[Any], Any]:
    """An activation function from its name, its configuration or a callable; None is linear."""
    try:
        return keras.activations.get(value)
    except ValueError as error:
        known = ("tanh", "sigmoid", "relu", "linear", "softmax", "elu", "selu", "gelu", "hard_sigmoid", "softplus")
        hint = did_you_mean(value, known) if isinstance(value, str) else ""
        raise ConfigError(
            f"Expected {name} to be the name of a Keras activation ('tanh', 'sigmoid', 'relu', …), a callable or "
            f"None. Received: {value!r}.{hint}"
        ) from error


def mask(value: Any, sequences: Any) -> Any:
    """A mask as boolean tensor (batch, time) that fits the sequences (batch, time, features), or None."""
    if value is None:
        return None
    value = ops.convert_to_tensor(value)
    expected = tuple(sequences.shape[:2])
    fits = len(value.shape) == 2 and all(
        e is None or g is None or e == g for e, g in zip(expected, value.shape, strict=True)
    )
    if not fits:
        raise ConfigError(
            f"Expected a mask of shape (batch, time) = {expected}. Received: a mask of shape {tuple(value.shape)}."
        )
    return ops.cast(value, "bool")


def states(layer: str, value: Any, sizes: list[int], sequences: Any, dtype: str) -> list[Any] | None:
    """Initial states as a list, each (batch, units) for a batch of sequences, or None."""
    if value is None:
        return None
    values = list(value) if isinstance(value, (list, tuple)) else [value]
    if len(values) != len(sizes):
        raise ConfigError(
            f"Expected initial_state of {layer} to be {len(sizes)} tensors of shapes (batch, units), with the units "
            f"{', '.join(map(str, sizes))}. Received: {len(values)}."
        )
    for state, units in zip(values, sizes, strict=True):
        _check_state(layer, state, units, sequences)
    return [ops.cast(state, dtype) for state in values]


def _check_state(layer: str, value: Any, units: int, sequences: Any) -> None:
    batch, shape = sequences.shape[0], tuple(value.shape)
    fits = len(shape) == 2 and shape[1] == units and (batch is None or shape[0] is None or shape[0] == batch)
    if not fits:
        raise ConfigError(
            f"Expected each state of {layer} to have the shape (batch, units) = ({batch}, {units}). "
            f"Received: {shape}. A state is never broadcast: give one row for each row of the inputs."
        )
    if keras.backend.backend() == "tensorflow" and (batch is None or shape[0] is None):
        import tensorflow as tf

        # sizes that are only known when the graph runs are compared then
        tf.debugging.assert_equal(
            tf.shape(value)[0],
            tf.shape(sequences)[0],
            message=f"Expected each state of {layer} to have as many rows as the inputs.",
        )
