"""Cross-validation: a model for each part of the data, measured on that part."""

from __future__ import annotations

import statistics
from dataclasses import replace
from pathlib import Path

from rnn_apps.config import TaskConfig
from rnn_apps.errors import ConfigError
from rnn_apps.model import Model
from rnn_apps.training.run import Run


def cross_validate(run: Run, folds: int) -> list[Model]:
    """Trains a model for each fold; one that was finished before is not trained again.

    Args:
        run: what is done for each fold; the models go to `NAME-folds/fold-1`, … beside its output.
        folds: into how many parts the data is divided, at least 2.

    Returns:
        the models in their order.

    Raises:
        ConfigError: if there is a validation part of its own, or one fold alone.
    """
    if folds < 2:
        raise ConfigError(f"Expected two folds or more. Received: {folds}.")
    if run.valid:
        raise ConfigError("Folds divide the training data. Leave --valid out, or train once.")
    models = []
    for number in range(1, folds + 1):
        run.reporter.stage("Fold", f"{number} of {folds}")
        own = replace(run, config=_of_fold(run.config, number, folds), output=folder_of(run) / f"fold-{number}")
        models.append((None if run.overwrite else own.finished()) or own.execute())
    return models


def folder_of(run: Run) -> Path:
    """Returns where the models of the folds go."""
    return run.output.parent / f"{run.output.name}-folds"


def spread(models: list[Model]) -> dict[str, tuple[float, float]]:
    """Returns the mean and the standard deviation over the models of each metric."""
    metrics = [model.bundle.manifest["metrics"] for model in models]
    return {
        name: (statistics.fmean(values), statistics.stdev(values))
        for name in metrics[0]
        for values in [[own[name] for own in metrics]]
    }


def _of_fold(config: TaskConfig, number: int, folds: int) -> TaskConfig:
    return config.model_copy(update={"data": config.data.model_copy(update={"fold": number, "folds": folds})})
