"""Inputs that stand more than once, against looking at each pair of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_apps.data.doubles import NOTHING, contradictions, digest, seen

inputs = st.lists(st.integers(0, 6), max_size=12)


@given(inputs, st.lists(inputs, max_size=3))
def test_what_is_seen_is_in_some_part(valid, train):
    found = seen(np.array(valid, np.uint64), [np.array(part, np.uint64) for part in train])
    assert found == sum(any(own in part for part in train) for own in valid if own != NOTHING)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 3)), max_size=12))
def test_contradictions_are_those_of_all_pairs(rows):
    count, places = contradictions(
        np.array([own for own, _ in rows], np.uint64), np.array([label for _, label in rows], np.int32)
    )
    pairs = [
        (i, j)
        for j in range(len(rows))
        for i in range(j)
        if rows[i][0] == rows[j][0] != NOTHING and rows[i][1] != rows[j][1]
    ]
    assert count == len({rows[j][0] for _, j in pairs})
    if places is None:
        assert not pairs
    else:
        assert places in pairs
        assert places[1] == min(j for _, j in pairs)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("a text", " a text\n"),
        (["two", "words"], ("two", "words")),
        (np.arange(4.0), np.arange(4.0)),
        ("\ud800", "\ud800"),
    ],
)
def test_the_same_input_has_the_same_digest(first, second):
    assert digest(first) == digest(second) != NOTHING


def test_other_inputs_have_others():
    texts = ["a text", "a  text", "A text", ["a", "text"], ["atext"], np.zeros(3), np.ones(3), ""]
    assert len({digest(text) for text in texts}) == len(texts)
    assert digest(None) == NOTHING
