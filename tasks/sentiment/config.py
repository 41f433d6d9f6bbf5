"""Settings of the task `sentiment`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, PositiveInt

from rnn_apps.config import CellName, DataConfig, Section, TaskConfig, TrainingConfig

Target = Literal["class", "labels", "ordered", "number"]


class SentimentModelConfig(Section):
    """The network.

    Attributes:
        cell: kind of the recurrent cell.
        units: width of each direction's hidden state.
        layers: bidirectional layers, one upon the other.
        embedding: features of a token's vector.
        token_dropout: share of the tokens that are hidden in training.
        recurrent_input_dropout: share of the features dropped before each recurrent layer, the same at every step.
        dropout: share of the pooled features dropped before the last layer.
    """

    cell: CellName = "lstm"
    units: PositiveInt = 128
    layers: PositiveInt = 2
    embedding: PositiveInt = 128
    token_dropout: float = Field(default=0.1, ge=0.0, lt=1.0)
    recurrent_input_dropout: float = Field(default=0.25, ge=0.0, lt=1.0)
    dropout: float = Field(default=0.5, ge=0.0, lt=1.0)


class SentimentDataConfig(DataConfig):
    """How texts become numbers.

    Attributes:
        vocabulary_size: subwords at most.
        lowercase: whether case is dropped.
        max_tokens: of a longer text the first quarter and the last three quarters of that are kept.
        max_training_tokens: the same in training, where short is fast.
        class_names: names for the labels of the data file, as they should be answered: `{"0" = "negative"}`.
        target: what a text is given: one class; several labels, or none; one of some classes that have an order, such
            as stars; or a number. Where it is left out, several labels if they are lists, else one class.
        label_separator: what stands between the labels of a cell, where a text has several.
        order: the classes that have an order, the lowest first; as numbers where it is left out.
    """

    vocabulary_size: int = Field(default=16000, ge=300)
    lowercase: bool = True
    max_tokens: PositiveInt = 1024
    max_training_tokens: PositiveInt = 256
    class_names: dict[str, str] = Field(default={})
    target: Target | None = None
    label_separator: str = Field(default="|", min_length=1)
    order: tuple[str, ...] = ()


class SentimentConfig(TaskConfig):
    """Settings of the task `sentiment`."""

    model: SentimentModelConfig = SentimentModelConfig()
    training: TrainingConfig = TrainingConfig(
        epochs=5, learning_rate=3e-3, schedule="linear", warmup=0.1, batch_tokens=12000
    )
    data: SentimentDataConfig = SentimentDataConfig()
