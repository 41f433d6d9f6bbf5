"""What is sent to other devices, and how often."""

import numpy as np
import pytest
import tensorflow as tf

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
