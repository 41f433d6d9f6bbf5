"""A vector for each token, learnt."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from rnn_apps.errors import check_count, check_rate


@keras.saving.register_keras_serializable("rnn_apps")
class Embedding(keras.layers.Embedding):
    """`keras.layers.Embedding` with token dropout: in training, whole tokens are hidden from the model.

    A hidden token's vector is zero and the others stay as they are, so the model cannot lean on single words
    (Dai and Le, arXiv:1511.01432, section 4.2). With `hidden_token` it is read as that token instead: as the unknown
    word, say, whose vector is then learnt from all words.

    Args:
        input_dim: size of the vocabulary.
        output_dim: features of a vector.
        token_dropout: share of the tokens that are hidden in training.
        hidden_token: the number that a hidden token is read as, if its vector is not to be zero.
        **kwargs: the other arguments of `keras.layers.Embedding`; `mask_zero=True` makes the number 0 padding.

    Input (batch, time) of whole numbers, output (batch, time, output_dim).

    Raises:
        ConfigError: a size below 1, or a rate outside 0 to below 1.
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        token_dropout: float = 0.0,
        hidden_token: int | None = None,
        **kwargs: Any,
    ) -> None:
        sizes = check_count("input_dim", input_dim), check_count("output_dim", output_dim)
        super().__init__(*sizes, **kwargs)
        self.token_dropout = check_rate("token_dropout", token_dropout)
        self.hidden_token = hidden_token
        if token_dropout:
            self.seed_generator = keras.random.SeedGenerator()

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Looks the vectors up."""
        if not (training and self.token_dropout):
            return super().call(inputs)
        kept = keras.random.uniform(ops.shape(inputs), seed=self.seed_generator) >= self.token_dropout
        if self.hidden_token is not None:
            hidden = ops.where(ops.equal(inputs, 0), 0, self.hidden_token)  # padding stays padding
            return super().call(ops.where(kept, inputs, ops.cast(hidden, inputs.dtype)))
        vectors = super().call(inputs)
        return vectors * ops.cast(kept, vectors.dtype)[..., None]

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "token_dropout": self.token_dropout, "hidden_token": self.hidden_token}


@keras.saving.register_keras_serializable("rnn_apps")
class TiedEmbedding(Embedding):
    """An `Embedding` that also works the other way, from features to a logit for each token.

        logits = h E^T + b

    with the table E of the vectors (Press and Wolf, arXiv:1608.05859): the vectors are learnt from both sides, and the
    largest matrix of a model is there once.

    Args:
        *args: the arguments of `Embedding`.
        **kwargs: likewise.
    """

    def build(self, input_shape: Any = None) -> None:
        """Creates the table and the bias of the logits."""
        super().build(input_shape)
        self.bias = self.add_weight(name="bias", shape=(self.input_dim,), initializer="zeros")

    def call(self, inputs: Any, training: bool | None = None, reverse: bool = False) -> Any:
        """Looks vectors up, or with `reverse` turns (..., output_dim) into logits (..., input_dim)."""
        if not reverse:
            return super().call(inputs, training=training)
        table = ops.convert_to_tensor(self.embeddings)
        rows = ops.reshape(inputs, (-1, self.output_dim))
        logits = ops.matmul(rows, ops.transpose(table)) + self.bias
        return ops.reshape(logits, (*ops.shape(inputs)[:-1], self.input_dim))

    def compute_output_spec(self, inputs: Any, training: bool | None = None, reverse: bool = False) -> Any:
        """Shapes of what `call` returns."""
        if reverse:
            return keras.KerasTensor((*inputs.shape[:-1], self.input_dim), dtype=self.compute_dtype)
        return keras.KerasTensor((*inputs.shape, self.output_dim), dtype=self.compute_dtype)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """True where a token is not 0, if the layer masks; features have none."""
        return super().compute_mask(inputs, mask) if "int" in keras.backend.standardize_dtype(inputs.dtype) else None

    def save_own_variables(self, store: Any) -> None:
        """Hands out the table and the bias; Keras' own layer knows of the table only."""
        keras.layers.Layer.save_own_variables(self, store)

    def load_own_variables(self, store: Any) -> None:
        """Takes them back."""
        keras.layers.Layer.load_own_variables(self, store)
