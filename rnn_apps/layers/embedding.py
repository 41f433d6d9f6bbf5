"""A vector for each token, learnt."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from rnn_apps.layers import checks


@keras.saving.register_keras_serializable("rnn_apps")
class Embedding(keras.layers.Embedding):
    """`keras.layers.Embedding` with token dropout: in training, whole tokens are hidden from the model.

    A hidden token's vector is zero and the others stay as they are, so the model cannot lean on single words
    (Dai and Le, arXiv:1511.01432, section 4.2).

    Args:
        input_dim: size of the vocabulary.
        output_dim: features of a vector.
        token_dropout: share of the tokens that are hidden in training.
        **kwargs: the other arguments of `keras.layers.Embedding`; `mask_zero=True` makes the number 0 padding.

    Input (batch, time) of whole numbers, output (batch, time, output_dim).

    Raises:
        ConfigError: a size below 1, or a rate outside 0 to below 1.
    """

    def __init__(self, input_dim: int, output_dim: int, token_dropout: float = 0.0, **kwargs: Any) -> None:
        sizes = checks.positive("input_dim", input_dim), checks.positive("output_dim", output_dim)
        super().__init__(*sizes, **kwargs)
        self.token_dropout = checks.rate("token_dropout", token_dropout)
        if token_dropout:
            self.seed_generator = keras.random.SeedGenerator()

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Looks the vectors up."""
        vectors = super().call(inputs)
        if not (training and self.token_dropout):
            return vectors
        draw = keras.random.uniform(ops.shape(inputs), seed=self.seed_generator)
        return vectors * ops.cast(draw >= self.token_dropout, vectors.dtype)[..., None]

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "token_dropout": self.token_dropout}
