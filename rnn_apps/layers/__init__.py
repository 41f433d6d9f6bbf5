"""Recurrent layers for Keras: every cell, masked, serialisable, and compiled for training on a CPU."""

from rnn_apps.layers.attention import Attention
from rnn_apps.layers.bidirectional import Bidirectional
from rnn_apps.layers.characters import CharacterCNN
from rnn_apps.layers.conversion import from_keras, to_keras
from rnn_apps.layers.crf import CRF
from rnn_apps.layers.decoders import InputFeedingDecoder, SingleStep
from rnn_apps.layers.deep import Deep
from rnn_apps.layers.embedding import Embedding, TiedEmbedding
from rnn_apps.layers.gru import GRU
from rnn_apps.layers.lstm import LSTM
from rnn_apps.layers.masking import MaskedPooling, RealSteps
from rnn_apps.layers.ordered import OrderedClasses
from rnn_apps.layers.paths import generic_path
from rnn_apps.layers.simple_rnn import SimpleRNN

CELLS = {"lstm": LSTM, "gru": GRU, "simple_rnn": SimpleRNN}
"""Recurrent cells by the names that settings have for them, see `rnn_apps.config.CellName`."""

__all__ = [
    "CELLS",
    "CRF",
    "GRU",
    "LSTM",
    "Attention",
    "Bidirectional",
    "CharacterCNN",
    "Deep",
    "Embedding",
    "InputFeedingDecoder",
    "MaskedPooling",
    "OrderedClasses",
    "RealSteps",
    "SimpleRNN",
    "SingleStep",
    "TiedEmbedding",
    "from_keras",
    "generic_path",
    "to_keras",
]
