"""A run as MLflow sees it: its settings, and every epoch's row of the history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import keras


class MlflowCallback(keras.callbacks.Callback):
    """Tracks a run; one that was interrupted goes on in the same run of MLflow.

    Args:
        address: of the tracking server, or a folder.
        experiment: its name, the task's.
        name: of the run, the model's.
        settings: nested, all of them.

    Attributes:
        run_id: MLflow's, part of a checkpoint.
    """

    def __init__(self, address: str, experiment: str, name: str, settings: Mapping[str, Any]) -> None:
        super().__init__()
        self.address, self.experiment, self.name, self.settings = address, experiment, name, settings
        self.run_id: str | None = None

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Sends the epoch's metrics; before the first the settings."""
        import mlflow

        mlflow.set_tracking_uri(self.address)
        mlflow.set_experiment(self.experiment)
        first = self.run_id is None
        with mlflow.start_run(run_id=self.run_id, run_name=self.name) as run:
            self.run_id = run.info.run_id
            if first:
                mlflow.log_params(dict(_flat(self.settings)))
            mlflow.log_metrics(dict(logs or {}), step=epoch + 1)


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in settings.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value
