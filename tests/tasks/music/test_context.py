import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rnn_apps.tasks.music.context import (
    BEFORE,
    END,
    IN_SIGNATURE,
    IS_TONIC,
    LOOKBACKS,
    OPEN,
    PLACE_SIZE,
    SO_FAR,
    Context,
    canonical,
    encode_frames,
    frame_tokens,
    token_frame,
    transpose,
    without_tonality,
)
from rnn_apps.tasks.music.scores.piece import HELD, KEYS, LOWEST_PITCH, SILENT, STRUCK
from rnn_apps.tasks.music.scores.tonality import Tonality


@st.composite
def rolls(draw, articulated=None):
    """Frames, uint8 (time, 88), in which only what sounded is held."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    length, low, high = draw(st.integers(1, 40)), draw(st.integers(0, 60)), draw(st.integers(62, KEYS))
    frames = np.zeros((length, KEYS), np.uint8)
    frames[:, low:high] = rng.random((length, high - low)) < draw(st.sampled_from([0.0, 0.05, 0.3]))
    if draw(st.booleans()) if articulated is None else articulated:
        sounded = (frames[1:] != SILENT) & (frames[:-1] != SILENT)
        frames[1:][sounded & (rng.random(sounded.shape) < 0.5)] = HELD
    return frames


@given(rolls())
def test_a_frame_is_its_keys_from_the_top_down_and_a_mark(frames):
    for frame in frames:
        tokens = frame_tokens(frame)
        assert tokens[-1] == END
        keys = [(token - 2) % KEYS for token in tokens[:-1]]
        assert keys == sorted(keys, reverse=True)
        np.testing.assert_array_equal(token_frame(tokens), frame)


@given(rolls())
def test_every_token_of_a_piece_is_legal_where_it_comes(frames):
    context = Context(16)
    for frame in frames:
        for token in frame_tokens(frame):
            assert context.legal(articulated=True)[token - 1]
            context.push(token)


def test_what_is_legal():
    context = Context(4)
    for token in [2 + 50, 2 + 40, END, 90 + 50]:
        context.push(token)
    legal = context.legal(articulated=True)
    assert legal[0]
    assert np.flatnonzero(legal[1:89]).tolist() == list(range(50)), "lower keys may be struck"
    assert np.flatnonzero(legal[89:]).tolist() == [40], "of those that sounded, the lower one may be held"
    np.testing.assert_array_equal(context.legal(articulated=False), legal[:89])


@given(rolls(), st.integers(1, 20))
def test_the_model_is_shown_the_past_and_nothing_else(frames, bar):
    arrays = encode_frames(frames, bar)
    sounding = frames != SILENT
    assert arrays["targets"].tolist() == [token for frame in frames for token in frame_tokens(frame)]
    np.testing.assert_array_equal(arrays["tokens"], [END, *arrays["targets"][:-1]])
    assert arrays["place"].shape == (len(arrays["tokens"]), PLACE_SIZE)
    for time, keys in zip(arrays["frames"], arrays["keys"], strict=True):
        for bit, back in enumerate(LOOKBACKS, 2):
            expected = sounding[time - back] if back <= time else np.zeros(KEYS, bool)
            np.testing.assert_array_equal(keys >> bit & 1, expected)
    first = np.flatnonzero(np.diff(arrays["frames"], prepend=-1))
    assert not (arrays["keys"][first] & SO_FAR).any()
    assert (arrays["keys"][first] & OPEN != 0).all()
    # a change in a frame changes nothing that is shown up to it
    other = frames.copy()
    other[-1] = SILENT
    changed = encode_frames(other, bar)
    known = int((arrays["frames"] < len(frames) - 1).sum()) + 1
    for name in ("tokens", "keys", "place", "end", "voice", "before"):
        np.testing.assert_array_equal(arrays[name][:known], changed[name][:known])


@given(rolls(), st.integers(-12, 12), st.none() | st.builds(Tonality, st.integers(0, 11), st.booleans()))
def test_transposing_an_encoded_piece_is_encoding_the_transposed_piece(frames, semitones, key):
    keys = np.flatnonzero(frames.any(axis=0))
    lowest, highest = (keys[0], keys[-1]) if len(keys) else (0, 0)
    semitones = int(np.clip(semitones, -lowest, KEYS - 1 - highest))
    moved = np.roll(frames, semitones, axis=1)
    its = key and Tonality((key.tonic + semitones) % 12, key.minor)
    expected = encode_frames(moved, 16, tonality=its)
    found = transpose(encode_frames(frames, 16, tonality=key), semitones)
    assert expected.keys() == found.keys()
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)
        assert found[name].dtype == expected[name].dtype


@given(rolls(), st.integers(0, 11), st.booleans())
def test_the_key_stands_in_every_row_and_can_be_hidden(frames, tonic, minor):
    plain, told = encode_frames(frames, 16), encode_frames(frames, 16, tonality=Tonality(tonic, minor))
    bits = told["keys"] & (IN_SIGNATURE | IS_TONIC)
    assert (bits == bits[0]).all()
    assert ((bits[0] & IS_TONIC != 0) == ((np.arange(KEYS) + LOWEST_PITCH) % 12 == tonic)).all()
    for name, array in without_tonality(told).items():
        np.testing.assert_array_equal(array, plain[name])
        assert array.dtype == plain[name].dtype


def test_the_voice_of_the_frame_before():
    frames = np.zeros((2, KEYS), np.uint8)
    frames[0, [30, 45]] = STRUCK
    frames[1, [31, 44, 20]] = STRUCK
    arrays = encode_frames(frames, 4)
    second = arrays["frames"] == 1
    assert arrays["voice"][second].tolist() == [1, 2, 3, 4]
    assert arrays["before"][second].tolist() == [46, 31, 0, 0]
    assert np.flatnonzero(arrays["keys"][second][0] & BEFORE).tolist() == [30, 45]


def test_articulation_is_added_and_left_out():
    frames = np.array([[1, 0], [1, 1], [0, 1]], np.uint8)
    assert canonical(frames, articulated=False, wanted=True).tolist() == [[1, 0], [2, 1], [0, 2]]
    assert canonical(np.array([[1], [2]], np.uint8), articulated=True, wanted=False).tolist() == [[1], [1]]
    assert canonical(np.array([[1], [1]], np.uint8), articulated=True, wanted=True).tolist() == [[1], [1]]


def test_the_end_is_shown_where_it_is_known_and_near():
    frames = np.zeros((100, KEYS), np.uint8)
    assert not encode_frames(frames, 16)["end"].any()
    near, nearest = encode_frames(frames, 16, knows_end=True)["end"].T
    np.testing.assert_allclose(near, np.maximum(1 - (100 - np.arange(100)) / 64, 0), atol=1e-6)
    assert np.flatnonzero(nearest).tolist() == list(range(93, 100))
    assert near.dtype == np.float32


@given(rolls(), st.integers(1, 5))
def test_on_a_finer_grid_the_model_is_shown_the_same(frames, quarters):
    coarse = encode_frames(frames, 4 * quarters, knows_end=True)
    fine = encode_frames(np.repeat(frames, 3, axis=0), 12 * quarters, knows_end=True, frames_per_quarter=12)
    first = np.flatnonzero(np.diff(coarse["frames"], prepend=-1))
    same = [np.flatnonzero(fine["frames"] == 3 * time)[0] for time in range(len(frames))]
    for name in ("place", "end"):
        np.testing.assert_allclose(fine[name][same], coarse[name][first], atol=1e-5)
    for bit in range(3, 2 + len(LOOKBACKS)):  # the first is the frame before
        np.testing.assert_array_equal(fine["keys"][same] >> bit & 1, coarse["keys"][first] >> bit & 1)
