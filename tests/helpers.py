"""What tests of layers share: batches with padding, and a layer's outputs and gradients on one of its ways."""

import contextlib

import numpy as np
import tensorflow as tf

from rnn_apps.layers import generic_path


def right_padded(lengths, time):
    """A mask (batch, time) with this many true steps at the start of each row."""
    return np.arange(time) < np.asarray(lengths)[:, None]


def results(layer, x, mask=None, states=None, generic=False, training=None, graph=False):
    """Outputs, states, and gradients of x, the initial states and the weights, as NumPy arrays."""
    x = tf.constant(x)
    states = None if states is None else [tf.constant(state) for state in states]

    def run(x, states):
        with tf.GradientTape() as tape:
            tape.watch([x, *(states or [])])
            outputs = tf.nest.flatten(layer(x, initial_state=states, mask=mask, training=training))
            # weights that differ from one output to the next, so that none can cancel another
            loss = sum(tf.reduce_sum(tf.sin((n + 1) * output + 0.3)) for n, output in enumerate(outputs))
            if mask is not None and layer.return_sequences:
                # the constant sin(0.3) of padded outputs must not hide a difference
                loss -= tf.reduce_sum(tf.where(mask, 0.0, tf.sin(0.3)))
        sources = [x, *(states or []), *(v.value for v in layer.trainable_variables)]
        gradients = tape.gradient(loss, sources, unconnected_gradients="zero")
        return outputs, gradients

    with generic_path() if generic else contextlib.nullcontext():
        outputs, gradients = (tf.function(run) if graph else run)(x, states)
    return [np.array(v) for v in outputs], [np.array(tf.convert_to_tensor(v)) for v in gradients]


def assert_close(found, expected, tolerance):
    """Each array close to its partner, relative to the largest value in it."""
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * max(1.0, np.abs(b).max(initial=0)))
