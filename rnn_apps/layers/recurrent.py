"""What every recurrent layer shares: weights, masks, states, dropout, and the loop over time.

A cell (`lstm.py`, `gru.py`, `simple_rnn.py`) adds its own weights and one method, `step`, which is its equations.
Three ways lead through time, with equal results:

- the generic one (`generic.py`): `step` inside `keras.ops.scan`. Any backend, any dtype, every option; the reference
  for the other two.
- the fast path (`operation.py`): compiled kernels over packed rows, for standard cells in float32 on a CPU.
- Keras' own layer with our weights (`gpu.py`), for standard cells on a GPU, where Keras hands them to cuDNN.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import keras
from keras import ops

from rnn_apps.arrays import Tensor
from rnn_apps.errors import ConfigError, check_count, check_rate
from rnn_apps.kernels import compiler
from rnn_apps.layers import checks, generic, paths
from rnn_apps.layers.generic import Unrolled


class Recurrent(keras.layers.Layer):
    """Base of `SimpleRNN`, `GRU` and `LSTM`.

    Arguments that `keras.layers.LSTM` has mean what they mean there. Masked steps leave the state as it is and give
    zeros as output, so padding is inert wherever it stands. There is no hidden statefulness: hand the final state
    of one chunk to the next as `initial_state`.

    Args:
        units: width of the hidden state.
        activation: g1 in the cell's equations: a name, a callable, or None for linear.
        use_bias: whether the cell adds biases.
        kernel_initializer, recurrent_initializer, bias_initializer: as in Keras; regularizers and constraints alike.
        dropout: share of the inputs dropped in training, one mask for all steps of a row.
        recurrent_dropout: share of the hidden state dropped in training before it meets the recurrent kernel, one
            mask for all steps of a row (Gal and Ghahramani, arXiv:1512.05287).
        zoneout: probability that a unit keeps its state for a step in training; when predicting, the expectation
            (Krueger et al., arXiv:1606.01305).
        layer_normalization: normalises each gate's two products over its units (Ba et al., arXiv:1607.06450).
        return_sequences: return the output of every step, not of the last only.
        return_state: return the final states after the output.
        go_backwards: process the steps from last to first; sequences come back in that order, as in Keras.
        seed: seed of dropout and zoneout.

    Raises:
        ConfigError: an argument cannot be used.
    """

    gate_count: ClassVar[int]
    """Blocks of `units` columns in the kernels."""
    state_count: ClassVar[int] = 1

    def __init__(
        self,
        units: int,
        *,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        zoneout: float = 0.0,
        layer_normalization: bool = False,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = check_count("units", units)
        self.activation = checks.activation("activation", activation)
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.recurrent_initializer = keras.initializers.get(recurrent_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.recurrent_regularizer = keras.regularizers.get(recurrent_regularizer)
        self.bias_regularizer = keras.regularizers.get(bias_regularizer)
        self.kernel_constraint = keras.constraints.get(kernel_constraint)
        self.recurrent_constraint = keras.constraints.get(recurrent_constraint)
        self.bias_constraint = keras.constraints.get(bias_constraint)
        self.dropout = check_rate("dropout", dropout)
        self.recurrent_dropout = check_rate("recurrent_dropout", recurrent_dropout)
        self.zoneout = check_rate("zoneout", zoneout)
        self.layer_normalization = layer_normalization
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.seed = seed
        if dropout or recurrent_dropout or zoneout:
            self.seed_generator = keras.random.SeedGenerator(seed)
        self.input_spec = keras.layers.InputSpec(ndim=3)
        self.supports_masking = True
        # the fast path calls compiled code from the graph, which XLA cannot
        self.supports_jit = keras.backend.backend() != "tensorflow"

    # Weights

    def build(self, sequences_shape: Sequence[int | None], initial_state_shape: Any = None) -> None:
        """Creates the weights in Keras' order: kernel, recurrent kernel, bias, then those of options."""
        features = sequences_shape[-1]
        if features is None:
            raise ConfigError(
                f"Expected inputs (batch, time, features) with a known number of features. Received: "
                f"{sequences_shape}. Give the last axis a size in keras.Input."
            )
        columns = self.gate_count * self.units
        self.kernel = self._weight("kernel", (features, columns))
        self.recurrent_kernel = self._weight("recurrent_kernel", (self.units, columns), "recurrent")
        self.bias = self._weight("bias", self.bias_shape, "bias", self.initial_bias) if self.use_bias else None
        if self.layer_normalization:
            self.kernel_scale = self.add_weight(name="kernel_scale", shape=(columns,), initializer="ones")
            self.recurrent_scale = self.add_weight(name="recurrent_scale", shape=(columns,), initializer="ones")
        self.input_spec = keras.layers.InputSpec(ndim=3, axes={-1: features})

    def _weight(self, name: str, shape: tuple[int, ...], kind: str = "kernel", initializer: Any = None) -> Any:
        return self.add_weight(
            name=name,
            shape=shape,
            initializer=initializer or getattr(self, f"{kind}_initializer"),
            regularizer=getattr(self, f"{kind}_regularizer"),
            constraint=getattr(self, f"{kind}_constraint"),
        )

    own_options: ClassVar[tuple[str, ...]] = ("zoneout", "layer_normalization")
    """Arguments that the Keras layer of the same name has not."""

    def is_standard(self) -> bool:
        """Whether Keras has this cell too, with these options."""
        return not self.zoneout and not self.layer_normalization

    @property
    def bias_shape(self) -> tuple[int, ...]:
        """Shape of the bias."""
        return (self.gate_count * self.units,)

    @property
    def initial_bias(self) -> Any:
        """The bias initializer, where a cell departs from `bias_initializer`."""
        return self.bias_initializer

    # The cell's part

    def step(self, x: Tensor, states: list[Tensor], dropped: Tensor | None) -> tuple[list[Tensor], dict[str, Tensor]]:
        """One time step.

        Args:
            x: inputs of this step, (batch, features).
            states: the states before it, each (batch, units), the hidden state first.
            dropped: mask of recurrent dropout (batch, units), or None.

        Returns:
            The states after it, and the gate activations by name, each (batch, units).
        """
        raise NotImplementedError

    def products(self, x: Tensor, hidden: Tensor, columns: slice = slice(None)) -> tuple[Tensor, Tensor]:
        """The two matrix products of a step, (batch, columns) each: x W and h U, normalised if asked for."""
        xW = ops.matmul(x, self.kernel[:, columns])
        hU = ops.matmul(hidden, self.recurrent_kernel[:, columns])
        if self.layer_normalization:
            xW = self._normalise(xW) * self.kernel_scale[columns]
            hU = self._normalise(hU) * self.recurrent_scale[columns]
        return xW, hU

    def _normalise(self, z: Tensor) -> Tensor:
        """Each block of `units` columns to mean 0 and variance 1."""
        blocks = ops.reshape(z, (-1, z.shape[-1] // self.units, self.units))
        centred = blocks - ops.mean(blocks, axis=-1, keepdims=True)
        scaled = centred * ops.rsqrt(ops.mean(ops.square(centred), axis=-1, keepdims=True) + 1e-5)
        return ops.reshape(scaled, (-1, z.shape[-1]))

    def output_of(self, hidden: Tensor) -> Tensor:
        """The layer's output from the hidden state, of one step or of all; the hidden state itself in most cells."""
        return hidden

    @property
    def output_size(self) -> int:
        """Width of the output."""
        return self.units

    # The compiled steps

    recurrent_offset = 0
    """First column of the compiled step's pre-activations that the recurrent kernel adds to."""

    def compiled_steps(self) -> tuple[Any, Any]:
        """The cell's step and its backward step, as Numba compiles them."""
        raise NotImplementedError

    def compiled_activations(self) -> dict[str, str] | None:
        """Activations to put into the compiled steps; None if they cannot stand for this layer's options."""
        raise NotImplementedError

    def compiled_weights(self) -> list[Tensor]:
        """Kernel, recurrent kernel and bias, in the order of columns of the compiled steps."""
        bias = ops.zeros(self.bias_shape) if self.bias is None else self.bias
        return [ops.convert_to_tensor(weight) for weight in (self.kernel, self.recurrent_kernel, bias)]

    def activation_names(self, **slots: Any) -> dict[str, str] | None:
        """Names of activations for the compiled steps; None if one is unknown to them, or an option stands against."""
        names = {slot: paths.ACTIVATION_NAMES.get(activation) for slot, activation in slots.items()}
        if None in names.values() or self.layer_normalization or self.zoneout:
            return None
        return {slot: name for slot, name in names.items() if name}

    # The way through time

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
            initial_state: one tensor (batch, units), or as many in a list as the cell has states; zeros if None.
            mask: (batch, time), true where a step counts. Any pattern is allowed.
            training: whether dropout and zoneout act.
            gates: also return the gate activations of this very pass.

        Returns:
            The output, (batch, time, output size) with `return_sequences`, else (batch, output size): that of the
            last step that counts. With `return_state` the final states follow, with `gates` a dict at the end that
            maps each gate's name to (batch, time, units); then the whole is a tuple.

        Raises:
            ConfigError: the mask or the state does not fit the batch.
        """
        if mask is None:
            # Keras fills in the mask only where the sequences are the sole tensor argument
            mask = getattr(sequences, "_keras_mask", None)
        mask = checks.mask(mask, sequences)
        states = self.checked_states(initial_state, sequences)
        sequences = self.drop_inputs(sequences, training)
        if not gates and paths.fast(self, training):
            unrolled = self._compiled(sequences, states, mask, training)
        elif not gates and paths.by_keras(self, training):
            unrolled = self._by_keras(sequences, states, mask)
        else:
            unrolled = generic.run(self, sequences, states, mask, training, gates)
        return self.returned(unrolled, mask, gates)

    def _compiled(
        self, sequences: Tensor, states: list[Tensor] | None, mask: Tensor | None, training: bool | None
    ) -> Unrolled:
        """The fast path for this layer alone."""
        from rnn_apps.kernels import operation

        hidden, finals = operation.run(
            [self.direction()],
            sequences,
            mask,
            [self.compiled_weights()],
            None if states is None else [states],
            keep=training is not False,
            sequences=self.return_sequences,
            finals=self.return_state or not self.return_sequences,
        )
        if self.return_sequences and self.go_backwards:
            hidden = ops.flip(hidden, axis=1)
        return Unrolled(hidden, finals[0] if finals else [], {})

    def _by_keras(self, sequences: Tensor, states: list[Tensor] | None, mask: Tensor | None) -> Unrolled:
        """Keras' own layer with these weights, for a GPU."""
        from rnn_apps.layers import gpu

        return Unrolled(*gpu.run(self, sequences, states, mask), {})

    def direction(self) -> Any:
        """What the fast path needs to know of this layer."""
        from rnn_apps.kernels.passes import Direction

        return Direction(
            compiler.load(type(self).__name__, self.compiled_steps(), self.compiled_activations() or {}),
            self.units,
            self.state_count,
            self.recurrent_offset,
            self.go_backwards,
        )

    def checked_states(self, initial_state: Any, sequences: Tensor) -> list[Tensor] | None:
        """The initial states as a list, or None.

        Raises:
            ConfigError: there are too few or too many, or one has another shape than (batch, units).
        """
        if initial_state is None:
            return None
        states = list(initial_state) if isinstance(initial_state, (list, tuple)) else [initial_state]
        checks.states(self.name, states, self.state_count, sequences, self.units)
        return [ops.cast(state, self.compute_dtype) for state in states]

    def drop_inputs(self, sequences: Tensor, training: bool | None) -> Tensor:
        """Dropout on the inputs with one mask for all steps of a row."""
        if not training or not self.dropout:
            return sequences
        shape = (ops.shape(sequences)[0], 1, sequences.shape[2])
        return sequences * self.dropout_mask(self.dropout, shape)

    def dropout_mask(self, rate: float, shape: tuple[Any, ...]) -> Tensor:
        """Zeros for what is dropped, else 1 / (1 - rate)."""
        ones = ops.ones(shape, dtype=self.compute_dtype)
        return keras.random.dropout(ones, rate, seed=self.seed_generator)

    @property
    def state_sizes(self) -> list[int]:
        """Widths of the states, the hidden state first."""
        return [self.units] * self.state_count

    @property
    def gate_names(self) -> tuple[str, ...]:
        """Names of the gates that `gates=True` returns."""
        raise NotImplementedError

    def returned(self, unrolled: Unrolled, mask: Tensor | None, gates: bool) -> Any:
        """What `call` returns, from a passage over the batch."""
        if self.return_sequences:
            output = self.output_of(unrolled.hidden)
            if mask is not None and output is not unrolled.hidden:
                counts = ops.flip(mask, axis=1) if self.go_backwards else mask
                output = ops.where(counts[:, :, None], output, 0)
        else:
            output = self.output_of(unrolled.states[0])
        extra: list[Any] = list(unrolled.states) if self.return_state else []
        if gates:
            extra.append(unrolled.gates)
        return (output, *extra) if extra else output

    # Keras' side

    def compute_output_spec(
        self,
        sequences: Any,
        initial_state: Any = None,
        mask: Any = None,
        training: bool | None = None,
        gates: bool = False,
    ) -> Any:
        """Shapes of what `call` returns, without tracing it."""
        batch, time = sequences.shape[:2]

        def symbol(*shape: int | None) -> Any:
            return keras.KerasTensor(shape, dtype=self.compute_dtype)

        size = self.output_size
        output = symbol(batch, time, size) if self.return_sequences else symbol(batch, size)
        extra: list[Any] = [symbol(batch, self.units) for _ in range(self.state_count)] if self.return_state else []
        if gates:
            extra.append({name: symbol(batch, time, self.units) for name in self.gate_names})
        return (output, *extra) if extra else output

    def compute_mask(self, sequences: Any, mask: Any) -> Any:
        """The mask of the output: that of the input if sequences come out, in the same order."""
        if not self.return_sequences or mask is None:
            return None
        mask = ops.flip(mask, axis=1) if self.go_backwards else mask
        # states and gates after the output carry none
        return [mask] + [None] * (self.state_count if self.return_state else 0)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        serialize = {
            "activation": keras.activations.serialize,
            "initializer": keras.initializers.serialize,
            "regularizer": keras.regularizers.serialize,
            "constraint": keras.constraints.serialize,
        }
        config = super().get_config()
        for name in ("units", "use_bias", "dropout", "recurrent_dropout", "zoneout", "layer_normalization"):
            config[name] = getattr(self, name)
        for name in ("return_sequences", "return_state", "go_backwards", "seed"):
            config[name] = getattr(self, name)
        config["activation"] = serialize["activation"](self.activation)
        for kind in ("initializer", "regularizer", "constraint"):
            for weight in ("kernel", "recurrent", "bias"):
                config[f"{weight}_{kind}"] = serialize[kind](getattr(self, f"{weight}_{kind}"))
        return config
