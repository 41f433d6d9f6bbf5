import json

import numpy as np
import pytest

import rnn_apps

TEXTS = ["The film was not dull, it was gripping.", "dull", "The room was dirty, " * 20]


def probabilities(folder):
    return np.array([list(p.probabilities.values()) for p in rnn_apps.load(folder).predict(TEXTS)])


def test_an_export_answers_as_the_model_does_and_is_smaller(rnnapps, sentiment_model, tmp_path, files_below):
    result = rnnapps("export", sentiment_model)
    assert result.status == 0, result
    assert result.stdout == "opinion-onnx\n"
    np.testing.assert_array_equal(probabilities(tmp_path / "opinion-onnx"), probabilities(sentiment_model))
    assert "opinion-onnx/model.keras" not in files_below(tmp_path)
    facts = json.loads((tmp_path / "opinion-onnx" / "bundle.json").read_text())
    assert facts["exported"] == {"from": "opinion", "format": "onnx", "quantize": None}


def test_eight_bits_give_nearly_the_same_answers(rnnapps, sentiment_model, tmp_path):
    result = rnnapps("export", sentiment_model, "--quantize", "int8", "--output", "small")
    assert result.status == 0, result
    np.testing.assert_allclose(probabilities(tmp_path / "small"), probabilities(sentiment_model), atol=0.05)
    assert "was not measured" in (tmp_path / "small" / "README.md").read_text()
    assert rnnapps("models").status == 0


def size(folder):
    return sum(path.stat().st_size for path in folder.iterdir() if path.suffix in (".onnx", ".bin"))


@pytest.mark.parametrize("name", ["sentiment", "ner", "translation", "music", "digits"])
def test_eight_bits_never_make_a_model_larger(rnnapps, tmp_path, name):
    assert rnnapps("export", name, "--output", "plain").status == 0
    assert (
        rnnapps("export", tmp_path / "plain", "--quantize", "int8", "--output", "small").status == 0
    )  # an export, too
    assert size(tmp_path / "small") < 0.75 * size(tmp_path / "plain")


def test_what_eight_bits_cost_is_measured_on_data(rnnapps, sentiment_model, reviews, tmp_path):
    result = rnnapps("export", sentiment_model, "--quantize", "int8", "--output", "small", "--data", reviews)
    assert result.status == 0, result
    measured = rnn_apps.load(tmp_path / "small").bundle.manifest["metrics"]
    evaluated = json.loads(rnnapps("evaluate", tmp_path / "small", "--data", reviews, "--json").stdout)["metrics"]
    assert measured == pytest.approx(evaluated)
    assert f" | {measured['accuracy']:.4f} |" in (tmp_path / "small" / "README.md").read_text()


def test_an_export_has_no_keras_model_and_says_whose_it_is(rnnapps, sentiment_model, tmp_path):
    assert rnnapps("export", sentiment_model, "--output", "plain").status == 0
    result = rnnapps("export", tmp_path / "plain", "--format", "saved_model")
    assert result.status == 2
    assert "is an export: it holds what prediction needs, and no Keras model. Take the model" in result.stderr
    assert "('opinion')" in result.stderr


def test_tensorflow_serves_a_saved_model(rnnapps, sentiment_model, tmp_path):
    tf = pytest.importorskip("tensorflow")
    result = rnnapps("export", sentiment_model, "--format", "saved_model", "--output", "served")
    assert result.status == 0, result
    model = rnn_apps.load(sentiment_model)
    tokens = next(model.predictor.processor.encode_inputs(TEXTS[:1]))["tokens"][None]
    served = tf.saved_model.load(str(tmp_path / "served" / "saved_model"))
    found = served.serve({"tokens": tf.constant(tokens)})["logits"].numpy()
    np.testing.assert_allclose(found, model.predictor.session.run({"tokens": tokens})["logits"], atol=1e-4)


def test_an_export_that_exists_is_refused_unless_it_may_be_replaced(rnnapps, sentiment_model, files_below, tmp_path):
    assert rnnapps("export", sentiment_model).status == 0
    before = files_below(tmp_path)
    result = rnnapps("export", sentiment_model)
    assert (result.status, result.stdout) == (2, "")
    assert "exists" in result.stderr
    assert rnnapps("export", sentiment_model, "--overwrite").status == 0
    assert files_below(tmp_path) == before


def test_what_does_not_go_together_is_told(rnnapps, sentiment_model):
    result = rnnapps("export", sentiment_model, "--format", "saved_model", "--quantize", "int8")
    assert result.status == 2
    assert "--quantize int8 is for --format onnx" in result.stderr
