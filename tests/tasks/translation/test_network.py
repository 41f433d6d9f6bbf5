"""The network: step by step it is what was trained, in Keras and in ONNX, and padding is not seen."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from rnn_apps.config import load_config
from rnn_apps.export import SharedWeights, save_onnx
from rnn_apps.inference.probabilities import log_softmax
from rnn_apps.inference.session import Session
from rnn_apps.tasks.translation.config import TranslationConfig
from rnn_apps.tasks.translation.network import TranslationNetwork

SMALL = {"units": 6, "embedding": 5, "attention_units": 7, "encoder_layers": 2}
BATCH = {
    "source": np.array([[5, 6, 7, 3], [8, 3, 0, 0], [3, 0, 0, 0]], np.int32),
    "target_in": np.array([[2, 5, 6, 9, 9], [2, 7, 8, 0, 0], [2, 4, 0, 0, 0]], np.int32),
}


def network(joint=False, **settings):
    keras.utils.set_random_seed(3)
    config = load_config(TranslationConfig, values={"model": SMALL | settings})
    source, target = (SimpleNamespace(vocabulary_size=size) for size in (11, 11 if joint else 13))
    processor = SimpleNamespace(source=source, target=target, joint=joint)
    model = TranslationNetwork().build(config, processor)
    rng = np.random.default_rng(4)
    for weight in model.weights:
        weight.assign(rng.normal(scale=0.7, size=weight.shape))
    return model


KINDS = {
    "GRU, additive": {},
    "LSTM, multiplicative": {"cell": "lstm", "score": "multiplicative"},
    "one vocabulary": {"joint": True},
    "GRU, input feeding": {"input_feeding": True},
    "LSTM, input feeding": {"cell": "lstm", "score": "multiplicative", "input_feeding": True},
}


@pytest.fixture(scope="module", params=KINDS)
def saved(request, tmp_path_factory):
    """(the trained model, its encoder and step as ONNX sessions, the folder)."""
    model = network(**KINDS[request.param])
    folder = tmp_path_factory.mktemp("graphs")
    weights = SharedWeights(folder / "weights.bin")
    for graph in TranslationNetwork().graphs(model):
        assert save_onnx(graph.model, folder / f"{graph.name}.onnx", graph.probe(BATCH), False, weights) < 1e-5
    return model, Session(folder / "encoder.onnx"), Session(folder / "step.onnx"), folder


def logits_of(model):
    """(batch, T, tokens), with zeros where the target is padding."""
    real = BATCH["target_in"] != 0
    found = np.asarray(model(BATCH)["logits"])
    assert len(found) == real.sum()
    logits = np.zeros((*real.shape, found.shape[1]), np.float32)
    logits[real] = found
    return logits


def states_of(outputs, prefix="state_"):
    return {name.removeprefix("next_"): value for name, value in outputs.items() if name.startswith(prefix)}


def test_steps_are_the_trained_model(saved):
    model, encoder, step, _ = saved
    logits = logits_of(model)
    encoded = encoder.run(BATCH)
    states = {name: value[:, None] for name, value in states_of(encoded).items()}
    memory = {name: encoded[name] for name in ("memory", "memory_keys")}
    for t in range(5):
        given = {"token": BATCH["target_in"][:, t : t + 1], "source": BATCH["source"]}
        outputs = step.run(given | memory | states)
        states = states_of(outputs, "next_state_")
        real = BATCH["target_in"][:, t] != 0
        expected = log_softmax(logits[real, t])
        np.testing.assert_allclose(outputs["log_probabilities"][real, 0], expected, atol=1e-4)
        np.testing.assert_allclose(outputs["attention"].sum(axis=2), 1.0, atol=1e-5)
        assert not outputs["attention"][BATCH["source"][:, None] == 0].any()


def test_hypotheses_do_not_see_each_other(saved):
    _, encoder, step, _ = saved
    encoded = encoder.run(BATCH)
    rng = np.random.default_rng(5)
    states = {
        name: rng.normal(size=(3, 4, value.shape[1])).astype(np.float32) for name, value in states_of(encoded).items()
    }
    tokens = rng.integers(3, 11, (3, 4)).astype(np.int32)
    memory = {name: encoded[name] for name in ("memory", "memory_keys")} | {"source": BATCH["source"]}
    together = step.run({"token": tokens} | memory | states)
    alone = step.run({"token": tokens[:, 2:3]} | memory | {name: value[:, 2:3] for name, value in states.items()})
    for name, value in together.items():
        np.testing.assert_allclose(value[:, 2:3], alone[name], atol=1e-5)


def test_a_sentence_in_a_batch_is_the_sentence_alone(saved):
    model, encoder, _, _ = saved
    together, alone = encoder.run(BATCH), encoder.run({"source": BATCH["source"][1:2, :2]})
    np.testing.assert_allclose(together["memory"][1, :2], alone["memory"][0], atol=1e-5)
    for name in states_of(alone):
        np.testing.assert_allclose(together[name][1], alone[name][0], atol=1e-5)
    cut = {"source": BATCH["source"][1:2, :2], "target_in": BATCH["target_in"][1:2, :3]}
    np.testing.assert_allclose(model(cut)["logits"], logits_of(model)[1, :3], atol=1e-5)


def test_the_two_graphs_share_their_weights(saved):
    model, _, _, folder = saved
    graph_bytes = sum((folder / f"{name}.onnx").stat().st_size for name in ("encoder", "step"))
    large = sum(int(np.prod(weight.shape)) * 4 for weight in model.weights if np.prod(weight.shape) * 4 >= 1024)
    assert (folder / "weights.bin").stat().st_size < 1.3 * large + 4096
    assert graph_bytes < 60_000


def test_one_vocabulary_is_one_table():
    assert network(joint=True).count_params() < network().count_params()
    names = [layer.name for layer in network(joint=True).layers]
    assert "target_table" in names
    assert "source_table" not in names


@pytest.mark.parametrize("input_feeding", [False, True])
def test_a_model_can_be_taken_apart_again_after_saving(tmp_path, input_feeding):
    model = network(input_feeding=input_feeding)
    TranslationNetwork().graphs(model)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    np.testing.assert_allclose(again(BATCH)["logits"], model(BATCH)["logits"], atol=1e-6)
    probes = [graph.probe(BATCH) for graph in TranslationNetwork().graphs(again)]
    assert probes[1]["token"].shape == (3, 3)
