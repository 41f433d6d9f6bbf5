"""Gates found in a saved graph are those that the layer itself computes."""

import keras
import numpy as np
import pytest

from rnn_apps.errors import ConfigError
from rnn_apps.export import to_onnx
from rnn_apps.export.quantization import quantize_graphs
from rnn_apps.inference.cases import Axis
from rnn_apps.inspection.gates import LayerGates, layer_gates
from rnn_apps.inspection.graphs import ObservedGraph
from rnn_apps.layers import GRU, LSTM, Bidirectional, Deep, SimpleRNN

STEPS, FEATURES, UNITS = 7, 5, 6
AXIS = Axis("tokens", tuple(map(str, range(STEPS))))
CELLS = {
    "SimpleRNN": lambda **kw: SimpleRNN(UNITS, return_sequences=True, **kw),
    "SimpleRNN elu": lambda **kw: SimpleRNN(UNITS, activation="elu", return_sequences=True, **kw),
    "GRU": lambda **kw: GRU(UNITS, return_sequences=True, **kw),
    "GRU reset before": lambda **kw: GRU(UNITS, reset_after=False, return_sequences=True, **kw),
    "GRU normalised": lambda **kw: GRU(UNITS, layer_normalization=True, return_sequences=True, **kw),
    "LSTM": lambda **kw: LSTM(UNITS, return_sequences=True, **kw),
    "LSTM without bias": lambda **kw: LSTM(UNITS, use_bias=False, activation="softsign", return_sequences=True, **kw),
    "LSTM relevance gate": lambda **kw: LSTM(UNITS, relevance_gate=True, return_sequences=True, **kw),
    "LSTM normalised": lambda **kw: LSTM(UNITS, layer_normalization=True, return_sequences=True, **kw),
}


def looked_at(layer, folder, half=False, quantized=False):
    """Returns (gates of the graph, gates and output of the layer) on one sequence."""
    x = keras.Input((None, FEATURES), name="x")
    model = keras.Model({"x": x}, {"y": layer(x)})
    rng = np.random.default_rng(0)
    weights = [rng.normal(0, 0.6, weight.shape).astype(np.float32) for weight in model.get_weights()]
    if half:
        weights = [weight.astype(np.float16).astype(np.float32) for weight in weights]
    model.set_weights(weights)
    path = folder / "model.onnx"
    path.write_bytes(to_onnx(model, half).SerializeToString())
    if quantized:
        quantize_graphs([path], None)
    graph = ObservedGraph(path)
    rows = rng.normal(size=(1, STEPS, FEATURES)).astype(np.float32)
    output = graph.run({"x": rows})["y"]
    return layer_gates({"model": graph}, [AXIS]), layer(rows, gates=True)[-1], output


def assert_same(found: LayerGates, expected, tolerance=1e-6):
    for name, values in expected.items():
        np.testing.assert_allclose(found.values[name], np.asarray(values)[0], atol=tolerance, err_msg=name)


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_gates_of_one_layer_are_the_layers(cell, backwards, tmp_path):
    (found,), expected, output = looked_at(CELLS[cell](go_backwards=backwards), tmp_path)
    if backwards:  # the layer gives them in the order of processing
        expected = {name: np.asarray(value)[:, ::-1] for name, value in expected.items()}
        output = output[:, ::-1]
    assert found.backward == backwards
    assert found.units == UNITS
    assert_same(found, expected)
    np.testing.assert_allclose(found.values["hidden"], output[0], atol=1e-6)
    assert set(found.values) - {"hidden", "cell"} == set(expected)


@pytest.mark.parametrize("cell", ["LSTM", "GRU", "LSTM relevance gate", "SimpleRNN"])
def test_gates_of_both_directions_of_a_deep_layer_are_the_layers(cell, tmp_path):
    layer = Deep([Bidirectional(CELLS[cell]()), Bidirectional(CELLS[cell]())])
    found, expected, _ = looked_at(layer, tmp_path)
    assert [own.name for own in found][:2] == (
        ["layer 1, forward", "layer 1, backward"] if cell != "LSTM relevance gate" else ["layer 1", "layer 2, backward"]
    )
    parts = [level[direction] for level in expected for direction in ("forward", "backward")]
    for own, gates in zip(found, parts, strict=True):
        assert_same(own, gates)


@pytest.mark.parametrize("kind", ["half", "quantized"])
def test_weights_in_fewer_bits_are_read_as_the_graph_reads_them(kind, tmp_path):
    big = Bidirectional(LSTM(24, return_sequences=True))
    found, expected, output = looked_at(big, tmp_path, **{kind: True})
    hidden = np.concatenate([own.values["hidden"] for own in found], axis=1)
    np.testing.assert_allclose(hidden, output[0], atol=1e-6)
    for own in found:  # what the equations say of gates and cell state is what the graph has said
        out = own.values["output"] * np.tanh(own.values["cell"])
        np.testing.assert_allclose(out, own.values["hidden"], atol=2e-6)
    if kind == "half":
        assert_same(found[0], expected["forward"])


def test_a_cell_state_follows_its_equation(tmp_path):
    (found,), _, _ = looked_at(CELLS["LSTM relevance gate"](), tmp_path)
    state = np.zeros(UNITS)
    for step in range(STEPS):
        own = {name: value[step] for name, value in found.values.items()}
        state = own["update"] * own["candidate"] + own["forget"] * state
        np.testing.assert_allclose(own["cell"], state, atol=1e-5)


def test_time_constants_are_those_of_memories_that_nothing_is_written_to():
    kept = np.full((20, 3), [0.5, 0.9, 0.99])
    layer = LayerGates("layer 1", "lstm", AXIS, False, {"forget": kept, "hidden": np.zeros((20, 3))})
    steps = np.arange(400)
    for unit, constant in enumerate(layer.time_constants):
        memory = kept[0, unit] ** steps
        assert np.interp(-1 / np.e, -memory, steps) == pytest.approx(constant, rel=0.1)
    gru = LayerGates("layer 1", "gru", AXIS, False, {"update": 1 - kept, "hidden": np.zeros((20, 3))})
    np.testing.assert_allclose(gru.time_constants, layer.time_constants)
    assert LayerGates("layer 1", "simple_rnn", AXIS, False, {"hidden": np.zeros((20, 3))}).time_constants is None


def test_units_are_sorted_by_what_they_do():
    steps = np.linspace(-1, 1, 20)
    hidden = np.stack([0 * steps, steps, 3 * np.sin(9 * steps), -steps], axis=1)
    orders = LayerGates("layer 1", "simple_rnn", AXIS, False, {"hidden": hidden}).orders()
    assert orders["as they stand"] == [0, 1, 2, 3]
    assert orders["how much they move"][0] == 2
    assert orders["how they follow time"][0] == 1
    assert orders["how they follow time"][-1] == 3
    assert all(sorted(order) == [0, 1, 2, 3] for order in orders.values())


def test_a_graph_without_a_recurrent_layer_says_so(tmp_path):
    x = keras.Input((FEATURES,), name="x")
    path = tmp_path / "model.onnx"
    path.write_bytes(to_onnx(keras.Model({"x": x}, {"y": keras.layers.Dense(2)(x)})).SerializeToString())
    graph = ObservedGraph(path)
    graph.run({"x": np.zeros((1, FEATURES), np.float32)})
    with pytest.raises(ConfigError, match="no recurrent layer"):
        layer_gates({"model": graph}, [AXIS])


def test_a_graph_whose_cells_do_not_name_their_gates_says_so(tmp_path):
    import onnx

    looked_at(CELLS["LSTM relevance gate"](), tmp_path)
    path = tmp_path / "model.onnx"
    model = onnx.load(path)
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.name == "body":
                kept = [own for own in attribute.g.node if "/gate/" not in own.output[0]]
                del attribute.g.node[:]
                attribute.g.node.extend(kept)
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ConfigError, match="older version"):
        ObservedGraph(path)
