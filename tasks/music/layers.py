"""The two layers of the music model that know the keyboard, and how they are written as ONNX."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from rnn_apps.export.graph import Graph
from rnn_apps.export.keras_graph import Value, same_rows, writes
from rnn_apps.tasks.music.context import BEFORE, KEY_BITS, OPEN
from rnn_apps.tasks.music.piece import KEYS

ILLEGAL = -1e9
_POWERS = 2 ** np.arange(KEY_BITS)


@keras.saving.register_keras_serializable("rnn_apps")
class KeyBits(keras.layers.Layer):
    """The bits that tell of each key: (batch, time, 88) to float32 (batch, time, 88, bits), lowest bit first."""

    def call(self, keys: Any) -> Any:
        """Takes the numbers apart."""
        keys = ops.cast(keys, "int32")[..., None]
        return ops.cast(ops.mod(ops.floor_divide(keys, ops.cast(_POWERS, "int32")), 2), "float32")

    def compute_output_spec(self, keys: Any) -> Any:
        """Shape of the output."""
        return keras.KerasTensor((*keys.shape, KEY_BITS), "float32")


@keras.saving.register_keras_serializable("rnn_apps")
class KeyboardLogits(keras.layers.Layer):
    """Logits of END and of each key, struck and, if articulated, held; of tokens that may not come, -1e9.

        logit[END] = h w + b        logit[k] = h W[k] + b[k] + (h V + c) · bits[k]

    The last term is shared by all keys: it lets the model say "what sounded a bar ago" without naming keys.

    Args:
        articulated: whether held keys are told from struck ones.

    Inputs: hidden states h (batch, time, units) and bits (batch, time, 88, bits). Output (batch, time, 1 + 88 or 176).
    """

    def __init__(self, articulated: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.articulated = articulated
        self.kinds = 2 if articulated else 1
        self.supports_masking = True

    def build(self, hidden_shape: Any, bits_shape: Any) -> None:
        """Creates the weights."""
        units, columns = hidden_shape[-1], 1 + KEYS * self.kinds
        self.kernel = self.add_weight(name="kernel", shape=(units, columns))
        self.bias = self.add_weight(name="bias", shape=(columns,), initializer="zeros")
        self.shared_kernel = self.add_weight(name="shared_kernel", shape=(units, self.kinds * KEY_BITS))
        self.shared_bias = self.add_weight(name="shared_bias", shape=(self.kinds * KEY_BITS,), initializer="zeros")

    def call(self, hidden: Any, bits: Any) -> Any:
        """Computes the logits."""
        own = ops.matmul(hidden, self.kernel) + self.bias
        weights = ops.matmul(hidden, self.shared_kernel) + self.shared_bias
        rows, time = ops.shape(hidden)[0], ops.shape(hidden)[1]
        weights = ops.reshape(weights, (rows, time, KEY_BITS, self.kinds))
        shared = ops.transpose(ops.matmul(bits, weights), (0, 1, 3, 2))
        shared = ops.reshape(shared, (rows, time, KEYS * self.kinds))
        legal = [bits[..., _bit(OPEN)] > 0.5]
        if self.articulated:
            legal.append(ops.logical_and(legal[0], bits[..., _bit(BEFORE)] > 0.5))
        keys = ops.where(ops.concatenate(legal, axis=-1), own[..., 1:] + shared, ILLEGAL)
        return ops.concatenate([own[..., :1], keys], axis=-1)

    def compute_output_spec(self, hidden: Any, bits: Any) -> Any:
        """Shape of the output."""
        return keras.KerasTensor((*hidden.shape[:-1], 1 + KEYS * self.kinds), "float32")

    def compute_mask(self, *inputs: Any, previous_mask: Any = None) -> Any:
        """The hidden states' mask goes on."""
        return previous_mask[0] if isinstance(previous_mask, (list, tuple)) else previous_mask

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "articulated": self.articulated}


def _bit(mask: int) -> int:
    return mask.bit_length() - 1


@writes(KeyBits)
def key_bits(graph: Graph, layer: Any, keys: Value) -> Value:
    """Whole numbers divided by powers of two, modulo two."""
    last = graph.constant(np.array([-1], np.int64))
    numbers = graph.node("Unsqueeze", [graph.cast(keys.tensor, np.int32), last])
    halved = graph.node("Div", [numbers, graph.constant(_POWERS.astype(np.int32))])
    bits = graph.node("Mod", [halved, graph.constant(np.array(2, np.int32))])
    return same_rows(keys, graph.cast(bits, np.float32))


@writes(KeyboardLogits)
def keyboard_logits(graph: Graph, layer: Any, hidden: Value, bits: Value) -> Value:
    """The equations of the layer."""

    def linear(kernel: Any, bias: Any) -> str:
        weights, offset = (graph.constant(ops.convert_to_numpy(part), layer.name) for part in (kernel, bias))
        return graph.node("Add", [graph.node("MatMul", [hidden.tensor, weights]), offset])

    def part(tensor: str, start: int, end: int) -> str:
        bounds = (graph.constant(np.array([number], np.int64)) for number in (start, end, -1))
        return graph.node("Slice", [tensor, *bounds])

    def shaped(tensor: str, *sizes: int) -> str:
        return graph.node("Reshape", [tensor, graph.constant(np.array([0, 0, *sizes], np.int64))])

    def legal(mask: int) -> str:
        flag = shaped(part(bits.tensor, _bit(mask), _bit(mask) + 1), KEYS)
        return graph.node("Greater", [flag, graph.constant(np.array(0.5, np.float32))])

    own = linear(layer.kernel, layer.bias)
    weights = shaped(linear(layer.shared_kernel, layer.shared_bias), KEY_BITS, layer.kinds)
    shared = graph.node("Transpose", [graph.node("MatMul", [bits.tensor, weights])], perm=[0, 1, 3, 2])
    columns = KEYS * layer.kinds
    keys = graph.node("Add", [part(own, 1, 1 + columns), shaped(shared, columns)])
    may = legal(OPEN)
    if layer.articulated:
        may = graph.node("Concat", [may, graph.node("And", [may, legal(BEFORE)])], axis=-1)
    keys = graph.node("Where", [may, keys, graph.constant(np.array(ILLEGAL, np.float32))])
    return same_rows(hidden, graph.node("Concat", [part(own, 0, 1), keys], axis=-1))
