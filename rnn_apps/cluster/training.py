"""One training by many workers: Ray starts them, TensorFlow's collectives sum their gradients, and the loop is ours.

The data is prepared here, once; each worker then takes its rows of every batch. The first one writes the checkpoints of
the run, all read them: so a run goes on from the last one whoever was killed, on as many workers or on others, and what
was trained by many is saved as any other run is.
"""

from __future__ import annotations

import json
import logging
import os
import pickle
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rnn_apps.bundle import check_output
from rnn_apps.cluster.engine import MOST_FAILURES, Workers, check_workers, engine, spread_over, threads_of
from rnn_apps.data.batching import Share
from rnn_apps.data.files import write_whole
from rnn_apps.data.lock import locked
from rnn_apps.environment import require_training_packages, start_tensorflow
from rnn_apps.errors import ConfigError, DataError, RnnAppsError, TrainingError
from rnn_apps.model import Model
from rnn_apps.progress import Bar, Reporter
from rnn_apps.training.prepare import one_by_one
from rnn_apps.training.run import Run

_TOLD, _ENGINE, _FAILURE = "told.jsonl", "engine", "failure.txt"
_LOOK_EVERY = 0.2


def train_together(run: Run, workers: Workers) -> Model:
    """Trains with many workers, and saves.

    Args:
        run: what is trained; its data, and the folder that its output goes to, have to be seen by all workers.
        workers: who trains.

    Raises:
        ConfigError: if there are not as many cores, the cluster does not answer, or the run cannot be divided.
        RnnAppsError: as `Run.execute`.
    """
    if run.unlabelled:
        raise ConfigError("A language is learnt by one process. Leave --unlabelled or --workers out.")
    if run.callbacks:
        raise ConfigError(
            "Several workers keep no logs. Leave --tensorboard, --mlflow and callbacks out, or --workers."
        )
    check_output(run.output, run.overwrite)
    require_training_packages()
    if workers.count > run.config.training.batch_size:
        raise ConfigError(
            f"A batch has {run.config.training.batch_size} examples, too few for {workers.count} workers to share."
        )
    with locked(run.output), engine(workers) as ray:
        check_workers(ray, workers, [run.output.parent, *run.files])
        run.spread = spread_over(ray, workers)
        run.prepare()
        run.reporter.stage("Training", f"{run.config.training.epochs} epochs at most, {workers.count} workers")
        with _told(run):
            _fit(run, workers)
        shutil.rmtree(run.work / _ENGINE, ignore_errors=True)
    run.spread = one_by_one  # the workers are gone
    return run.execute()  # finds the training ended, and saves


def _fit(run: Run, workers: Workers) -> None:
    start_tensorflow("Training")  # quietly; what follows imports it
    import ray.train
    from ray.train.tensorflow import TensorflowTrainer

    logging.getLogger("ray.train").setLevel(logging.CRITICAL)
    sent = replace(run, callbacks=(), spread=one_by_one)
    job = {"run": ray.cloudpickle.dumps(sent), "environment": threads_of(workers)}
    trainer = TensorflowTrainer(
        _take_part,
        train_loop_config=job,
        scaling_config=ray.train.ScalingConfig(
            num_workers=(workers.least, workers.count) if workers.least else workers.count,
            resources_per_worker={"CPU": workers.cores, **({"GPU": workers.gpus} if workers.gpus else {})},
            use_gpu=workers.gpus > 0,
        ),
        run_config=ray.train.RunConfig(
            name=run.output.name,
            storage_path=str(run.work / _ENGINE),
            failure_config=ray.train.FailureConfig(max_failures=MOST_FAILURES),
        ),
    )
    failure = run.work / _FAILURE
    try:
        trainer.fit()
    except Exception as error:  # Ray's exceptions have no common base of their own
        if not failure.exists():
            raise TrainingError(
                f"The workers could not train: {_cause(error)} The same command goes on from the last checkpoint."
            ) from error
    if failure.exists():  # the same command would fail again
        told = failure.read_text(encoding="utf-8")
        shutil.rmtree(run.work, ignore_errors=True)
        raise TrainingError(told)


def _take_part(job: dict[str, Any]) -> None:
    """What each worker does."""
    import ray.train

    os.environ.update(job["environment"])
    context = ray.train.get_context()
    first = context.get_world_rank() == 0
    run: Run = pickle.loads(job["run"])
    failure = run.work / _FAILURE
    if failure.exists():  # Ray begins anew what has failed, and this would fail for ever
        return
    tf = start_tensorflow("Training")
    run.strategy = tf.distribute.MultiWorkerMirroredStrategy()
    run.reporter = _FileReporter(run.work / _TOLD) if first else Reporter(False)
    try:
        run.take_part(Share(context.get_world_rank(), context.get_world_size()))
    except (ConfigError, DataError, TrainingError) as error:
        write_whole(failure, str(error).encode())
        raise


def _cause(error: BaseException) -> str:
    """The message at the root of what Ray raises."""
    while error.__cause__ is not None and not isinstance(error, RnnAppsError):
        error = error.__cause__
    return str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__


class _FileReporter(Reporter):
    """Writes what it is told into a file, for the process that started the workers."""

    def __init__(self, path: Path) -> None:
        super().__init__(False)
        self.path = path

    def note(self, text: str) -> None:
        """Writes a line."""
        self.write({"note": text})

    def write(self, fact: dict[str, Any]) -> None:
        """Adds a fact to the file."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(fact) + "\n")

    @contextmanager
    def bar(self, title: str, total: int | None, done: int = 0) -> Iterator[Any]:
        """Writes where a bar stands, a few times a second."""
        yield _FileBar(self, title, total, done)


@dataclass
class _FileBar:
    reporter: _FileReporter
    title: str
    total: int | None
    done: int
    last: float = 0.0

    def advance(self, steps: int = 1, note: str | None = None) -> None:
        """Moves the bar."""
        self.done += steps
        if time.monotonic() - self.last >= _LOOK_EVERY:
            self.last = time.monotonic()
            self.reporter.write({"bar": [self.title, self.total, self.done, note or ""]})


@contextmanager
def _told(run: Run) -> Iterator[None]:
    """Shows what the first worker tells, while the block runs."""
    path, ended = run.work / _TOLD, threading.Event()
    path.write_text("")

    def show() -> None:
        with path.open(encoding="utf-8") as file, run.reporter.bar("waiting for the workers", None) as bar:
            while not ended.is_set() or _has_more(file):
                line = file.readline()
                if not line.endswith("\n"):
                    time.sleep(_LOOK_EVERY)
                    continue
                _show(json.loads(line), run.reporter, bar)

    thread = threading.Thread(target=show, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(5)


def _has_more(file: Any) -> bool:
    place = file.tell()
    more = bool(file.readline())
    file.seek(place)
    return more


def _show(fact: dict[str, Any], reporter: Reporter, bar: Bar) -> None:
    if "note" in fact:
        reporter.note(fact["note"])
    else:
        title, total, done, note = fact["bar"]
        bar.show(title, total, done, note)
