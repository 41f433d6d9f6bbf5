import keras
import numpy as np
import pytest

from rnn_apps.inspection.records import read_records
from rnn_apps.layers import GRU, LSTM, Bidirectional, Deep
from rnn_apps.training.measuring import gate_statistics
from rnn_apps.training.recording import MOST_ROWS, Recording
from training.small import values


def test_a_long_training_keeps_rows_from_its_beginning_to_its_end():
    recording = Recording()
    for step in range(20_000):
        recording.take(float(step), float(step % 2), np.full((3, 1), step))
    steps = [row[0] for row in recording.rows]
    assert MOST_ROWS / 2 <= len(steps) <= MOST_ROWS
    assert steps[0] == 1
    assert steps[-1] > 20_000 - recording.every
    assert set(np.diff(steps)) == {recording.every}
    assert [row[1] for row in recording.rows] == [step - 1 for step in steps]
    assert np.mean([row[2] for row in recording.rows[1:]]) == pytest.approx(0.5, abs=0.01)


def test_norms_and_updates_are_those_of_the_layers(trainer):
    seen = []
    note = keras.callbacks.LambdaCallback(
        on_train_batch_begin=lambda batch, logs: seen.append(values(run.model.trainable_variables)),
    )
    run = trainer(callbacks=[note], epochs=1, clipping={"kind": "global_norm", "threshold": 0.05})
    run.fit()
    recording, layers = run.recording, run.step.norms.layers
    assert [row[0] for row in recording.rows] == list(range(1, len(seen) + 1, 2))
    first, second = seen[:2]
    names = [variable.path.rpartition("/")[0] for variable in run.model.trainable_variables]
    before, after, ratio = np.array(recording.rows[0][3])
    for place, layer in enumerate(layers):
        own = [(old, new) for old, new, name in zip(first, second, names, strict=True) if name == layer]
        change = np.sqrt(sum(np.square(new - old).sum() for old, new in own))
        size = np.sqrt(sum(np.square(old).sum() for old, _ in own))
        assert ratio[place] == pytest.approx(change / size, rel=1e-3)
    assert np.sqrt(np.square(after).sum()) == pytest.approx(0.05, rel=1e-3)
    np.testing.assert_allclose(before / np.linalg.norm(before), after / np.linalg.norm(after), rtol=1e-3)
    assert recording.rows[0][2] == 1.0


def test_it_is_saved_and_read(trainer, tmp_path):
    run = trainer(epochs=1)
    run.fit()
    run.recording.save(tmp_path, run.step.norms.layers)
    found = read_records(tmp_path)
    assert found.steps.tolist() == [row[0] for row in run.recording.rows]
    assert found.before.shape == found.after.shape == found.update_ratio.shape == (len(found.steps), len(found.layers))
    assert {name.split(": ")[1] for name in found.gates} == {"update", "relevance"}
    assert found.saturated.shape == (len(found.epochs), len(found.gates))
    assert read_records(tmp_path / "elsewhere") is None


def test_saturation_and_dead_units_are_those_of_the_layers_own_gates():
    keras.utils.set_random_seed(3)
    x = keras.Input((None, 3), name="x")
    deep = Deep([Bidirectional(LSTM(5, return_sequences=True)), GRU(4, return_sequences=True)])
    model = keras.Model({"x": x}, {"y": deep(x)})
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(0, 2, weight.shape) for weight in model.get_weights()])
    gru = deep.layers[1]
    kernel, recurrent, bias = gru.get_weights()
    kernel[:, :2], recurrent[:, :2], bias[:, :2] = 0, 0, 100  # two units that keep what they have: nothing
    gru.set_weights([kernel, recurrent, bias])
    rows = rng.normal(size=(4, 6, 3)).astype(np.float32)
    saturated, dead = gate_statistics(model, {"x": rows})
    assert dead[gru.path] == 0.5
    expected = deep(rows, gates=True)[-1]
    for layer, gates in (
        (deep.layers[0].forward_layer, expected[0]["forward"]),
        (deep.layers[0].backward_layer, expected[0]["backward"]),
        (gru, expected[1]),
    ):
        for name, found in gates.items():
            if name != "candidate":
                share = ((np.asarray(found) < 0.1) | (np.asarray(found) > 0.9)).mean()
                assert saturated[f"{layer.path}: {name}"] == pytest.approx(share, abs=1e-6)
