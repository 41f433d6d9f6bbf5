"""Attention: each query looks at a memory and takes from it what it needs."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from rnn_apps.arrays import MASKED, Tensor
from rnn_apps.errors import check_count
from rnn_apps.layers import checks, paths

SCORES = ("additive", "multiplicative")


@keras.saving.register_keras_serializable("rnn_apps")
class Attention(keras.layers.Layer):
    """Attention over a memory, with scores by a small network or by a product.

        e<t,s> = v . tanh(W q<t> + k<s>)          "additive" (Bahdanau et al., arXiv:1409.0473)
        e<t,s> = (W q<t>) . k<s>                  "multiplicative" (Luong et al., arXiv:1508.04025, "general")
        α<t,·> = softmax over the steps s of the memory that count
        c<t>   = Σ_s α<t,s> m<s>

    The keys k<s> = U m<s> come ready from a `Dense` layer without bias, since a search needs them once for all of its
    steps. A row whose memory has no step that counts gets contexts of zeros.

    Args:
        units: width of the keys.
        score: "additive" or "multiplicative".
        **kwargs: `name`, `dtype`, `trainable`, as in any Keras layer.

    Raises:
        ConfigError: a size below 1, or an unknown score.
    """

    def __init__(self, units: int, score: str = "additive", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = check_count("units", units)
        self.score = checks.choice("score", score, SCORES)
        self.supports_masking = True

    def build(self, query_shape: Any, keys_shape: Any = None, memory_shape: Any = None, mask_shape: Any = None) -> None:
        """Creates W, and v where the score has one."""
        self.query_kernel = self.add_weight(name="query_kernel", shape=(query_shape[-1], self.units))
        self.score_kernel = None
        if self.score == "additive":
            self.score_kernel = self.add_weight(name="score_kernel", shape=(self.units, 1))

    def call(self, query: Tensor, keys: Tensor, memory: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Attends.

        Args:
            query: (batch, T, features).
            keys: (batch, S, units).
            memory: (batch, S, width).
            mask: (batch, S), true or not 0 where a step counts; the numbers of tokens can be given as they are.

        Returns:
            The contexts c, (batch, T, width), and the weights α, (batch, T, S), which are zero where no step counts.
        """
        mask = ops.cast(mask, "bool")
        projected = ops.matmul(query, self.query_kernel)
        if self.score_kernel is not None and paths.can_compile(self.compute_dtype):
            from rnn_apps.kernels import attention

            return attention.attend(projected, keys, ops.reshape(self.score_kernel, (-1,)), memory, mask)
        counts = ops.cast(mask, keys.dtype)[:, None, :]
        if self.score_kernel is None:
            scores = ops.matmul(projected, ops.transpose(keys, (0, 2, 1)))
        else:
            both = ops.tanh(projected[:, :, None, :] + keys[:, None, :, :])
            scores = ops.matmul(both, self.score_kernel)[..., 0]
        weights = ops.softmax(scores + (1 - counts) * MASKED, axis=-1) * counts
        return ops.matmul(weights, memory), weights

    def compute_output_spec(self, query: Any, keys: Any, memory: Any, mask: Any) -> tuple[Any, Any]:
        """Shapes of what `call` returns."""
        batch, time = query.shape[:2]
        return (
            keras.KerasTensor((batch, time, memory.shape[-1]), dtype=self.compute_dtype),
            keras.KerasTensor((batch, time, memory.shape[1]), dtype=self.compute_dtype),
        )

    def compute_mask(self, *inputs: Any, **masks: Any) -> None:
        """Contexts and weights carry none: what reads the queries too takes their mask."""
        return None

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "units": self.units, "score": self.score}
