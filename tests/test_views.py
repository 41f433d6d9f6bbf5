import io
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image as Pillow

import rnn_apps
from rnn_apps.inference.predictor import Prediction
from rnn_apps.task import Task, find_task
from rnn_apps.views import Bars, DrawingInput, InputView, Spans, Text, TextInput, write_png


@given(arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=20)))
def test_a_grey_png_reads_back_as_it_was_written(pixels):
    image = Pillow.open(io.BytesIO(write_png(pixels)))
    assert image.mode == "L"
    np.testing.assert_array_equal(np.asarray(image), pixels)


@given(arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=20).map(lambda shape: (*shape, 3))))
def test_a_coloured_png_reads_back_as_it_was_written(pixels):
    image = Pillow.open(io.BytesIO(write_png(pixels)))
    assert image.mode == "RGB"
    np.testing.assert_array_equal(np.asarray(image), pixels)


def test_a_task_that_says_nothing_takes_a_text_and_shows_json():
    class Answer(Prediction):
        word: str

    (view,) = Task.views(find_task("sentiment"), "given", Answer(word="schön"))
    assert isinstance(view, Text)
    assert json.loads(view.text) == {"word": "schön"}
    assert "schön" in view.text
    assert Task.input_view(find_task("sentiment"), None) == InputView(given=TextInput())


@pytest.mark.parametrize("name", ["sentiment", "digits"])
def test_a_class_is_shown_as_bars_with_the_likeliest_first(name):
    model = rnn_apps.load(name)
    example = model.task.example_inputs[0]
    (prediction,) = model.predict([example])
    (view,) = model.task.views(example, prediction)
    assert isinstance(view, Bars)
    assert next(iter(view.probabilities)) == prediction.label
    assert list(view.probabilities.values()) == sorted(prediction.probabilities.values(), reverse=True)


@pytest.mark.parametrize(
    "sentence", ["Ada Lovelace lived in London.", ["Ada", "Lovelace", "lived", "in", "London", "."]]
)
def test_entities_are_shown_where_they_stand(sentence):
    model = rnn_apps.load("ner")
    (prediction,) = model.predict([sentence])
    (view,) = model.task.views(sentence, prediction)
    assert isinstance(view, Spans)
    assert [view.text[span.start : span.end] for span in view.spans] == [entity.text for entity in prediction.entities]
    assert "London" in [view.text[span.start : span.end] for span in view.spans]


def test_the_pad_has_the_size_and_the_ink_of_the_model():
    bundle = rnn_apps.load("digits").bundle
    assert find_task("digits").input_view(bundle).given == DrawingInput((8, 8), full_ink=16.0, margin=0)
