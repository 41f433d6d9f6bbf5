"""The learning rate over a run, and AdamW that changes each weight in one pass over the memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from rnn_apps.arrays import Tensor
from rnn_apps.config import TrainingConfig


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


def new_optimizer(config: TrainingConfig, steps: int) -> keras.optimizers.Optimizer:
    """Returns the optimizer of a run of so many steps; a rate that nothing changes can be set by callbacks."""
    rate: Any = WarmUpThenDecay(config.learning_rate, steps, config.warmup, config.schedule)
    if config.schedule == "constant" and not config.warmup:
        rate = config.learning_rate
    # a shorter memory of squared gradients than usual: these runs have thousands of steps, not millions
    averaged = {"use_ema": True, "ema_momentum": config.average} if config.average else {}
    return AdamW(rate, weight_decay=config.weight_decay, beta_2=0.99, **averaged)


@keras.saving.register_keras_serializable("rnn_apps")
class AdamW(keras.optimizers.AdamW):
    """`keras.optimizers.AdamW` with TensorFlow's one operator for what Keras builds of a dozen.

        m <- m + (1 - β1) (g - m),   v <- v + (1 - β2) (g² - v)
        w <- w - η sqrt(1 - β2^t) / (1 - β1^t)  m / (sqrt(v) + ε)

    (Kingma and Ba, arXiv:1412.6980; the decay of the weights, before it, is that of Loshchilov and Hutter,
    arXiv:1711.05101). Where an optimizer works through arrays of millions of weights, its time is the memory's.
    """

    rate_factors: Sequence[float] = ()
    """What the learning rate is multiplied by, for each weight array in the order of `build`; 1 where left out."""

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Takes a step with one weight array; rows of a sparse gradient that stand for one token are summed."""
        rate, step = tf.cast(learning_rate, variable.dtype), tf.cast(self.iterations + 1, variable.dtype)
        rate *= self.rate_factors[self._get_variable_index(variable)] if self.rate_factors else 1.0
        beta_1, beta_2 = (tf.cast(beta, variable.dtype) for beta in (self.beta_1, self.beta_2))
        place = self._get_variable_index(variable)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[place].value.handle,
            v=self._velocities[place].value.handle,
            beta1_power=beta_1**step,
            beta2_power=beta_2**step,
            lr=rate,
            beta1=beta_1,
            beta2=beta_2,
            epsilon=tf.cast(self.epsilon, variable.dtype),
            grad=tf.cast(tf.convert_to_tensor(gradient), variable.dtype),
        )

    def _all_reduce_sum_gradients(self, grads_and_vars: Any) -> Any:
        # Keras would sum over the devices once more, and an embedding's gradient as a whole table; `Step` has done it
        return grads_and_vars

    def _apply_weight_decay(self, variables: Any) -> None:
        # Keras would work through all weights to change nothing
        if self.weight_decay:
            super()._apply_weight_decay(variables)
