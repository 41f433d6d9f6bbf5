"""Words from their letters: against a plain loop, and with padding in both directions."""

import numpy as np
import pytest

from rnn_apps.errors import ConfigError
from rnn_apps.layers import CharacterCNN


def by_hand(layer, letters):
    """The features of one word, letter by letter."""
    table, kernel, bias = (np.asarray(weight) for weight in layer.weights)
    half = layer.width // 2
    vectors = [np.zeros(layer.dimension)] * half + [table[c] for c in letters] + [np.zeros(layer.dimension)] * half
    windows = [np.concatenate(vectors[p : p + layer.width]) for p in range(len(letters))]
    return np.max([window @ kernel + bias for window in windows], axis=0)


def test_convolution_and_maximum():
    layer = CharacterCNN(9, 4, 5)
    words = np.array([[[1, 2, 3, 4], [5, 0, 0, 0]], [[8, 7, 0, 0], [0, 0, 0, 0]]], np.int32)
    found = np.asarray(layer(words))
    for row, column, letters in ((0, 0, [1, 2, 3, 4]), (0, 1, [5]), (1, 0, [8, 7])):
        np.testing.assert_allclose(found[row, column], by_hand(layer, letters), atol=1e-5)
    assert not found[1, 1].any()
    np.testing.assert_array_equal(layer.compute_mask(words), [[True, True], [True, False]])


def test_padding_has_no_influence():
    layer = CharacterCNN(9, 4, 5, width=5)
    words = np.array([[[1, 2, 3]]], np.int32)
    wider = np.pad(words, ((0, 0), (0, 2), (0, 4)))
    np.testing.assert_allclose(np.asarray(layer(wider))[:, :1], layer(words), atol=1e-6)


def test_configuration_and_errors():
    layer = CharacterCNN(9, 4, 5, width=5, dropout=0.25)
    assert CharacterCNN.from_config(layer.get_config()).get_config() == layer.get_config()
    with pytest.raises(ConfigError, match="width"):
        CharacterCNN(9, 4, 5, width=2)
