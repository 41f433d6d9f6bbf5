"""What one may give to `predict`: each has one obvious meaning, or is refused."""

import numpy as np
import pytest

from rnn_apps.errors import DataError
from rnn_apps.inference.predictor import as_inputs


def test_one_text_is_one_input():
    assert as_inputs("Paris") == ["Paris"]


@pytest.mark.parametrize(
    "given",
    [
        ["a", "b"],
        ("a", "b"),
        np.array(["a", "b"]),
        np.array(["a", "b"], object),
        (text for text in "ab"),
        iter(["a", "b"]),
    ],
    ids=["list", "tuple", "array", "objects", "generator", "iterator"],
)
def test_what_has_an_order_is_taken_in_it(given):
    found = as_inputs(given)
    assert found == ["a", "b"]
    assert all(type(text) is str for text in found)


def test_pandas():
    pandas = pytest.importorskip("pandas")
    assert as_inputs(pandas.Series(["a", "b"], index=[5, 7])) == ["a", "b"]
    with pytest.raises(DataError, match=r"give one column, such as table\['review'\]"):
        as_inputs(pandas.DataFrame({"review": ["a"]}))


@pytest.mark.parametrize("given", [{"a": 1}, {"a"}, b"a", None, 7], ids=["mapping", "set", "bytes", "None", "number"])
def test_what_has_no_obvious_meaning_is_refused(given):
    with pytest.raises(DataError, match="Expected a list of inputs"):
        as_inputs(given)


def test_every_task_takes_one_text_as_one(sentiment_model):
    import rnn_apps

    for name in (sentiment_model, "ner", "translation"):
        assert len(rnn_apps.load(name).predict("Paris")) == 1
