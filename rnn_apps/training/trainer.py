"""The training loop: one for one device and for many.

Every step runs under `tf.distribute`: each replica takes its share of the batch, losses and gradients are summed over
all replicas, and the sum is divided by the number of items in the whole batch. So the number of devices changes the
speed, never the result.

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
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnn_apps.arrays import Arrays, Tensor
from rnn_apps.config import TrainingConfig
from rnn_apps.data.batching import Change, load_batches, plan_batches
from rnn_apps.data.store import ArrayStore
from rnn_apps.data.windows import INITIAL, carried, windows, zero_states
from rnn_apps.errors import TrainingError, TrainingInterrupted
from rnn_apps.inference.metrics import Metrics
from rnn_apps.progress import Bar, Reporter
from rnn_apps.training.checkpoint import Progress, Row, load_checkpoint, save_arrays, save_checkpoint
from rnn_apps.training.clipping import clip_gradients
from rnn_apps.training.optimizer import AdamW

Loss = Callable[[Mapping[str, Tensor], Mapping[str, Tensor]], tuple[Tensor, Tensor]]
Augment = Callable[[Arrays, np.random.Generator], Arrays]

CHECKPOINT = "checkpoint.npz"
BEST_WEIGHTS = "best.npz"


@keras.saving.register_keras_serializable(package="rnn_apps")
class WarmUpThenDecay(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that rises in a line from zero, then stays or falls to zero at the last step.

    Args:
        peak: the highest learning rate.
        steps: number of steps in all.
        warmup: share of the steps in which it rises.
        shape: "constant", "linear" or "cosine".
    """

    def __init__(self, peak: float, steps: int, warmup: float, shape: str) -> None:
        self.peak, self.steps, self.warmup, self.shape = peak, steps, warmup, shape

    def __call__(self, step: Tensor) -> Tensor:
        """Returns the learning rate of the step with this number, from 0."""
        rising = max(self.warmup * self.steps, 1.0)
        done = tf.cast(step, tf.float32) + 1.0
        left = tf.clip_by_value((self.steps - done) / max(self.steps - rising, 1.0), 0.0, 1.0)
        factors = {"constant": tf.ones_like(left), "linear": left, "cosine": 0.5 - 0.5 * tf.cos(math.pi * left)}
        return self.peak * tf.minimum(tf.minimum(done / rising, 1.0), factors[self.shape])

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments."""
        return {"peak": self.peak, "steps": self.steps, "warmup": self.warmup, "shape": self.shape}


class Trainer:
    """Trains one model on encoded examples.

    Args:
        build_model: returns the new `keras.Model`, with dicts of named inputs and outputs; called in the strategy's
            scope.
        loss: (outputs, batch) -> (loss summed over items, number of items).
        train: training examples.
        valid: validation examples.
        metrics: returns a fresh accumulator for one pass over the validation examples.
        monitor: the metric that decides which weights are best.
        monitor_mode: "max" or "min".
        config: settings.
        seed: everything random follows from it.
        folder: where checkpoints go; if one is there, training goes on from it.
        strategy: a `tf.distribute.Strategy`; the current one if left out.
        augment: changes a training example at random, anew in each epoch; see `Processor.augment`.
        callbacks: Keras callbacks.
        reporter: what shows the progress.
    """

    def __init__(
        self,
        *,
        build_model: Callable[[], keras.Model],
        loss: Loss,
        train: ArrayStore,
        valid: ArrayStore,
        metrics: Callable[[], Metrics],
        monitor: str,
        monitor_mode: str,
        config: TrainingConfig,
        seed: int,
        folder: Path,
        strategy: tf.distribute.Strategy | None = None,
        augment: Augment | None = None,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        reporter: Reporter | None = None,
    ) -> None:
        self.loss, self.metrics, self.augment = loss, metrics, augment
        self.train, self.valid = train, valid
        self.monitor, self.sign = monitor, 1.0 if monitor_mode == "max" else -1.0
        self.config, self.seed, self.folder = config, seed, folder
        self.strategy = strategy or tf.distribute.get_strategy()
        self.reporter = reporter or Reporter(enabled=False)
        self.folder.mkdir(parents=True, exist_ok=True)
        keras.utils.set_random_seed(seed)
        with self.strategy.scope():
            self.model = build_model()
            steps = self._count_steps(self._plan(0)) * config.epochs
            self.optimizer = self._new_optimizer(steps)
            self.optimizer.build(self.model.trainable_variables)
        self.variables = [*self.model.variables, *self.optimizer.variables]
        self.callbacks = keras.callbacks.CallbackList(list(callbacks), model=self.model, epochs=config.epochs)
        self._specs = {name: tf.TensorSpec([None] * a.ndim, a.dtype) for name, a in train[0].items()}
        self._specs = {name: tf.TensorSpec([None, *spec.shape], spec.dtype) for name, spec in self._specs.items()}
        self._state_sizes = {
            name: int(tensor.shape[-1]) for name, tensor in self.model.input.items() if name.startswith(INITIAL)
        }
        self._specs |= {name: tf.TensorSpec([None, units]) for name, units in self._state_sizes.items()}
        self._step = tf.function(self._distributed_step, input_signature=[self._specs], autograph=False)
        self._infer = tf.function(
            lambda batch: self._call(batch, training=False), input_signature=[self._specs], autograph=False
        )

    def fit(self) -> list[Row]:
        """Trains to the end, leaves the best weights in the model, and returns the history, a row an epoch.

        Raises:
            TrainingError: if the loss is no number any more.
            TrainingInterrupted: after Ctrl-C, with a checkpoint written.
        """
        progress = load_checkpoint(self.folder / CHECKPOINT, self.variables)
        if progress.epoch or progress.batch:
            self.reporter.note(f"resumed at epoch {progress.epoch + 1}, step {progress.batch}")
        self.model.stop_training = False
        self.model.optimizer = self.optimizer  # Keras' callbacks look for it there
        self.callbacks.on_train_begin()
        with _deferred_interrupt() as interrupted:
            while not progress.finished:
                self._run_epoch(progress, interrupted)
        self.callbacks.on_train_end()
        self.model.optimizer = None  # it would be saved with the model
        with np.load(self.folder / BEST_WEIGHTS, allow_pickle=False) as best:
            for number, variable in enumerate(self.model.weights):
                variable.assign(best[f"v{number}"])
        return progress.rows

    def _run_epoch(self, progress: Progress, interrupted: threading.Event) -> None:
        plan = self._plan(progress.epoch)
        title = f"epoch {progress.epoch + 1}/{self.config.epochs}"
        self.callbacks.on_epoch_begin(progress.epoch)
        with self.reporter.bar(title, len(plan), progress.batch) as bar:
            self._run_batches(progress, plan, bar, interrupted)
        self._finish_epoch(progress)
        save_checkpoint(self.folder / CHECKPOINT, self.variables, progress)

    def _run_batches(self, progress: Progress, plan: Sequence[Any], bar: Bar, interrupted: threading.Event) -> None:
        sums = progress.sums
        last_checkpoint = last = time.monotonic()
        for batch in load_batches(self.train, plan[progress.batch :], change=self._changes(progress)):
            started = time.monotonic()
            self.callbacks.on_train_batch_begin(progress.batch)
            steps, loss, items, norm, clipped = self._train_on(batch, progress)
            progress.batch += 1
            ended = time.monotonic()
            for name, value in {
                "loss": loss,
                "items": items,
                "steps": steps,
                "gradient_norm": norm,
                "clipped": clipped,
                "examples": len(next(iter(batch.values()))),
                "tokens": self._count_tokens(batch),
                "waited": started - last,
                "seconds": ended - last,
            }.items():
                sums[name] = sums.get(name, 0.0) + value
            last = ended
            self.callbacks.on_train_batch_end(progress.batch - 1, {"loss": loss / max(items, 1.0)})
            bar.advance(
                note=f"loss {sums['loss'] / sums['items']:.4f}  {sums['tokens'] / sums['seconds']:,.0f} tokens/s"
            )
            if interrupted.is_set():
                save_checkpoint(self.folder / CHECKPOINT, self.variables, progress)
                where = f"epoch {progress.epoch + 1}, step {progress.batch}"
                raise TrainingInterrupted(
                    f"Stopped at {where}. The same command goes on from there, without --overwrite."
                )
            if time.monotonic() - last_checkpoint >= self.config.checkpoint_seconds:
                save_checkpoint(self.folder / CHECKPOINT, self.variables, progress)
                last_checkpoint = time.monotonic()

    def _train_on(self, batch: Arrays, progress: Progress) -> list[float]:
        """Takes a step on each window of a batch; returns their number, and the sums of what `_step` returns."""
        states: Any = zero_states(self._state_sizes, len(next(iter(batch.values()))))
        sums = np.zeros(5)
        for window in windows(batch, self.config.window):
            *values, states = self._step({**window, **states})
            loss, items, norm, clipped = map(float, values)
            if not math.isfinite(loss) or not math.isfinite(norm):
                what = f"The loss is {loss}" if not math.isfinite(loss) else f"The gradient norm is {norm}"
                raise TrainingError(self._explain_failure(progress, what))
            sums += 1.0, loss, items, norm, clipped
        return [float(value) for value in sums]

    def _changes(self, progress: Progress) -> Change | None:
        """What changes the training examples of this epoch: by seed, epoch and example, so it can be repeated."""
        augment, place = self.augment, (self.seed, progress.epoch)
        if augment is None:
            return None
        return lambda number, row: augment(row, np.random.default_rng([*place, number]))

    def _finish_epoch(self, progress: Progress) -> None:
        sums = progress.sums
        started = time.monotonic()
        scores = self._validate(progress)
        row: Row = {
            "epoch": progress.epoch + 1,
            "loss": sums["loss"] / max(sums["items"], 1.0),
            **{f"val_{name}": value for name, value in scores.items()},
            "learning_rate": float(keras.ops.convert_to_numpy(self.optimizer.learning_rate)),
            "gradient_norm": sums["gradient_norm"] / sums["steps"],
            "clip_rate": sums["clipped"] / sums["steps"],
            "steps": sums["steps"],
            "seconds": sums["seconds"],
            "validation_seconds": time.monotonic() - started,
            "examples_per_second": sums["examples"] / sums["seconds"],
            "tokens_per_second": sums["tokens"] / sums["seconds"],
            "waiting_share": sums["waited"] / sums["seconds"],
        }
        progress.rows.append(row)
        if progress.best_epoch < 0 or self.sign * (scores[self.monitor] - progress.best_score) > 0:
            progress.best_epoch, progress.best_score = progress.epoch, scores[self.monitor]
            weights = {f"v{number}": np.asarray(weight) for number, weight in enumerate(self.model.weights)}
            save_arrays(self.folder / BEST_WEIGHTS, weights)
        self.reporter.note(
            f"epoch {progress.epoch + 1}/{self.config.epochs}  loss {row['loss']:.4f}  "
            + "  ".join(f"val_{name} {value:.4f}" for name, value in scores.items())
            + f"  {row['seconds']:.0f} s"
        )
        self.callbacks.on_epoch_end(progress.epoch, {name: value for name, value in row.items() if name != "epoch"})
        stale = progress.epoch - progress.best_epoch >= self.config.patience
        progress.finished = stale or progress.epoch + 1 >= self.config.epochs or self.model.stop_training
        progress.epoch, progress.batch, progress.sums = progress.epoch + 1, 0, {}

    def _validate(self, progress: Progress) -> dict[str, float]:
        metrics = self.metrics()
        plan = plan_batches(self.valid.lengths, self.config.batch_size, self.config.batch_tokens)
        for batch in load_batches(self.valid, plan):
            states: Any = zero_states(self._state_sizes, len(next(iter(batch.values()))))
            for window in windows(batch, self.config.window):
                # validation rows may bring more, to be measured with
                given = {**window, **states}
                found = self._infer({name: given[name] for name in self._specs})
                states = carried(found)
                outputs = {name: value.numpy() for name, value in found.items()}
                if not all(np.isfinite(value).all() for value in outputs.values()):
                    raise TrainingError(self._explain_failure(progress, "On validation data an output is no number"))
                metrics.update(outputs, window)
        return metrics.result()

    def _call(self, batch: Mapping[str, Tensor], training: bool) -> dict[str, Tensor]:
        return dict(self.model({name: batch[name] for name in self.model.input}, training=training))

    def _distributed_step(self, batch: Mapping[str, Tensor]) -> list[Tensor]:
        """One step over all replicas.

        Returns:
            Summed loss, number of items, gradient norm, 1 if it was clipped, and the states for the next window.
        """
        loss, items, norm, clipped, states = self.strategy.run(self._replica_step, args=(batch,))
        reduce = self.strategy.reduce
        first = [self.strategy.experimental_local_results(value)[0] for value in (items, norm, clipped)]
        return [reduce("SUM", loss, axis=None), *first, {name: self._all_rows(v) for name, v in states.items()}]

    def _all_rows(self, value: Tensor) -> Tensor:
        """Puts the rows of all replicas together again, each at its own place."""
        replicas = self.strategy.num_replicas_in_sync
        if replicas == 1:
            return value
        together = self.strategy.gather(value, axis=0)
        rows = tf.range(tf.shape(together)[0])
        return tf.gather(together, tf.argsort(tf.concat([rows[first::replicas] for first in range(replicas)], axis=0)))

    def _replica_step(self, batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor, Tensor, dict[str, Tensor]]:
        context = tf.distribute.get_replica_context()
        replicas = self.strategy.num_replicas_in_sync
        if replicas > 1:
            batch = {name: value[context.replica_id_in_sync_group :: replicas] for name, value in batch.items()}
        variables = [variable.value for variable in self.model.trainable_variables]
        with tf.GradientTape() as tape:
            outputs = self._call(batch, training=True)
            summed, items = self.loss(outputs, batch)
            items = context.all_reduce("SUM", tf.cast(items, tf.float32))
            loss = summed / tf.maximum(items, 1.0)
        gradients = tape.gradient(loss, variables)
        if replicas > 1:
            gradients = context.all_reduce("SUM", gradients)
        clipping = self.config.clipping
        kind = None if clipping.kind == "none" else clipping.kind
        gradients, norm, clipped = clip_gradients(gradients, variables, kind, clipping.threshold)
        # the optimizer sums over replicas once more, and here they all hold the same sum already
        if replicas > 1:
            gradients = [None if g is None else tf.convert_to_tensor(g) / replicas for g in gradients]
        self.optimizer.apply(gradients)
        return summed, items, norm, tf.cast(clipped, tf.float32), carried(outputs)

    def _new_optimizer(self, steps: int) -> keras.optimizers.Optimizer:
        config = self.config
        rate = WarmUpThenDecay(config.learning_rate, steps, config.warmup, config.schedule)
        # a shorter memory of squared gradients than usual: these runs have thousands of steps, not millions
        return AdamW(rate, weight_decay=config.weight_decay, beta_2=0.99)

    def _plan(self, epoch: int) -> list[Any]:
        rng = np.random.default_rng([self.seed, epoch])
        return plan_batches(self.train.lengths, self.config.batch_size, self.config.batch_tokens, rng)

    def _count_steps(self, plan: Sequence[Any]) -> int:
        window = self.config.window
        return sum(math.ceil(int(self.train.lengths[rows].max()) / window) if window else 1 for rows in plan)

    def _count_tokens(self, batch: Arrays) -> int:
        name = next(iter(self.model.input))
        return int(np.count_nonzero(batch[name])) if batch[name].ndim == 2 else len(batch[name])

    def _explain_failure(self, progress: Progress, what: str) -> str:
        step = int(self.optimizer.iterations)
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
