"""One step over all devices: each replica takes its share of the batch, and the sum is that of one device.

Losses and gradients are summed over all replicas, and the sum is divided by the number of items in the whole batch. So
the number of devices changes the speed, never the result. All goes into one sum over the devices, the gradient of a
large embedding as the rows that the batch has looked up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from rnn_apps.arrays import Arrays, Tensor
from rnn_apps.config import TrainingConfig
from rnn_apps.data.windows import INITIAL, carried
from rnn_apps.errors import ConfigError
from rnn_apps.layers.observation import changed_inputs
from rnn_apps.training.adversarial import Watched, mean_gradients
from rnn_apps.training.clipping import clip_gradients, scaled, summed_rows
from rnn_apps.training.measuring import LayerNorms

Loss = Callable[[Mapping[str, Tensor], Mapping[str, Tensor]], tuple[Tensor, Tensor]]


class StepResult(NamedTuple):
    """What a training step gives.

    Attributes:
        loss: summed over the items of the batch.
        items: their number.
        gradient_norm: before clipping.
        clipped: 1 if the gradients were clipped, else 0.
        norms: of each layer, (3, layers), zeros where they were not asked for: the gradient before clipping, after it,
            and the update as a share of the weights.
        states: for the next window of the same rows, (batch, units) each, by the names of the model's inputs.
    """

    loss: Tensor
    items: Tensor
    gradient_norm: Tensor
    clipped: Tensor
    norms: Tensor
    states: dict[str, Tensor]


def sent(gradient: Any, rows: int, batch_tokens: int) -> Any:
    """Returns what is sent of a gradient to the other devices.

    The rows of an embedding go to each, those of a batch at most `batch_tokens`; a whole table goes around once as it
    is summed and once as the sum.

    Args:
        gradient: a tensor, or the rows of one.
        rows: of the whole table.
        batch_tokens: time steps of a batch at most, over all devices.
    """
    if not isinstance(gradient, tf.IndexedSlices):
        return gradient
    return summed_rows([gradient])[0] if batch_tokens < 2 * rows else tf.convert_to_tensor(gradient)


class Step:
    """Trains and runs a model on one batch at a time, as two graphs that take batches of any size and length.

    Args:
        model: with dicts of named inputs and outputs.
        optimizer: what changes its weights.
        loss: (outputs, batch) -> (loss summed over items, number of items).
        config: settings: how gradients are clipped, and whether training is adversarial.
        strategy: the devices.
        example: an encoded example, for the names, the dtypes and the dimensions of a batch.
        processes: so many train one model together, each with its share of a batch.

    Attributes:
        state_sizes: units of each state that the model carries from window to window, by the name of its input.
    """

    def __init__(
        self,
        model: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        loss: Loss,
        config: TrainingConfig,
        strategy: tf.distribute.Strategy,
        example: Arrays,
        processes: int = 1,
    ) -> None:
        self.model, self.optimizer, self.loss = model, optimizer, loss
        self.clipping, self.adversarial, self.strategy = config.clipping, config.adversarial, strategy
        self.batch_tokens = config.batch_tokens
        self.replicas = strategy.num_replicas_in_sync // processes  # of this process
        inputs = model.input.items()
        self.state_sizes = {name: int(tensor.shape[-1]) for name, tensor in inputs if name.startswith(INITIAL)}
        specs = {name: tf.TensorSpec([None] * (1 + array.ndim), array.dtype) for name, array in example.items()}
        specs |= {name: tf.TensorSpec([None, units]) for name, units in self.state_sizes.items()}
        self._names = list(specs)
        self.norms = LayerNorms(model.trainable_variables)
        recorded = tf.TensorSpec([], tf.bool)
        self._train = tf.function(self._on_all_devices, input_signature=[specs, recorded], autograph=False)
        self._infer = tf.function(
            lambda batch: self._outputs(batch, training=False), input_signature=[specs], autograph=False
        )

    def train(self, batch: Mapping[str, Any], with_norms: bool = False) -> StepResult:
        """Takes a training step."""
        return StepResult(*self._train(dict(batch), tf.constant(with_norms)))

    def infer(self, batch: Mapping[str, Any]) -> dict[str, Tensor]:
        """Returns the outputs for a batch, which may hold more than the model reads."""
        outputs: dict[str, Tensor] = self._infer({name: batch[name] for name in self._names})
        return outputs

    def summed(self, values: Sequence[float]) -> list[float]:
        """Returns the sums of values over the processes that train together."""
        found = self.strategy.run(lambda: tf.constant(values, tf.float64) / self.replicas)
        return [float(value) for value in self.strategy.reduce("SUM", found, axis=None)]

    def _outputs(self, batch: Mapping[str, Tensor], training: bool) -> dict[str, Tensor]:
        return dict(self.model({name: batch[name] for name in self.model.input}, training=training))

    def _on_all_devices(self, batch: Mapping[str, Tensor], with_norms: Tensor) -> StepResult:
        *same, states = self.strategy.run(self._on_one_device, args=(batch, with_norms))
        loss, items, norm, clipped, norms = (self.strategy.experimental_local_results(value)[0] for value in same)
        whole = {name: self._all_rows(value) for name, value in states.items()}
        return StepResult(loss, items, norm, clipped, norms, whole)

    def _on_one_device(self, batch: Mapping[str, Tensor], with_norms: Tensor) -> StepResult:
        context = tf.distribute.get_replica_context()
        replicas = self.strategy.num_replicas_in_sync
        if self.replicas > 1:
            own = context.replica_id_in_sync_group % self.replicas
            batch = {name: value[own :: self.replicas] for name, value in batch.items()}
        variables = [variable.value for variable in self.model.trainable_variables]
        with tf.GradientTape() as tape:
            watched = Watched(tape)
            with changed_inputs(self.model, watched) if self.adversarial else nullcontext():
                outputs, summed, items, loss = self._loss(batch)
        if self.adversarial and not watched.vectors:
            raise ConfigError("training.adversarial moves what recurrent layers read, and here are none. Leave it out.")
        gradients, slopes = tape.gradient(loss, (variables, watched.vectors))
        if self.adversarial:
            with tf.GradientTape() as tape, changed_inputs(self.model, watched.moved(slopes, self.adversarial)):
                loss = self._loss(batch)[-1]
            gradients = mean_gradients(gradients, tape.gradient(loss, variables))
        if replicas > 1:
            gradients, summed, items = self._over_all_devices(context, gradients, summed, items)
        kind = None if self.clipping.kind == "none" else self.clipping.kind
        gradients, norm, clipped = clip_gradients(raw := gradients, variables, kind, self.clipping.threshold)
        measured = self._norms_before(with_norms, raw, gradients)
        self.optimizer.apply(gradients)
        norms = self._norms(with_norms, *measured)
        return StepResult(summed, items, norm, tf.cast(clipped, tf.float32), norms, carried(outputs))

    def _norms_before(self, wanted: Tensor, raw: Any, clipped: Any) -> Any:
        """Norms of the gradients of each layer, raw and clipped, (2, layers), and the weights before the step."""
        weights = [variable.value for variable in self.model.trainable_variables]

        def measured() -> Any:
            norms = tf.stack([self.norms.of(summed_rows(raw)), self.norms.of(clipped)])
            return norms, [tf.identity(weight) for weight in weights]

        def nothing() -> Any:
            norms = tf.zeros((2, len(self.norms.layers)))
            return norms, [tf.zeros([0] * len(weight.shape), weight.dtype) for weight in weights]

        return tf.cond(wanted, measured, nothing)

    def _norms(self, wanted: Tensor, norms: Tensor, before: Any) -> Tensor:
        """The same with how much the step has changed the weights, (3, layers)."""
        weights = [variable.value for variable in self.model.trainable_variables]

        def ratio() -> Tensor:
            changes = [weight - old for weight, old in zip(weights, before, strict=True)]
            return self.norms.of(changes) / tf.maximum(self.norms.of(before), 1e-12)

        changed = tf.cond(wanted, ratio, lambda: tf.zeros(len(self.norms.layers)))
        return tf.concat([norms, changed[None]], axis=0)

    def _loss(self, batch: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], Tensor, Tensor, Tensor]:
        """Returns the outputs, the summed loss, the number of items, and what gradients are taken of.

        That is the loss of an item; on several devices, of which none knows the items of the others, the sum.
        """
        outputs = self._outputs(batch, training=True)
        summed, items = self.loss(outputs, batch)
        items = tf.cast(items, tf.float32)
        alone = self.strategy.num_replicas_in_sync == 1
        return outputs, summed, items, summed / tf.maximum(items, 1.0) if alone else summed

    def _over_all_devices(
        self, context: Any, gradients: Sequence[Any], summed: Tensor, items: Tensor
    ) -> tuple[list[Any], Tensor, Tensor]:
        """Sums gradients, loss and items over all devices; returns the gradients of the loss of an item."""
        weights = [variable.value for variable in self.model.trainable_variables]
        pairs = [(own, weight) for own, weight in zip(gradients, weights, strict=True) if own is not None]
        parts = [sent(gradient, weight.shape[0], self.batch_tokens) for gradient, weight in pairs]
        *sums, summed, items = context.all_reduce("SUM", [*parts, summed, items])
        share, found = 1.0 / tf.maximum(items, 1.0), iter(sums)
        return [None if own is None else scaled(next(found), share) for own in gradients], summed, items

    def _all_rows(self, value: Tensor) -> Tensor:
        """Puts the rows of this process' replicas together again, each at its own place."""
        parts = self.strategy.experimental_local_results(value)
        if len(parts) == 1:
            return parts[0]
        together = tf.concat(parts, axis=0)
        rows = tf.range(tf.shape(together)[0])
        places = tf.concat([rows[first :: len(parts)] for first in range(len(parts))], axis=0)
        return tf.gather(together, tf.argsort(places))
