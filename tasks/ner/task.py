"""Named entity recognition, many-to-many and aligned: what it reads, how it is measured, what it answers."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, PositiveInt

from rnn_apps.config import DataConfig, Section, TaskConfig, TrainingConfig
from rnn_apps.data.readers.tagged import TaggedSentence, read_conll
from rnn_apps.data.text.tags import read_spans, write_tags
from rnn_apps.errors import DataError
from rnn_apps.inference.entities import EntityMetrics
from rnn_apps.task import Processor, Shape, Task
from rnn_apps.tasks.ner import sample
from rnn_apps.tasks.ner.processor import NerProcessor
from rnn_apps.views import InputView, Span, Spans, View

if TYPE_CHECKING:
    from rnn_apps.bundle import Bundle
    from rnn_apps.data.readers.tfds import TFDSDataset
    from rnn_apps.tasks.ner.predictor import NerPredictor, TaggedText


class NerModelConfig(Section):
    """The network.

    Attributes:
        cell: kind of the recurrent cell.
        units: width of each direction's hidden state.
        layers: bidirectional layers, one upon the other.
        embedding: features of a word's vector; pretrained vectors bring their own number.
        tune_vectors: whether pretrained vectors are trained on.
        letter_embedding: features of a letter's vector.
        letter_filters: features of a word that come from its letters.
        pair_embedding: features of a pair of characters, where every token is one character.
        token_dropout: share of the words that are read as the unknown word in training.
        dropout: share of the features dropped before, between and behind the recurrent layers.
    """

    cell: Literal["lstm", "gru", "simple_rnn"] = "lstm"
    units: PositiveInt = 160
    layers: PositiveInt = 1
    embedding: PositiveInt = 80
    tune_vectors: bool = True
    letter_embedding: PositiveInt = 32
    letter_filters: PositiveInt = 64
    pair_embedding: PositiveInt = 48
    token_dropout: float = Field(default=0.05, ge=0.0, lt=1.0)
    dropout: float = Field(default=0.5, ge=0.0, lt=1.0)


class NerDataConfig(DataConfig):
    """How sentences become numbers.

    Attributes:
        units: what a token is: "words", "characters" (Chinese, say), or "auto" to see it in the training data.
        vocabulary_size: words at most.
        min_count: occurrences that a word, a letter or a pair of characters needs; rarer words are unknown, and read
            by their letters.
        pairs: pairs of characters at most, where every token is one character.
        longest_word: letters of a word at most; of a longer one the middle is left out.
        max_training_tokens: longer training sentences are cut, never inside an entity.
        vectors: a file of pretrained word vectors in the text format of GloVe or word2vec.
    """

    units: Literal["auto", "words", "characters"] = "auto"
    vocabulary_size: PositiveInt = 12000
    min_count: PositiveInt = 2
    pairs: PositiveInt = 12000
    longest_word: int = Field(default=18, ge=2)
    max_training_tokens: PositiveInt = 200
    vectors: str = ""


class NerConfig(TaskConfig):
    """Settings of the task `ner`."""

    model: NerModelConfig = NerModelConfig()
    training: TrainingConfig = TrainingConfig(
        epochs=20, batch_size=32, batch_tokens=2048, learning_rate=3e-3, schedule="cosine", patience=5
    )
    data: NerDataConfig = NerDataConfig()


class NerTask(Task):
    """Finds names in texts."""

    name = "ner"
    summary = "find the persons, places and other entities of a text, each with its probability"
    shape = Shape.ALIGNED
    monitor = "f1"
    Config = NerConfig
    processor_class = NerProcessor

    def read(self, paths: Sequence[Path]) -> Iterator[TaggedSentence]:
        """Streams a CoNLL column file: the token first, the tag last, in BIO, IOB1 or BIOES."""
        if len(paths) != 1:
            raise DataError(f"Expected one data file. Received {len(paths)}: {', '.join(map(str, paths))}")
        return read_conll(paths[0])

    def sample(self) -> Sequence[TaggedSentence]:
        """Returns sentences with names that only their context explains."""
        return sample.sentences()

    def read_tfds(self, dataset: TFDSDataset, split: str) -> Iterator[TaggedSentence]:
        """Streams a dataset with `tokens` and their tags, `ner` or `ner_tags`, such as tfds:conll2003."""
        names = dataset.features
        tags = next((name for name in ("ner", "ner_tags", "tags") if name in names), "")
        if not tags or "tokens" not in names:
            raise DataError(f"Expected the features tokens and ner. The dataset has: {', '.join(names)}.")
        for number, record in enumerate(dataset.records(split), 1):
            given = [str(tag) for tag in record[tags]]
            repaired = write_tags(read_spans(given), len(given), "BIO")
            yield TaggedSentence(tuple(record["tokens"]), tuple(repaired), f"{split}, record {number}")

    def fit_processor(self, examples: Iterable[TaggedSentence], config: TaskConfig) -> NerProcessor:
        """Learns the words, their letters, and the tags."""
        assert isinstance(config, NerConfig)
        return NerProcessor.fit(examples, config.data)

    def build_model(self, config: TaskConfig, processor: Processor) -> Any:
        """Returns the network of `model.py`."""
        from rnn_apps.tasks.ner.model import build_model

        assert isinstance(config, NerConfig)
        assert isinstance(processor, NerProcessor)
        return build_model(config.model, processor, Path(config.data.vectors) if config.data.vectors else None)

    def loss(self, outputs: Mapping[str, Any], batch: Mapping[str, Any]) -> tuple[Any, Any]:
        """Returns the summed negative log-likelihood of `tags`, and the number of tokens."""
        import tensorflow as tf

        from rnn_apps.layers.crf import log_likelihood

        mask = batch["tokens"] != 0
        # every row has the same ones, and a device may have no row
        transitions = tf.reduce_max(outputs["transitions"], axis=0)
        likelihood = log_likelihood(outputs["emissions"], transitions, batch["tags"], mask)
        return -tf.reduce_sum(likelihood), tf.math.count_nonzero(mask)

    def language_layers(self, model: Any) -> tuple[Any, Any]:
        """Returns the features of words and the first bidirectional layer."""
        from rnn_apps.tasks.ner.model import language_layers

        return language_layers(model)

    def metrics(self, processor: Processor, calibration: Mapping[str, float]) -> EntityMetrics:
        """Returns a fresh accumulator."""
        assert isinstance(processor, NerProcessor)
        return EntityMetrics(processor.tags, calibration.get("temperature", 1.0))

    def predictor(self, bundle: Bundle) -> NerPredictor:
        """Returns what answers with the bundle's graph."""
        from rnn_apps.tasks.ner.predictor import NerPredictor

        return NerPredictor(bundle)

    @property
    def example_inputs(self) -> Sequence[str]:
        """Three sentences."""
        return sample.EXAMPLES

    @property
    def example_argument(self) -> str:
        """A sentence of them."""
        return shlex.quote(sample.EXAMPLES[0])

    def parse_input(self, text: str) -> Any:
        """Takes a JSON list of strings for ready tokens, and everything else for text."""
        if text.lstrip().startswith("["):
            try:
                given = json.loads(text)
            except (json.JSONDecodeError, RecursionError):
                return text
            if isinstance(given, list) and all(isinstance(token, str) for token in given):
                return given
        return text

    def show(self, given: Any, prediction: TaggedText) -> str:
        """Returns the text with its entities in colour, each with its type and probability."""
        from rnn_apps.tasks.ner.predictor import coloured

        return coloured(given, prediction)

    def input_view(self, bundle: Bundle) -> InputView:
        """Returns a box for a text."""
        return InputView(action="Find entities")

    def views(self, given: str, prediction: TaggedText) -> Sequence[View]:
        """Returns the text with its entities marked, each with its type and probability."""
        found = [Span(entity.start, entity.end, entity.type, entity.probability) for entity in prediction.entities]
        return [Spans(given if isinstance(given, str) else " ".join(given), found)]
