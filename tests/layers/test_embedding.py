"""Tokens that are hidden in training: as zeros, or read as another token."""

import keras
import numpy as np
import tensorflow as tf

from rnn_apps.layers import Embedding, TiedEmbedding


def test_hidden_tokens_are_read_as_the_unknown_one():
    layer = Embedding(5, 3, token_dropout=0.5, hidden_token=1, mask_zero=True)
    tokens = np.full((40, 30), 4)
    tokens[:, 20:] = 0
    vectors, table = np.asarray(layer(tokens, training=True)), np.asarray(layer.embeddings)
    hidden = (vectors == table[1]).all(axis=2)
    kept = (vectors == table[4]).all(axis=2)
    assert (hidden | kept)[:, :20].all()
    assert 0.4 < hidden[:, :20].mean() < 0.6
    np.testing.assert_array_equal(vectors[:, 20:], np.broadcast_to(table[0], (40, 10, 3)))
    np.testing.assert_array_equal(layer(tokens), table[tokens])
    assert Embedding.from_config(layer.get_config()).hidden_token == 1


def test_hidden_tokens_are_zeros_without_one():
    layer = Embedding(5, 3, token_dropout=0.5)
    vectors = np.asarray(layer(np.full((20, 20), 4), training=True))
    assert 0.4 < (vectors == 0).all(axis=2).mean() < 0.6


class TestTied:
    """The same table in both directions."""

    def test_logits_are_products_with_the_vectors(self):
        layer = TiedEmbedding(7, 3)
        tokens = np.array([[1, 2], [6, 0]])
        vectors = np.asarray(layer(tokens))
        layer.bias.assign(np.arange(7.0))
        np.testing.assert_array_equal(vectors, np.asarray(layer.embeddings)[tokens])
        logits = layer(vectors, reverse=True)
        np.testing.assert_allclose(
            logits, np.asarray(vectors) @ np.asarray(layer.embeddings).T + np.arange(7), atol=1e-6
        )

    def test_both_directions_teach_the_table(self):
        layer = TiedEmbedding(7, 3)
        layer(np.array([[1]]))
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(layer(np.array([[1]])), reverse=True))
        slices = tape.gradient(loss, layer.embeddings.value)
        gradient = np.asarray(tf.convert_to_tensor(slices))
        table = np.asarray(layer.embeddings)
        np.testing.assert_allclose(gradient[2], table[1], atol=1e-6)
        np.testing.assert_allclose(gradient[1], table[1] + table.sum(axis=0), atol=1e-6)

    def test_saving_keeps_table_and_bias_tied(self, tmp_path):
        tokens = keras.Input((None,), dtype="int32")
        layer = TiedEmbedding(7, 3, token_dropout=0.1, mask_zero=True)
        model = keras.Model(tokens, layer(keras.layers.Dense(3)(layer(tokens)), reverse=True))
        layer.bias.assign(np.arange(7.0))
        model.save(tmp_path / "model.keras")
        again = keras.saving.load_model(tmp_path / "model.keras")
        assert again.count_params() == 7 * 3 + 7 + 3 * 3 + 3
        np.testing.assert_array_equal(again(np.array([[1, 2]])), model(np.array([[1, 2]])))
