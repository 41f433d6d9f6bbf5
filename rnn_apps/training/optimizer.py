"""AdamW that changes each weight in one pass over the memory."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("rnn_apps")
class AdamW(keras.optimizers.AdamW):
    """`keras.optimizers.AdamW` with TensorFlow's one operator for what Keras builds of a dozen.

        m <- m + (1 - β1) (g - m),   v <- v + (1 - β2) (g² - v)
        w <- w - η sqrt(1 - β2^t) / (1 - β1^t)  m / (sqrt(v) + ε)

    (Kingma and Ba, arXiv:1412.6980; the decay of the weights, before it, is that of Loshchilov and Hutter,
    arXiv:1711.05101). Where an optimizer works through arrays of millions of weights, its time is the memory's.
    """

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Takes a step with one weight array; rows of a sparse gradient that stand for one token are summed."""
        rate, step = tf.cast(learning_rate, variable.dtype), tf.cast(self.iterations + 1, variable.dtype)
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

    def _apply_weight_decay(self, variables: Any) -> None:
        # Keras would work through all weights to change nothing
        if self.weight_decay:
            super()._apply_weight_decay(variables)
