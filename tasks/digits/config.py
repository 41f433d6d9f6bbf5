"""Settings of the task `digits`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, PositiveInt

from rnn_apps.config import CellName, ClippingConfig, DataConfig, Section, TaskConfig, TrainingConfig


class DigitsModelConfig(Section):
    """The network.

    Attributes:
        cell: "dense" for a plain network over all pixels, or the recurrent cell that reads row by row.
        units: width of each layer.
        layers: hidden layers.
        dropout: share of the features dropped before the last layer.
    """

    cell: Literal["dense"] | CellName = "dense"
    units: PositiveInt = 128
    layers: PositiveInt = 2
    dropout: float = Field(default=0.2, ge=0.0, lt=1.0)


class DigitsDataConfig(DataConfig):
    """What becomes of the images.

    Attributes:
        distortion: how far training images are turned, slanted, narrowed and written with other pens, anew in each
            epoch, from 0 to 1; for signs that other hands will write.
    """

    validation_fraction: float = Field(default=0.2, gt=0.0, lt=1.0)
    distortion: float = Field(default=0.0, ge=0.0, le=1.0)


class DigitsConfig(TaskConfig):
    """Settings of the task `digits`."""

    model: DigitsModelConfig = DigitsModelConfig()
    training: TrainingConfig = TrainingConfig(
        epochs=30, batch_size=32, learning_rate=2e-3, patience=8, clipping=ClippingConfig(threshold=5.0)
    )
    data: DigitsDataConfig = DigitsDataConfig()
