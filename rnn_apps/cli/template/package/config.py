"""The settings of the task, with defaults that work: `rnnapps run $name --set model.units=64`."""

from pydantic import PositiveInt

from rnn_apps.config import CellName, Section, TaskConfig, TrainingConfig


class ModelConfig(Section):
    """The network."""

    cell: CellName = "gru"
    embedding: PositiveInt = 8
    units: PositiveInt = 32


class Config(TaskConfig):
    """All settings."""

    model: ModelConfig = ModelConfig()
    training: TrainingConfig = TrainingConfig(epochs=10, learning_rate=1e-2, patience=5)
