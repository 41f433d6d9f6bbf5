"""Settings of the task `music`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, NonNegativeInt, PositiveInt

from rnn_apps.config import CellName, DataConfig, Section, TaskConfig, TrainingConfig


class MusicModelConfig(Section):
    """The network.

    Attributes:
        cell: the recurrent cell.
        units: width of each recurrent layer.
        layers: recurrent layers.
        embedding: features of a token.
        roll_features: features of the frames that the model is shown.
        neighbour_features: features of what stands around a key.
        dropout: share of the features dropped before, between and behind the recurrent layers.
        roll_dropout: share of the shown keys that are hidden.
    """

    cell: CellName = "gru"
    units: PositiveInt = 224
    layers: PositiveInt = 2
    embedding: PositiveInt = 64
    roll_features: PositiveInt = 128
    neighbour_features: PositiveInt = 16
    dropout: float = Field(default=0.2, ge=0.0, lt=1.0)
    roll_dropout: float = Field(default=0.1, ge=0.0, lt=1.0)


class MusicDataConfig(DataConfig):
    """How pieces become arrays.

    Attributes:
        transposition: training pieces are moved by up to so many semitones, down or up, anew in each epoch.
        frames_per_quarter: the grid that MIDI and ABC are put on: 4 frames in a quarter note are sixteenths, 12 are
            those and triplets, 24 are thirty-seconds and sextuplets.
    """

    transposition: NonNegativeInt = 6
    frames_per_quarter: Literal[4, 12, 24] = 4


class MusicConfig(TaskConfig):
    """Settings of the task `music`."""

    model: MusicModelConfig = MusicModelConfig()
    training: TrainingConfig = TrainingConfig(
        epochs=30, batch_size=16, batch_tokens=2**20, window=256, learning_rate=3e-3, patience=10, weight_decay=0.01
    )
    data: MusicDataConfig = MusicDataConfig()
