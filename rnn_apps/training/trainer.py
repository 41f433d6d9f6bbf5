"""The training loop: one for one device and for many.

Randomness comes from the seed alone: the order of the batches from (seed, epoch), dropout from Keras' seed generators,
whose state is part of a checkpoint. A run that was killed goes on from its checkpoint to the same result.
"""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnn_apps.arrays import Array, Arrays
from rnn_apps.config import TrainingConfig
from rnn_apps.data.batching import WHOLE, Batch, Change, Plan, Share, load_batches
from rnn_apps.data.store import Store
from rnn_apps.data.windows import carried, windows, zero_states
from rnn_apps.errors import ConfigError, TrainingError, TrainingInterrupted
from rnn_apps.inference.metrics import Metrics
from rnn_apps.plots import draw_learning_curves
from rnn_apps.progress import Bar, Reporter
from rnn_apps.training.callbacks import CallbackStates, check_callbacks
from rnn_apps.training.checkpoint import Progress, Row, Sums, load_checkpoint, save_arrays, save_checkpoint
from rnn_apps.training.measuring import look_at_gates
from rnn_apps.training.optimizer import new_optimizer
from rnn_apps.training.step import Loss, Step
from rnn_apps.training.transfer import rate_factors

Augment = Callable[[Arrays, np.random.Generator], Arrays]

CHECKPOINT = "checkpoint.npz"
BEST_WEIGHTS = "best.npz"
LONG_EPOCH = 20.0
"""Seconds of an epoch behind which the gates are looked at; they are in any case when training ends."""


@dataclass(frozen=True)
class Problem:
    """What is to be learnt.

    Attributes:
        build_model: returns the new `keras.Model`, with dicts of named inputs and outputs; called in the strategy's
            scope.
        loss: (outputs, batch) -> (loss summed over items, number of items).
        metrics: returns a fresh accumulator for one pass over the validation examples.
        monitor: the metric that decides which weights are best; where it is the same, the loss decides.
        monitor_mode: "max" or "min".
        augment: changes a training example at random, anew in each epoch; see `Processor.augment`.
    """

    build_model: Callable[[], keras.Model]
    loss: Loss
    metrics: Callable[[], Metrics]
    monitor: str
    monitor_mode: str = "max"
    augment: Augment | None = None

    def is_better(self, scores: Mapping[str, float], progress: Progress) -> bool:
        """Whether these scores of the validation part are better than the best so far."""
        if progress.best_epoch < 0:
            return True
        sign = 1.0 if self.monitor_mode == "max" else -1.0
        gain = sign * (scores[self.monitor] - progress.best_score)
        return gain > 0 or (gain == 0 and scores.get("loss", math.inf) < progress.best_loss)


class Trainer:
    """Trains one model on encoded examples.

    Args:
        problem: what is to be learnt.
        train: training examples.
        valid: validation examples.
        config: settings.
        seed: everything random follows from it.
        folder: where checkpoints go; if one is there, training goes on from it.
        strategy: a `tf.distribute.Strategy`; the current one if left out.
        callbacks: Keras callbacks; their state is part of a checkpoint.
        reporter: what shows the progress.
        share: which rows of each batch this process takes, of several that train one model together; the first one
            measures on the validation examples, and writes the checkpoints.

    Raises:
        ConfigError: if a callback sets the learning rate, and the run's schedule does; or for windows of a model that
            carries no state.
    """

    def __init__(
        self,
        problem: Problem,
        train: Store,
        valid: Store,
        config: TrainingConfig,
        seed: int,
        folder: Path,
        *,
        strategy: tf.distribute.Strategy | None = None,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        reporter: Reporter | None = None,
        share: Share = WHOLE,
    ) -> None:
        check_callbacks(callbacks, config)
        self.problem, self.train, self.valid = problem, train, valid
        self.config, self.seed, self.folder, self.share = config, seed, folder, share
        self.reporter = reporter or Reporter(enabled=False)
        self.folder.mkdir(parents=True, exist_ok=True)
        keras.utils.set_random_seed(seed)
        strategy = strategy or tf.distribute.get_strategy()
        with strategy.scope():
            self.model = problem.build_model()
            self.optimizer = new_optimizer(config, self._count_steps(self._plan(0)) * config.epochs)
            self.optimizer.build(self.model.trainable_variables)
            if config.layer_decay < 1:
                self.optimizer.rate_factors = rate_factors(self.model, config.layer_decay)
        self.variables = [*self.model.variables, *self.optimizer.variables]
        self.callbacks = keras.callbacks.CallbackList(list(callbacks), model=self.model, epochs=config.epochs)
        example = train.open(train.groups()[0]).nothing()
        self.step = Step(self.model, self.optimizer, problem.loss, config, strategy, example, share.processes)
        if config.window and not self.step.state_sizes:
            raise ConfigError(
                "training.window cuts sequences whose state is carried over from one part to the next, and this "
                "network carries none. Leave it out."
            )

    @property
    def is_first(self) -> bool:
        """Whether this process is the first of those that train together, or the only one."""
        return self.share.number == 0

    def fit(self) -> list[Row]:
        """Trains to the end, leaves the best weights in the model, and returns the history, a row an epoch.

        Of several processes the first one does so; the others leave the last weights.

        Raises:
            TrainingError: if the loss is no number any more.
            TrainingInterrupted: after Ctrl-C, with a checkpoint written.
        """
        progress = load_checkpoint(self.folder / CHECKPOINT, self.variables)
        if (progress.epoch or progress.batch) and not progress.finished:
            self.reporter.note(f"resumed at epoch {progress.epoch + 1}, step {progress.batch}")
        self.model.stop_training = False
        self.model.optimizer = self.optimizer  # Keras' callbacks look for it there
        self.callbacks.on_train_begin()
        states = CallbackStates(self.callbacks.callbacks)
        states.restore(progress.callbacks)
        with _deferred_interrupt() as interrupted:
            while not progress.finished:
                self._run_epoch(progress, states, interrupted)
        self.callbacks.on_train_end()
        self.recording = progress.recording
        self.model.optimizer = None  # it would be saved with the model
        if not self.is_first:
            return progress.rows
        with np.load(self.folder / BEST_WEIGHTS, allow_pickle=False) as best:
            for index, variable in enumerate(self.model.weights):
                variable.assign(best[f"v{index}"])
        self._look(progress)
        return progress.rows

    def _run_epoch(self, progress: Progress, states: CallbackStates, interrupted: threading.Event) -> None:
        plan = self._plan(progress.epoch)
        title = f"epoch {progress.epoch + 1}/{self.config.epochs}"
        self.callbacks.on_epoch_begin(progress.epoch)
        with self.reporter.bar(title, len(plan), progress.batch) as bar:
            self._run_batches(progress, plan, bar, states, interrupted)
        self._finish_epoch(progress)
        self._save(progress, states)

    def _run_batches(
        self,
        progress: Progress,
        plan: Plan,
        bar: Bar,
        states: CallbackStates,
        interrupted: threading.Event,
    ) -> None:
        sums = progress.sums
        last_checkpoint = last = time.monotonic()
        own = load_batches(plan.batches(progress.batch), change=self._changes(progress), share=self.share)
        for batch in own:
            sums.waited += time.monotonic() - last
            self.callbacks.on_train_batch_begin(progress.batch)
            loss = self._train_on(batch.arrays, progress)
            progress.batch += 1
            sums.examples += batch.examples
            sums.tokens += self._count_tokens(batch)
            now = time.monotonic()
            sums.seconds, last = sums.seconds + now - last, now
            self.callbacks.on_train_batch_end(progress.batch - 1, {"loss": loss})
            bar.advance(note=f"loss {sums.loss / sums.items:.4f}  {sums.tokens / sums.seconds:,.0f} tokens/s")
            if interrupted.is_set():
                self._save(progress, states)
                raise TrainingInterrupted(
                    f"Stopped at epoch {progress.epoch + 1}, step {progress.batch}. "
                    "The same command goes on from there, without --overwrite."
                )
            if time.monotonic() - last_checkpoint >= self.config.checkpoint_seconds:
                self._save(progress, states)
                last_checkpoint = time.monotonic()

    def _train_on(self, batch: Arrays, progress: Progress) -> float:
        """Takes a step on each window of a batch; returns the mean loss of its items."""
        states: Any = zero_states(self.step.state_sizes, len(next(iter(batch.values()))))
        sums, summed, counted = progress.sums, 0.0, 0.0
        for window in windows(batch, self.config.window):
            recording = progress.recording
            *values, norms, states = self.step.train({**window, **states}, recording.is_due)
            loss, items, norm, clipped = map(float, values)
            if not math.isfinite(loss) or not math.isfinite(norm):
                what = f"The loss is {loss}" if not math.isfinite(loss) else f"The gradient norm is {norm}"
                raise TrainingError(self._explain_failure(progress, what))
            summed, counted = summed + loss, counted + items
            recording.take(loss / max(items, 1.0), clipped, norms.numpy() if recording.is_due else norms)
            sums.steps += 1
            sums.gradient_norm += norm
            sums.clipped += clipped
        sums.loss += summed
        sums.items += counted
        return summed / max(counted, 1.0)

    def _save(self, progress: Progress, states: CallbackStates) -> None:
        if not self.is_first:
            return
        progress.callbacks = states.changes()
        save_checkpoint(self.folder / CHECKPOINT, self.variables, progress)

    def _changes(self, progress: Progress) -> Change | None:
        """What changes the training examples of this epoch: by seed, epoch and example, so it can be repeated."""
        augment, where = self.problem.augment, (self.seed, progress.epoch)
        if augment is None:
            return None
        return lambda index, row: augment(row, np.random.default_rng([*where, index]))

    def _finish_epoch(self, progress: Progress) -> None:
        started = time.monotonic()
        with self._averaged_weights():
            scores = self._agreed(self._validate(progress) if self.is_first else {})
            if self.is_first and progress.sums.seconds >= LONG_EPOCH:
                self._look(progress)
            if self.problem.is_better(scores, progress):
                progress.best_epoch, progress.best_score = progress.epoch, scores[self.problem.monitor]
                progress.best_loss = scores.get("loss", math.inf)
                if self.is_first:
                    weights = {f"v{index}": np.asarray(weight) for index, weight in enumerate(self.model.weights)}
                    save_arrays(self.folder / BEST_WEIGHTS, weights)
        row = self._row(progress, scores, time.monotonic() - started)
        progress.rows.append(row)
        self.reporter.note(
            f"epoch {progress.epoch + 1}/{self.config.epochs}  loss {row['loss']:.4f}  "
            + "  ".join(f"val_{name} {value:.4f}" for name, value in scores.items())
            + f"  {row['seconds']:.0f} s"
        )
        self.reporter.picture(
            lambda path: draw_learning_curves(path, progress.rows, self.problem.monitor, progress.best_epoch + 1)
        )
        self.callbacks.on_epoch_end(progress.epoch, {name: value for name, value in row.items() if name != "epoch"})
        self._decide(progress)
        progress.epoch, progress.batch, progress.sums = progress.epoch + 1, 0, Sums()

    def _agreed(self, scores: dict[str, float]) -> dict[str, float]:
        """Returns the scores that the first process has found; of what decides, all others learn them from it."""
        if self.share.processes == 1:
            return scores
        decisive = [scores.get(self.problem.monitor, 0.0), scores.get("loss", math.inf if self.is_first else 0.0)]
        monitored, loss = self.step.summed(decisive)
        return {**scores, self.problem.monitor: monitored, **({"loss": loss} if math.isfinite(loss) else {})}

    @contextmanager
    def _averaged_weights(self) -> Iterator[None]:
        """Gives the model the running average of its weights in the block, where one is kept."""
        if not self.config.average:
            yield
            return
        variables = self.model.trainable_variables
        values = [keras.ops.convert_to_numpy(variable).copy() for variable in variables]
        self.optimizer.finalize_variable_values(variables)
        yield
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)

    def _look(self, progress: Progress) -> None:
        """Records what the gates do on some validation examples."""
        plan = Plan(self.valid, self.config.batch_size, self.config.batch_tokens)
        batch = next(load_batches(plan.batches(len(plan) // 2)))
        look_at_gates(progress.recording, self.model, batch.arrays)

    def _decide(self, progress: Progress) -> None:
        """Decides whether this epoch was the last one, and says why."""
        monitor, patience = f"val_{self.problem.monitor}", self.config.patience
        reasons = {
            f"no better {monitor} for {patience} epochs": progress.epoch - progress.best_epoch >= patience,
            "all epochs are done": progress.epoch + 1 >= self.config.epochs,
            "a callback has stopped it": self.model.stop_training,
        }
        if reason := next((reason for reason, holds in reasons.items() if holds), ""):
            progress.finished = True
            kept = f"epoch {progress.best_epoch + 1} ({monitor} {progress.best_score:.4f}) is kept"
            self.reporter.note(f"ended: {reason}; {kept}")

    def _row(self, progress: Progress, scores: Mapping[str, float], validation_seconds: float) -> Row:
        sums = progress.sums
        return {
            "epoch": progress.epoch + 1,
            "loss": sums.loss / max(sums.items, 1.0),
            **{f"val_{name}": value for name, value in scores.items()},
            "learning_rate": float(keras.ops.convert_to_numpy(self.optimizer.learning_rate)),
            "gradient_norm": sums.gradient_norm / sums.steps,
            "clip_rate": sums.clipped / sums.steps,
            "steps": sums.steps,
            "seconds": sums.seconds,
            "validation_seconds": validation_seconds,
            "examples_per_second": sums.examples / sums.seconds,
            "tokens_per_second": sums.tokens / sums.seconds,
            "waiting_share": sums.waited / sums.seconds,
        }

    def _validate(self, progress: Progress) -> dict[str, float]:
        metrics = self.problem.metrics()
        plan = Plan(self.valid, self.config.batch_size, self.config.batch_tokens)
        for batch, *_ in load_batches(plan.batches()):
            states: Any = zero_states(self.step.state_sizes, len(next(iter(batch.values()))))
            for window in windows(batch, self.config.window):
                found = self.step.infer({**window, **states})  # the rows may bring more, to be measured with
                states = carried(found)
                outputs: dict[str, Array] = {name: value.numpy() for name, value in found.items()}
                if not all(np.isfinite(value).all() for value in outputs.values()):
                    raise TrainingError(self._explain_failure(progress, "On validation data an output is no number"))
                metrics.update(outputs, window)
        return metrics.result()

    def _plan(self, epoch: int) -> Plan:
        balanced = self.config.sampling == "balanced"
        return Plan(self.train, self.config.batch_size, self.config.batch_tokens, (self.seed, epoch), balanced)

    def _count_steps(self, plan: Plan) -> int:
        window = self.config.window
        return sum(math.ceil(time / window) if window else 1 for group in plan.longest for time in group)

    def _count_tokens(self, batch: Batch) -> int:
        return batch.steps[next(iter(self.model.input))]

    def _explain_failure(self, progress: Progress, what: str) -> str:
        step = int(keras.ops.convert_to_numpy(self.optimizer.iterations))
        clipping = self.config.clipping
        return (
            f"{what} at step {step} (epoch {progress.epoch + 1}). The learning rate is {self.config.learning_rate:g}, "
            f"gradient clipping is {clipping.kind} at {clipping.threshold:g}. Try a smaller one, for example "
            f"--set training.learning_rate={self.config.learning_rate / 10:g} or --set training.clipping.threshold=0.5"
        )


@contextmanager
def _deferred_interrupt() -> Iterator[threading.Event]:
    """Lets the step under way finish after the first Ctrl-C; the second one stops at once."""
    interrupted = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield interrupted
        return

    def note(signum: int, frame: Any) -> None:
        interrupted.set()
        signal.signal(signal.SIGINT, previous)

    previous = signal.signal(signal.SIGINT, note)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, previous)
