"""Phrases are found in pairs of a small grammar, where it is known what translates what."""

import json
import re

import numpy as np
import pytest

from rnn_apps.data.readers.parallel import SentencePair
from rnn_apps.tasks.translation.config import TranslationConfig
from rnn_apps.tasks.translation.phrases import Phrases
from rnn_apps.tasks.translation.processor import TranslationProcessor

NOUNS = dict(
    zip(
        ["house", "dog", "tree", "car", "friend", "bird", "book", "street"],
        ["bako", "delu", "firo", "gamo", "helu", "jiro", "kamo", "lelu"],
        strict=True,
    )
)
COLOURS = dict(
    zip(
        ["red", "green", "black", "white", "old", "new"],
        ["runa", "gruna", "bluna", "wuna", "anta", "nova"],
        strict=True,
    )
)
VERBS = dict(zip(["sees", "likes", "finds", "sells"], ["vidi", "ami", "trovi", "vendi"], strict=True))


def sentences(count):
    """`the` is no word of the other language, and an adjective stands behind its noun there."""
    rng = np.random.default_rng(0)
    for _ in range(count):
        (first, one), (second, two) = (list(NOUNS.items())[n] for n in rng.integers(len(NOUNS), size=2))
        (colour, shade), (verb, act) = (list(own.items())[rng.integers(len(own))] for own in (COLOURS, VERBS))
        yield SentencePair(f"The {first} {verb} the {colour} {second}.", f"{one.capitalize()} {act} {two} {shade}.")


@pytest.fixture(scope="module")
def pairs():
    return list(sentences(10_000))


@pytest.fixture(scope="module")
def phrases(pairs):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rnn_apps.tasks.translation.phrases._COMMON", 1)  # of so few words
        return Phrases.learn(pairs)


def test_words_and_phrases_are_found(phrases):
    found = {pair.source: pair.target for pair in phrases.pool}
    for word, said in {**NOUNS, **COLOURS, **VERBS}.items():
        assert found[word] == said
    assert found["red house"] == "bako runa"
    assert found["sees the black dog"] == "vidi delu bluna"
    assert "sees the" not in found


def test_no_phrase_has_a_sign_or_the_capital_of_a_beginning(phrases):
    assert not any(re.search(r"[.A-Z]", pair.source + pair.target) for pair in phrases.pool)


def test_they_stand_among_the_pairs(phrases, pairs):
    among = list(phrases.among(pairs))
    given = {(pair.source, pair.target) for pair in pairs}
    more = [pair for pair in among if (pair.source, pair.target) not in given]
    assert len(pairs) * 0.1 < len(more) < len(pairs) * 0.3
    assert [pair for pair in among if (pair.source, pair.target) in given] == pairs
    assert any(pair.source.startswith("The ") and not pair.source.endswith(".") for pair in more)
    assert list(phrases.among(pairs)) == among


def test_they_come_back_from_json(phrases, pairs):
    again = Phrases.of(json.loads(json.dumps(phrases.as_json())))
    assert list(again.among(pairs)) == list(phrases.among(pairs))


@pytest.mark.parametrize(
    "pairs",
    [list(sentences(200)), [SentencePair("我有书。", "I have a book.")] * 10_000],
    ids=["few pairs", "no blanks between words"],
)
def test_there_are_none(pairs):
    phrases = Phrases.learn(pairs)
    assert (list(phrases.pool), list(phrases.among(pairs))) == ([], pairs)


@pytest.mark.parametrize("wanted", [True, False])
def test_a_processor_has_them_if_they_are_wanted(pairs, wanted):
    settings = {"data": {"phrases": wanted, "vocabulary_size": 100}}
    processor = TranslationProcessor.fit(pairs, TranslationConfig.model_validate(settings))
    again = TranslationProcessor(processor.source, processor.target, processor.facts)
    again.take_aids(json.loads(json.dumps(processor.aids())))
    assert (len(again.encode(pairs[:400], training=True)) > 400) is wanted
    assert len(again.encode(pairs[:400])) == 400
