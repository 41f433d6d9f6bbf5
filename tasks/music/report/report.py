"""What a model card says of music alone: how like real music the composed is, and how much of it is copied."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from rnn_apps.tasks.music.predictor import USUAL_SECONDS, MusicOptions, MusicPredictor
from rnn_apps.tasks.music.report.copying import shared_passages
from rnn_apps.tasks.music.report.statistics import distances
from rnn_apps.tasks.music.scores.piece import Piece
from rnn_apps.tasks.music.scores.tonality import ends_on_tonic

PIECES, ENDINGS = 4, 20
_SHORT_SECONDS = 10.0  # of a piece whose end alone is looked at
_QUARTERS = 4.0
_MOST_FRAMES = 500_000


def report(predictor: MusicPredictor, train: Iterable[Piece], valid: Iterable[Piece]) -> str:
    """Composes a few pieces and compares them with held-out and with training music, as Markdown.

    Args:
        predictor: composes.
        train: the training pieces; of very many, the first are looked at.
        valid: held-out pieces.
    """
    grid = predictor.processor.frames_per_quarter
    known, held_out = (_first([piece for piece in part if piece.frames_per_quarter == grid]) for part in (train, valid))
    if not known or len(held_out) <= PIECES:
        return ""
    composed = [_composed(predictor, USUAL_SECONDS, seed) for seed in range(PIECES)]
    length = len(composed[0].frames)
    real = [_beginning(piece, length) for piece in held_out]
    seconds = length * composed[0].seconds_per_frame
    return "\n\n".join(
        [
            "## What it composes",
            f"{PIECES} pieces of {seconds:.0f} seconds (temperature 1, seeds 0 to {PIECES - 1}) and the "
            f"{len(held_out)} held-out pieces: how far the distributions of what they are made of lie apart (total "
            f"variation, 0 the same, 1 nothing in common), beside {PIECES} held-out pieces against the others, and one "
            "half of the held-out pieces against the other.",
            _distance_table(composed, held_out),
            f"Passages that occur in the training data ({len(known)} pieces), note for note, in any key; the held-out "
            "pieces are cut to the same length:",
            _copying_table(composed, real, known),
            *([_endings(predictor, composed, held_out)] if predictor.processor.cadences else []),
        ]
    )


def _first(pieces: Sequence[Piece]) -> list[Piece]:
    """So many of the first pieces as can be looked at."""
    ends = np.cumsum([len(piece.frames) for piece in pieces])
    return [piece for piece, end in zip(pieces, ends, strict=True) if end <= _MOST_FRAMES]


def _beginning(piece: Piece, frames: int) -> Piece:
    return Piece(
        piece.name, piece.frames[:frames], piece.frames_per_quarter, piece.tempo, piece.metre, piece.articulated
    )


def _distance_table(composed: Sequence[Piece], held_out: Sequence[Piece]) -> str:
    columns = [
        distances(composed, held_out),
        distances([_beginning(piece, len(composed[0].frames)) for piece in held_out[:PIECES]], held_out[PIECES:]),
        distances(held_out[::2], held_out[1::2]),
    ]
    lines = [f"| | composed | {PIECES} held-out pieces | two halves |", "| --- | --- | --- | --- |"]
    lines += [f"| {name} | " + " | ".join(f"{column[name]:.3f}" for column in columns) + " |" for name in columns[0]]
    return "\n".join(lines)


def _composed(predictor: MusicPredictor, seconds: float, seed: int) -> Piece:
    return predictor.compose(predictor.request(None, MusicOptions(seconds=seconds, seed=seed, restrike=False))).piece


def _endings(predictor: MusicPredictor, composed: Sequence[Piece], held_out: Sequence[Piece]) -> str:
    composed = [*composed, *(_composed(predictor, _SHORT_SECONDS, seed) for seed in range(PIECES, ENDINGS))]
    ours, theirs = (np.mean([ends_on_tonic(piece) for piece in pieces]) for pieces in (composed, held_out))
    return (
        f"Of {len(composed)} pieces that it composes, {ours:.0%} end on the triad of the tonic with its root in the "
        f"bass; of the held-out ones {theirs:.0%}."
    )


def _copying_table(composed: Sequence[Piece], real: Sequence[Piece], known: Sequence[Piece]) -> str:
    lines = [
        f"| | longest passage | longest, on average | in passages of {_QUARTERS:.0f} quarter notes or more |",
        "| --- | --- | --- | --- |",
    ]
    for name, pieces in (("composed", composed), ("held out", real)):
        found = shared_passages(pieces, known, _QUARTERS)
        longest = [shared.longest for shared in found]
        share = np.mean([shared.share for shared in found])
        lines.append(
            f"| {name} | {max(longest):.2f} quarter notes | {np.mean(longest):.2f} quarter notes | {share:.1%} |"
        )
    return "\n".join(lines)
