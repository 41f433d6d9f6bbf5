import keras
import numpy as np
import pytest

from rnn_apps.errors import ExportError
from rnn_apps.export import SharedWeights, save_onnx
from rnn_apps.inference.session import Session

WIDTH = 64


@pytest.fixture
def two_models() -> tuple[keras.Model, keras.Model]:
    """Two models with one common layer, and another in the second."""
    common = keras.layers.Dense(WIDTH, activation="tanh")
    x = keras.Input((WIDTH,), name="x")
    first = keras.Model({"x": x}, {"y": common(x)})
    return first, keras.Model({"x": x}, {"z": keras.layers.Dense(WIDTH)(common(x))})


@pytest.mark.parametrize("half", [False, True])
def test_graphs_share_a_file_and_answer_as_the_models(two_models, tmp_path, half):
    probe = {"x": np.random.default_rng(0).normal(size=(3, WIDTH)).astype(np.float32)}
    for model in two_models:
        for weight in model.weights:
            weight.assign(np.asarray(weight).astype(np.float16).astype(np.float32))
    folder = tmp_path / "here"
    folder.mkdir()
    weights = SharedWeights(folder / "weights.bin")
    for name, model in zip("ab", two_models, strict=True):
        assert save_onnx(model, folder / f"{name}.onnx", probe, half, weights) < 1e-5
    matrix = WIDTH * WIDTH * (2 if half else 4)
    assert (folder / "weights.bin").stat().st_size == 2 * matrix  # the common one is there once
    assert (folder / "a.onnx").stat().st_size < matrix
    moved = folder.rename(tmp_path / "moved")
    expected = two_models[1](probe)["z"]
    np.testing.assert_allclose(Session(moved / "b.onnx").run(probe)["z"], expected, atol=1e-5)


def test_a_graph_that_differs_is_refused_with_shared_weights_too(two_models, tmp_path, monkeypatch):
    monkeypatch.setattr("rnn_apps.export.keras_model.TOLERANCE", -1.0)
    weights = SharedWeights(tmp_path / "weights.bin")
    with pytest.raises(ExportError, match="other answers"):
        save_onnx(two_models[0], tmp_path / "a.onnx", {"x": np.ones((1, WIDTH), np.float32)}, weights=weights)
