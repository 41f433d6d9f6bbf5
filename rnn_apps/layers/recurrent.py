"""What every recurrent layer shares: weights, masks, states, dropout, and the loop over time.

A cell (`lstm.py`, `gru.py`, `simple_rnn.py`) adds its own weights and one method, `step`, which is its equations.
Three ways lead through time, with equal results and one signature:

- `compiled.py`: compiled kernels over packed rows, for standard cells in float32 on a CPU.
- `gpu.py`: Keras' own layer with our weights, for standard cells on a GPU, where Keras hands them to cuDNN.
- `generic.py`: `step` inside `keras.ops.scan`. Any backend, any dtype, every option; the reference for the other two.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import keras
from keras import ops

from rnn_apps.arrays import Tensor
from rnn_apps.errors import ConfigError, check_count, check_rate
from rnn_apps.layers import checks, compiled, generic, gpu, stepwise
from rnn_apps.layers.compiled import CompiledCell
from rnn_apps.layers.sequence import Passage, SequenceLayer

_SPEED_OPTIONS = ("unroll", "implementation", "use_cudnn")
_EQUATIONS = ("step", "products", "output_of")


def equations_of(cell: type[Recurrent]) -> type[Recurrent]:
    """The class whose equations a cell computes: itself, or one it derives from."""
    return next(kind for kind in cell.__mro__ if any(name in vars(kind) for name in _EQUATIONS))


class Recurrent(SequenceLayer):
    """Base of `SimpleRNN`, `GRU` and `LSTM`.

    Arguments that `keras.layers.LSTM` has mean what they mean there; those that choose how it is computed (`unroll`,
    `implementation`, `use_cudnn`) are taken and change nothing. Masked steps leave the state as it is and give
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

    Attributes:
        states_seen: where each step's states are kept (see `rnn_apps.layers.stepwise`); None where nobody looks.

    Raises:
        ConfigError: an argument cannot be used.
    """

    gate_count: ClassVar[int]
    """Blocks of `units` columns in the kernels."""
    state_count: ClassVar[int] = 1
    keras_class: ClassVar[Any] = None
    """The layer of Keras with the same equations, if it has one."""
    stateful: ClassVar[bool] = False
    """Keras' wrappers ask; no state is kept between batches."""
    own_options: ClassVar[tuple[str, ...]] = ("zoneout", "layer_normalization")
    """Arguments that `keras_class` has not."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Keeps what says the same as the equations beside them: new equations do not inherit it."""
        super().__init_subclass__(**kwargs)
        if any(name in vars(cls) for name in _EQUATIONS):
            if "keras_class" not in vars(cls):
                cls.keras_class = None
            if "compiled" not in vars(cls):
                cls.compiled = Recurrent.compiled  # type: ignore[method-assign]

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
        if kwargs.pop("stateful", False):
            raise ConfigError(
                "A layer keeps no state between batches (stateful=True). Ask for return_state=True, and give the "
                "states to the next batch as initial_state."
            )
        super().__init__(**{name: value for name, value in kwargs.items() if name not in _SPEED_OPTIONS})
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
        self.states_seen: list[list[Tensor]] | None = None
        # the compiled way calls compiled code from the graph, which XLA cannot
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

    def is_standard(self) -> bool:
        """Whether Keras has this cell too, with these options."""
        return self.keras_class is not None and not self.zoneout and not self.layer_normalization

    def keras_twin(self, **changes: Any) -> Any:
        """The Keras layer of the same configuration, not built; `changes` replace arguments.

        Raises:
            ConfigError: Keras has no such cell.
        """
        if not self.is_standard():
            raise ConfigError(
                f"Expected a cell that Keras has too. Received: {self.name}, which has equations or options of its own."
            )
        config = {name: value for name, value in self.get_config().items() if name not in self.own_options}
        return self.keras_class.from_config({**config, **changes})

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

    def compiled(self) -> CompiledCell | None:
        """The cell in the form that is compiled; None if it has none, or not with these options."""
        return None

    @property
    def bias_tensor(self) -> Tensor:
        """The bias, zeros where there is none."""
        return ops.zeros(self.bias_shape) if self.bias is None else ops.convert_to_tensor(self.bias)

    def weight_tensors(self) -> list[Tensor]:
        """Kernel, recurrent kernel and bias, for the compiled steps of a cell that takes them as they are."""
        return [ops.convert_to_tensor(self.kernel), ops.convert_to_tensor(self.recurrent_kernel), self.bias_tensor]

    # The way through time

    def run(
        self, sequences: Tensor, states: list[Tensor] | None, mask: Tensor | None, training: bool | None, gates: bool
    ) -> Passage:
        """Takes the first way that is open; only the generic one keeps the gates."""
        sequences = self.drop_inputs(sequences, training)
        if self.states_seen is not None:
            unrolled = stepwise.run(self, sequences, states, mask, training)
        elif not gates and compiled.can_run(self, training):
            unrolled = compiled.run(self, sequences, states, mask, training)
        elif not gates and gpu.can_run(self, training):
            unrolled = gpu.run(self, sequences, states, mask, training)
        else:
            unrolled = generic.run(self, sequences, states, mask, training, gates)
        if self.return_sequences:
            output = self.output_of(unrolled.hidden)
            if mask is not None and output is not unrolled.hidden:
                output = ops.where(self.output_mask(mask)[:, :, None], output, 0)
        else:
            output = self.output_of(unrolled.states[0])
        return Passage(output, unrolled.states, unrolled.gates if gates else None)

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

    # Keras' side

    def symbols(self, sequences: Any, gates: bool) -> Passage:
        """Symbols of the output, the states and the gates."""
        batch, time = sequences.shape[:2]

        def symbol(*shape: int | None) -> Any:
            return keras.KerasTensor(shape, dtype=self.compute_dtype)

        size = self.output_size
        output = symbol(batch, time, size) if self.return_sequences else symbol(batch, size)
        activations = {name: symbol(batch, time, self.units) for name in self.gate_names} if gates else None
        return Passage(output, [symbol(batch, self.units) for _ in range(self.state_count)], activations)

    def output_mask(self, mask: Tensor) -> Tensor:
        """The mask in the order in which sequences come out."""
        return ops.flip(mask, axis=1) if self.go_backwards else mask

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
