"""The state of Keras' callbacks, which have no word for it: what a killed run needs to go on as if undisturbed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from rnn_apps.config import TrainingConfig
from rnn_apps.errors import ConfigError

State = dict[str, Any]

_SETS_THE_RATE = (keras.callbacks.ReduceLROnPlateau, keras.callbacks.LearningRateScheduler)


class CallbackStates:
    """Takes down what has changed in callbacks since training began, and puts it back.

    Kept are the attributes that are numbers, words, true, false or None: how long `EarlyStopping` and
    `ReduceLROnPlateau` have waited and the best that they have seen, the steps that `TensorBoard` has counted. What a
    callback was made with is not touched, so it may be made anew with another patience. Arrays, such as the weights
    that `EarlyStopping` would restore, are not kept: the best weights of a run are, by the run itself.

    Args:
        callbacks: in their order; training has begun.
    """

    def __init__(self, callbacks: Sequence[keras.callbacks.Callback]) -> None:
        self._callbacks = list(callbacks)
        self._at_first = [_plain(callback) for callback in self._callbacks]

    def changes(self) -> list[State]:
        """Returns the name of each callback's class and the attributes that have changed."""
        return [
            {"class": type(callback).__name__}
            | {name: value for name, value in _plain(callback).items() if name not in first or first[name] != value}
            for callback, first in zip(self._callbacks, self._at_first, strict=True)
        ]

    def restore(self, changes: Sequence[State]) -> None:
        """Puts back what `changes` gave for the same classes of callbacks in the same order."""
        for callback, state in zip(self._callbacks, changes, strict=False):
            if state["class"] == type(callback).__name__:
                vars(callback).update({name: value for name, value in state.items() if name != "class"})


def check_callbacks(callbacks: Sequence[keras.callbacks.Callback], config: TrainingConfig) -> None:
    """Makes sure that callbacks that set the learning rate can.

    Raises:
        ConfigError: if the run has a schedule of its own.
    """
    names = [type(callback).__name__ for callback in callbacks if isinstance(callback, _SETS_THE_RATE)]
    if names and (config.schedule != "constant" or config.warmup):
        raise ConfigError(
            f"{names[0]} sets the learning rate, and so does the run's schedule. Set training.schedule to 'constant' "
            f"and training.warmup to 0. Received: '{config.schedule}' and {config.warmup:g}."
        )


def _plain(callback: keras.callbacks.Callback) -> State:
    values = {
        name: value.item() if isinstance(value, np.generic) else value
        for name, value in vars(callback).items()
        if name not in ("params", "_model")
    }
    return {
        name: value for name, value in values.items() if value is None or isinstance(value, (bool, int, float, str))
    }
