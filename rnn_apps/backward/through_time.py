"""The gradient's way back through time: |∂loss/∂a<t>| at each step of each recurrent layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnn_apps.inference.cases import Case
from rnn_apps.inspection.gradient import LayerGradient
from rnn_apps.layers.observation import Part, recurrent_parts, seen_states
from rnn_apps.task import Network


def gradient_through_time(model: keras.Model, network: Network[Any, Any], case: Case) -> list[LayerGradient]:
    """Runs a model over a case step by step, and its loss back.

    The backward pass of each step is the layer's own, that of training.

    Args:
        model: the Keras model.
        network: its task's, for the loss.
        case: an input with the model's own answer, which the loss takes for the truth.

    Returns:
        a gradient for each direction of each recurrent layer, in the order of the model.
    """
    batch = {name: tf.constant(value) for name, value in case.arrays.items()}
    parts = recurrent_parts(model)
    with tf.GradientTape() as tape, seen_states(model) as seen:
        outputs = model({name: batch[name] for name in model.input}, training=False)
        loss, items = network.loss(outputs, batch)
        loss = loss / tf.maximum(tf.cast(items, tf.float32), 1.0)
    states = [[step[0] for step in seen[part.layer.path]] for part in parts]
    gradients = tape.gradient(loss, states)
    return [_named(part, own, case, float(loss)) for part, own in zip(parts, gradients, strict=True)]


def _named(part: Part, gradients: Sequence[Any], case: Case, loss: float) -> LayerGradient:
    axis = case.axes[min(part.group, len(case.axes) - 1)]
    prefix = f"{axis.graph}, " if len(case.axes) > 1 else ""
    norms = np.array([0.0 if own is None else float(tf.norm(own[0])) for own in gradients])
    backward = part.layer.go_backwards
    title = f"{prefix}layer {part.number}" + (f", {part.direction}" if part.direction else "")
    return LayerGradient(title, axis, backward, norms[::-1] if backward else norms, loss)
