"""A text in another language is told by what its words cost; one in the same hardly ever."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_apps.data.text.subwords import SubwordTokenizer
from rnn_apps.data.text.wording import LENGTHS, SHORT, Wording, parts_of_texts, words_of
from rnn_apps.tasks.sentiment import sample

GERMAN = "Das Zimmer war überhaupt nicht sauber, aber die Aussicht auf das Gebirge hat uns dafür entschädigt."


@pytest.fixture(scope="module")
def learnt():
    texts = [text for _, text in sample.examples()]
    tokenizer = SubwordTokenizer.train(texts, 2000, True)
    return Wording.fit(texts[:3000], tokenizer.lengths, subwords=True), tokenizer.lengths, texts[3000:]


def test_the_same_language_is_usual_and_another_is_not(learnt):
    wording, cost, others = learnt
    assert sum(wording.is_unusual(text, cost) for text in others) <= 0.01 * len(others)
    assert wording.is_unusual(GERMAN, cost)
    assert "another language" in wording.warnings(GERMAN, cost)[0]


def test_a_few_words_are_unusual_for_their_letters(learnt):
    wording, cost, others = learnt
    assert wording.is_unusual("Überhaupt nicht sauber", cost)
    assert not wording.is_unusual("The hotel was gripping", cost)
    shortest = [" ".join(text.split()[:count]) for text in others for count in SHORT]
    assert sum(wording.is_unusual(text, cost) for text in shortest) <= 0.005 * len(shortest)


def test_a_word_is_never_unusual_and_few_words_not_where_no_subwords_are_counted(learnt):
    wording, cost, others = learnt
    assert not wording.is_unusual("Entschädigungen", cost)
    assert not wording.is_unusual("", cost)
    assert not Wording.fit(others, cost).is_unusual("Überhaupt nicht sauber", cost)


def test_few_texts_teach_nothing():
    wording = Wording.fit(["a b c d"] * 20, lambda parts: [len(part) for part in parts])
    assert wording.limits == {}
    assert not wording.is_unusual(GERMAN, len)


def test_it_is_written_and_read(learnt):
    wording, _, _ = learnt
    again = Wording.of(json.loads(json.dumps(wording.as_json())))
    assert (again.limits, again.short) == (wording.limits, wording.short)
    assert set(wording.short) == set(SHORT)
    assert set(wording.limits) <= set(LENGTHS)


@given(st.lists(st.text("ab ,北", max_size=120)))
def test_short_texts_are_looked_at_together(texts):
    parts = list(parts_of_texts(texts))
    counts = [sum(1 for _ in words_of(part)) for part in parts]
    assert all(count >= LENGTHS[-1] for count in counts[:-1])
    assert sum(counts) == sum(sum(1 for _ in words_of(text)) for text in texts)


@given(st.integers(4, 60), st.integers(1, 3))
def test_words_are_counted_and_ideographs_too(count, cost_of_a_word):
    wording = Wording({4: 1.5, 10: 1.5, 40: 1.5})

    def cost(parts):
        return [cost_of_a_word * len(part.split()) for part in parts]

    assert wording.is_unusual(" ".join(["word"] * count), cost) == (cost_of_a_word > 1.5)
    ideographs = "".join(random.Random(count).choices("天地玄黄宇宙洪荒", k=count))
    assert wording.is_unusual(ideographs, lambda parts: [cost_of_a_word * len(part) for part in parts]) == (
        cost_of_a_word > 1.5
    )
