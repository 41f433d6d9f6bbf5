"""A vector for a word from its letters: a convolution over them, and the maximum over the word."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from rnn_apps.arrays import MASKED
from rnn_apps.errors import check_count, check_rate
from rnn_apps.layers import checks


@keras.saving.register_keras_serializable("rnn_apps")
class CharacterCNN(keras.layers.Layer):
    """Word features from characters (dos Santos and Zadrozny, 2014; Ma and Hovy, arXiv:1603.01354).

        y[f] = max over p of (b[f] + Σk E[c(p+k)] · W[k, :, f]),  k from -width // 2 to width // 2

    with the vectors E of the letters c, zeros around the word. A place without letters, such as padding, gives zeros.

    Args:
        characters: different characters, 0 (no letter) included.
        dimension: features of a letter's vector.
        filters: features of a word.
        width: letters that a filter sees, an odd number.
        dropout: share of the letters' features dropped in training.
        **kwargs: `name`, `dtype`, `trainable`, as in any Keras layer.

    Input (batch, time, letters) of whole numbers, letters first, zeros behind; output (batch, time, filters).

    Raises:
        ConfigError: a size below 1, an even width, or a rate outside 0 to below 1.
    """

    def __init__(
        self, characters: int, dimension: int, filters: int, width: int = 3, dropout: float = 0.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.characters = check_count("characters", characters)
        self.dimension, self.filters = check_count("dimension", dimension), check_count("filters", filters)
        self.width = checks.choice("width", width, (1, 3, 5, 7))
        self.rate = check_rate("dropout", dropout)
        self.dropout = keras.layers.Dropout(dropout) if dropout else None

    def build(self, characters_shape: Any) -> None:
        """Makes the table of the letters and the filters."""
        uniform = keras.initializers.RandomUniform(-((3 / self.dimension) ** 0.5), (3 / self.dimension) ** 0.5)
        self.table = self.add_weight(shape=(self.characters, self.dimension), initializer=uniform, name="table")
        # one matrix for all letters that a filter sees side by side
        shape = (self.width * self.dimension, self.filters)
        self.kernel = self.add_weight(shape=shape, initializer="glorot_uniform", name="kernel")
        self.bias = self.add_weight(shape=(self.filters,), initializer="zeros", name="bias")

    def call(self, characters: Any, training: bool | None = None) -> Any:
        """Convolves and takes the maximum."""
        real = ops.cast(ops.not_equal(characters, 0), self.compute_dtype)[..., None]
        vectors = ops.take(self.table, characters, axis=0) * real
        if self.dropout is not None:
            vectors = self.dropout(vectors, training=training)
        half = self.width // 2
        letters = ops.shape(characters)[2]
        around = ops.pad(vectors, ((0, 0), (0, 0), (half, half), (0, 0)))
        windows = ops.concatenate([around[:, :, k : k + letters] for k in range(self.width)], axis=-1)
        features = ops.matmul(windows, self.kernel) + self.bias
        # a letter that is none stays far below every real one
        highest = ops.max(features + (1.0 - real) * MASKED, axis=2)
        return highest * ops.max(real, axis=2)

    def compute_mask(self, characters: Any, mask: Any = None) -> Any:
        """A place counts if it has a letter."""
        return ops.any(ops.not_equal(characters, 0), axis=2)

    def compute_output_shape(self, characters_shape: Any) -> tuple[Any, ...]:
        """(batch, time, filters)."""
        return (*characters_shape[:2], self.filters)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        names = ("characters", "dimension", "filters", "width")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}, "dropout": self.rate}
