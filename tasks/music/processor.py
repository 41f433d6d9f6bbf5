"""Pieces to arrays, and what every piece of a collection has in common."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from rnn_apps.arrays import Arrays
from rnn_apps.data.processor import Processor
from rnn_apps.data.windows import INITIAL
from rnn_apps.errors import DataError
from rnn_apps.progress import tell_once
from rnn_apps.tasks.music.context import FIRST_STRUCK, canonical, encode_frames, is_key, transpose, without_tonality
from rnn_apps.tasks.music.scores.piece import KEYS, SILENT, Frames, Piece
from rnn_apps.tasks.music.scores.tonality import Tonality, ends_on_tonic, pitch_classes, tonality_of

if TYPE_CHECKING:
    from rnn_apps.tasks.music.config import MusicConfig

_DEAF = "How loud the notes are is not learnt: {}."
_END_HIDDEN = _TONALITY_HIDDEN = 0.5  # of the training pieces


class MusicProcessor(Processor):
    """Turns pieces into arrays.

    Args:
        articulated: whether held notes are told from struck ones.
        frames_per_quarter: the commonest grid of the training pieces.
        tempo: their median tempo, quarter notes a minute.
        metre: their commonest metre.
        transposition: training pieces are moved by up to so many semitones, down or up, anew in each epoch.
        state_sizes: units of each state of the model by the name of its input.
        sees_end: whether the model is shown how near the end is.
        cadences: the share of the training pieces that come to rest on the tonic.
        tonalities: how many of them are in each key, C major and C minor first; none where the model is not told it.
        longest_chord: quarter notes of the longest chord or rest in them in which nothing changes; 0 where unknown.
        dynamics: whether the model knows how loud music is.
    """

    def __init__(
        self,
        articulated: bool,
        frames_per_quarter: int,
        tempo: float,
        metre: Sequence[int],
        transposition: int,
        state_sizes: dict[str, int],
        sees_end: bool = False,
        cadences: float = 0.0,
        tonalities: Sequence[int] = (),
        longest_chord: float = 0.0,
        dynamics: bool = False,
    ) -> None:
        self.articulated, self.frames_per_quarter, self.tempo = articulated, frames_per_quarter, tempo
        self.metre = (metre[0], metre[1])
        self.transposition = transposition
        self.state_sizes = dict(state_sizes)
        # of a model saved before these are not known
        self.sees_end, self.cadences, self.tonalities = sees_end, cadences, list(tonalities)
        self.longest_chord, self.dynamics = longest_chord, dynamics

    @property
    def sees_tonality(self) -> bool:
        """Whether the model is told the key of the music."""
        return bool(self.tonalities)

    @classmethod
    def fit(cls, examples: Iterable[Piece], config: MusicConfig) -> MusicProcessor:
        """Learns what the training pieces have in common."""
        grids: Counter[int] = Counter()
        metres: Counter[tuple[int, int]] = Counter()
        tempi: list[float] = []
        articulated, dynamics = True, False
        endings: list[bool] = []
        tonalities = [0] * 24
        longest = 0.0
        for piece in examples:
            grids[piece.frames_per_quarter] += 1
            metres[piece.metre] += 1
            tempi.append(piece.tempo)
            articulated = articulated and piece.articulated
            dynamics = dynamics or piece.has_dynamics
            endings.append(ends_on_tonic(piece))
            tonic, minor = _tonality(piece)
            tonalities[2 * tonic + minor] += 1
            longest = max(longest, _longest_chord(piece.frames) / piece.frames_per_quarter)
        if dynamics and not articulated:
            tell_once(_DEAF.format("some pieces do not tell held notes from repeated ones"))
        grid, metre = grids.most_common(1)[0][0], metres.most_common(1)[0][0]
        per_layer = 2 if config.model.cell == "lstm" else 1
        sizes = {f"{INITIAL}{n}": config.model.units for n in range(per_layer * config.model.layers)}
        return cls(
            articulated,
            grid,
            median(tempi),
            metre,
            config.data.transposition,
            sizes,
            True,
            float(np.mean(endings)),
            tonalities,
            longest,
            articulated and dynamics,
        )

    def extended(self, examples: Iterable[Piece], config: MusicConfig) -> tuple[MusicProcessor, str]:
        """Stays as it is: every piece can be written on its keyboard."""
        if not self.dynamics and any(piece.has_dynamics for piece in examples):
            tell_once(_DEAF.format("the model that is gone on from does not know it"))
        return self, ""

    def encode(self, examples: Sequence[Piece], training: bool = False) -> list[Arrays]:
        """Returns what `encode_frames` gives for each piece; when it ends and its key are shown in training only.

        Likelihoods are thus of frames given those before them, and nothing else.
        """
        return [self._encode(piece, training) for piece in examples]

    def encode_inputs(self, inputs: Sequence[Piece]) -> list[Arrays]:
        """Returns the same for pieces to be continued."""
        for number, piece in enumerate(inputs, 1):
            if not isinstance(piece, Piece):
                raise DataError(f"Expected pieces of music. Input {number} is of the type {type(piece).__name__}.")
        return self.encode(inputs)

    def augment(self, row: Arrays, rng: np.random.Generator) -> Arrays:
        """Returns an encoded piece in another key; all its notes stay on the keyboard.

        Of half of them the model does not know when they end, and of half not the key.
        """
        if self.sees_end and rng.random() < _END_HIDDEN:
            row = {**row, "end": np.zeros_like(row["end"])}
        if self.sees_tonality and rng.random() < _TONALITY_HIDDEN:
            row = without_tonality(row)
        tokens = row["targets"]
        pitched = (tokens[is_key(tokens)] - FIRST_STRUCK) % KEYS
        if not len(pitched):
            return row
        lowest = max(-self.transposition, -int(pitched.min()))
        highest = min(self.transposition, KEYS - 1 - int(pitched.max()))
        return transpose(row, int(rng.integers(lowest, highest + 1)))

    def save(self, folder: Path) -> None:
        """Writes `processor.json`."""
        (folder / "processor.json").write_text(json.dumps(vars(self)), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> MusicProcessor:
        """Reads what `save` wrote."""
        facts: dict[str, Any] = json.loads((folder / "processor.json").read_text(encoding="utf-8"))
        return cls(**facts)

    def shown(self, row: Arrays) -> Arrays:
        """Returns of what `Context.row` gives that which the model takes."""
        hidden = {"end": not self.sees_end, "loudness": not self.dynamics}
        return {name: array for name, array in row.items() if not hidden.get(name)}

    def drawn_tonality(self, rng: np.random.Generator) -> Tonality:
        """Returns a key for a model that is told it, each as often as the training pieces are in it."""
        counts = np.array(self.tonalities, np.float64)
        tonic, minor = divmod(int(rng.choice(len(counts), p=counts / counts.sum())), 2)
        return Tonality(tonic, bool(minor))

    def _encode(self, piece: Piece, told: bool) -> Arrays:
        frames = canonical(piece.frames, piece.articulated, self.articulated)
        if not len(frames):
            raise DataError(f"{piece.name} has no frame.")
        tonality = _tonality(piece) if told and self.sees_tonality else None
        return self.shown(
            encode_frames(frames, piece.frames_per_bar, told, piece.frames_per_quarter, tonality, self.dynamics)
        )


def _longest_chord(frames: Frames) -> int:
    """The most frames one behind the other in which the same keys sound."""
    sounding = frames != SILENT
    changes = np.flatnonzero((sounding[1:] != sounding[:-1]).any(axis=1)) + 1
    return int(np.diff(np.concatenate([[0], changes, [len(sounding)]])).max())


def _tonality(piece: Piece) -> Tonality:
    return tonality_of(pitch_classes(piece.frames))
