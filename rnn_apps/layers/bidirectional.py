"""A layer run over the sequence in both directions (Schuster and Paliwal, 1997)."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from rnn_apps.arrays import Tensor
from rnn_apps.errors import ConfigError
from rnn_apps.layers import checks, paths
from rnn_apps.layers.recurrent import Recurrent

MERGE_MODES = ("concat", "sum", "ave", "mul", None)


@keras.saving.register_keras_serializable("rnn_apps")
class Bidirectional(keras.layers.Layer):
    """Runs a layer forwards and a copy of it backwards, and merges what they say about each step.

        y<t> = merge(forward(x)<t>, backward(x)<t>)

    Both outputs stand at their own step. Without `return_sequences` each direction gives the output of the step it
    read last: the forward one that of the last step, the backward one that of the first.

    Args:
        layer: a recurrent layer, or a `Deep` stack.
        merge_mode: "concat" (on the last axis), "sum", "ave" (average), "mul", or None for a tuple of both.
        backward_layer: the layer of the other direction, if it is to be another than a copy with its own weights.
        **kwargs: `name`, `dtype`, `trainable`, as in any Keras layer.

    Raises:
        ConfigError: the merge mode is unknown, or the two layers return different things.
    """

    def __init__(
        self, layer: Any, merge_mode: str | None = "concat", backward_layer: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.merge_mode = checks.choice("merge_mode", merge_mode, MERGE_MODES)
        self.forward_layer = layer
        self.backward_layer = _reversed_copy(layer) if backward_layer is None else backward_layer
        for name in ("return_sequences", "return_state"):
            values = getattr(self.forward_layer, name), getattr(self.backward_layer, name)
            if values[0] != values[1]:
                raise ConfigError(
                    f"Expected both directions of Bidirectional to have the same {name}. Received: {values[0]} "
                    f"forwards and {values[1]} backwards."
                )
        if isinstance(layer, Recurrent) and layer.go_backwards == self.backward_layer.go_backwards:
            raise ConfigError(
                "Expected the two layers of Bidirectional to run in opposite directions. Received: go_backwards="
                f"{layer.go_backwards} for both. Give backward_layer the opposite."
            )
        self.supports_masking = True
        self.supports_jit = self.forward_layer.supports_jit and self.backward_layer.supports_jit

    @property
    def return_sequences(self) -> bool:
        """Whether the output of every step comes back."""
        return bool(self.forward_layer.return_sequences)

    @property
    def return_state(self) -> bool:
        """Whether final states come back after the output: the forward layer's, then the backward layer's."""
        return bool(self.forward_layer.return_state)

    @property
    def state_sizes(self) -> list[int]:
        """Widths of the states, those of the forward layer first."""
        return [*self.forward_layer.state_sizes, *self.backward_layer.state_sizes]

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        """Builds both layers."""
        for layer in (self.forward_layer, self.backward_layer):
            if not layer.built:
                layer.build(sequences_shape)

    def call(
        self,
        sequences: Tensor,
        initial_state: Any = None,
        mask: Tensor | None = None,
        training: bool | None = None,
        gates: bool = False,
    ) -> Any:
        """Runs both directions.

        Args:
            sequences: (batch, time, features).
            initial_state: a list of states, those of the forward layer first; zeros if None.
            mask: (batch, time), true where a step counts.
            training: whether dropout and zoneout act.
            gates: also return the gates of both directions.

        Returns:
            As the layers do, merged: (batch, time, 2 units) with `return_sequences` and "concat". States follow,
            forward first; the gates are `{"forward": …, "backward": …}`, each at its own step.
        """
        if mask is None:
            mask = getattr(sequences, "_keras_mask", None)
        mask = checks.mask(mask, sequences)
        forward_state, backward_state = _split_states(self, initial_state)
        if not gates and self._both_fast(training):
            return self._compiled(sequences, forward_state, backward_state, mask, training)
        options = {"training": training, "gates": gates}
        forward = self.forward_layer(sequences, initial_state=forward_state, mask=mask, **options)
        flip_input = not isinstance(self.backward_layer, Recurrent)
        if flip_input:
            sequences = ops.flip(sequences, axis=1)
            mask = None if mask is None else ops.flip(mask, axis=1)
        backward = self.backward_layer(sequences, initial_state=backward_state, mask=mask, **options)
        return self._merged(_as_tuple(forward), _as_tuple(backward), gates)

    def _both_fast(self, training: bool | None) -> bool:
        """Whether the fast path can run both directions in one operation."""
        layers = self.forward_layer, self.backward_layer
        plain = all(
            isinstance(layer, Recurrent) and layer.output_size == layer.units and paths.fast(layer, training)
            for layer in layers
        )
        # dropout on the inputs gives each direction inputs of its own
        return plain and not (training and any(layer.dropout for layer in layers))

    def _compiled(
        self, sequences: Tensor, forward_state: Any, backward_state: Any, mask: Tensor | None, training: bool | None
    ) -> Any:
        """The fast path for both directions at once."""
        from rnn_apps.kernels import operation

        layers = self.forward_layer, self.backward_layer
        given = forward_state, backward_state
        states = [layer.checked_states(state, sequences) for layer, state in zip(layers, given, strict=True)]
        y: Any
        y, finals = operation.run(
            [layer.direction() for layer in layers],
            sequences,
            mask,
            [layer.compiled_weights() for layer in layers],
            states if None not in states else None,
            keep=training is not False,
            sequences=self.return_sequences,
            finals=self.return_state or not self.return_sequences,
        )
        if self.return_sequences and self.merge_mode == "concat":
            output = y
        elif self.return_sequences:
            units = self.forward_layer.units
            output = _merge(y[:, :, :units], y[:, :, units:], self.merge_mode)
        else:
            output = _merge(finals[0][0], finals[1][0], self.merge_mode)
        return (output, *finals[0], *finals[1]) if self.return_state else output

    def _merged(self, forward: tuple[Any, ...], backward: tuple[Any, ...], gates: bool) -> Any:
        def in_time(value: Tensor, layer: Any) -> Tensor:
            backwards = layer.go_backwards if isinstance(layer, Recurrent) else layer is self.backward_layer
            return ops.flip(value, axis=1) if backwards else value

        y1, y2 = forward[0], backward[0]
        if self.return_sequences:
            y1, y2 = in_time(y1, self.forward_layer), in_time(y2, self.backward_layer)
        output: Any = _merge(y1, y2, self.merge_mode)
        extra: list[Any] = []
        if self.return_state:
            states = slice(1, -1) if gates else slice(1, None)
            extra += [*forward[states], *backward[states]]
        if gates:
            extra.append(
                {
                    name: keras.tree.map_structure(lambda value, layer=layer: in_time(value, layer), result[-1])
                    for name, layer, result in (
                        ("forward", self.forward_layer, forward),
                        ("backward", self.backward_layer, backward),
                    )
                }
            )
        return (output, *extra) if extra else output

    def compute_output_spec(
        self,
        sequences: Any,
        initial_state: Any = None,
        mask: Any = None,
        training: bool | None = None,
        gates: bool = False,
    ) -> Any:
        """Shapes of what `call` returns, without tracing it."""
        forward, backward = (
            _as_tuple(layer.compute_output_spec(sequences, gates=gates))
            for layer in (self.forward_layer, self.backward_layer)
        )
        shape = forward[0].shape
        if self.merge_mode == "concat":
            shape = (*shape[:-1], shape[-1] + backward[0].shape[-1])
        output: Any = keras.KerasTensor(shape, dtype=self.compute_dtype)
        if self.merge_mode is None:
            output = (forward[0], backward[0])
        extra: list[Any] = []
        if self.return_state:
            states = slice(1, -1) if gates else slice(1, None)
            extra += [*forward[states], *backward[states]]
        if gates:
            extra.append({"forward": forward[-1], "backward": backward[-1]})
        return (output, *extra) if extra else output

    def compute_mask(self, sequences: Any, mask: Any) -> Any:
        """The mask of the input if sequences come out; None for states and gates."""
        if not self.return_sequences or mask is None:
            return None
        outputs = 2 if self.merge_mode is None else 1
        return [mask] * outputs + [None] * (len(self.state_sizes) if self.return_state else 0)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        serialize = keras.saving.serialize_keras_object
        return {
            **super().get_config(),
            "merge_mode": self.merge_mode,
            "layer": serialize(self.forward_layer),
            "backward_layer": serialize(self.backward_layer),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Bidirectional:
        """The layer from its configuration."""
        deserialize = keras.saving.deserialize_keras_object
        layers = {name: deserialize(config[name]) for name in ("layer", "backward_layer")}
        return cls(**{**config, **layers})


def _reversed_copy(layer: Any) -> Any:
    """The same layer with weights of its own, in the other direction."""
    config = layer.get_config()
    config["name"] = f"backward_{layer.name}"
    if isinstance(layer, Recurrent):
        config["go_backwards"] = not layer.go_backwards
    return type(layer).from_config(config)


def _split_states(layer: Bidirectional, states: Any) -> tuple[Any, Any]:
    if states is None:
        return None, None
    if not isinstance(states, (list, tuple)) or len(states) != len(layer.state_sizes):
        received = f"{len(states)} tensors" if isinstance(states, (list, tuple)) else "one tensor"
        raise ConfigError(
            f"Expected initial_state of {layer.name} to be a list of {len(layer.state_sizes)} tensors, those of the "
            f"forward layer first. Received: {received}."
        )
    forward = len(layer.forward_layer.state_sizes)
    return list(states[:forward]), list(states[forward:])


def _merge(forward: Tensor, backward: Tensor, mode: str | None) -> Any:
    if mode == "concat":
        return ops.concatenate([forward, backward], axis=-1)
    if mode == "sum":
        return forward + backward
    if mode == "ave":
        return (forward + backward) / 2
    return forward * backward if mode == "mul" else (forward, backward)


def _as_tuple(result: Any) -> tuple[Any, ...]:
    return result if isinstance(result, tuple) else (result,)
