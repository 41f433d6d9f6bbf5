import keras
import numpy as np
import onnx
import pytest
from keras import layers

from rnn_apps.errors import BundleError, ExportError
from rnn_apps.export import Graph, Value, registry, save_onnx, to_onnx, writes
from rnn_apps.export.quantization import quantize_graphs
from rnn_apps.inference.session import Session
from rnn_apps.layers import Embedding, MaskedPooling
from rnn_apps.layers.masking import KINDS

D = 6


def model_of(*stack, shape=(None, D)):
    """A model from `x`, float32 (batch, *shape), through layers one behind the other, to `y`."""
    x = y = keras.Input(shape, name="x")
    for layer in stack:
        y = layer(y)
    return keras.Model({"x": x}, {"y": y})


def randomise(model):
    rng = np.random.default_rng(1)
    for weight in model.weights:
        if "seed" not in weight.path:
            weight.assign(rng.normal(size=weight.shape).astype(weight.dtype))
    return model


def assert_same_answers(model, tmp_path, inputs, atol=1e-5):
    randomise(model)
    difference = save_onnx(model, tmp_path / "model.onnx", inputs)
    assert difference <= atol
    session = Session(tmp_path / "model.onnx")
    expected, found = model(inputs, training=False), session.run(inputs)
    assert found.keys() == expected.keys()
    for name, value in found.items():
        assert value.shape == tuple(expected[name].shape)
        np.testing.assert_allclose(value, expected[name], atol=atol)


def sequences(batch=4, time=5):
    return {"x": np.random.default_rng(0).normal(size=(batch, time, D)).astype(np.float32)}


def test_large_answers_may_differ_by_a_share_of_them(tmp_path):
    model = model_of(layers.Activation("tanh"), layers.Rescaling(1e6))
    assert save_onnx(model, tmp_path / "model.onnx", sequences()) < 1e-5


@pytest.mark.parametrize(
    "stack",
    [
        [layers.Dense(3)],
        [layers.Dense(3, activation="relu", use_bias=False)],
        *[[layers.Activation(name)] for name in ("relu", "tanh", "sigmoid", "elu", "softplus", "softmax", "linear")],
        [layers.Dropout(0.5), layers.SpatialDropout1D(0.5), layers.GaussianNoise(1.0), layers.GaussianDropout(0.5)],
        [layers.LayerNormalization()],
        [layers.LayerNormalization(scale=False, epsilon=0.1)],
        [layers.LayerNormalization(center=False)],
        [layers.Rescaling(0.5, 3.0)],
        [layers.Reshape((-1, 2))],
        [layers.Dense(4, activation="tanh"), layers.Dropout(0.1), layers.LayerNormalization(), layers.Dense(2)],
    ],
    ids=lambda stack: "-".join(f"{layer.name}" for layer in stack),
)
def test_every_layer_answers_as_keras_does(stack, tmp_path):
    assert_same_answers(model_of(*stack), tmp_path, sequences())


@pytest.mark.parametrize(
    "stack", [[layers.Flatten()], [layers.Reshape((6, 5))], [layers.Flatten(), layers.Reshape((2, -1))]]
)
def test_layers_that_need_a_known_shape_answer_as_keras_does(stack, tmp_path):
    assert_same_answers(model_of(*stack, shape=(5, D)), tmp_path, sequences())


@pytest.mark.parametrize("merge", [layers.Add(), layers.Concatenate(), layers.Concatenate(axis=1)])
def test_layers_with_several_inputs_answer_as_keras_does(merge, tmp_path):
    x = keras.Input((None, D), name="x")
    model = keras.Model({"x": x}, {"y": merge([x, layers.Dense(D)(x), layers.Activation("tanh")(x)])})
    assert_same_answers(model, tmp_path, sequences())


TOKENS = {"tokens": np.array([[3, 1, 4, 1, 5], [9, 2, 0, 0, 0], [6, 0, 0, 0, 0], [0, 0, 0, 0, 0]], np.int32)}


def token_model(kinds, mask_zero):
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    vectors = layers.Dense(4)(Embedding(10, D, mask_zero=mask_zero)(tokens))
    return keras.Model({"tokens": tokens}, {"pooled": MaskedPooling(kinds)(vectors)})


@pytest.mark.parametrize("mask_zero", [True, False])
@pytest.mark.parametrize("kinds", [*[(kind,) for kind in KINDS], KINDS])
def test_pooling_leaves_padding_out_as_keras_does(kinds, mask_zero, tmp_path):
    assert_same_answers(token_model(kinds, mask_zero), tmp_path, TOKENS)


def test_padding_changes_no_answer(tmp_path):
    model = randomise(token_model(("max", "mean", "last"), mask_zero=True))
    save_onnx(model, tmp_path / "model.onnx", TOKENS)
    session = Session(tmp_path / "model.onnx")
    together = session.run(TOKENS)["pooled"]
    for row, answer in zip(TOKENS["tokens"], together, strict=True):
        alone = row[: np.count_nonzero(row)][None]
        np.testing.assert_allclose(session.run({"tokens": alone})["pooled"][0], answer, atol=1e-6)


def test_a_graph_takes_any_batch_and_any_length(tmp_path):
    save_onnx(model_of(layers.Dense(3)), tmp_path / "model.onnx", sequences())
    session = Session(tmp_path / "model.onnx")
    for batch, time in ((1, 1), (7, 3), (2, 40), (0, 5)):
        assert session.run(sequences(batch, time))["y"].shape == (batch, time, 3)


def test_arrays_that_are_no_input_of_the_graph_are_left_out(tmp_path):
    save_onnx(model_of(layers.Dense(3)), tmp_path / "model.onnx", {**sequences(), "label": np.zeros(4)})
    assert Session(tmp_path / "model.onnx").run({**sequences(), "label": np.zeros(4)}).keys() == {"y"}


def test_a_layer_used_twice_is_written_twice(tmp_path):
    x = keras.Input((None, D), name="x")
    dense = layers.Dense(D)
    assert_same_answers(keras.Model({"x": x}, {"y": dense(dense(x))}), tmp_path, sequences())


class Odd(keras.layers.Layer):
    def call(self, inputs):
        return inputs * 2


def test_a_layer_that_nothing_can_write_is_told(tmp_path):
    with pytest.raises(ExportError, match=r"The layer 'odd' \(Odd\) cannot be written as ONNX\. Register a writer"):
        save_onnx(model_of(Odd(name="odd")), tmp_path / "model.onnx", sequences())
    assert not (tmp_path / "model.onnx").exists()


def test_an_activation_that_nothing_can_write_is_told():
    with pytest.raises(ExportError, match="The activation 'mish' cannot be written as ONNX"):
        to_onnx(model_of(layers.Dense(2, activation="mish")))


def test_a_writer_can_be_registered_for_a_layer_of_ones_own(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "_WRITERS", dict(registry._WRITERS))

    @writes(Odd)
    def odd(graph, layer, value):
        return Value(graph.node("Add", [value.tensor, value.tensor]), value.lengths)

    class Derived(Odd):
        pass

    assert_same_answers(model_of(Odd(), Derived()), tmp_path, sequences())


@pytest.mark.parametrize("wrong", [3.0, 1.001, np.nan])
def test_a_graph_that_answers_otherwise_is_refused_and_not_left(wrong, tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "_WRITERS", dict(registry._WRITERS))

    @writes(Odd)
    def odd(graph, layer, value):
        return Value(graph.node("Mul", [value.tensor, graph.constant(np.float32(2 * wrong))]))

    with pytest.raises(ExportError, match="gives other answers than the Keras model"):
        save_onnx(model_of(Odd()), tmp_path / "model.onnx", sequences())
    assert list(tmp_path.iterdir()) == []


def test_half_precision_halves_the_file_and_keeps_rounded_answers(tmp_path):
    model = randomise(model_of(layers.Dense(400), layers.Dense(3)))
    for weight in model.weights:
        weight.assign(weight.numpy().astype(np.float16).astype(np.float32) / 8)
    sizes = []
    for half in (False, True):
        assert save_onnx(model, tmp_path / "model.onnx", sequences(), half) <= 1e-4
        sizes.append((tmp_path / "model.onnx").stat().st_size)
    assert sizes[1] < 0.7 * sizes[0]


def test_a_graph_is_checked_and_names_its_maker():
    model = to_onnx(model_of(layers.Dense(3)))
    onnx.checker.check_model(model, full_check=True)
    assert model.producer_name == "rnn-apps"
    assert model.opset_import[0].version == 17


def test_a_file_that_is_no_graph_is_told(tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(BundleError, match=r"ONNX Runtime .* cannot load"):
        Session(tmp_path / "model.onnx")


def test_a_graph_can_be_built_by_hand(tmp_path):
    graph = Graph("halves")
    x = graph.input("x", np.float32, ["batch", 4])
    low, high = graph.node("Split", [x], 2, axis=1)
    graph.output(graph.node("Mul", [low, high]), "product", np.float32, ["batch", 2])
    (tmp_path / "g.onnx").write_bytes(graph.model({"a": "b"}).SerializeToString())
    found = Session(tmp_path / "g.onnx").run({"x": np.array([[1, 2, 3, 4]], np.float32)})
    assert found["product"].tolist() == [[3.0, 8.0]]


@pytest.mark.parametrize("quantized", [False, True])
def test_of_a_table_in_half_precision_only_the_rows_that_are_looked_up_are_widened(tmp_path, quantized):
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    model = keras.Model({"tokens": tokens}, {"vectors": Embedding(300, 8)(tokens)})
    for weight in model.weights:
        weight.assign(np.asarray(weight).astype(np.float16))
    path, batch = tmp_path / "model.onnx", {"tokens": np.array([[3, 299, 0]], np.int32)}
    assert save_onnx(model, path, batch, half=True) == 0
    if quantized:
        quantize_graphs([path], None)
    graph = onnx.load(path).graph
    (lookup,) = (node for node in graph.node if node.op_type == "Gather")
    assert ("f16" in lookup.input[0], lookup.input[0] in {own.name for own in graph.initializer}) == (
        True,
        not quantized,
    )
    expected = np.asarray(model(batch)["vectors"])
    np.testing.assert_allclose(Session(path).run(batch)["vectors"], expected, atol=1e-2 if quantized else 0)
