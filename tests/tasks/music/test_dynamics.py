"""How loud music is: kept from file to file, written in one way, learnt, drawn, heard and seen."""

import io
import wave
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tasks.music.conftest import accented
from tasks.music.test_context import rolls
from tasks.music.test_likelihood import LOW, SmallKeyboard, next_frames

from rnn_apps.inference.probabilities import log_softmax
from rnn_apps.progress import tell_once
from rnn_apps.tasks.music.composing import Composer, Request
from rnn_apps.tasks.music.config import MusicConfig
from rnn_apps.tasks.music.context import (
    END,
    FIRST_LEVEL,
    Context,
    encode_frames,
    frame_tokens,
    token_frame,
    token_name,
    transpose,
)
from rnn_apps.tasks.music.processor import MusicProcessor
from rnn_apps.tasks.music.sample import pieces
from rnn_apps.tasks.music.scores.midi import midi_bytes, read_midi
from rnn_apps.tasks.music.scores.notation import musicxml_bytes
from rnn_apps.tasks.music.scores.piece import (
    HELD,
    KEYS,
    LEVELS,
    LOWEST_PITCH,
    SILENT,
    STRUCK,
    Note,
    Piece,
    frames_of,
    levels_of,
    struck,
)
from rnn_apps.tasks.music.sound.picture import draw
from rnn_apps.tasks.music.sound.synthesis import wav_bytes


def loud(frames, seed=0):
    """Frames whose struck keys have a level, one in each."""
    levels = np.random.default_rng(seed).integers(1, 1 + len(LEVELS), (len(frames), 1))
    return np.where(frames == STRUCK, HELD + levels, frames).astype(np.uint8)


def test_levels_are_told_where_they_differ():
    assert levels_of([16, 20, 80, 127]) == [1, 1, 5, 8]
    assert levels_of([90, 95]) == [0, 0], "of one level nothing is told"
    assert levels_of([]) == []
    assert [Note(60, 0, 1, level).velocity for level in (0, 1, 5, 8)] == [80, 16, 80, 126]
    mixed = Piece("x", frames_of([Note(60, 0, 1, 2), Note(64, 0, 1, 5), Note(60, 1, 2)], 3))
    assert mixed.has_dynamics
    assert mixed.levels().tolist() == [3.5, 0, 0]


@given(rolls(), st.integers(0, 9))
def test_a_frame_is_written_in_one_way_that_can_be_read(frames, seed):
    frames, context = loud(frames, seed), Context(16)
    for frame in frames:
        tokens = frame_tokens(frame, dynamics=True)
        assert (tokens[-1] == END) == (not struck(frame, True).any())
        np.testing.assert_array_equal(token_frame(tokens), frame)
        for token in tokens:
            assert context.legal(articulated=True, dynamics=True)[token - 1]
            context.push(token)
        assert frame_tokens(frame)[:-1] == tokens[:-1], "a model that does not know it sees the same keys"
        assert frame_tokens(frame)[-1] == END
    assert token_name(FIRST_LEVEL + 4) == "| mf"


def test_the_mark_says_the_mean_and_what_is_not_told_is_as_usual():
    frame = frames_of([Note(60, 0, 1, 2), Note(64, 0, 1, 6), Note(67, 0, 1)], 1)[0]
    assert frame_tokens(frame, dynamics=True)[-1] == FIRST_LEVEL - 1 + 4
    frame[frame > HELD] = STRUCK
    assert frame_tokens(frame, dynamics=True)[-1] == FIRST_LEVEL - 1 + 5


@given(rolls(), st.integers(-3, 3))
def test_another_key_is_as_loud(frames, semitones):
    frames = loud(frames)
    used = np.flatnonzero(frames.any(axis=0))
    if len(used) and not (used[0] + semitones >= 0 and used[-1] + semitones < KEYS):
        return
    moved = transpose(encode_frames(frames, 16, dynamics=True), semitones)
    expected = encode_frames(np.roll(frames, semitones, axis=1), 16, dynamics=True)
    for name in ("tokens", "targets", "loudness"):
        np.testing.assert_array_equal(moved[name], expected[name], err_msg=name)


@pytest.mark.parametrize("start", [(), ((0, 3, 5), (1, 3))])
def test_the_probabilities_of_all_frames_at_all_levels_sum_to_one(loud_music_model, start):
    predictor = loud_music_model.predictor
    assert predictor.processor.dynamics
    frames = np.zeros((len(start), KEYS), np.uint8)
    for frame, keys in zip(frames, start, strict=True):
        frame[[LOW + key for key in keys]] = HELD + 6
    total = 0.0
    for frame in next_frames(frames[-1] if len(frames) else np.zeros(KEYS), articulated=True):
        tokens = frame_tokens(frame, dynamics=True)
        composer = Composer(SmallKeyboard(predictor._session), predictor.processor, 16)
        logits = list(composer.follow(np.concatenate([frames, frame[None]])))[-len(tokens) :]
        rows = [log_softmax(row) for row in logits]
        keys = sum(row[token - 1] for row, token in zip(rows, tokens[:-1], strict=False))
        ends = range(FIRST_LEVEL, FIRST_LEVEL + len(LEVELS)) if tokens[-1] != END else [END]
        total += sum(np.exp(keys + rows[-1][end - 1]) for end in ends)
    assert total == pytest.approx(1.0, abs=1e-5)


def test_accents_are_learnt_and_drawn(loud_music_model):
    predictor = loud_music_model.predictor
    right = [predictor.nats(accented(seed)).mean() for seed in range(50, 54)]
    wrong = [predictor.nats(accented(seed, strong=3, weak=7)).mean() for seed in range(50, 54)]
    assert np.mean(right) < np.mean(wrong) - 0.2
    levels = np.concatenate([predictor.compose(Request(160, seed=seed)).piece.levels() for seed in range(3)])
    strong, others = levels[::16], np.delete(levels, slice(None, None, 16))
    assert strong[strong > 0].mean() > others[others > 0].mean() + 1
    (answer,) = loud_music_model.predict([None], seconds=4)
    assert len({note.velocity for note in answer.notes}) > 1
    np.testing.assert_array_equal(read_midi(midi_bytes(answer.piece()), "x").piece.frames, answer.piece().frames)
    parts = list(loud_music_model.stream(None, seconds=4))
    assert sorted(note for part in parts[:-1] for note in map(repr, part.notes)) == sorted(map(repr, answer.notes))


def test_what_is_given_stays_as_loud_as_it_is(loud_music_model, music_model):
    tune = Piece("x", frames_of([Note(72, 4 * n, 4 * n + 4, 1 + n) for n in range(8)], 32))
    for model in (loud_music_model, music_model):
        (longer,) = model.predict([tune], more=1)
        np.testing.assert_array_equal(longer.piece().frames[:32], tune.frames)
        (voices,) = model.predict([None], melody=tune)
        np.testing.assert_array_equal(voices.piece().frames[:, 72 - LOWEST_PITCH], tune.frames[:, 72 - LOWEST_PITCH])


def test_a_model_that_does_not_know_it_finds_loud_and_soft_as_likely(music_model):
    nats = music_model.predictor.nats(accented(0))
    np.testing.assert_array_equal(music_model.predictor.nats(accented(0, strong=5, weak=5)), nats)
    (answer,) = music_model.predict([None], seconds=2)
    assert {note.velocity for note in answer.notes} == {80}
    assert not answer.piece().has_dynamics


def test_where_it_is_not_learnt_that_is_said(music_model, capsys):
    tell_once.cache_clear()
    loud_piece, processor = accented(0), music_model.predictor.processor
    assert processor.extended([loud_piece], MusicConfig())[0] is processor
    assert "not learnt: the model that is gone on from does not know it." in capsys.readouterr().err
    tell_once.cache_clear()
    roll = Piece("roll", np.ones((4, KEYS), np.uint8), articulated=False)
    assert not MusicProcessor.fit([loud_piece, roll], MusicConfig()).dynamics
    assert "not learnt: some pieces do not tell held notes from repeated ones." in capsys.readouterr().err
    assert MusicProcessor.fit([loud_piece, *pieces()[:2]], MusicConfig()).dynamics
    assert not capsys.readouterr().err


def test_it_is_heard(monkeypatch):
    monkeypatch.setenv("PATH", "")  # the built-in piano
    piece = Piece("x", frames_of([Note(69, 0, 4, 8), Note(69, 8, 12, 3)], 16))
    with wave.open(io.BytesIO(wav_bytes(piece))) as sound:
        samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2").astype(float)
    second = round(8 * piece.seconds_per_frame * 44_100)
    loudest, softest = np.abs(samples[: second // 2]).max(), np.abs(samples[second : second + second // 2]).max()
    assert softest / loudest == pytest.approx((49 / 126) ** 2, rel=0.05)


def test_it_is_seen():
    plain = Piece("x", frames_of([Note(60, 0, 4), Note(62, 4, 8)], 8))
    marked = replace(plain, frames=frames_of([Note(60, 0, 4, 2), Note(62, 4, 8, 8)], 8))
    pixels, before = draw(marked), draw(plain)
    band = pixels[len(before) - 20 : len(pixels) - 20]
    assert len(band)
    heights = [(band[:, 34 + 5 * frame] == 6).sum() for frame in range(8)]
    assert heights == [6, 0, 0, 0, 24, 0, 0, 0]


def test_a_score_has_a_mark_where_a_bar_is_louder(tmp_path):
    bars = [(2, 2), (2, 3), (7, 6)]
    notes = [
        Note(60 + half, 16 * bar + 8 * half, 16 * bar + 8 * half + 8, level)
        for bar, levels in enumerate(bars)
        for half, level in enumerate(levels)
    ]
    content = musicxml_bytes(Piece("x", frames_of(notes, 48))).decode()
    assert [content.count(f"<{mark}/>") for mark in ("pp", "p", "mf", "f", "ff")] == [1, 0, 0, 1, 0]
    assert "<dynamics>" not in musicxml_bytes(Piece("x", (frames_of(notes, 48) > SILENT).astype(np.uint8))).decode()
