"""A vocabulary that goes on to other texts: what it knew stays, what is new is written in fewer pieces."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_apps.data.text.pieces import UNKNOWN, PieceTokenizer
from rnn_apps.data.text.subwords import SubwordTokenizer

FIRST = ["the cat sat on the mat", "a cat and a hat", "the hat is on the cat"] * 4
SECOND = ["schöne größere katzen sitzen", "die schöne katze sitzt größer", "sitzen schöne hüte?"] * 4


@pytest.fixture(scope="module", params=["pieces", "bytes"])
def pair(request):
    train = PieceTokenizer.train if request.param == "pieces" else SubwordTokenizer.train
    before = train(FIRST, 60 if request.param == "pieces" else 320, True)
    return before, *before.grown(SECOND, most=40)


def test_what_was_known_keeps_its_number(pair):
    before, after, _ = pair
    names = {before._tokenizer.id_to_token(number): number for number in range(before.vocabulary_size)}
    grown = after._tokenizer.get_vocab()
    assert {name: grown[name] for name in names} == names
    assert sorted(grown.values()) == list(range(after.vocabulary_size))


def test_new_texts_are_written_in_fewer_pieces_that_are_all_known(pair):
    before, after, news = pair
    assert 0 < after.vocabulary_size - before.vocabulary_size <= 40 + 4  # and the letters ö, ß, ü, ?
    rows = [tokenizer.encode_batch(SECOND) for tokenizer in (before, after)]
    assert sum(map(len, rows[1])) < 0.7 * sum(map(len, rows[0]))
    if isinstance(before, PieceTokenizer):
        assert UNKNOWN in np.concatenate(rows[0])
        assert UNKNOWN not in np.concatenate(rows[1])
    assert news.startswith(f"{after.vocabulary_size - before.vocabulary_size} subwords, such as ")


@given(st.text(alphabet="the catmonsi öüß", max_size=30))
def test_any_text_reads_back_the_same(text):
    before = PieceTokenizer.train(FIRST, 60, True)
    after, _ = before.grown(SECOND, most=40)
    words = "".join(after.tokens(after.encode_batch([text])[0])).replace("▁", " ").split()
    assert words == text.split()


def test_a_new_piece_starts_as_the_mean_of_its_old_ones(pair):
    before, after, _ = pair
    rng = np.random.default_rng(0)
    old = rng.normal(size=(before.vocabulary_size, 3))
    vectors = np.concatenate([old, rng.normal(size=(after.vocabulary_size - len(old), 3))])
    first = vectors.copy()
    after.start_new_rows(vectors, before)
    np.testing.assert_array_equal(vectors[: len(old)], old)
    known = before._tokenizer.get_vocab().keys()
    for name, number in after._tokenizer.get_vocab().items():
        if number >= len(old) and set(name) <= known:
            parts = [token.id for token in before._tokenizer.model.tokenize(name)]
            np.testing.assert_allclose(vectors[number], old[parts].mean(axis=0))
    if isinstance(before, PieceTokenizer):  # a letter that was never seen has nothing to start from
        letter = after._tokenizer.get_vocab()["ö"]
        np.testing.assert_array_equal(vectors[letter], first[letter])


def test_nothing_new_is_nothing(pair):
    before, _, _ = pair
    after, news = before.grown([], most=10)
    assert (news, after.vocabulary_size) == ("", before.vocabulary_size)
    after, _ = before.grown(SECOND[:3], most=10, least=10**6)
    assert after.vocabulary_size - before.vocabulary_size <= 4


def test_a_vocabulary_that_fits_the_new_texts_stays_as_it_is(pair):
    before, after, _ = pair
    again, news = before.grown(FIRST * 9, most=40)
    assert (news, again.vocabulary_size) == ("", before.vocabulary_size)
    again, news = after.grown(FIRST * 9 + SECOND, most=40)
    assert (news, again.vocabulary_size) == ("", after.vocabulary_size)


def test_it_is_saved_and_loaded(pair, tmp_path):
    _, after, _ = pair
    after.save(tmp_path / "pieces.json")
    loaded = type(after).load(tmp_path / "pieces.json")
    for one, other in zip(after.encode_batch(SECOND), loaded.encode_batch(SECOND), strict=True):
        np.testing.assert_array_equal(one, other)
