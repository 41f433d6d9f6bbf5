"""The layers of taggers in ONNX: the same answers as in Keras, for every batch size."""

import keras
import numpy as np

from rnn_apps.export import save_onnx
from rnn_apps.inference.session import Session
from rnn_apps.layers import CRF, LSTM, Bidirectional, CharacterCNN, Embedding
from rnn_apps.layers.crf import ILLEGAL


def test_a_tagger(tmp_path):
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    letters = keras.Input((None, None), dtype="int32", name="letters")
    words = Embedding(9, 4, mask_zero=True)(tokens)
    spelled = CharacterCNN(7, 3, 5, width=5)(letters)
    x = keras.layers.Concatenate()([words, spelled])
    x = keras.layers.Dense(3)(Bidirectional(LSTM(4, return_sequences=True))(x))
    emissions, transitions = CRF(3, [[True, False, True, True]] * 4)(x)
    model = keras.Model({"tokens": tokens, "letters": letters}, {"emissions": emissions, "transitions": transitions})
    rng = np.random.default_rng(5)
    for weight in model.weights:
        weight.assign(rng.normal(size=weight.shape))
    real = np.arange(6) < np.array([6, 2, 1])[:, None]
    inputs = {
        "tokens": (rng.integers(1, 9, (3, 6)) * real).astype(np.int32),
        "letters": (rng.integers(1, 7, (3, 6, 4)) * (rng.integers(1, 5, (3, 6, 1)) > np.arange(4)) * real[..., None]),
    }
    inputs["letters"] = inputs["letters"].astype(np.int32)
    assert save_onnx(model, tmp_path / "model.onnx", inputs) <= 1e-5
    session = Session(tmp_path / "model.onnx")
    alone = session.run({name: array[1:2, :2] for name, array in inputs.items()})
    together = session.run(inputs)
    np.testing.assert_allclose(alone["emissions"][0], together["emissions"][1, :2], atol=1e-5)
    assert together["transitions"].shape == (3, 4, 4)
    np.testing.assert_array_equal(together["transitions"][:, :, 1], np.full((3, 4), ILLEGAL, np.float32))
