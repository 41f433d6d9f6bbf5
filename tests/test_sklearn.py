"""The estimator goes where scikit-learn's go."""

import pickle
import re

import numpy as np
import pytest

from rnn_apps.errors import ConfigError, DataError

pytest.importorskip("sklearn", reason='needs the extra "train"')

from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import check_estimator

from rnn_apps.sklearn import TextClassifier

TEXTS = ["a fine film", "dull and long", "I loved it", "what a bore"] * 25
LABELS = ["good", "bad", "good", "bad"] * 25
CONFIG = {
    "model": {"units": 8, "layers": 1, "embedding": 8},
    "training": {"epochs": 4, "batch_size": 16, "learning_rate": 0.02},
    "data": {"vocabulary_size": 300},
}


@pytest.fixture(scope="module")
def fitted():
    return TextClassifier(CONFIG).fit(TEXTS, LABELS)


def test_it_learns_and_answers(fitted):
    assert fitted.classes_.tolist() == ["bad", "good"]
    assert fitted.predict(["I loved it", "dull and long"]).tolist() == ["good", "bad"]
    probabilities = fitted.predict_proba(TEXTS[:4])
    assert probabilities.shape == (4, 2)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)
    assert fitted.score(TEXTS, LABELS) == 1.0
    assert fitted.n_iter_ <= 4
    assert fitted.predict([]).shape == (0,)


@pytest.mark.parametrize("labels", [[3, 10, 3, 10], [True, False, True, False], [1.0, 2.0, 1.0, 2.0]])
def test_labels_come_back_as_what_they_were(labels):
    found = TextClassifier({**CONFIG, "training": {"epochs": 1}}).fit(TEXTS, labels * 25).predict(TEXTS[:2])
    assert set(found.tolist()) <= set(labels)
    assert found.dtype == np.asarray(labels).dtype


def test_it_can_be_copied_and_saved(fitted):
    copy = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(copy.predict_proba(TEXTS[:4]), fitted.predict_proba(TEXTS[:4]))
    again = clone(fitted)
    assert again.get_params() == fitted.get_params()
    with pytest.raises(NotFittedError):
        again.predict(TEXTS)


def test_it_stands_in_pipelines_and_searches():
    short = {**CONFIG, "training": {**CONFIG["training"], "epochs": 2}}
    lower = FunctionTransformer(lambda texts: [text.lower() for text in texts])
    pipeline = Pipeline([("lower", lower), ("classifier", TextClassifier(short))])
    scores = cross_val_score(pipeline, np.array(TEXTS), np.array(LABELS), cv=2)
    assert scores.shape == (2,)
    assert scores.min() > 0.4
    half = [(np.arange(50), np.arange(50, 100))]
    search = GridSearchCV(pipeline, {"classifier__random_state": [1, 2]}, cv=half)
    search.fit(np.array(TEXTS), np.array(LABELS))
    assert search.best_params_["classifier__random_state"] in (1, 2)


def test_the_checks_of_scikit_learn_pass():
    with pytest.warns(UserWarning, match="Can't test estimator TextClassifier which requires input  of type"):
        check_estimator(TextClassifier(CONFIG), on_skip=None)


def test_what_pandas_holds_is_taken(fitted):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"text": TEXTS[:4]})
    expected = fitted.predict(TEXTS[:4]).tolist()
    assert fitted.predict(frame["text"]).tolist() == fitted.predict(frame[["text"]]).tolist() == expected


@pytest.mark.parametrize(
    ("texts", "labels", "message"),
    [
        ("one", ["a"], "Expected several texts in a list"),
        (["a", "b"], ["x"], "Expected a label for each of the 2 texts"),
        ([["a", "b"], ["c", "d"]], ["x", "y"], "Received an array of the shape (2, 2)"),
        (["a", "b", "c", "d"], ["x"] * 4, "Expected at least two classes"),
        (["a", "", "c", "d"] * 9, ["x", "y"] * 18, "the text is empty"),
        (["a", 3, "c", "d"], ["x", "y"] * 2, "Input 2 is of the type int"),
    ],
)
def test_bad_input_is_told(texts, labels, message):
    with pytest.raises(DataError, match=re.escape(message)):
        TextClassifier(CONFIG).fit(texts, labels)


def test_bad_settings_are_told():
    with pytest.raises(ConfigError, match="units"):
        TextClassifier({"model": {"unit": 3}}).fit(TEXTS, LABELS)
