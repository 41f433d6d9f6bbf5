"""A layer run over the sequence in both directions (Schuster and Paliwal, 1997)."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from rnn_apps.arrays import Tensor
from rnn_apps.errors import ConfigError
from rnn_apps.layers import checks, compiled
from rnn_apps.layers.recurrent import Recurrent
from rnn_apps.layers.sequence import Passage, SequenceLayer, parts_of

MERGE_MODES = ("concat", "sum", "ave", "mul", None)


@keras.saving.register_keras_serializable("rnn_apps")
class Bidirectional(SequenceLayer):
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
        self.supports_jit = self.forward_layer.supports_jit and self.backward_layer.supports_jit

    @property
    def return_sequences(self) -> bool:  # type: ignore[override]
        """Whether the output of every step comes back."""
        return bool(self.forward_layer.return_sequences)

    @property
    def return_state(self) -> bool:  # type: ignore[override]
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

    def run(
        self, sequences: Tensor, states: list[Tensor] | None, mask: Tensor | None, training: bool | None, gates: bool
    ) -> Passage:
        """Runs both directions, in one compiled operation where that can be.

        The states are those of the forward layer first; the gates are `{"forward": …, "backward": …}`, each at its own
        step.
        """
        per_layer: list[Any] = [None, None]
        if states is not None:
            count = len(self.forward_layer.state_sizes)
            per_layer = [states[:count], states[count:]]
        if not gates and self._can_run_together(training):
            return self._run_together(sequences, per_layer if states is not None else None, mask, training)
        options = {"training": training, "gates": gates}
        forward = self.forward_layer(sequences, initial_state=per_layer[0], mask=mask, **options)
        if not isinstance(self.backward_layer, Recurrent):
            sequences = ops.flip(sequences, axis=1)
            mask = None if mask is None else ops.flip(mask, axis=1)
        backward = self.backward_layer(sequences, initial_state=per_layer[1], mask=mask, **options)
        return self._joined(
            parts_of(self.forward_layer, forward, gates), parts_of(self.backward_layer, backward, gates), gates
        )

    def _can_run_together(self, training: bool | None) -> bool:
        """Whether the compiled way can run both directions in one operation."""
        layers = self.forward_layer, self.backward_layer
        plain = all(
            isinstance(layer, Recurrent) and layer.output_size == layer.units and compiled.can_run(layer, training)
            for layer in layers
        )
        if any(layer.states_seen is not None for layer in layers if isinstance(layer, Recurrent)):
            return False
        # dropout on the inputs gives each direction inputs of its own
        return plain and not (training and any(layer.dropout for layer in layers))

    def _run_together(self, sequences: Tensor, states: Any, mask: Tensor | None, training: bool | None) -> Passage:
        layers = self.forward_layer, self.backward_layer
        y, finals = compiled.run_together(layers, sequences, states, mask, training)
        if y is None:
            output = _merge(finals[0][0], finals[1][0], self.merge_mode)
        elif self.merge_mode == "concat":
            output = y
        else:
            units = self.forward_layer.units
            output = _merge(y[:, :, :units], y[:, :, units:], self.merge_mode)
        return Passage(output, [*finals[0], *finals[1]], None)

    def _joined(self, forward: Passage, backward: Passage, gates: bool) -> Passage:
        def in_time(value: Tensor, layer: Any) -> Tensor:
            backwards = layer.go_backwards if isinstance(layer, Recurrent) else layer is self.backward_layer
            return ops.flip(value, axis=1) if backwards else value

        y1, y2 = forward.output, backward.output
        if self.return_sequences:
            y1, y2 = in_time(y1, self.forward_layer), in_time(y2, self.backward_layer)
        activations = {
            name: keras.tree.map_structure(lambda value, layer=layer: in_time(value, layer), passage.gates)
            for name, layer, passage in (
                ("forward", self.forward_layer, forward),
                ("backward", self.backward_layer, backward),
            )
            if gates
        }
        states = [*forward.states, *backward.states]
        return Passage(_merge(y1, y2, self.merge_mode), states, activations if gates else None)

    def symbols(self, sequences: Any, gates: bool) -> Passage:
        """Symbols of both directions, merged."""
        forward, backward = (layer.symbols(sequences, gates) for layer in (self.forward_layer, self.backward_layer))
        output: Any = (forward.output, backward.output)
        if self.merge_mode is not None:
            shape = forward.output.shape
            if self.merge_mode == "concat":
                shape = (*shape[:-1], shape[-1] + backward.output.shape[-1])
            output = keras.KerasTensor(shape, dtype=self.compute_dtype)
        activations = {"forward": forward.gates, "backward": backward.gates} if gates else None
        return Passage(output, [*forward.states, *backward.states], activations)

    @property
    def output_count(self) -> int:  # type: ignore[override]
        """Two where the directions are not merged."""
        return 2 if self.merge_mode is None else 1

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


def _merge(forward: Tensor, backward: Tensor, mode: str | None) -> Any:
    if mode == "concat":
        return ops.concatenate([forward, backward], axis=-1)
    if mode == "sum":
        return forward + backward
    if mode == "ave":
        return (forward + backward) / 2
    return forward * backward if mode == "mul" else (forward, backward)
