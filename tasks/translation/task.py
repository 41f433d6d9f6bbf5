"""Translation, many-to-many and unaligned: what it reads, how it is modelled, measured and shown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, PositiveInt, model_validator

from rnn_apps.config import DataConfig, Section, TaskConfig, TrainingConfig
from rnn_apps.data.readers.parallel import SentencePair, read_pairs
from rnn_apps.errors import DataError
from rnn_apps.task import Processor, Shape, Task
from rnn_apps.tasks.translation import sample
from rnn_apps.tasks.translation.metrics import TranslationMetrics
from rnn_apps.tasks.translation.processor import TranslationProcessor
from rnn_apps.views import InputView, NumberOption, TextInput, View

if TYPE_CHECKING:
    from rnn_apps.bundle import Bundle
    from rnn_apps.data.readers.tfds import TFDSDataset
    from rnn_apps.inference.predictor import Predictor
    from rnn_apps.task import GraphSpec, Runner

LABEL_SMOOTHING = 0.1


class TranslationModelConfig(Section):
    """The network.

    Attributes:
        cell: kind of the recurrent cell.
        units: width of a hidden state: of each direction of the encoder, and of the decoder.
        encoder_layers: bidirectional layers, one upon the other.
        embedding: features of a token's vector, which are those of the output layer too.
        score: how the attention compares: "additive" (Bahdanau) or "multiplicative" (Luong).
        attention_units: width of the attention's keys.
        input_feeding: whether the decoder also reads what it made of the attention's answer one step before.
        token_dropout: share of the tokens, of both languages, that are hidden in training.
        embedding_dropout: share of the features of tokens that are dropped, the same at every step of a sentence.
        dropout: share of the features dropped behind each layer of the encoder, likewise.
        output_dropout: share of the features dropped before the output layer, likewise.
    """

    cell: Literal["gru", "lstm"] = "gru"
    units: PositiveInt = 256
    encoder_layers: PositiveInt = 1
    embedding: PositiveInt = 256
    score: Literal["additive", "multiplicative"] = "additive"
    attention_units: PositiveInt = 256
    input_feeding: bool = False
    token_dropout: float = Field(default=0.05, ge=0.0, lt=1.0)
    embedding_dropout: float = Field(default=0.3, ge=0.0, lt=1.0)
    dropout: float = Field(default=0.4, ge=0.0, lt=1.0)
    output_dropout: float = Field(default=0.4, ge=0.0, lt=1.0)


class TranslationDataConfig(DataConfig):
    """How sentences become numbers.

    Attributes:
        source_language: what the source is written in, such as "en"; shown to people.
        target_language: the same of the target.
        vocabulary: one vocabulary for both languages ("joint"), two ("separate"), or "auto": one if both are written
            with mostly the same letters.
        vocabulary_size: subwords at most, of each vocabulary.
        lowercase: whether case is dropped.
        max_tokens: subwords of a sentence at most; a longer one is cut.
        max_training_tokens: the same in training.
        bleu_tokenize: sacrebleu's tokenizer for BLEU: "13a" for plain text, "none" for text that is tokenised already,
            "zh" for Chinese.
    """

    source_language: str = ""
    target_language: str = ""
    vocabulary: Literal["auto", "joint", "separate"] = "auto"
    vocabulary_size: int = Field(default=8000, ge=100)
    lowercase: bool = False
    max_tokens: int = Field(default=256, ge=2)
    max_training_tokens: int = Field(default=100, ge=2)
    bleu_tokenize: Literal["13a", "none", "zh", "char", "intl"] = "13a"

    @model_validator(mode="after")
    def _two_languages(self) -> TranslationDataConfig:
        if self.source_language and self.source_language == self.target_language:
            raise ValueError(f"expected two languages, source and target are both '{self.source_language}'")
        return self


class TranslationConfig(TaskConfig):
    """Settings of the task `translation`."""

    model: TranslationModelConfig = TranslationModelConfig()
    training: TrainingConfig = TrainingConfig(
        epochs=10, batch_size=64, batch_tokens=3000, learning_rate=2e-3, schedule="cosine", warmup=0.05
    )
    data: TranslationDataConfig = TranslationDataConfig()


class TranslationTask(Task):
    """Translates sentences."""

    name = "translation"
    summary = "translate from one language into another, with alternatives and the alignment of the words"
    shape = Shape.UNALIGNED
    monitor = "nll"
    monitor_mode = "min"
    Config = TranslationConfig
    processor_class = TranslationProcessor

    def read(self, paths: Sequence[Path]) -> Iterator[SentencePair]:
        """Streams two files that go line by line, or one .tsv of `source<TAB>target`."""
        return read_pairs(paths)

    def sample(self) -> Sequence[SentencePair]:
        """Returns English sentences with their French translations, by a small grammar."""
        return sample.pairs()

    def read_tfds(self, dataset: TFDSDataset, split: str) -> Iterator[SentencePair]:
        """Streams a dataset of two texts, such as tfds:ted_hrlr_translate/ru_to_en."""
        source, target = text_features(dataset.name, dataset.features)
        for number, record in enumerate(dataset.records(split), 1):
            pair = SentencePair(record[source].strip(), record[target].strip(), f"{split}, record {number}")
            if pair.source and pair.target:
                yield pair

    def fit_processor(self, examples: Iterable[SentencePair], config: TaskConfig) -> TranslationProcessor:
        """Learns the subwords of both languages."""
        assert isinstance(config, TranslationConfig)
        return TranslationProcessor.fit(examples, config.data)

    def build_model(self, config: TaskConfig, processor: Processor) -> Any:
        """Returns the network of `model.py`."""
        from rnn_apps.tasks.translation.model import build_model

        assert isinstance(config, TranslationConfig)
        assert isinstance(processor, TranslationProcessor)
        return build_model(
            config.model, processor.source.vocabulary_size, processor.target.vocabulary_size, processor.joint
        )

    def loss(self, outputs: Mapping[str, Any], batch: Mapping[str, Any]) -> tuple[Any, Any]:
        """Returns the summed cross-entropy of `logits` and `target_out`, labels smoothed, and the number of tokens."""
        from rnn_apps.training.losses import sequence_cross_entropy

        return sequence_cross_entropy(outputs["logits"], batch["target_out"], LABEL_SMOOTHING)

    def graphs(self, model: Any) -> Sequence[GraphSpec]:
        """Returns the encoder and one step of the decoder."""
        from rnn_apps.tasks.translation.model import graphs

        return graphs(model)

    def metrics(self, processor: Processor, calibration: Mapping[str, float]) -> TranslationMetrics:
        """Returns a fresh accumulator."""
        assert isinstance(processor, TranslationProcessor)
        return TranslationMetrics(processor)

    def runner(self, folder: Path) -> Runner:
        """Returns the search that `predict` uses too."""
        from rnn_apps.tasks.translation.translator import Translator

        return Translator(folder)

    def predictor(self, bundle: Bundle) -> Predictor:
        """Returns what answers with the bundle's graphs."""
        from rnn_apps.tasks.translation.predictor import TranslationPredictor

        return TranslationPredictor(bundle)

    @property
    def example_inputs(self) -> Sequence[str]:
        """Three English sentences."""
        return sample.EXAMPLES

    def show(self, given: str, prediction: Any) -> str:
        """Returns the text and its translation."""
        from rnn_apps.tasks.translation.predictor import shown

        return shown(given, prediction)

    def input_view(self, bundle: Bundle) -> InputView:
        """Returns a box for the text, and how hard to search."""
        options = {
            "beam": NumberOption("Beam", 5, 1, 20, 1),
            "nbest": NumberOption("Alternatives", 1, 1, 10, 1),
        }
        return InputView(TextInput("Text", lines=4), options, action="Translate")

    def views(self, given: str, prediction: Any) -> Sequence[View]:
        """Returns the translation, its alternatives, and which word comes from which."""
        from rnn_apps.tasks.translation.predictor import views

        return views(prediction)


def text_features(dataset: str, features: Mapping[str, str]) -> tuple[str, str]:
    """Returns the source and the target of a dataset, by its name ("ted_hrlr_translate/ru_to_en") and its features.

    Raises:
        DataError: if there are not two texts, or the name does not say which is translated into which.
    """
    texts = [name for name, kind in features.items() if kind == "text"]
    named = re.search(r"/([a-z_]+?)(?:_to_|_|-)([a-z_]+)", dataset)
    if len(texts) == 2 and named and set(named.groups()) == set(texts):
        return named[1], named[2]
    raise DataError(
        f"Expected a dataset of two texts whose name says what is translated into what, such as "
        f"tfds:ted_hrlr_translate/ru_to_en. tfds:{dataset} has: {', '.join(features)}."
    )
