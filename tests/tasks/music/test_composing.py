import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_apps.errors import ConfigError, DataError
from rnn_apps.tasks.music.composing import Composer, Request, compose, describe_degeneration, tonality_for
from rnn_apps.tasks.music.context import BEFORE, IN_SIGNATURE, IS_TONIC
from rnn_apps.tasks.music.processor import MusicProcessor
from rnn_apps.tasks.music.scores.piece import HELD, KEYS, LOWEST_PITCH, SILENT, STRUCK, Note, Piece, frames_of
from rnn_apps.tasks.music.scores.tonality import Tonality


class Chance:
    """A model that knows nothing: logits from the token before alone."""

    def __init__(self, articulated):
        self.table = np.random.default_rng(0).normal(size=(300, 1 + KEYS * (1 + articulated))).astype(np.float32)
        self.table[:, 0] += 3.5  # END, or a frame would have many keys

    def run(self, arrays):
        return {"logits": self.table[arrays["tokens"]], "final_0": arrays["initial_0"]}


def composer(articulated=True, bar=16):
    processor = MusicProcessor(articulated, 4, 100.0, (4, 4), 0, {"initial_0": 1})
    return Composer(Chance(articulated), processor, bar)


def composed(wish, articulated=True):
    return np.stack(list(compose(composer(articulated), wish)))


def melody(articulated=True):
    notes = [Note(60, 0, 4), Note(60, 4, 6), Note(67, 6, 9), Note(64, 12, 20), Note(48, 0, 20)]
    return Piece("melody", frames_of(notes, 20), articulated=articulated)


wishes = st.builds(
    Request,
    frames=st.integers(1, 40),
    temperature=st.sampled_from([0.5, 1.0, 2.0]),
    top_k=st.integers(0, 5),
    top_p=st.sampled_from([0.5, 0.9, 1.0]),
    seed=st.integers(0, 2**32),
)


@given(wishes, st.booleans())
def test_a_seed_gives_the_same_music_of_the_length_that_is_wanted(wish, articulated):
    frames = composed(wish, articulated)
    np.testing.assert_array_equal(composed(wish, articulated), frames)
    assert (frames.dtype, frames.shape) == (np.uint8, (wish.frames, KEYS))
    assert frames[0].any(), "it begins at once"
    assert (frames[0] != HELD).all()
    assert not ((frames[1:] == HELD) & (frames[:-1] == SILENT)).any(), "only what sounds is held"


def test_another_seed_gives_other_music():
    assert (composed(Request(40, seed=1)) != composed(Request(40, seed=2))).any()


@given(st.integers(0, 99), st.booleans(), st.booleans())
def test_a_primer_comes_first_as_it_is(seed, articulated, primer_articulated):
    primer = Piece("primer", melody().frames[:9], articulated=primer_articulated)
    frames = composed(Request(30, seed=seed, primer=primer), articulated)
    assert len(frames) == 30
    np.testing.assert_array_equal(frames[:9] != SILENT, primer.frames != SILENT)
    if primer_articulated:
        np.testing.assert_array_equal(frames[:9], primer.frames)
    assert not ((frames[1:] == HELD) & (frames[:-1] == SILENT)).any()


def test_what_follows_a_primer_follows_from_it():
    """The composer is in the state in which a piece that began so would be."""
    whole = composed(Request(30, seed=3))
    one, other = composer(), composer()
    list(one.follow(whole[:20]))
    for _ in compose(other, Request(20, seed=3)):
        pass
    for name, value in one.context.row().items():
        np.testing.assert_array_equal(value, other.context.row()[name], err_msg=name)


@given(st.integers(0, 99), st.booleans(), st.booleans())
def test_a_melody_is_kept_note_for_note_and_is_the_highest_voice(seed, articulated, melody_articulated):
    given_melody = melody(melody_articulated)
    frames = composed(Request(seed=seed, melody=given_melody, temperature=2.0), articulated)
    assert len(frames) == len(given_melody.frames)
    voice = given_melody.frames.copy()
    voice[:12, 48 - LOWEST_PITCH] = voice[12:, 48 - LOWEST_PITCH] = SILENT
    tops = [np.flatnonzero(row) for row in voice]
    for frame, top, row in zip(frames, tops, voice, strict=True):
        if len(top):
            assert np.flatnonzero(frame).max() == top.max()
            if melody_articulated:
                assert frame[top.max()] == row[top.max()]


def test_a_rest_of_the_melody_lets_the_harmony_go_on_below_it():
    alone = Piece("", frames_of([Note(67, 0, 4), Note(64, 12, 16)], 16))
    rests = np.concatenate([composed(Request(seed=seed, melody=alone))[4:12] for seed in range(5)])
    assert (rests[:, 67 - LOWEST_PITCH :] == SILENT).all()
    assert rests.any()


@pytest.mark.parametrize(
    ("key", "triad"), [("C", {0, 4, 7}), ("a", {9, 0, 4}), ("F#", {6, 10, 1}), ("Bb minor", {10, 1, 5})]
)
def test_music_from_nothing_begins_in_its_key(key, triad):
    scale = Tonality.named(key).scale
    for seed in range(5):
        frames = composed(Request(40, seed=seed, key=key))
        classes = [set((np.flatnonzero(frame) + LOWEST_PITCH) % 12) for frame in frames]
        assert classes[0] <= triad
        assert set().union(*classes[:32]) <= set(scale)
    assert set().union(*classes[32:]) - set(scale), "then it is free"


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (Request(0), "at least one frame"),
        (Request(9, temperature=0.0), "temperature"),
        (Request(9, top_p=2.0), "top_p"),
        (Request(9, tempo=0.0), "a tempo of 10 to 1000"),
        (Request(9, primer=melody(), melody=melody()), "Received both"),
        (Request(40, primer=melody(), key="C"), "has its own"),
        (Request(20, primer=melody()), r"melody lasts 2\.5 s .* was to last 2\.5 s"),
        (Request(20, primer=Piece("p", melody().frames, frames_per_quarter=2)), "p has 2 frames in a quarter note"),
        (Request(20, primer=Piece("p", melody().frames[:0])), "p has no frame"),
    ],
)
def test_wishes_that_cannot_be_fulfilled(wish, message):
    with pytest.raises((ConfigError, DataError), match=message):
        wish.check(4)


def test_memory_does_not_grow_with_the_length():
    frames = compose(composer(), Request(2000))
    for _ in range(300):
        next(frames)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(500):
        next(frames)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 20_000


def test_what_is_odd_is_said():
    busy = np.zeros((200, KEYS), np.uint8)
    busy[np.arange(200), np.random.default_rng(0).integers(0, KEYS, 200)] = STRUCK
    assert describe_degeneration(Piece("", busy)) == ""
    assert "silence alone" in describe_degeneration(Piece("", np.zeros((9, KEYS), np.uint8)))
    silent = busy.copy()
    silent[100:] = SILENT
    assert describe_degeneration(Piece("", silent)) == "The model fell silent after 12.5 s."
    looped = np.concatenate([busy[:72], np.tile(busy[100:116], (8, 1))])
    assert "From 9.0 s on the model repeats 1 bars again and again" in describe_degeneration(Piece("", looped))
    stuck = np.concatenate([busy[:72], np.tile(busy[:1], (128, 1))])
    assert "repeats" in describe_degeneration(Piece("", stuck))


@given(st.integers(0, 99))
def test_notes_are_repeated_on_a_beat_where_two_others_change(seed):
    plain = composed(Request(60, seed=seed, restrike=False, temperature=0.7), articulated=False)
    again = composed(Request(60, seed=seed, temperature=0.7), articulated=False)
    np.testing.assert_array_equal(plain != SILENT, again != SILENT)
    for time in range(len(plain)):
        held = plain[time] == HELD
        changed = (plain[time] == STRUCK).sum()
        expected = np.where(held & (time % 4 == 0) & (changed >= 2), STRUCK, plain[time])
        np.testing.assert_array_equal(again[time], expected)


def test_a_model_that_tells_notes_apart_repeats_them_itself():
    np.testing.assert_array_equal(composed(Request(60, seed=1)), composed(Request(60, seed=1, restrike=False)))


class Holding:
    """A model that draws what sounded before, and something else only where it must."""

    def run(self, arrays):
        logits = np.zeros((*arrays["tokens"].shape, 1 + KEYS), np.float32)
        logits[..., 0] = 50
        logits[..., 1:] += (100 + 20 * np.arange(KEYS)) * (arrays["keys"] & BEFORE != 0)
        return {"logits": logits, "final_0": arrays["initial_0"]}


@pytest.mark.parametrize("primer", [(60, 64, 67), (60,), ()])
def test_no_chord_and_no_rest_is_longer_than_any_that_was_met(primer):
    def runs(longest_chord):
        processor = MusicProcessor(False, 4, 100.0, (4, 4), 0, {"initial_0": 1}, longest_chord=longest_chord)
        given = Piece("", frames_of([Note(pitch, 0, 3) for pitch in primer], 3), articulated=False)
        frames = np.stack(list(compose(Composer(Holding(), processor, 16), Request(40, primer=given)))) != SILENT
        changes = np.flatnonzero((frames[1:] != frames[:-1]).any(axis=1)) + 1
        return np.diff([0, *changes, 40]).tolist()

    assert runs(0.0) == [40]
    assert runs(2.0) == [8] * 5


MAJOR_AND_MINOR = [3, 1, *[0] * 22]  # keys of the training pieces: C major and C minor
TUNE = Piece("", frames_of([Note(62 + step, 2 * n, 2 * n + 2) for n, step in enumerate((0, 2, 4, 5, 7, 4, 0))], 14))


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (Request(40, key="f#"), Tonality(6, True)),
        (Request(40, primer=TUNE), Tonality(2, False)),
        (Request(melody=TUNE), Tonality(2, False)),
    ],
)
def test_the_key_that_a_model_is_told(request_, expected):
    processor = MusicProcessor(True, 4, 100.0, (4, 4), 0, {}, tonalities=MAJOR_AND_MINOR)
    assert tonality_for(request_, processor) == expected
    assert tonality_for(request_, MusicProcessor(True, 4, 100.0, (4, 4), 0, {})) is None


def test_music_from_nothing_is_in_a_key_of_the_training_pieces():
    processor = MusicProcessor(True, 4, 100.0, (4, 4), 0, {}, tonalities=MAJOR_AND_MINOR)
    found = [tonality_for(Request(40, seed=seed), processor) for seed in range(400)]
    assert 260 < found.count(Tonality(0, False)) < 340
    assert found.count(Tonality(0, False)) + found.count(Tonality(0, True)) == 400
    assert found == [tonality_for(Request(40, seed=seed), processor) for seed in range(400)]
    silent = Piece("", np.zeros((8, KEYS), np.uint8))
    assert tonality_for(Request(40, primer=silent), processor) in found


def test_a_composer_shows_the_model_its_key_all_along():
    shown = []

    class Watching(Chance):
        def run(self, arrays):
            shown.append(arrays["keys"][0, 0])
            return super().run(arrays)

    processor = MusicProcessor(True, 4, 100.0, (4, 4), 0, {"initial_0": 1}, tonalities=MAJOR_AND_MINOR)
    key = Tonality.named("a")
    list(compose(Composer(Watching(True), processor, 16, 40, key), Request(40)))
    classes = (np.arange(KEYS) + LOWEST_PITCH) % 12
    for keys in shown:
        assert set(classes[keys & IN_SIGNATURE != 0]) == {0, 2, 4, 5, 7, 9, 11}
        assert set(classes[keys & IS_TONIC != 0]) == {9}


@pytest.mark.parametrize("sees_end", [True, False])
def test_a_composer_shows_the_model_its_end_if_it_knows_the_input(sees_end):
    shown = []

    class Watching(Chance):
        def run(self, arrays):
            shown.append(arrays.get("end"))
            return super().run(arrays)

    processor = MusicProcessor(True, 4, 100.0, (4, 4), 0, {"initial_0": 1}, sees_end)
    list(compose(Composer(Watching(True), processor, 16, length=70), Request(70)))
    assert all((array is not None) == sees_end for array in shown)
    if sees_end:
        assert shown[0].tolist() == [[[0.0, 0.0]]]
        assert shown[-1].tolist() == [[[1 - 1 / 64, 1 - 1 / 8]]]


def resting_composer():
    processor = MusicProcessor(False, 4, 100.0, (4, 4), 0, {"initial_0": 1}, True, cadences=1.0)
    return Composer(Chance(False), processor, 16, 80)


@pytest.mark.parametrize("right", [0, 5, 99])
def test_the_last_bars_are_drawn_until_they_rest_on_the_tonic(right, monkeypatch):
    tried = []

    def judge(frames, classes):
        tried.append(frames)
        return len(tried) > right

    monkeypatch.setattr("rnn_apps.tasks.music.composing.rests_on_tonic", judge)
    frames = np.stack(list(compose(resting_composer(), Request(80, seed=4))))
    plain = composed(Request(80, seed=4), articulated=False)
    np.testing.assert_array_equal(frames[:48], plain[:48])
    assert [len(own) for own in tried] == [32] * min(right + 1, 16)
    assert len({own.tobytes() for own in tried}) == len(tried)
    np.testing.assert_array_equal(frames[48:], tried[right] if right < 16 else tried[0])  # where none does, the first


def test_a_piece_rests_on_the_tonic_of_all_that_was_heard(monkeypatch):
    found = []
    monkeypatch.setattr(
        "rnn_apps.tasks.music.composing.rests_on_tonic", lambda frames, classes: found.append(classes) or True
    )
    frames = np.stack(list(compose(resting_composer(), Request(80, seed=4))))
    counts = np.bincount((np.nonzero(frames)[1] + LOWEST_PITCH) % 12, minlength=12)
    np.testing.assert_array_equal(found[0], counts)


@pytest.mark.parametrize("wish", [Request(seed=1, melody=melody()), Request(20, seed=1)])
def test_a_melody_and_a_piece_of_two_bars_end_as_they_come(wish, monkeypatch):
    monkeypatch.setattr("rnn_apps.tasks.music.composing.rests_on_tonic", lambda *_: pytest.fail("it was judged"))
    assert len(list(compose(resting_composer(), wish))) == 20
