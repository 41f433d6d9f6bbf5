"""A search for settings of which several trials run side by side, on Ray Tune.

It is the search that also tries alone: Optuna's study proposes and prunes here, where its book lies, and Ray Tune runs
the trials. One whose worker dies goes on from its checkpoint, and a command that is killed leaves the book as it was.
The module imports Ray: see `rnn_apps.cluster.engine.require_ray`.
"""

from __future__ import annotations

import logging
import os
import pickle
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import ray.tune
from ray.tune.schedulers import FIFOScheduler
from ray.tune.search import Searcher

from rnn_apps.cluster.engine import MOST_FAILURES, Workers, check_workers, engine, threads_of
from rnn_apps.environment import start_tensorflow
from rnn_apps.errors import ConfigError, RnnAppsError, TrainingError
from rnn_apps.training.prepare import one_by_one
from rnn_apps.training.tuning import Search, Tuning, told_of

_ENGINE = "engine"


def side_by_side(workers: Workers) -> Search:
    """Returns a search that tries as many settings at a time as there are workers.

    Args:
        workers: who tries; the folder of the search, and the data, have to be seen by all.
    """

    def search(tuning: Tuning, ended: Callable[[], None]) -> None:
        if tuning.run.callbacks:
            raise ConfigError("Workers keep no logs. Leave --tensorboard and --mlflow out, or --workers.")
        with engine(workers) as started:
            check_workers(started, workers, [tuning.folder, *tuning.run.files])
            _fit(_Proposals(tuning, workers, ended), workers)
        shutil.rmtree(tuning.folder / _ENGINE, ignore_errors=True)

    return search


def _fit(proposals: _Proposals, workers: Workers) -> None:
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)
    os.environ["RAY_AIR_NEW_OUTPUT"] = "0"  # with it, quiet is not silent
    resources = {"CPU": workers.cores, **({"GPU": workers.gpus} if workers.gpus else {})}
    ray.tune.Tuner(
        ray.tune.with_resources(_try, resources),
        tune_config=ray.tune.TuneConfig(
            search_alg=proposals,
            scheduler=_Pruning(proposals),
            num_samples=-1,
            max_concurrent_trials=workers.count,
        ),
        run_config=ray.tune.RunConfig(
            name=_ENGINE,
            storage_path=str(proposals.tuning.folder),
            failure_config=ray.tune.FailureConfig(max_failures=MOST_FAILURES),
            verbose=0,
        ),
    ).fit()
    if proposals.failure:
        raise TrainingError(proposals.failure)


def _try(job: dict[str, Any]) -> None:
    """What a worker does for a trial."""
    os.environ.update(job["environment"])
    run = pickle.loads(job["run"])
    start_tensorflow("Training")
    watched = told_of(run, lambda value, epoch: ray.tune.report({"value": value, "epoch": epoch}))
    try:
        _ = run.finished() or watched.execute()
        ray.tune.report({"how": "complete"})
    except TrainingError:
        ray.tune.report({"how": "fail"})
    except RnnAppsError as error:  # every other trial would say so, too
        ray.tune.report({"how": "fail", "failure": str(error)})


class _Proposals(Searcher):
    """Gives Ray Tune what Optuna proposes, and Optuna what came of it."""

    def __init__(self, tuning: Tuning, workers: Workers, ended: Callable[[], None]) -> None:
        super().__init__()
        self.tuning, self.ended = tuning, ended
        self.environment = threads_of(workers)
        self.trials: dict[str, tuple[Any, dict[str, Any], float]] = {}
        self.epochs: dict[str, int] = {}
        self.failure = ""

    def suggest(self, trial_id: str) -> Any:
        """The next settings, as a run that can be sent; its data is prepared here, once for all that share it."""
        if self.failure or not self.tuning.is_open(len(self.trials)):
            return Searcher.FINISHED
        trial, settings = self.tuning.ask()
        self.trials[trial_id] = trial, settings, time.monotonic()
        run = self.tuning.run_of(settings)
        run.prepared()
        return {"run": ray.cloudpickle.dumps(replace(run, spread=one_by_one)), "environment": self.environment}

    def gets_nowhere(self, trial_id: str, value: float, epoch: int) -> bool:
        """Whether a trial is to be pruned that has come to an epoch; one that was begun again tells some twice."""
        trial, *_ = self.trials[trial_id]
        if epoch > self.epochs.get(trial_id, -1):
            self.epochs[trial_id] = epoch
            trial.report(value, epoch)
        return bool(trial.should_prune())

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Takes the end of a trial down."""
        trial, settings, began = self.trials.pop(trial_id)
        found = result or {}
        if error:
            self.failure = "A trial could not be ended: its workers died again and again. The same command goes on."
        self.failure = self.failure or found.get("failure", "")
        how = "fail" if error else found.get("how", "pruned")
        self.tuning.tell(trial, settings, time.monotonic() - began, how)
        self.ended()

    def __getstate__(self) -> dict[str, Any]:
        return {}  # Ray need not keep it: the study is on disk

    def save(self, checkpoint_path: str) -> None:
        """Keeps nothing, likewise."""

    def restore(self, checkpoint_path: str) -> None:
        """There is nothing to restore."""


class _Pruning(FIFOScheduler):
    """Ends a trial when Optuna prunes it."""

    def __init__(self, proposals: _Proposals) -> None:
        super().__init__()
        self.proposals = proposals

    def __getstate__(self) -> dict[str, Any]:
        return {}

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """Stops a trial that gets nowhere."""
        ends = "value" in result and self.proposals.gets_nowhere(trial.trial_id, result["value"], result["epoch"])
        return str(FIFOScheduler.STOP if ends else FIFOScheduler.CONTINUE)
