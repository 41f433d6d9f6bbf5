"""Entities that were met in training, told from new ones without keeping any."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import rnn_apps
from rnn_apps.data.readers.tagged import TaggedSentence
from rnn_apps.evaluation import evaluate_in_detail
from rnn_apps.inference.familiarity import Familiar


@given(st.lists(st.lists(st.text(max_size=4), min_size=1, max_size=3), max_size=20), st.lists(st.text(), max_size=3))
def test_it_knows_what_it_was_made_of(entities, other):
    found = Familiar.of(entities)
    assert all(map(found.knows, entities))
    assert found.knows(other) == (other in entities)


def test_words_are_told_from_their_parts():
    found = Familiar.of([["New", "York"]])
    assert not found.knows(["NewYork"])
    assert not found.knows(["New"])
    assert not Familiar.of([]).knows(["New"])


def test_it_is_saved_and_joined(tmp_path):
    first, second = Familiar.of([["a"], ["b"]]), Familiar.of([["b"], ["c"]])
    both = first.joined(second)
    both.save(tmp_path)
    loaded = Familiar.load(tmp_path)
    np.testing.assert_array_equal(loaded.digests, both.digests)
    assert [loaded.knows([own]) for own in "abcd"] == [True, True, True, False]
    assert Familiar.load(tmp_path / "nowhere") is None


def test_an_evaluation_says_how_new_names_do():
    model = rnn_apps.load("ner")
    sentences = [
        TaggedSentence(
            ("Anna", "Zyrgonova", "lives", "in", "London", "."),
            ("B-PER", "I-PER", "O", "O", "B-LOC", "O"),
        ),
        TaggedSentence(("Nothing", "happened", "."), ("O", "O", "O")),
    ]
    found = evaluate_in_detail(model, sentences)
    assert found.familiarity["met in training"][2] == 1
    assert found.familiarity["new"][2] == 1
    totals = np.array(list(found.familiarity.values())).sum(axis=0)
    assert totals.tolist() == np.array(list(found.groups.values())).sum(axis=0).tolist()
    assert found.as_dict()["familiarity"]["new"]["support"] == 1
    assert "Met in training, or new" in [table.title for table in found.tables()]
    metrics = model.measure()[1]
    metrics.familiar = None
    assert metrics.by_familiarity(found.judgements, found.inputs) == {}


def test_a_task_without_names_says_nothing(sentiment_model, reviews):
    model = rnn_apps.load(sentiment_model)
    found = evaluate_in_detail(model, model.task.read([reviews]))
    assert found.familiarity == {}
    assert "familiarity" not in found.as_dict()
    assert found.judgements
