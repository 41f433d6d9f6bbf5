"""The two layers of the music model that know the keyboard, and how they are written as ONNX."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from rnn_apps.arrays import MASKED
from rnn_apps.export import Graph, Value, same_rows, writes
from rnn_apps.tasks.music.context import BEFORE, KEY_BITS, OPEN, SO_FAR, STRUCK_ONE
from rnn_apps.tasks.music.scores.piece import KEYS

REACH = 12
SEEN = (SO_FAR, BEFORE)


@keras.saving.register_keras_serializable("rnn_apps")
class KeyBits(keras.layers.Layer):
    """The bits that tell of each key: (batch, time, 88) to float32 (batch, time, 88, bits), lowest bit first.

    Args:
        bits: how many there are.
    """

    def __init__(self, bits: int = KEY_BITS, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.bits = bits

    @property
    def powers(self) -> npt.NDArray[np.int32]:
        """What a number is divided by for each of its bits."""
        return 2 ** np.arange(self.bits, dtype=np.int32)

    def call(self, keys: Any) -> Any:
        """Takes the numbers apart."""
        keys = ops.cast(keys, "int32")[..., None]
        return ops.cast(ops.mod(ops.floor_divide(keys, ops.cast(self.powers, "int32")), 2), "float32")

    def compute_output_spec(self, keys: Any) -> Any:
        """Shape of the output."""
        return keras.KerasTensor((*keys.shape, self.bits), "float32")

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "bits": self.bits}


@keras.saving.register_keras_serializable("rnn_apps")
class Neighbours(keras.layers.Layer):
    """What stands around each key, up to an octave off, in this frame so far and in the frame before.

    One convolution along the keyboard, the same at every key: intervals are what they are in any key, which is why
    tied networks learn harmony from few pieces (D. Johnson, "Generating polyphonic music using tied parallel
    networks", 2017).

    Args:
        filters: features of a key.

    Input: bits (batch, time, 88, bits). Output: (batch, time, 88, filters).
    """

    def __init__(self, filters: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.filters = filters

    def build(self, bits_shape: Any) -> None:
        """Creates the weights."""
        self.kernel = self.add_weight(name="kernel", shape=(2 * REACH + 1, len(SEEN), self.filters))
        self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")

    def call(self, bits: Any) -> Any:
        """Convolves and cuts off at zero."""
        rows, time = ops.shape(bits)[0], ops.shape(bits)[1]
        seen = ops.stack([bits[..., bit_number(bit)] for bit in SEEN], axis=-1)
        found = ops.conv(ops.reshape(seen, (rows * time, KEYS, len(SEEN))), self.kernel, padding="same")
        # oneDNN gives what it convolves of no rows a wrong shape, so this stands before the bias
        return ops.relu(ops.reshape(found, (rows, time, KEYS, self.filters)) + self.bias)

    def compute_output_spec(self, bits: Any) -> Any:
        """Shape of the output."""
        return keras.KerasTensor((*bits.shape[:-1], self.filters), "float32")

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "filters": self.filters}


@keras.saving.register_keras_serializable("rnn_apps")
class KeyboardLogits(keras.layers.Layer):
    """Logits of END and of each key, struck and, if articulated, held; of END at each level; where illegal, -1e9.

        logit[END] = h w + b        logit[k] = h W[k] + b[k] + (h V + c) · features[k]

    The last term is shared by all keys: it lets the model say "what sounded a bar ago" without naming keys.

    Args:
        articulated: whether held keys are told from struck ones.
        levels: so many levels a frame can end at; with them `loudness` is given, which says whether one has to be said.

    Inputs: hidden states h (batch, time, units), bits (batch, time, 88, bits), features (batch, time, 88, features) and
    loudness, int32 (batch, time). Output: (batch, time, 1 + 88 or 176 + levels).
    """

    def __init__(self, articulated: bool, levels: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.articulated, self.levels = articulated, levels
        self.kinds = 2 if articulated else 1
        self.supports_masking = True

    def build(self, hidden_shape: Any, bits_shape: Any, features_shape: Any, loudness_shape: Any = None) -> None:
        """Creates the weights."""
        units, columns, self.features = hidden_shape[-1], 1 + KEYS * self.kinds + self.levels, features_shape[-1]
        self.kernel = self.add_weight(name="kernel", shape=(units, columns))
        self.bias = self.add_weight(name="bias", shape=(columns,), initializer="zeros")
        self.shared_kernel = self.add_weight(name="shared_kernel", shape=(units, self.kinds * self.features))
        self.shared_bias = self.add_weight(name="shared_bias", shape=(self.kinds * self.features,), initializer="zeros")

    def call(self, hidden: Any, bits: Any, features: Any, loudness: Any = None) -> Any:
        """Computes the logits."""
        own = ops.matmul(hidden, self.kernel) + self.bias
        weights = ops.matmul(hidden, self.shared_kernel) + self.shared_bias
        rows, time = ops.shape(hidden)[0], ops.shape(hidden)[1]
        weights = ops.reshape(weights, (rows, time, self.features, self.kinds))
        shared = ops.transpose(ops.matmul(features, weights), (0, 1, 3, 2))
        shared = ops.reshape(shared, (rows, time, KEYS * self.kinds))
        legal = [bits[..., bit_number(OPEN)] > 0.5]
        if self.articulated:
            legal.append(ops.logical_and(legal[0], bits[..., bit_number(BEFORE)] > 0.5))
        columns = 1 + KEYS * self.kinds
        keys = ops.where(ops.concatenate(legal, axis=-1), own[..., 1:columns] + shared, MASKED)
        if not self.levels:
            return ops.concatenate([own[..., :1], keys], axis=-1)
        struck = loudness[..., None] >= STRUCK_ONE
        end, level = ops.where(struck, MASKED, own[..., :1]), ops.where(struck, own[..., columns:], MASKED)
        return ops.concatenate([end, keys, level], axis=-1)

    def compute_output_spec(self, hidden: Any, bits: Any, features: Any, loudness: Any = None) -> Any:
        """Shape of the output."""
        return keras.KerasTensor((*hidden.shape[:-1], 1 + KEYS * self.kinds + self.levels), "float32")

    def compute_mask(self, *inputs: Any, previous_mask: Any = None) -> Any:
        """The hidden states' mask goes on."""
        return previous_mask[0] if isinstance(previous_mask, (list, tuple)) else previous_mask

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "articulated": self.articulated, "levels": self.levels}


def bit_number(mask: int) -> int:
    """Returns the place of a mask's one bit."""
    return mask.bit_length() - 1


@writes(KeyBits)
def key_bits(graph: Graph, layer: Any, keys: Value) -> Value:
    """Whole numbers divided by powers of two, modulo two."""
    last = graph.constant(np.array([-1], np.int64))
    numbers = graph.node("Unsqueeze", [graph.cast(keys.tensor, np.int32), last])
    halved = graph.node("Div", [numbers, graph.constant(layer.powers)])
    bits = graph.node("Mod", [halved, graph.constant(np.array(2, np.int32))])
    return same_rows(keys, graph.cast(bits, np.float32))


@writes(Neighbours)
def neighbours(graph: Graph, layer: Any, bits: Value) -> Value:
    """The convolution, frames and keys in the order that ONNX has them."""
    shape = graph.node("Shape", [bits.tensor])
    where = graph.constant(np.array([bit_number(bit) for bit in SEEN], np.int64))
    seen = graph.node("Gather", [bits.tensor, where], axis=3)
    seen = graph.node("Reshape", [seen, graph.constant(np.array([-1, KEYS, len(SEEN)], np.int64))])
    kernel, bias = (ops.convert_to_numpy(part) for part in (layer.kernel, layer.bias))
    weights = graph.constant(np.ascontiguousarray(kernel.transpose(2, 1, 0)), layer.name)
    inputs = [graph.node("Transpose", [seen], perm=[0, 2, 1]), weights, graph.constant(bias, layer.name)]
    found = graph.node("Relu", [graph.node("Conv", inputs, pads=[REACH, REACH])])
    found = graph.node("Transpose", [found], perm=[0, 2, 1])
    sizes = [graph.node("Slice", [shape, *(graph.constant(np.array([n], np.int64)) for n in (0, 3))])]
    sizes.append(graph.constant(np.array([layer.filters], np.int64)))
    return same_rows(bits, graph.node("Reshape", [found, graph.node("Concat", sizes, axis=0)]))


@writes(KeyboardLogits)
def keyboard_logits(
    graph: Graph, layer: Any, hidden: Value, bits: Value, features: Value, loudness: Value | None = None
) -> Value:
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
        flag = shaped(part(bits.tensor, bit_number(mask), bit_number(mask) + 1), KEYS)
        return graph.node("Greater", [flag, graph.constant(np.array(0.5, np.float32))])

    own = linear(layer.kernel, layer.bias)
    weights = shaped(linear(layer.shared_kernel, layer.shared_bias), layer.features, layer.kinds)
    shared = graph.node("Transpose", [graph.node("MatMul", [features.tensor, weights])], perm=[0, 1, 3, 2])
    columns = KEYS * layer.kinds
    keys = graph.node("Add", [part(own, 1, 1 + columns), shaped(shared, columns)])
    may = legal(OPEN)
    if layer.articulated:
        may = graph.node("Concat", [may, graph.node("And", [may, legal(BEFORE)])], axis=-1)
    masked = graph.constant(np.array(MASKED, np.float32))
    keys, end, level = graph.node("Where", [may, keys, masked]), part(own, 0, 1), []
    if loudness is not None:
        number = graph.node(
            "Unsqueeze", [graph.cast(loudness.tensor, np.int32), graph.constant(np.array([-1], np.int64))]
        )
        struck = graph.node("GreaterOrEqual", [number, graph.constant(np.array(STRUCK_ONE, np.int32))])
        level = [graph.node("Where", [struck, part(own, 1 + columns, 1 + columns + layer.levels), masked])]
        end = graph.node("Where", [struck, masked, end])
    return same_rows(hidden, graph.node("Concat", [end, keys, *level], axis=-1))
