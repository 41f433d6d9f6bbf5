"""How sure a translation is: fitted to what was right, said with every answer, and a warning where it is low."""

import numpy as np
import pytest

import rnn_apps
from rnn_apps.tasks.translation.confidence import DOUBTFUL, Confidence


def test_it_is_fitted_to_how_often_a_score_was_good():
    rng = np.random.default_rng(0)
    scores = rng.normal(-2, 2, 5000)
    good = rng.random(5000) < 1 / (1 + np.exp(-(1.5 + 0.8 * scores)))
    found = Confidence.fit(scores, good)
    assert (found.offset, found.slope) == (pytest.approx(1.5, abs=0.15), pytest.approx(0.8, abs=0.08))
    assert found.of_scores(scores).mean() == pytest.approx(good.mean(), abs=0.01)
    assert Confidence.of(found.as_calibration()) == found
    assert Confidence.of({}) is None


@pytest.mark.parametrize("good", [True, False])
def test_where_all_are_alike_it_is_flat(good):
    found = Confidence.fit(np.array([-1.0, -2.0]), np.array([good, good]))
    assert found.slope == 0
    assert (found.of_scores(np.array(-5.0)) > 0.5) == good


def test_a_doubtful_sentence_carries_a_warning_with_its_own_words():
    model = rnn_apps.load("translation")
    sure, doubtful = model.predict(["The train is late.", "Notwithstanding heretofore 12345 whereupon."])
    assert sure.confidence > 0.5
    assert sure.warnings == []
    assert doubtful.confidence < DOUBTFUL
    assert any("12345" in warning and "probably translated badly" in warning for warning in doubtful.warnings)
    (both,) = model.predict(["The train is late. Notwithstanding heretofore 12345 whereupon."])
    assert both.confidence == pytest.approx(doubtful.confidence, abs=1e-6)


def test_what_was_searched_otherwise_is_as_sure():
    model = rnn_apps.load("translation")
    text = ["The train is late."]
    first, second = (model.predict(text, length_penalty=own)[0] for own in (1.0, 0.5))
    assert first.translation == second.translation
    assert first.confidence == pytest.approx(second.confidence, abs=1e-6)
