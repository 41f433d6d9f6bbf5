"""The built-in sample: deterministic, strict, and with names that are not one thing only."""

from collections import defaultdict

from rnn_apps.data.text.tags import read_spans, write_tags
from rnn_apps.tasks.ner.sample import COUNT, EXAMPLES, sentences


def test_sentences_are_different_and_strict():
    sample = sentences()
    assert len({sentence.tokens for sentence in sample}) == len(sample) == COUNT
    for sentence in sample:
        assert write_tags(read_spans(sentence.tags), len(sentence.tags), "BIO") == list(sentence.tags)


def test_names_are_unambiguous_only_in_context():
    types = defaultdict(set)
    for sentence in sentences():
        for token, tag in zip(sentence.tokens, sentence.tags, strict=True):
            types[token].add(tag.removeprefix("B-").removeprefix("I-"))
    assert types["Jordan"] >= {"PER", "LOC", "ORG"}
    assert types["May"] >= {"PER", "DATE"}
    assert "O" in types["orange"]
    assert {kind for kinds in types.values() for kind in kinds} == {"O", "PER", "LOC", "ORG", "DATE"}


def test_examples_are_no_training_sentences():
    texts = {" ".join(sentence.tokens) for sentence in sentences()}
    assert not texts & set(EXAMPLES)
