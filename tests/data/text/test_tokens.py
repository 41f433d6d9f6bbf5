"""Tokens and sentences of raw text: where they are cut, and that their offsets are those of the text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
        ("😀Anna👍🏽", "😀|Anna|👍|🏽"),
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
    assert "".join(token.text for token in tokens) == "".join(text.split())
    bounds = list(split_sentences(text, tokens))
    assert [start for start, _ in bounds] + [len(tokens)] * bool(bounds) == [0] * bool(bounds) + [e for _, e in bounds]


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
