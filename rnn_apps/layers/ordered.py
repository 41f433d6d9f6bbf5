"""Log-probabilities of classes that have an order, such as one to five stars."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from rnn_apps.errors import check_count

_LEAST_GAP = 1e-3


@keras.saving.register_keras_serializable("rnn_apps")
class OrderedClasses(keras.layers.Layer):
    """The proportional-odds model: one score, and a threshold between each class and the next.

        s         = x w
        b<k+1>    = b<k> + softplus(r<k>) + 0.001
        P(y > k)  = sigmoid(s - b<k>),                        k = 0 … classes - 2
        P(y = k)  = P(y > k - 1) - P(y > k)

    Source: McCullagh (1980), "Regression models for ordinal data". A class beside the right one is never less likely
    than what the order says, and what is learnt of one threshold serves all.

    Args:
        classes: their number, at least 2; in their order.
        **kwargs: `name`, `dtype`, `trainable`, as in any Keras layer.

    Input (..., features), output (..., classes): log-probabilities.

    Raises:
        ConfigError: fewer than two classes.
    """

    def __init__(self, classes: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.classes = check_count("classes", classes, least=2)

    def build(self, input_shape: Any) -> None:
        """Creates the weights; at first every class is as likely as the others where the score is 0."""
        shares = np.arange(1, self.classes) / self.classes
        thresholds = np.log(shares / (1 - shares))
        gaps = np.log(np.expm1(np.diff(thresholds) - _LEAST_GAP))
        self.kernel = self.add_weight(name="kernel", shape=(input_shape[-1], 1), initializer="glorot_uniform")
        self.first = self.add_weight(
            name="first", shape=(1,), initializer=keras.initializers.Constant(float(thresholds[0]))
        )
        self.gaps = self.add_weight(
            name="gaps", shape=gaps.shape, initializer=lambda shape, dtype: ops.convert_to_tensor(gaps, dtype)
        )
        self.built = True

    def call(self, inputs: Any) -> Any:
        """Computes (..., classes) from (..., features)."""
        thresholds, between = self.thresholds()
        distances = ops.matmul(inputs, self.kernel) - thresholds
        # log(sigmoid(u) - sigmoid(v)) = log sigmoid(u) + log sigmoid(-v) + log(1 - exp(v - u)), which loses no digits
        above, below = -ops.softplus(-distances), -ops.softplus(distances)
        inner = above[..., :-1] + below[..., 1:] + between
        return ops.concatenate([below[..., :1], inner, above[..., -1:]], axis=-1)

    def thresholds(self) -> tuple[Any, Any]:
        """Returns b, (classes - 1,), and log(1 - exp(b<k-1> - b<k>)), (classes - 2,)."""
        gaps = ops.softplus(self.gaps) + _LEAST_GAP
        return ops.concatenate([self.first, self.first + ops.cumsum(gaps)]), ops.log(-ops.expm1(-gaps))

    def compute_output_shape(self, input_shape: Any) -> tuple[Any, ...]:
        """(..., classes)."""
        return (*input_shape[:-1], self.classes)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "classes": self.classes}
