import json

import pytest

import rnn_apps
from rnn_apps.inference.predictor import Prediction, Predictor
from rnn_apps.views import Bars, DrawingInput, InputView, Spans, Text, TextInput


def test_a_task_that_says_nothing_takes_a_text_and_shows_json():
    class Answer(Prediction):
        word: str

    (view,) = Predictor.views(None, "given", Answer(word="schön"))
    assert isinstance(view, Text)
    assert json.loads(view.text) == {"word": "schön"}
    assert "schön" in view.text
    assert Predictor.input_view(None) == InputView(given=TextInput())


@pytest.mark.parametrize("name", ["sentiment", "digits"])
def test_a_class_is_shown_as_bars_with_the_likeliest_first(name):
    model = rnn_apps.load(name)
    example = model.predictor.examples[0]
    (prediction,) = model.predict([example])
    (view,) = model.predictor.views(example, prediction)
    assert isinstance(view, Bars)
    assert next(iter(view.probabilities)) == prediction.label
    assert list(view.probabilities.values()) == sorted(prediction.probabilities.values(), reverse=True)


@pytest.mark.parametrize(
    "sentence", ["Ada Lovelace lived in London.", ["Ada", "Lovelace", "lived", "in", "London", "."]]
)
def test_entities_are_shown_where_they_stand(sentence):
    model = rnn_apps.load("ner")
    (prediction,) = model.predict([sentence])
    (view,) = model.predictor.views(sentence, prediction)
    assert isinstance(view, Spans)
    assert [view.text[span.start : span.end] for span in view.spans] == [entity.text for entity in prediction.entities]
    assert "London" in [view.text[span.start : span.end] for span in view.spans]


def test_the_pad_has_the_size_and_the_ink_of_the_model():
    predictor = rnn_apps.load("digits").predictor
    assert predictor.input_view().given == DrawingInput((8, 8), full_ink=16.0, margin=0)
