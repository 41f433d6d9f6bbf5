"""What a notebook shows of models and predictions, and tables of pandas in and out."""

import pickle
import re

import pytest

import rnn_apps
from rnn_apps.errors import DataError

pandas = pytest.importorskip("pandas", reason="pandas is not installed")


@pytest.fixture(scope="module")
def model():
    return rnn_apps.load("sentiment")


def test_predictions_show_themselves(model):
    found = model.predict(["A fine film.", "Dull <b>and</b> long."])
    page = found._repr_html_()
    assert page.count('role="list"') == 2
    assert "A fine film." in page
    assert "Dull &lt;b&gt;and&lt;/b&gt; long." in page
    assert f"{found[0].probability:.1%}" in page
    assert "http" not in re.sub(r'xmlns="[^"]*"', "", page)  # works without a network


@pytest.mark.parametrize(
    ("name", "given", "shown"),
    [
        ("ner", "Anna lives in Paris.", "<mark"),
        ("translation", "Good morning.", 'class="heat"'),
        ("music", None, "<audio"),
        ("digits", None, "Probabilities"),
    ],
)
def test_every_task_shows_itself(name, given, shown):
    model = rnn_apps.load(name)
    options = {"seconds": 2} if name == "music" else {}
    inputs = [model.predictor.examples[0]] if name == "digits" else [given]
    assert shown in model.predict(inputs, **options)._repr_html_()


def test_a_long_list_is_shown_in_part(model):
    page = model.predict(["fine"] * 50)._repr_html_()
    assert page.count('role="list"') == 20
    assert "and 30 more" in page


def test_predictions_are_a_list(model):
    found = model.predict(["fine", "dull"])
    assert found == model.predictor.predict(["fine", "dull"])
    assert isinstance(found, list)
    assert pickle.loads(pickle.dumps(found)) == found
    assert model.predict([])._repr_html_()


def test_a_model_shows_its_card(model):
    page, facts = model._repr_html_(), model.bundle.manifest
    for fact in ("sentiment", f"accuracy {facts['metrics']['accuracy']:.4f}", f"{facts['parameters']:,}"):
        assert fact in page


class TestFrames:
    def test_rows_come_back_with_their_answers(self, model):
        frame = pandas.DataFrame({"id": [7, 8], "review": ["A fine film.", "Dull."]}, index=["a", "b"])
        found = model.predict_frame(frame, text="review")
        assert list(found.columns) == ["id", "review", "label", "probability", "probabilities"]
        assert list(found.index) == ["a", "b"]
        expected = model.predict(list(frame["review"]))
        assert found["label"].tolist() == [own.label for own in expected]
        assert found["probability"].tolist() == [own.probability for own in expected]
        assert list(frame.columns) == ["id", "review"]

    def test_a_column_of_the_same_name_stays(self, model):
        found = model.predict_frame(pandas.DataFrame({"text": ["fine"], "label": ["?"]}), "text")
        assert found["label"].tolist() == ["?"]
        assert found["predicted_label"].tolist() == ["positive"]

    def test_a_row_that_cannot_be_answered_is_empty_and_told(self, model):
        frame = pandas.DataFrame({"text": ["fine", "", None, float("nan"), "dull"]})
        with pytest.warns(UserWarning, match="3 of 5 rows were not answered; row 1: the text is empty"):
            found = model.predict_frame(frame)
        assert found["label"].isna().tolist() == [False, True, True, True, False]

    def test_options_reach_the_model(self):
        found = rnn_apps.load("translation").predict_frame(pandas.DataFrame({"en": ["Hello."]}), nbest=2)
        assert len(found["alternatives"][0]) == 2

    @pytest.mark.parametrize(
        ("frame", "text", "message"),
        [
            ([1], None, "Expected a pandas.DataFrame. Received: list"),
            (pandas.DataFrame({"a": [], "b": []}), None, "Which column is the input"),
            (pandas.DataFrame({"reviews": ["x"]}), "review", "Did you mean 'reviews'"),
            (pandas.DataFrame([["x", "y"]], columns=["a", "a"]), "a", "twice"),
            (pandas.DataFrame({"text": ["", ""]}), None, "None of the 2 rows can be answered. Row 0: the text is"),
        ],
    )
    def test_what_is_no_input_is_refused(self, model, frame, text, message):
        with pytest.raises(DataError, match=re.escape(message)):
            model.predict_frame(frame, text)

    def test_no_row_no_answer(self, model):
        assert len(model.predict_frame(pandas.DataFrame({"text": []}))) == 0
