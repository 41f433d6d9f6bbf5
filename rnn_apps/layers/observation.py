"""Looking into a model while it runs: the states of every step, and what its recurrent layers read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import keras

from rnn_apps.arrays import Tensor
from rnn_apps.layers.bidirectional import Bidirectional
from rnn_apps.layers.deep import Deep
from rnn_apps.layers.recurrent import Recurrent
from rnn_apps.layers.sequence import SequenceLayer

Change = Callable[[SequenceLayer, Tensor, "Tensor | None"], Tensor]
"""(layer, sequences, mask) -> sequences."""


@contextmanager
def seen_states(model: keras.Model) -> Iterator[dict[str, list[list[Tensor]]]]:
    """Keeps the states of every recurrent layer of a model that runs, eagerly, in the block.

    Yields:
        for each layer, by its path, the states after each step in the order of processing, each (batch, units).
    """
    layers = [layer for layer in model._flatten_layers() if isinstance(layer, Recurrent)]
    for layer in layers:
        layer.states_seen = []
    try:
        # Keras puts a list of its own in the place of one that a layer is given
        yield {layer.path: layer.states_seen for layer in layers if layer.states_seen is not None}
    finally:
        for layer in layers:
            layer.states_seen = None


@contextmanager
def changed_inputs(model: keras.Model, change: Change) -> Iterator[None]:
    """Lets `change` have what the first recurrent layers of a model read in the block."""
    layers = first_layers(model)
    for layer in layers:
        layer.change = partial(change, layer)
    try:
        yield
    finally:
        for layer in layers:
            layer.change = None


def first_layers(model: keras.Model) -> list[SequenceLayer]:
    """Returns those recurrent layers of a functional model that read no other one's sequences, in its order."""
    return [layer for layer in model.layers if isinstance(layer, SequenceLayer) and not _reads_another(layer)]


class Part(NamedTuple):
    """A recurrent layer inside a model.

    Attributes:
        layer: the layer.
        group: number of the first layer whose sequence it reads, from 0, itself or through others.
        number: its place among the layers of this group, from 1, both directions of one having the same.
        direction: "forward" or "backward" in a bidirectional layer; "" where it stands alone.
    """

    layer: Recurrent
    group: int
    number: int
    direction: str


def recurrent_parts(model: keras.Model) -> list[Part]:
    """Returns the recurrent layers of a functional model from the bottom to the top."""
    found: list[Part] = []
    first, group, number = first_layers(model), -1, 0
    for layer in model.layers:
        if not isinstance(layer, SequenceLayer):
            continue
        if layer in first:
            group, number = group + 1, 0
        for level in _levels(layer):
            number += 1
            found += [Part(own, group, number, direction) for direction, own in level]
    return found


def _levels(layer: SequenceLayer) -> Iterator[list[tuple[str, Recurrent]]]:
    """The cells of a layer, level by level."""
    if isinstance(layer, Deep):
        for part in layer.layers:
            yield from _levels(part)
    elif isinstance(layer, Bidirectional):
        ways = zip(_levels(layer.forward_layer), _levels(layer.backward_layer), strict=True)
        for forward, backward in ways:
            yield [("forward", own) for _, own in forward] + [("backward", own) for _, own in backward]
    elif isinstance(layer, Recurrent):
        yield [("", layer)]


def _reads_another(layer: SequenceLayer) -> bool:
    (sequences, *_) = layer._inbound_nodes[0].arguments.args
    open_tensors: list[Any] = [sequences]
    while open_tensors:
        operation, node = open_tensors.pop()._keras_history[:2]
        if isinstance(operation, SequenceLayer):
            return True
        open_tensors += operation._inbound_nodes[node].input_tensors
    return False
