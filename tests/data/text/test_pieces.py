"""Pieces of words: text comes back as it was, and each piece knows its place."""

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_apps.data.text.pieces import BLANK, UNKNOWN, PieceTokenizer, join_pieces

TEXTS = [
    "the dog sees the small dogs .",
    "It's 3.50 (or so), isn't it? \"Yes!\"",
    "你好，世界。我们看见小狗。",
    "l'été, ça y est !",
] * 4


@pytest.fixture(scope="module")
def pieces():
    return PieceTokenizer.train(TEXTS, 400)


def back(pieces, text):
    return join_pieces(pieces.tokens(pieces.encode_batch([text])[0]))


@pytest.mark.parametrize("text", TEXTS[:4])
def test_known_text_comes_back(pieces, text):
    assert back(pieces, text) == text


known = st.text(sorted({character for text in TEXTS for character in text}), max_size=60).map(
    lambda text: " ".join(unicodedata.normalize("NFC", text).split())
)


@given(known)
def test_any_text_of_known_characters_comes_back(pieces, text):
    assert back(pieces, text) == text


@given(st.text(max_size=60).map(lambda text: " ".join(text.split())))
def test_places_follow_each_other_and_hold_what_the_pieces_say(pieces, text):
    ids, spans = pieces.offsets(text)
    assert len(ids) == len(spans)
    assert all(start <= end for start, end in spans)
    assert all(first[1] <= second[1] for first, second in pairwise(spans))
    for token, number, (start, end) in zip(pieces.tokens(ids), ids, spans, strict=True):
        if number != UNKNOWN and text.isascii():
            assert text[start:end] == token.replace(BLANK, "")


def test_neighbouring_unknown_characters_are_one_piece(pieces):
    ids, spans = pieces.offsets("the Привет dog")
    place = list(ids).index(UNKNOWN)
    assert list(ids).count(UNKNOWN) == 1
    assert spans[place] == (4, 10)


def test_characters_of_chinese_and_signs_stand_alone(pieces):
    assert pieces.tokens(pieces.encode_batch(["你好，dog."])[0])[-1] == "."
    assert {"你", "好", "，"} <= {t.removeprefix(BLANK) for t in pieces.tokens(pieces.encode_batch(["你好，dog."])[0])}


def test_special_pieces_that_somebody_writes_are_text(pieces):
    assert not set(pieces.encode_batch(["</s> <s> <pad>"])[0].tolist()) & {0, 2, 3}


def test_case_and_size():
    lower = PieceTokenizer.train(["A B C a b c"] * 4, 300, lowercase=True)
    assert back(lower, "A b C") == "a b c"
    assert PieceTokenizer.train(TEXTS, 120).vocabulary_size <= 120


def test_saving(pieces, tmp_path):
    pieces.save(tmp_path / "pieces.json")
    again = PieceTokenizer.load(tmp_path / "pieces.json")
    for text in TEXTS:
        assert again.encode_batch([text])[0].tolist() == pieces.encode_batch([text])[0].tolist()
