"""What was made before goes on working: saved models of every task."""

import pytest

import rnn_apps

SHIPPED = [
    "digits",
    "music",
    "ner",
    "ner-zh",
    "sentiment",
    "sentiment-zh",
    "translation",
    "translation-zh-en",
]


@pytest.mark.parametrize("name", SHIPPED)
def test_a_model_saved_before_answers_and_gives_its_keras_model(name):
    model = rnn_apps.load(name)
    assert len(model.predict(list(model.task.example_inputs)[:1])) == 1
    keras_model = model.keras_model()
    assert keras_model.count_params() == model.bundle.facts["parameters"]
