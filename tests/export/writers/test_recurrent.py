"""Every cell, direction and depth: the ONNX graph answers as the Keras model does, rows without a step included."""

import keras
import numpy as np
import pytest

from rnn_apps.errors import ExportError
from rnn_apps.export import to_onnx
from rnn_apps.inference.session import Session
from rnn_apps.layers import GRU, LSTM, Bidirectional, Deep, Embedding, SimpleRNN

CELLS = {
    "SimpleRNN": lambda **kw: SimpleRNN(4, **kw),
    "SimpleRNN relu": lambda **kw: SimpleRNN(4, activation="relu", use_bias=False, **kw),
    "SimpleRNN with output": lambda **kw: SimpleRNN(4, output_units=3, output_activation="sigmoid", **kw),
    "GRU": lambda **kw: GRU(4, **kw),
    "GRU reset before": lambda **kw: GRU(4, reset_after=False, **kw),
    "LSTM": lambda **kw: LSTM(4, **kw),
    "LSTM without bias": lambda **kw: LSTM(4, use_bias=False, activation="softsign", **kw),
    "LSTM linear output": lambda **kw: LSTM(4, output_activation=None, **kw),
}
SCANNED = {
    "SimpleRNN elu": lambda **kw: SimpleRNN(4, activation="elu", output_units=3, **kw),
    "GRU normalised": lambda **kw: GRU(4, layer_normalization=True, **kw),
    "GRU reset before normalised": lambda **kw: GRU(4, layer_normalization=True, reset_after=False, **kw),
    "GRU zoneout": lambda **kw: GRU(4, zoneout=0.2, use_bias=False, **kw),
    "LSTM relevance gate": lambda **kw: LSTM(4, relevance_gate=True, output_activation=None, **kw),
    "LSTM normalised": lambda **kw: LSTM(4, layer_normalization=True, zoneout=0.1, **kw),
}
LENGTHS = np.array([6, 0, 3, 1])


def operators(model):
    """Names of all operators of an ONNX model."""
    return [node.op_type for node in model.graph.node]


def check(layer, tmp_path, masked=True, with_states=False):
    """Compares the two on rows of different length; returns the operators of the ONNX graph."""
    inputs = {"x": keras.Input((None,), dtype="int32", name="x") if masked else keras.Input((None, 5), name="x")}
    x = Embedding(12, 5, mask_zero=True)(inputs["x"]) if masked else inputs["x"]
    states = [keras.Input((size,), name=f"s{n}") for n, size in enumerate(layer.state_sizes)] if with_states else None
    inputs |= {state.name: state for state in states or ()}
    outputs = layer(x, initial_state=states)
    model = keras.Model(inputs, {f"y{n}": y for n, y in enumerate(keras.tree.flatten(outputs))})
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(0, 0.7, weight.shape) for weight in model.get_weights()])
    rows = {"x": rng.normal(0, 1, (4, 6, 5)).astype(np.float32)}
    if masked:
        rows["x"] = (rng.integers(1, 12, (4, 6)) * (np.arange(6) < LENGTHS[:, None])).astype(np.int32)
    for name in list(inputs)[1:]:
        rows[name] = rng.normal(0, 1, (4, inputs[name].shape[1])).astype(np.float32)
    written = to_onnx(model)
    (tmp_path / "model.onnx").write_bytes(written.SerializeToString())
    found, expected = Session(tmp_path / "model.onnx").run(rows), model(rows, training=False)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, atol=2e-5, err_msg=name)
    return operators(written)


@pytest.mark.parametrize("masked", [True, False], ids=["padded", "full"])
@pytest.mark.parametrize("name", [*CELLS, *SCANNED])
def test_a_cell(name, masked, tmp_path):
    """One and both directions, sequences and last steps, states in and out."""
    build = (CELLS | SCANNED)[name]
    for options in ({"return_sequences": True}, {"return_state": True}, {"go_backwards": True, "return_state": True}):
        found = check(build(**options), tmp_path, masked, with_states="return_state" in options)
        assert ("Scan" in found) == (name in SCANNED)
    for sequences in (True, False):
        layer = Bidirectional(build(return_sequences=sequences, return_state=True))
        found = check(layer, tmp_path, masked, with_states=sequences)
        kinds = [kind for kind in found if kind in ("RNN", "GRU", "LSTM", "Scan")]
        assert kinds == (["Scan"] * 2 if name in SCANNED else [name.split()[0].replace("Simple", "")])


@pytest.mark.parametrize("mode", ["concat", "sum", "ave", "mul", None])
def test_merging(mode, tmp_path):
    check(Bidirectional(GRU(3, return_sequences=True), merge_mode=mode), tmp_path)


def test_directions_of_two_kinds(tmp_path):
    layer = Bidirectional(
        LSTM(3, return_sequences=True), backward_layer=GRU(2, return_sequences=True, go_backwards=True)
    )
    assert [kind for kind in check(layer, tmp_path) if kind in ("LSTM", "GRU")] == ["LSTM", "GRU"]


@pytest.mark.parametrize("residual", [True, False])
def test_a_stack(residual, tmp_path):
    options = {"return_sequences": True, "return_state": True}
    layers = [Bidirectional(LSTM(3, **options)), GRU(6, **options), SimpleRNN(6, output_units=6, return_state=True)]
    check(Deep(layers, residual=residual, dropout=0.5), tmp_path, with_states=True)


def test_nesting(tmp_path):
    inner = Deep([LSTM(5, return_sequences=True), GRU(5, return_sequences=True)], residual=True)
    check(Deep([Bidirectional(inner), LSTM(3, relevance_gate=True)]), tmp_path)


def test_backwards_sequences(tmp_path):
    check(GRU(3, return_sequences=True, go_backwards=True), tmp_path, masked=False)
    with pytest.raises(ExportError, match="Bidirectional"):
        check(GRU(3, return_sequences=True, go_backwards=True), tmp_path)
