import json
import re

import numpy as np
import pytest

import rnn_apps
from rnn_apps import model as model_module
from rnn_apps.errors import ConfigError, DataError
from rnn_apps.inference.predictor import Prediction


def test_a_model_knows_its_task_and_bundle(digits_model):
    model = rnn_apps.load(str(digits_model))
    assert model.task.name == "digits"
    assert model.bundle.folder == digits_model


def test_predictions_are_typed_and_do_not_change(digits_model):
    model = rnn_apps.load(digits_model)
    (prediction,) = model.predict(model.predictor.examples[:1])
    assert isinstance(prediction, Prediction)
    with pytest.raises(AttributeError):
        prediction.label = "3"
    assert type(prediction)(**json.loads(json.dumps(prediction.model_dump()))) == prediction


def test_evaluation_streams_in_pieces(digits_model, monkeypatch):
    model = rnn_apps.load(digits_model)
    examples = list(model.task.sample())[:100]
    whole = model.evaluate(examples)
    monkeypatch.setattr(model_module, "_CHUNK", 7)
    taken = []
    pieces = model.evaluate(taken.append(n) or example for n, example in enumerate(examples))
    assert whole[0] == pieces[0] == len(taken) == 100
    assert pieces[1] == pytest.approx(whole[1])


def test_evaluating_nothing_is_told(digits_model):
    with pytest.raises(DataError, match="at least one example"):
        rnn_apps.load(digits_model).evaluate([])


def test_the_keras_model_is_ready_for_further_work(digits_model):
    keras_model = rnn_apps.load(digits_model).keras_model()
    image = {"image": np.zeros((1, 8, 8), np.float32)}
    assert keras_model(image)["logits"].shape == (1, 10)
    keras_model.compile("adam", loss={"logits": "mse"})
    keras_model.fit(image, {"logits": np.zeros((1, 10))}, verbose=0)


def test_a_model_reloaded_gives_the_same_answers(digits_model):
    first, second = rnn_apps.load(digits_model), rnn_apps.load(digits_model)
    assert first.predict(first.predictor.examples) == second.predict(second.predictor.examples)


def test_a_stream_ends_with_the_whole_prediction_and_refuses_options_as_predict_does(digits_model):
    model = rnn_apps.load(digits_model)
    (image,) = model.predictor.examples[:1]
    *_, last = model.stream(image)
    assert last == model.predict([image])[0]
    with pytest.raises(ConfigError, match="no option 'nbest'"):
        model.stream(image, nbest=2)


def test_json_is_an_input_as_it_is_unless_the_task_says_otherwise(digits_model):
    model = rnn_apps.load(digits_model)
    image = model.predictor.examples[0].tolist()
    assert model.predict([model.predictor.from_json(image)]) == model.predict([image])


def test_a_model_says_what_it_is(sentiment_model):
    model = rnn_apps.load(sentiment_model)
    facts = model.bundle.manifest
    assert repr(model).startswith(f"<Model 'opinion': sentiment, {facts['parameters']:,} parameters, accuracy ")
    assert str(sentiment_model) in repr(model)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda: rnn_apps.load(3), "the name of a saved model or its folder. Received: int."),
        (lambda: rnn_apps.load(None), "the name of a saved model or its folder. Received: NoneType."),
        (lambda: rnn_apps.train("sentiment", 5), "the path of a data file, or several. Received: int."),
        (
            lambda: rnn_apps.train("sentiment", valid=["a.tsv", 5]),
            "the path of a data file, or several. Received: int.",
        ),
        (lambda: rnn_apps.train(5), "the name of a task. Received: int."),
    ],
)
def test_an_argument_of_a_wrong_type_is_told(call, expected):
    pytest.importorskip("tensorflow")
    with pytest.raises(ConfigError, match=f"^Expected {re.escape(expected)}$"):
        call()
