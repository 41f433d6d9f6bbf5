"""A linear-chain conditional random field on top of a recurrent network (Lafferty, McCallum and Pereira, 2001).

A path y of tags through a sentence of length n with emissions e has the score and the log-likelihood

    s(y) = a[K, y1] + e1[y1] + Σ (a[y(t-1), yt] + et[yt]) + a[yn, K]      log P(y) = s(y) - log Z,  Z = Σ exp s(y')

K is the number of tags, and as an index of the transitions a the outside of the sentence. The forward algorithm gives

    α1 = a[K] + e1        αt[j] = et[j] + log Σi exp(αt-1[i] + a[i, j])        log Z = log Σi exp(αn[i] + a[i, K])

and the gradient of log Z is what the forward-backward algorithm computes: the marginal of each tag at each step for e,
and the expected number of each transition for a.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from rnn_apps.arrays import Tensor
from rnn_apps.errors import ConfigError, check_count
from rnn_apps.inference import crf
from rnn_apps.inference.crf import ILLEGAL
from rnn_apps.layers import paths


@keras.saving.register_keras_serializable("rnn_apps")
class CRF(keras.layers.Layer):
    """The transitions of a linear-chain CRF.

    Args:
        tags: K, the number of tags.
        legal: (K + 1, K + 1), which tag may follow which, the number K standing for the outside of the sentence; all
            may if left out. An illegal transition has the score `ILLEGAL`, whatever was learnt, so its probability is
            zero.
        **kwargs: `name`, `dtype`, `trainable`, as in any Keras layer.

    Input: emissions (batch, time, K), masked behind the end of each row. Output: a tuple of the emissions as they are
    and the transitions, (batch, K + 1, K + 1), the same for every row.

    Raises:
        ConfigError: a size below 1, `legal` of another shape, or emissions of another width.
    """

    def __init__(self, tags: int, legal: Sequence[Sequence[bool]] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.tags = check_count("tags", tags)
        size = self.tags + 1
        self.legal = np.ones((size, size), bool) if legal is None else np.asarray(legal, bool)
        if self.legal.shape != (size, size):
            raise ConfigError(
                f"Expected legal of shape ({size}, {size}), the tags and the outside. Received: {self.legal.shape}."
            )
        self.supports_masking = True

    def build(self, emissions_shape: Any) -> None:
        """Makes the transitions."""
        if emissions_shape[-1] != self.tags:
            raise ConfigError(f"Expected emissions of {self.tags} tags. Received the shape {tuple(emissions_shape)}.")
        size = self.tags + 1
        self.transitions = self.add_weight(shape=(size, size), initializer="zeros", name="transitions")

    def legal_scores(self) -> Tensor:
        """Returns the transitions with `ILLEGAL` in the place of illegal ones, (K + 1, K + 1)."""
        return ops.where(ops.convert_to_tensor(self.legal), self.transitions, ILLEGAL)

    def call(self, emissions: Tensor) -> tuple[Tensor, Tensor]:
        """Puts the transitions beside the emissions."""
        size = self.tags + 1
        scores = ops.cast(self.legal_scores(), emissions.dtype)
        return emissions, ops.broadcast_to(scores[None], (ops.shape(emissions)[0], size, size))

    def compute_output_shape(self, emissions_shape: Any) -> tuple[Any, Any]:
        """Shapes of what `call` returns."""
        return tuple(emissions_shape), (emissions_shape[0], self.tags + 1, self.tags + 1)

    def compute_mask(self, emissions: Any, mask: Any = None) -> list[Any]:
        """The mask of the emissions; the transitions have none."""
        return [mask, None]

    def log_likelihood(self, emissions: Tensor, tags: Tensor, mask: Tensor | None = None) -> Tensor:
        """Returns log P(tags) of each row, (batch,); see `log_likelihood` below."""
        return log_likelihood(emissions, self.legal_scores(), tags, mask)

    def viterbi(self, emissions: Tensor, mask: Tensor | None = None) -> Any:
        """Returns the best path of each row, (batch, time), 0 behind the end, and its score, (batch,), in NumPy."""
        return crf.viterbi(*self._arrays(emissions, mask))

    def marginals(self, emissions: Tensor, mask: Tensor | None = None) -> Any:
        """Returns P(tag at step), (batch, time, K), 0 behind the end, as a NumPy array."""
        return crf.forward_backward(*self._arrays(emissions, mask)).marginals()

    def _arrays(self, emissions: Tensor, mask: Tensor | None) -> tuple[Any, Any, Any]:
        arrays = ops.convert_to_numpy(emissions), ops.convert_to_numpy(self.legal_scores())
        return *arrays, ops.convert_to_numpy(_lengths(emissions, mask))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "tags": self.tags, "legal": self.legal.tolist()}


def log_likelihood(emissions: Tensor, transitions: Tensor, tags: Tensor, mask: Tensor | None = None) -> Tensor:
    """Returns log P(tags) of each row, in nats, differentiable.

    Args:
        emissions: (batch, time, K).
        transitions: (K + 1, K + 1), as `CRF.legal_scores` gives them.
        tags: numbers of the right tags, (batch, time); what stands behind the end has no influence.
        mask: (batch, time), true for the steps of a row, which come first; None where all count.

    Returns:
        (batch,); an empty row has 0.
    """
    mask = ops.ones(ops.shape(tags), "bool") if mask is None else ops.cast(mask, "bool")
    score = path_score(emissions, transitions, tags, mask)
    return score - log_partition(emissions, transitions, mask)


def path_score(emissions: Tensor, transitions: Tensor, tags: Tensor, mask: Tensor) -> Tensor:
    """Returns s(tags) of each row, (batch,)."""
    count = emissions.shape[-1]
    real = ops.cast(mask, emissions.dtype)
    tags = ops.where(mask, ops.cast(tags, "int32"), count)  # the outside, in front and behind
    outside = ops.full_like(tags[:, :1], count)
    before = ops.concatenate([outside, tags], axis=1)
    after = ops.concatenate([tags, outside], axis=1)
    some = ops.concatenate([real[:, :1], real], axis=1)  # one transition more than steps, none for an empty row
    moves = ops.take(ops.reshape(transitions, (-1,)), before * (count + 1) + after)
    own = ops.sum(emissions * ops.one_hot(tags, count, dtype=emissions.dtype), axis=(1, 2))
    return own + ops.sum(moves * some, axis=1)


def log_partition(emissions: Tensor, transitions: Tensor, mask: Tensor) -> Tensor:
    """Returns log Z of each row, (batch,): by NumPy with the marginals as the gradient, or by `forward_algorithm`."""
    if keras.backend.backend() == "tensorflow" and not paths.is_generic_only():
        return _log_partition_with_marginals(emissions, transitions, mask)
    return forward_algorithm(emissions, transitions, mask)


def forward_algorithm(emissions: Tensor, transitions: Tensor, mask: Tensor) -> Tensor:
    """Returns log Z of each row, (batch,), step by step as in the equations above."""
    count = emissions.shape[-1]
    first = transitions[count, :count] + emissions[:, 0]

    def step(alpha: Tensor, inputs: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        emission, real = inputs
        following = emission + ops.logsumexp(alpha[:, :, None] + transitions[None, :count, :count], axis=1)
        alpha = ops.where(real[:, None], following, alpha)
        return alpha, alpha

    rest = ops.transpose(emissions[:, 1:], (1, 0, 2)), ops.transpose(mask[:, 1:], (1, 0))
    alpha, _ = ops.scan(step, first, rest)
    total = ops.logsumexp(alpha + transitions[:count, count], axis=1)
    return ops.where(mask[:, 0], total, 0.0)


def _log_partition_with_marginals(emissions: Tensor, transitions: Tensor, mask: Tensor) -> Tensor:
    import tensorflow as tf

    def passes(emissions: Any, transitions: Any, lengths: Any) -> Any:
        found = crf.forward_backward(emissions, transitions, lengths)
        results = found.log_partition, found.marginals(), found.move_marginals()
        return [result.astype(np.float32) for result in results]

    @tf.custom_gradient
    def operation(emissions: Tensor, transitions: Tensor) -> Any:
        given = [emissions, transitions, _lengths(emissions, mask)]
        total, marginals, moves = tf.numpy_function(passes, given, [tf.float32] * 3, stateful=False)
        total.set_shape(emissions.shape[:1])

        def gradient(upstream: Tensor) -> tuple[Tensor, Tensor]:
            return upstream[:, None, None] * marginals, tf.einsum("b,bij->ij", upstream, moves)

        return total, gradient

    return operation(ops.convert_to_tensor(emissions), ops.convert_to_tensor(transitions))


def _lengths(emissions: Tensor, mask: Tensor | None) -> Tensor:
    if mask is None:
        return ops.full(ops.shape(emissions)[:1], ops.shape(emissions)[1], dtype="int32")
    return ops.sum(ops.cast(mask, "int32"), axis=1)
