"""The network: characters, a recurrent layer, classes. The only file that needs TensorFlow."""

import keras

from rnn_apps import Network
from rnn_apps.layers import CELLS, Embedding
from rnn_apps.training.losses import summed_cross_entropy


class $network(Network):
    """A classifier of texts."""

    def build(self, config, processor):
        """Returns a model from `tokens`, int32 (batch, time), to `logits`, float32 (batch, classes)."""
        tokens = keras.Input((None,), dtype="int32", name="tokens")
        x = Embedding(len(processor.characters) + 1, config.model.embedding, mask_zero=True)(tokens)
        x = CELLS[config.model.cell](config.model.units)(x)
        logits = keras.layers.Dense(len(processor.classes), name="logits")(x)
        return keras.Model({"tokens": tokens}, {"logits": logits}, name="$name")

    def loss(self, outputs, batch):
        """Returns the summed loss and the number of texts."""
        return summed_cross_entropy(outputs["logits"], batch["label"], batch.get("weight"))
