"""Tokens and sentences of raw text: where they are cut, and that their offsets are those of the text."""

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_apps.data.text.normalisation import normalise, remove_invisible
from rnn_apps.data.text.tokens import split_sentences, tokenize


def words(text, **options):
    return [token.text for token in tokenize(text, **options)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The U.S. didn't pay.", "The|U.S.|did|n't|pay|."),
        ("John's 1-0 win, on 1996-08-22!", "John|'s|1-0|win|,|on|1996-08-22|!"),
        ("Mr. O'Neill of AT&T (an Anglo-American).", "Mr.|O'Neill|of|AT&T|(|an|Anglo-American|)|."),
        ("北京 has 3.5m 人。", "北|京|has|3.5m|人|。"),
        ("J. Smith paid $5...", "J.|Smith|paid|$|5|..."),
        ("😀Anna👍🏽 👨\u200d👩\u200d👧 🇩🇪🇫🇷", "😀|Anna|👍🏽|👨\u200d👩\u200d👧|🇩🇪|🇫🇷"),
        ("सीता आज दिल्ली में है ।", "सीता|आज|दिल्ली|में|है|।"),
        ("السَّلَامُ عَلَيْكُمْ שָׁלוֹם ภาษาที่", "السَّلَامُ|عَلَيْكُمْ|שָׁלוֹם|ภาษาที่"),
        ("Mu\u0308ller's Sie\u00admens\u00ad \u200cBerlin \ufeff", "Mu\u0308ller|'s|Sie\u00admens|Berlin"),
        ("می\u200cخواهم Ｊｏｈｎ　Ｓｍｉｔｈ", "می\u200cخواهم|Ｊｏｈｎ|Ｓｍｉｔｈ"),
        ("", ""),
    ],
)
def test_tokens(text, expected):
    assert words(text) == [word for word in expected.split("|") if word]


def test_single_characters():
    assert words("王 A1。", single_characters=True) == ["王", "A", "1", "。"]


@given(st.text(max_size=60), st.booleans())
def test_offsets_and_nothing_lost(text, single):
    tokens = tokenize(text, single)
    assert all(text[token.start : token.end] == token.text for token in tokens)
    assert all(not after.start < before.end for before, after in pairwise(tokens))
    seen = remove_invisible("".join(token.text for token in tokens))
    assert seen.replace("\u200d", "") == remove_invisible("".join(text.split())).replace("\u200d", "")
    bounds = list(split_sentences(text, tokens))
    assert [start for start, _ in bounds] + [len(tokens)] * bool(bounds) == [0] * bool(bounds) + [e for _, e in bounds]


MIXED = st.text(
    st.sampled_from("aÅé.ü ~\u0301\u0327\u0308\u200d\u200c\u00ad\ufeff\ufe0f👨👩가\u1100\u1161\u11a8सी्か゛"),
    max_size=12,
)


@given(MIXED | st.text(max_size=12), st.booleans())
def test_canonically_equal_texts_have_the_same_tokens(text, single):
    forms = [unicodedata.normalize(form, text) for form in ("NFC", "NFD")]
    first, second = (
        [unicodedata.normalize("NFC", word) for word in words(form, single_characters=single)] for form in forms
    )
    assert first == second


@given(MIXED | st.text(max_size=20))
def test_every_normalised_character_knows_where_it_was(text):
    normalised, starts, ends = normalise(text)
    assert len(normalised) == len(starts) == len(ends)
    assert all(0 <= start < end <= len(text) for start, end in zip(starts, ends, strict=True))
    assert list(starts) == sorted(starts)
    for character, start, end in zip(normalised, starts, ends, strict=True):
        base = unicodedata.normalize("NFD", character)[0]
        if not unicodedata.combining(base) and base != "\u200d":  # marks on one letter may change places
            assert base in unicodedata.normalize("NFD", text[start:end])


def test_half_a_character_is_no_reason_to_fail():
    assert words("a\ud83d\u00adb") == ["a", "\ud83d", "b"]


def sentences(text):
    tokens = tokenize(text)
    return [" ".join(token.text for token in tokens[start:end]) for start, end in split_sentences(text, tokens)]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Anna left. Peter stayed.", 2),
        ('He said "no." Then he left.', 2),
        ("Mr. Smith of the U.S. Army paid 3.5 dollars.", 1),
        ("one line\nanother", 2),
        ("他来了。她走了！好吗？", 3),
        ("Wait... what?", 1),
    ],
)
def test_sentences(text, count):
    assert len(sentences(text)) == count
