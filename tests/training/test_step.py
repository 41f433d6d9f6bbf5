"""What is sent to other devices, and how often."""

import numpy as np
import pytest
import tensorflow as tf

from rnn_apps.config import load_config
from rnn_apps.data.batching import pad_batch
from rnn_apps.task import find_task
from rnn_apps.training.step import sent


@pytest.mark.parametrize(("rows", "as_rows"), [(1000, True), (51, True), (50, False), (8, False)])
def test_an_embedding_goes_as_the_rows_that_were_looked_up_unless_its_table_is_small(rows, as_rows):
    values = tf.constant(np.arange(15).reshape(5, 3), tf.float32)
    gradient = tf.IndexedSlices(values, tf.constant([3, 7, 3, 0, 7]), tf.constant([rows, 3]))
    found = sent(gradient, rows, batch_tokens=100)
    assert isinstance(found, tf.IndexedSlices) == as_rows
    if as_rows:
        assert sorted(found.indices.numpy()) == [0, 3, 7]  # each once
    np.testing.assert_array_equal(tf.convert_to_tensor(found), tf.convert_to_tensor(gradient))


def test_any_other_gradient_goes_as_it_is():
    gradient = tf.ones((2, 3))
    assert sent(gradient, 2, batch_tokens=1) is gradient


SMALL = {
    "digits": {"units": 8},
    "music": {"units": 8, "embedding": 8, "roll_features": 8},
    "ner": {"units": 8, "embedding": 8},
    "sentiment": {"units": 8, "layers": 1, "embedding": 8},
    "translation": {"units": 8, "embedding": 8, "attention_units": 8},
}


@pytest.mark.parametrize("name", SMALL)
def test_a_worker_without_rows_adds_nothing(name):
    """The last batch of an epoch may have fewer examples than there are workers."""
    task = find_task(name)
    config, examples = load_config(task.Config, values={"model": SMALL[name]}), list(task.sample())[:40]
    processor, network = task.processor.fit(examples, config), task.new_network()
    model = network.build(config, processor)
    rows = pad_batch(processor.encode(examples[:2]))
    for key in set(model.input) - set(rows):  # the state that music carries on from window to window
        rows[key] = np.zeros((2, *model.input[key].shape[1:]), np.float32)

    @tf.function(reduce_retracing=True)
    def step(batch):
        with tf.GradientTape() as tape:
            summed, items = network.loss(model({key: batch[key] for key in model.input}, training=True), batch)
        return summed, items, [tf.convert_to_tensor(own) for own in tape.gradient(summed, model.trainable_variables)]

    any_rows = {key: tf.TensorSpec((None, *array.shape[1:]), array.dtype) for key, array in rows.items()}
    traced = step.get_concrete_function(any_rows)
    some, none = traced(rows), traced({key: array[:0] for key, array in rows.items()})
    assert some[1] > 0
    assert float(none[0]) == float(none[1]) == 0.0
    assert not any(np.any(gradient) for gradient in none[2])
