"""Tokens that are hidden in training: as zeros, or read as another token."""

import numpy as np

from rnn_apps.layers import Embedding


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
