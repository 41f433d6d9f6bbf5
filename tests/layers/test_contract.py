"""Every layer goes through the contract; a new one takes a line here."""

import numpy as np
import pytest

from layers.contract import on_numbers, run_layer_test
from rnn_apps.layers import (
    CRF,
    GRU,
    LSTM,
    Bidirectional,
    CharacterCNN,
    Deep,
    Embedding,
    MaskedPooling,
    SimpleRNN,
)

ALL = {"return_sequences": True, "return_state": True}
SEQUENCE = {"return_sequences": True}
LETTERS = np.array([[[1, 2, 3], [4, 0, 0]], [[2, 5, 0], [0, 0, 0]]], np.int32)

LAYERS = {
    "SimpleRNN": lambda **kw: SimpleRNN(5, **ALL, **kw),
    "SimpleRNN with output": lambda **kw: SimpleRNN(5, output_units=3, activation="sigmoid", **kw),
    "GRU": lambda **kw: GRU(5, **ALL, **kw),
    "GRU reset before": lambda **kw: GRU(5, reset_after=False, use_bias=False, **kw),
    "LSTM": lambda **kw: LSTM(5, **ALL, **kw),
    "LSTM relevance gate": lambda **kw: LSTM(5, relevance_gate=True, layer_normalization=True, **SEQUENCE, **kw),
    "LSTM zoneout": lambda **kw: LSTM(5, zoneout=0.25, output_activation=None, **SEQUENCE, **kw),
    "bi-LSTM": lambda **kw: Bidirectional(LSTM(5, **ALL, **kw), **kw),
    "bi-GRU, average": lambda **kw: Bidirectional(GRU(5, **kw), merge_mode="ave", **kw),
    "deep": lambda **kw: Deep([Bidirectional(GRU(2, **ALL, **kw), **kw), LSTM(4, **ALL, **kw)], residual=True, **kw),
    "bi-deep": lambda **kw: Bidirectional(Deep([LSTM(4, **SEQUENCE, **kw), GRU(3, **SEQUENCE, **kw)], **kw), **kw),
    "pooling": lambda **kw: MaskedPooling(("max", "mean", "last", "first"), **kw),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_over_a_sequence_keeps_the_contract(name, tmp_path):
    run_layer_test(LAYERS[name], tmp_path)


def test_layers_over_numbers_keep_the_contract(tmp_path):
    run_layer_test(lambda **kw: Embedding(7, 3, mask_zero=True, **kw), tmp_path, on_numbers(None))
    run_layer_test(lambda **kw: CharacterCNN(7, 3, 5, **kw), tmp_path, on_numbers(None, None), LETTERS)


def test_a_crf_keeps_the_contract(tmp_path):
    run_layer_test(lambda **kw: CRF(4, **kw), tmp_path)
