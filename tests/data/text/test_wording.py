"""A text in another language is told by what its words cost; one in the same hardly ever."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_apps.data.text.subwords import SubwordTokenizer
from rnn_apps.data.text.wording import LENGTHS, Wording, parts_of_texts, words_of
from rnn_apps.tasks.sentiment import sample

GERMAN = "Das Zimmer war überhaupt nicht sauber, aber die Aussicht auf das Gebirge hat uns dafür entschädigt."


@pytest.fixture(scope="module")
def learnt():
    texts = [text for _, text in sample.examples()]
    tokenizer = SubwordTokenizer.train(texts, 2000, True)
    return Wording.fit(texts[:3000], tokenizer.lengths), tokenizer.lengths, texts[3000:]


def test_the_same_language_is_usual_and_another_is_not(learnt):
    wording, cost, others = learnt
    assert sum(wording.is_unusual(text, cost) for text in others) <= 0.01 * len(others)
    assert wording.is_unusual(GERMAN, cost)
    assert "another language" in wording.warnings(GERMAN, cost)[0]


def test_a_few_words_are_never_unusual(learnt):
    wording, cost, _ = learnt
    assert not wording.is_unusual("Überhaupt nicht entschädigt", cost)
    assert not wording.is_unusual("", cost)


def test_few_texts_teach_nothing():
    wording = Wording.fit(["a b c d"] * 20, lambda parts: [len(part) for part in parts])
    assert wording.limits == {}
    assert not wording.is_unusual(GERMAN, len)


def test_it_is_written_and_read(learnt):
    wording, _, _ = learnt
    assert Wording.of(wording.as_json()).limits == wording.limits
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
