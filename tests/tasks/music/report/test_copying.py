"""Copies are found, in any key, and nothing else: against a search by brute force."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_apps.tasks.music.report.copying import shared_passages
from rnn_apps.tasks.music.sample import pieces
from rnn_apps.tasks.music.scores.piece import KEYS, Piece


def roll(chords, low=40):
    """A piece of frames that are sets of small numbers."""
    frames = np.zeros((len(chords), KEYS), np.uint8)
    for time, chord in enumerate(chords):
        frames[time, [low + key for key in chord]] = 1
    return Piece("roll", frames, frames_per_quarter=1, articulated=False)


def passage(chords):
    """A passage in no key: the keys of its frames, counted from the lowest of the first."""
    return [{key - min(chords[0]) for key in chord} for chord in chords]


def brute_force(chords, collection, length):
    """Which frames lie in passages of `length` that occur in the collection; the longest length that occurs."""

    def occurs(start, size):
        return any(
            passage(chords[start : start + size]) == passage(other[place : place + size])
            for other in collection
            for place in range(len(other) - size + 1)
        )

    longest = max(
        (size for size in range(1, len(chords) + 1) for start in range(len(chords) - size + 1) if occurs(start, size)),
        default=0,
    )
    copied = np.zeros(len(chords), bool)
    for start in range(len(chords) - length + 1):
        if occurs(start, length):
            copied[start : start + length] = True
    return longest, copied.mean()


some_chords = st.lists(st.sets(st.integers(0, 3), min_size=1, max_size=2), min_size=1, max_size=12)


@given(some_chords, st.lists(some_chords, min_size=1, max_size=3), st.integers(1, 4), st.integers(0, 30))
def test_as_by_brute_force(chords, collection, length, low):
    (found,) = shared_passages([roll(chords, low)], [roll(other) for other in collection], length)
    assert found == pytest.approx(brute_force(chords, collection, length))


def test_a_transposed_piece_is_a_copy_of_itself():
    sample = [piece for piece in pieces() if piece.metre == (4, 4)]
    moved = [Piece(piece.name, np.roll(piece.frames, 5, axis=1), 4) for piece in sample]
    for shared, piece in zip(shared_passages(moved, sample), sample, strict=True):
        assert shared == (len(piece.frames) / 4, 1.0)


def test_a_passage_does_not_go_on_in_the_next_piece():
    first, second = [{0}, {1}, {2}], [{3}, {5}, {6}]
    (found,) = shared_passages([roll([*first, *second])], [roll(first), roll(second)], 3)
    assert found == (3, 1.0)


def test_rests_belong_to_a_passage():
    (found,) = shared_passages([roll([{0}, set(), {2}])], [roll([{1}, set(), {3}]), roll([{1}, {1}, {3}])], 3)
    assert found == (3, 1.0)
    (found,) = shared_passages([roll([{0}, set(), {2}])], [roll([{1}, set(), {4}])], 3)
    assert found == (2, 0.0)


def test_nothing_is_copied_from_nothing_alike():
    (found,) = shared_passages([roll([{0, 4, 7}, {0, 3, 7}])], [roll([{0}, {1}, {2}])], 1)
    assert found == (0, 0.0)


def test_a_piece_shorter_than_the_passage_shares_none():
    (found,) = shared_passages([roll([{0}])], [roll([{0}, {1}])], 4)
    assert found == (1, 0.0)
