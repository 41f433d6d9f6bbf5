"""The likelihood is one: over all frames it sums to one, and every way of computing it gives the same."""

import itertools

import numpy as np
import pytest

from rnn_apps.inference.probabilities import log_softmax
from rnn_apps.tasks.music.composing import Composer
from rnn_apps.tasks.music.context import FIRST_HELD, FIRST_STRUCK, frame_tokens
from rnn_apps.tasks.music.sample import pieces
from rnn_apps.tasks.music.scores.piece import HELD, KEYS, SILENT, STRUCK, Piece

LOW, SMALL = 40, 6
"""A keyboard of six keys, from this key."""


class SmallKeyboard:
    """The model, all keys but a few forbidden."""

    def __init__(self, graph):
        self.graph = graph

    def run(self, arrays):
        outputs = self.graph.run(arrays)
        there = np.isin(np.arange(KEYS), np.arange(LOW, LOW + SMALL))
        kinds = (outputs["logits"].shape[-1] - 1) // KEYS
        outputs["logits"][..., 1 : 1 + kinds * KEYS][..., ~np.tile(there, kinds)] = -np.inf
        return outputs


def next_frames(previous, articulated):
    """All frames of the small keyboard that may follow the frame `previous`."""
    for states in itertools.product((SILENT, STRUCK, HELD), repeat=SMALL):
        frame = np.zeros(KEYS, np.uint8)
        frame[LOW : LOW + SMALL] = states
        if not (frame[previous == SILENT] == HELD).any() and (articulated or HELD not in states):
            yield frame


@pytest.mark.parametrize("start", [(), ((0, 3, 5), (1, 3)), ((0, 1, 2, 3, 4, 5),)])
def test_the_probabilities_of_all_frames_sum_to_one(music_model, start):
    predictor = music_model.predictor
    assert predictor.processor.articulated
    frames = np.zeros((len(start), KEYS), np.uint8)
    for frame, keys in zip(frames, start, strict=True):
        frame[[LOW + key for key in keys]] = STRUCK
    total, count = 0.0, 0
    for frame in next_frames(frames[-1] if len(frames) else np.zeros(KEYS), articulated=True):
        composer = Composer(SmallKeyboard(predictor._session), predictor.processor, 16)
        logits = list(composer.follow(np.concatenate([frames, frame[None]])))[-len(frame_tokens(frame)) :]
        pairs = zip(logits, frame_tokens(frame), strict=True)
        total += np.exp(sum(log_softmax(row)[token - 1] for row, token in pairs))
        count += 1
    assert count == {0: 2**6, 2: 2**4 * 3**2, 1: 3**6}[len(start)]
    assert total == pytest.approx(1.0, abs=1e-5)


def test_what_may_not_come_has_no_probability(music_model):
    predictor = music_model.predictor
    piece = pieces()[0]
    composer = Composer(predictor._session, predictor.processor, piece.frames_per_bar)
    list(composer.follow(piece.frames[:9]))
    frame = piece.frames[9]
    for token in frame_tokens(frame):
        (row,) = composer._run([composer.context.row()])
        probabilities = np.exp(log_softmax(row))
        assert probabilities[~composer.context.legal(articulated=True)].sum() == 0.0
        assert probabilities.sum() == pytest.approx(1.0)
        composer.context.push(token)


def test_evaluation_prediction_and_the_steps_agree(music_model):
    """In batches and windows, in one run, and token by token: the same nats."""
    some = pieces()[:3]
    each = [music_model.predictor.nats(piece) for piece in some]
    expected = sum(nats[1:].sum() for nats in each) / sum(len(nats) - 1 for nats in each)
    count, metrics = music_model.evaluate(some)
    assert count == 3
    assert metrics["nll"] == pytest.approx(expected, rel=1e-4)

    piece = some[0]
    composer = Composer(music_model.predictor._session, music_model.predictor.processor, piece.frames_per_bar)
    for frame, nats in zip(piece.frames[:20], each[0], strict=False):
        stepwise = 0.0
        for token in frame_tokens(frame):
            (row,) = composer._run([composer.context.row()])
            stepwise -= log_softmax(row)[token - 1]
            composer.context.push(token)
        assert stepwise == pytest.approx(nats, abs=1e-3)


def test_windows_of_the_runner_change_nothing(music_model):
    rows = music_model.predictor.processor.encode(pieces()[:1])
    batch = {name: array[None] for name, array in rows[0].items()}
    runner = music_model.task.runner(music_model.bundle.folder)
    whole = runner.run(batch)["logits"]
    runner.window = 7
    np.testing.assert_allclose(runner.run(batch)["logits"], whole, atol=1e-4)


def test_a_piece_without_articulation_is_read_as_held(music_model):
    """A model that knows held notes takes a piano roll's long note as one note."""
    frames = np.zeros((4, KEYS), np.uint8)
    frames[:, 50] = STRUCK
    held = frames.copy()
    held[1:, 50] = HELD
    nats = [
        music_model.predictor.nats(Piece("", some, articulated=known))
        for some, known in ((frames, False), (held, True))
    ]
    np.testing.assert_allclose(*nats)
    assert frame_tokens(held[1])[0] - frame_tokens(frames[1])[0] == FIRST_HELD - FIRST_STRUCK
