"""What every layer over a sequence shares: its mask, its states, and what comes back."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
from keras import ops

from rnn_apps.arrays import Tensor
from rnn_apps.layers import checks


class Passage(NamedTuple):
    """What a layer's passage over a batch gives, as tensors or as their symbols.

    Attributes:
        output: what is wanted of the hidden states; a tuple where directions are not merged.
        states: the final states, each (batch, units).
        gates: the gate activations, in the layer's own form; None where nobody asked for them.
    """

    output: Any
    states: list[Tensor]
    gates: Any


class SequenceLayer(keras.layers.Layer):
    """Base of `Recurrent`, `Bidirectional` and `Deep`, which are called alike and return alike.

    A layer says with `state_sizes`, `return_sequences` and `return_state` what it holds and returns, and overrides
    `run` and `symbols`.

    Attributes:
        change: what has the sequences, (sequences, mask) -> sequences, before the layer reads them; None for nothing.
    """

    return_sequences: bool
    return_state: bool

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.change: Callable[[Tensor, Tensor | None], Tensor] | None = None

    @property
    @abstractmethod
    def state_sizes(self) -> list[int]:
        """Widths of the states, in the order in which they are given and returned."""

    @abstractmethod
    def run(
        self, sequences: Tensor, states: list[Tensor] | None, mask: Tensor | None, training: bool | None, gates: bool
    ) -> Passage:
        """Runs the layer over a batch; for the arguments see `call`, which has checked them."""

    @abstractmethod
    def symbols(self, sequences: Any, gates: bool) -> Passage:
        """Returns the symbols of what `run` returns for these symbolic sequences."""

    def call(
        self,
        sequences: Tensor,
        initial_state: Any = None,
        mask: Tensor | None = None,
        training: bool | None = None,
        gates: bool = False,
    ) -> Any:
        """Runs the layer over a batch.

        Args:
            sequences: (batch, time, features).
            initial_state: a list of tensors (batch, units), as many as `state_sizes` says, or one tensor where it is
                one; zeros if None.
            mask: (batch, time), true where a step counts. Any pattern is allowed.
            training: whether dropout and zoneout act.
            gates: also return the gate activations of this very pass.

        Returns:
            The output, (batch, time, features) with `return_sequences`, else (batch, features): that of the last step
            that counts. With `return_state` the final states follow, with `gates` the gate activations at the end;
            then the whole is a tuple.

        Raises:
            ConfigError: the mask or the state does not fit the batch.
        """
        if mask is None:
            # Keras fills in the mask only where the sequences are the sole tensor argument
            mask = getattr(sequences, "_keras_mask", None)
        if not keras.backend.is_float_dtype(keras.backend.standardize_dtype(sequences.dtype)):
            sequences = ops.cast(sequences, self.compute_dtype)  # Keras casts numbers with a fraction alone
        mask = checks.mask(mask, sequences)
        if self.change is not None:
            sequences = self.change(sequences, mask)
        states = checks.states(self.name, initial_state, self.state_sizes, sequences, self.compute_dtype)
        passage = self.run(sequences, states, mask, training, gates)
        # inner layers may be of higher precision
        output = keras.tree.map_structure(lambda tensor: ops.cast(tensor, self.compute_dtype), passage.output)
        return self._returned(passage._replace(output=output))

    def compute_output_spec(
        self,
        sequences: Any,
        initial_state: Any = None,
        mask: Any = None,
        training: bool | None = None,
        gates: bool = False,
    ) -> Any:
        """Shapes of what `call` returns, without tracing it."""
        return self._returned(self.symbols(sequences, gates))

    def compute_output_shape(self, sequences_shape: Any, initial_state_shape: Any = None) -> Any:
        """Shapes of what `call` returns, from that of the sequences."""
        symbols = self.compute_output_spec(keras.KerasTensor(sequences_shape, self.compute_dtype))
        return keras.tree.map_structure(lambda symbol: symbol.shape, symbols)

    def compute_mask(self, sequences: Any, mask: Any) -> Any:
        """The mask of the input if sequences come out; None for states and gates."""
        mask = self.output_mask(mask) if self.return_sequences and mask is not None else None
        if mask is None:
            return None
        return [mask] * self.output_count + [None] * (len(self.state_sizes) if self.return_state else 0)

    output_count = 1
    """Tensors in the output."""

    def output_mask(self, mask: Tensor) -> Tensor | None:
        """The mask of the output sequences: that of the input, unless they come in another order."""
        return mask

    def _returned(self, passage: Passage) -> Any:
        extra: list[Any] = list(passage.states) if self.return_state else []
        if passage.gates is not None:
            extra.append(passage.gates)
        return (passage.output, *extra) if extra else passage.output


def parts_of(layer: SequenceLayer, result: Any, gates: bool) -> Passage:
    """Takes apart what the `call` of an inner layer returned."""
    parts = list(result) if gates or layer.return_state else [result]
    own_gates = parts.pop() if gates else None
    return Passage(parts[0], parts[1:], own_gates)
