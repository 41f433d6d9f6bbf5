"""The layers inside Keras and TensorFlow: models, saving, precision, devices, and the same result every time."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from helpers import assert_close
from rnn_apps.errors import ConfigError
from rnn_apps.layers import GRU, LSTM, Bidirectional, Deep, Embedding, MaskedPooling, SimpleRNN, generic_path


def classifier(**options):
    words = keras.Input((None,), dtype="int32")
    x = Embedding(30, 6, mask_zero=True)(words)
    x = Deep([Bidirectional(LSTM(5, return_sequences=True)), GRU(4, return_sequences=True)], dropout=0.2, seed=1)(x)
    model = keras.Model(words, keras.layers.Dense(1, activation="sigmoid")(MaskedPooling()(x)))
    model.compile(keras.optimizers.Adam(0.02), "binary_crossentropy", **options)
    return model


def task(rows=96):
    """Tokens with padding, and whether the first is above the middle."""
    rng = np.random.default_rng(0)
    tokens = rng.integers(1, 30, (rows, 12)) * (np.arange(12) < rng.integers(3, 13, rows)[:, None])
    return tokens, (tokens[:, 0] > 15).astype(np.float32)


def test_fit_learns_saves_and_loads(tmp_path):
    keras.utils.set_random_seed(0)
    model = classifier()
    data = task()
    history = model.fit(*data, batch_size=32, epochs=12, verbose=0).history["loss"]
    assert history[-1] < 0.5 * history[0]
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    np.testing.assert_array_equal(loaded.predict(data[0], verbose=0), model.predict(data[0], verbose=0))


def test_the_same_seed_gives_the_same_weights():
    weights = []
    for _ in range(2):
        keras.utils.set_random_seed(7)
        model = classifier()
        model.fit(*task(), batch_size=32, epochs=2, verbose=0)
        weights.append(model.get_weights())
    for a, b in zip(*weights, strict=True):
        np.testing.assert_array_equal(a, b)


LAYERS = [
    SimpleRNN(3, activation="relu", output_units=2, output_activation="softmax", recurrent_regularizer="l2"),
    GRU(3, reset_after=False, zoneout=0.1, seed=5, go_backwards=True, return_sequences=True),
    LSTM(3, relevance_gate=True, output_activation=None, layer_normalization=True, unit_forget_bias=False),
    LSTM(3, activation="softplus", dropout=0.1, recurrent_dropout=0.2, kernel_constraint="max_norm", return_state=True),
    Bidirectional(GRU(3), merge_mode="ave", backward_layer=GRU(3, go_backwards=True, activation="softplus")),
    Deep([LSTM(4, return_sequences=True), LSTM(4)], residual=True, dropout=0.3, seed=2),
]


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_configuration_goes_there_and_back(layer, tmp_path):
    x = np.random.default_rng(0).normal(0, 1, (2, 4, 4)).astype(np.float32)
    inputs = keras.Input((None, 4))
    model = keras.Model(inputs, layer(inputs))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    assert json.dumps(loaded.layers[1].get_config()) == json.dumps(layer.get_config())
    for a, b in zip(tf.nest.flatten(loaded(x)), tf.nest.flatten(model(x)), strict=True):
        np.testing.assert_array_equal(a, b)


def test_sequential_and_masks():
    """The mask of an embedding reaches the layer, and goes on with its sequences."""
    model = keras.Sequential([Embedding(9, 4, mask_zero=True), LSTM(3, return_sequences=True), GRU(2)])
    padded, short = np.array([[3, 4, 5, 0, 0]]), np.array([[3, 4, 5]])
    np.testing.assert_allclose(model(padded), model(short), atol=1e-6)


def test_a_mask_arrives_beside_an_initial_state():
    layer = GRU(3)
    x = Embedding(9, 4, mask_zero=True)(np.array([[3, 4, 0, 0]]))
    state = np.ones((1, 3), np.float32)
    np.testing.assert_allclose(layer(x, initial_state=state), layer(x[:, :2], initial_state=state), atol=1e-6)


def test_symbolic_states():
    """An encoder's states start a decoder, in a functional model."""
    source, target = keras.Input((None, 3)), keras.Input((None, 2))
    _, *states = Bidirectional(LSTM(4, return_state=True))(source)
    joined = [keras.layers.Concatenate()(states[n::2]) for n in range(2)]
    y = LSTM(8, return_sequences=True)(target, initial_state=joined)
    model = keras.Model([source, target], y)
    model.compile("sgd", "mse")
    rng = np.random.default_rng(0)
    data = [rng.normal(0, 1, (6, 5, 3)), rng.normal(0, 1, (6, 4, 2))]
    model.fit(data, rng.normal(0, 1, (6, 4, 8)), verbose=0)
    assert model.predict(data, verbose=0).shape == (6, 4, 8)


@pytest.mark.parametrize("kind", [LSTM, GRU, SimpleRNN])
def test_bfloat16_trains(kind):
    model = keras.Sequential(
        [kind(8, return_sequences=True, dtype="mixed_bfloat16"), keras.layers.Dense(1, dtype="float32")]
    )
    model.compile("adam", "mse")
    rng = np.random.default_rng(0)
    x = rng.normal(0, 1, (32, 6, 3)).astype(np.float32)
    history = model.fit(x, np.cumsum(x[:, :, :1], axis=1), epochs=8, verbose=0).history["loss"]
    assert model.layers[0](x).dtype == "bfloat16"
    assert history[-1] < history[0]


def test_another_batch_and_length_does_not_trace_again():
    layer = Bidirectional(LSTM(4, return_sequences=True))
    layer.build((None, None, 3))
    traces = []

    @tf.function(input_signature=[tf.TensorSpec((None, None, 3)), tf.TensorSpec((None, None), tf.bool)])
    def train(x, mask):
        traces.append(1)
        with tf.GradientTape() as tape:
            y = tf.reduce_sum(layer(x, mask=mask, training=True))
        return tape.gradient(y, [v.value for v in layer.trainable_variables])

    for batch, time in ((2, 3), (17, 9), (1, 1), (0, 4), (5, 0)):
        gradients = train(tf.ones((batch, time, 3)), tf.ones((batch, time), tf.bool))
        assert all(np.isfinite(gradient).all() for gradient in gradients)
    assert len(traces) == 1


def test_two_layers_keep_apart_what_waits_for_the_way_back():
    """Forward passes of two layers, then backward passes in the other order, many times: no memory is mixed up."""
    first, second = LSTM(40, return_sequences=True), LSTM(40)
    rng = np.random.default_rng(0)
    x = tf.constant(rng.normal(0, 1, (24, 20, 8)).astype(np.float32))
    runs = []
    for generic in (True, False, False, False):
        with tf.GradientTape() as tape:
            tape.watch(x)
            if generic:
                with generic_path():
                    y = second(first(x)), second(first(x * 2))
            else:
                y = second(first(x)), second(first(x * 2))
            loss = tf.reduce_sum(y[0] * y[1])
        runs.append([np.array(g) for g in tape.gradient(loss, [x, *(v.value for v in first.trainable_variables)])])
    assert_close(runs[1], runs[0], 1e-4)
    for later in runs[2:]:
        for a, b in zip(later, runs[1], strict=True):
            np.testing.assert_array_equal(a, b)


def test_saved_model_without_python(tmp_path):
    """Traced under `generic_path`, a graph holds nothing but TensorFlow's own operations."""
    layer = Bidirectional(GRU(3, return_sequences=True))
    layer.build((None, None, 2))
    module = tf.Module()
    module.variables_of = [v.value for v in layer.variables]
    module.call = tf.function(lambda x: layer(x), input_signature=[tf.TensorSpec((None, None, 2))])
    x = tf.ones((2, 3, 2))
    expected = layer(x)
    with generic_path():
        tf.saved_model.save(module, str(tmp_path), signatures=module.call.get_concrete_function())
    loaded = tf.saved_model.load(str(tmp_path)).signatures["serving_default"]
    operations = {node.op for function in loaded.graph.as_graph_def().library.function for node in function.node_def}
    assert not operations & {"PyFunc", "EagerPyFunc", "PyFuncStateless"}
    np.testing.assert_allclose(next(iter(loaded(x).values())), expected, atol=1e-6)


REPLICAS = """
import numpy as np, tensorflow as tf, keras
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from rnn_apps.layers import Bidirectional, LSTM
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
x = np.random.default_rng(0).normal(0, 1, (40, 15, 6)).astype("f")
mask = np.arange(15) < np.random.default_rng(1).integers(0, 16, 40)[:, None]
with strategy.scope():
    keras.utils.set_random_seed(0)
    layer = Bidirectional(LSTM(24, return_sequences=True))
    layer.build(x.shape)
def step(x, mask):
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(x, mask=mask, training=True) ** 2)
    gradients = tape.gradient(loss, [v.value for v in layer.trainable_variables])
    context = tf.distribute.get_replica_context()
    return [context.all_reduce("SUM", gradient) for gradient in gradients] if context else gradients
@tf.function
def on_two(x, mask):
    return strategy.run(step, args=(x, mask))
def distributed(value):
    halves = np.split(value, 2)
    return strategy.experimental_distribute_values_from_function(
        lambda c: tf.constant(halves[c.replica_id_in_sync_group]))
first = None
for _ in range(5):
    result = [np.array(strategy.experimental_local_results(g)[0]) for g in on_two(distributed(x), distributed(mask))]
    first = first or result
    assert all((a == b).all() for a, b in zip(first, result))
with tf.GradientTape() as tape:
    loss = tf.reduce_sum(layer(tf.constant(x), mask=mask, training=True) ** 2)
variables = [strategy.experimental_local_results(v.value)[0] for v in layer.trainable_variables]
for a, b in zip(first, tape.gradient(loss, variables)):
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)
print("same")
"""


def test_two_replicas_at_once(run_python):
    result = run_python(REPLICAS, TF_CPP_MIN_LOG_LEVEL="3")
    assert result.stdout.strip() == "same", result.stderr


@pytest.mark.parametrize("make", [lambda: LSTM(4), lambda: Bidirectional(GRU(4)), lambda: Deep([LSTM(4)])])
@pytest.mark.parametrize("dtype", ["int32", "int64", "bool", "float64", "float16"])
def test_numbers_of_every_kind_are_taken(make, dtype):
    layer = make()
    given = np.random.default_rng(0).integers(0, 2, (2, 5, 3)).astype(dtype)
    np.testing.assert_allclose(layer(given), layer(given.astype("float32")), atol=1e-6)


@pytest.mark.parametrize("sequences", [False, True])
def test_wrappers_of_keras_take_our_layers(sequences):
    given = np.random.default_rng(0).normal(size=(2, 5, 3)).astype("float32")
    theirs = keras.layers.Bidirectional(GRU(4, return_sequences=sequences))
    ours = Bidirectional(GRU(4, return_sequences=sequences))
    expected = theirs(given)
    ours.build(given.shape)
    ours.set_weights(theirs.get_weights())
    np.testing.assert_allclose(ours(given), expected, atol=1e-6)
    shape = keras.layers.TimeDistributed(ours)(np.stack([given] * 3, axis=1)).shape
    assert tuple(shape) == (2, 3, *expected.shape[1:])


def test_options_that_choose_how_keras_computes_change_nothing():
    given = np.random.default_rng(0).normal(size=(2, 5, 3)).astype("float32")
    plain, told = LSTM(4), LSTM(4, unroll=True, implementation=1, use_cudnn=False, stateful=False)
    plain.build(given.shape)
    told.build(given.shape)
    told.set_weights(plain.get_weights())
    np.testing.assert_array_equal(told(given), plain(given))


def test_state_that_is_kept_between_batches_is_refused():
    with pytest.raises(ConfigError, match="give the states to the next batch as initial_state"):
        GRU(4, stateful=True)


def test_a_wrapper_of_lower_precision():
    given = np.random.default_rng(0).normal(size=(2, 5, 3)).astype("float32")
    layer = Bidirectional(LSTM(4), dtype="mixed_float16")
    found = layer(given)
    assert keras.backend.standardize_dtype(found.dtype) == "float16"
    plain = Bidirectional(LSTM(4))
    plain.build(given.shape)
    plain.set_weights(layer.get_weights())
    np.testing.assert_allclose(found, plain(given), atol=5e-3)
