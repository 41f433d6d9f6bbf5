"""Going on from a saved model: its weights in a new model whose vocabulary or labels have grown."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from rnn_apps.data.processor import Processor
from rnn_apps.errors import ConfigError
from rnn_apps.layers import Embedding
from rnn_apps.layers.sequence import SequenceLayer
from rnn_apps.task import Network
from rnn_apps.training.start import Start


def carry_over(start: Start, network: Network[Any, Any], model: keras.Model, processor: Processor) -> None:
    """Puts the weights of the model that is gone on from into a new one.

    Weights of the same shape are taken as they are; those that have grown, as the network says (`Network.grown`).

    Raises:
        ConfigError: if the two networks are not alike.
    """
    old, new = start.model.keras_model().weights, model.weights
    alike = len(old) == len(new) and all(
        len(one.shape) == len(other.shape) for one, other in zip(old, new, strict=True)
    )
    if not alike:
        raise ConfigError(
            f"The network of '{start.model.bundle.name}' has other weights than this one: another version has made it."
        )
    for one, other in zip(old, new, strict=True):
        before, after = (keras.ops.convert_to_numpy(weight) for weight in (one, other))
        if before.shape == after.shape:
            other.assign(before)
        elif any(a > b for a, b in zip(before.shape, after.shape, strict=True)):
            raise ConfigError(
                f"The weights '{other.path}' of '{start.model.bundle.name}' have the shape {before.shape}, here "
                f"{after.shape}: what a model knows cannot become less."
            )
        else:
            other.assign(network.grown(other.path, before, np.array(after), start.processor, processor))


def freeze(model: keras.Model, kinds: tuple[str, ...]) -> None:
    """Keeps the weights of some layers as they are.

    Args:
        model: a functional model.
        kinds: what is kept, "embedding" for the vectors of tokens and "encoder" for the recurrent layers.

    Raises:
        ConfigError: if the model has no layer of a kind.
    """
    classes = {"embedding": Embedding, "encoder": SequenceLayer}
    for kind in kinds:
        layers: list[Any] = [layer for layer in model.layers if isinstance(layer, classes[kind])]
        if not layers:
            raise ConfigError(
                f"This network has no {kind} that could be frozen. Leave '{kind}' out of training.freeze."
            )
        for layer in layers:
            layer.trainable = False


def keep(before: keras.Model, model: keras.Model, share: float) -> None:
    """Puts a share of what the weights were before a training into what they are after it, changed in place."""
    for old, new in zip(before.weights, model.weights, strict=True):
        if keras.backend.is_float_dtype(new.dtype):
            new.assign(share * keras.ops.convert_to_tensor(old) + (1 - share) * keras.ops.convert_to_tensor(new))


def rate_factors(model: keras.Model, decay: float) -> list[float]:
    """Returns a factor of the learning rate for each trained weight: 1 for the last layer, less for those below.

    The learning rate of a layer is `decay` times that of the layer above it (Howard and Ruder, arXiv:1801.06146,
    section 3.2). A level of a deep layer counts as a layer, both directions as one.
    """
    names = ["/".join(variable.path.split("/")[:-1][:2]) for variable in model.trainable_variables]
    layers = list(dict.fromkeys(names))
    return [decay ** (len(layers) - 1 - layers.index(name)) for name in names]
