"""Sentiment classification, many-to-one: what it reads, how texts become numbers, how it is measured."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field, PositiveInt

from rnn_apps.arrays import Arrays
from rnn_apps.config import DataConfig, Section, TaskConfig, TrainingConfig
from rnn_apps.data.readers.tables import LabelledText, read_labelled_texts
from rnn_apps.data.text.cleaning import clean
from rnn_apps.data.text.subwords import SubwordTokenizer, cut_middle
from rnn_apps.errors import DataError
from rnn_apps.inference.classification import ClassificationMetrics, ClassPrediction, class_bars, class_view
from rnn_apps.task import Processor, Shape, Task
from rnn_apps.tasks.sentiment import sample
from rnn_apps.views import InputView, TextInput, View

if TYPE_CHECKING:
    from rnn_apps.bundle import Bundle
    from rnn_apps.data.readers.tfds import TFDSDataset
    from rnn_apps.tasks.sentiment.predictor import SentimentPredictor


class SentimentModelConfig(Section):
    """The network.

    Attributes:
        cell: kind of the recurrent cell.
        units: width of each direction's hidden state.
        layers: bidirectional layers, one upon the other.
        embedding: features of a token's vector.
        token_dropout: share of the tokens that are hidden in training.
        recurrent_input_dropout: share of the features dropped before each recurrent layer, the same at every step.
        dropout: share of the pooled features dropped before the last layer.
    """

    cell: Literal["lstm", "gru", "simple_rnn"] = "lstm"
    units: PositiveInt = 128
    layers: PositiveInt = 2
    embedding: PositiveInt = 128
    token_dropout: float = Field(default=0.1, ge=0.0, lt=1.0)
    recurrent_input_dropout: float = Field(default=0.25, ge=0.0, lt=1.0)
    dropout: float = Field(default=0.5, ge=0.0, lt=1.0)


class SentimentDataConfig(DataConfig):
    """How texts become numbers.

    Attributes:
        vocabulary_size: subwords at most.
        lowercase: whether case is dropped.
        max_tokens: of a longer text the first quarter and the last three quarters of that are kept.
        max_training_tokens: the same in training, where short is fast.
        class_names: names for the labels of the data file, as they should be answered: `{"0" = "negative"}`.
    """

    vocabulary_size: int = Field(default=16000, ge=300)
    lowercase: bool = True
    max_tokens: PositiveInt = 1024
    max_training_tokens: PositiveInt = 256
    class_names: dict[str, str] = Field(default={})


class SentimentConfig(TaskConfig):
    """Settings of the task `sentiment`."""

    model: SentimentModelConfig = SentimentModelConfig()
    training: TrainingConfig = TrainingConfig(
        epochs=5, learning_rate=3e-3, schedule="linear", warmup=0.1, batch_tokens=12000
    )
    data: SentimentDataConfig = SentimentDataConfig()


class SentimentProcessor(Processor):
    """Texts to subword numbers, labels to class numbers.

    Args:
        tokenizer: fitted on the training texts.
        class_names: the classes in the order of the model's outputs.
        renamed: names in data files that stand for a class.
        max_tokens: see `SentimentDataConfig`.
        max_training_tokens: see `SentimentDataConfig`.
    """

    def __init__(
        self,
        tokenizer: SubwordTokenizer,
        class_names: Sequence[str],
        renamed: Mapping[str, str],
        max_tokens: int,
        max_training_tokens: int,
    ) -> None:
        self.tokenizer = tokenizer
        self.class_names = tuple(class_names)
        self.renamed = dict(renamed)
        self.max_tokens, self.max_training_tokens = max_tokens, max_training_tokens
        self._numbers = {name: number for number, name in enumerate(self.class_names)}

    def encode(self, examples: Sequence[LabelledText], training: bool = False) -> list[Arrays]:
        """Returns `tokens`, int32 (time,), and `label`, an int32 scalar, for each example."""
        longest = self.max_training_tokens if training else self.max_tokens
        token_rows = self.tokenizer.encode_batch([_clean(example.text, example.where) for example in examples])
        return [
            {"tokens": cut_middle(tokens, longest), "label": np.array(self._class_number(example), np.int32)}
            for tokens, example in zip(token_rows, examples, strict=True)
        ]

    def encode_inputs(self, inputs: Sequence[str]) -> list[Arrays]:
        """Returns `tokens`, int32 (time,), for each text."""
        cleaned = []
        for number, text in enumerate(inputs, 1):
            if not isinstance(text, str):
                raise DataError(f"Expected texts. Input {number} is of the type {type(text).__name__}.")
            cleaned.append(_clean(text, f"input {number}"))
        rows = self.tokenizer.encode_batch(cleaned) if len(cleaned) > 1 else [self.tokenizer.encode(t) for t in cleaned]
        return [{"tokens": cut_middle(tokens, self.max_tokens)} for tokens in rows]

    def save(self, folder: Path) -> None:
        """Writes `processor.json` and `tokenizer.json`."""
        facts = {
            "class_names": self.class_names,
            "renamed": self.renamed,
            "max_tokens": self.max_tokens,
            "max_training_tokens": self.max_training_tokens,
        }
        (folder / "processor.json").write_text(json.dumps(facts, ensure_ascii=False), encoding="utf-8")
        self.tokenizer.save(folder / "tokenizer.json")

    @classmethod
    def load(cls, folder: Path) -> SentimentProcessor:
        """Reads what `save` wrote."""
        facts = json.loads((folder / "processor.json").read_text(encoding="utf-8"))
        return cls(SubwordTokenizer.load(folder / "tokenizer.json"), **facts)

    def _class_number(self, example: LabelledText) -> int:
        name = self.renamed.get(example.label, example.label)
        if name not in self._numbers:
            raise DataError(
                f"{example.where}: the label '{example.label}' was not in the training data. "
                f"The model knows: {', '.join(self.class_names)}."
            )
        return self._numbers[name]


class SentimentTask(Task):
    """Classifies texts."""

    name = "sentiment"
    summary = "classify a text: positive or negative, or any other set of classes"
    shape = Shape.MANY_TO_ONE
    monitor = "accuracy"
    Config = SentimentConfig
    processor_class = SentimentProcessor

    def read(self, paths: Sequence[Path]) -> Iterator[LabelledText]:
        """Streams a .tsv, .csv or .jsonl of labelled texts."""
        if len(paths) != 1:
            raise DataError(f"Expected one data file. Received {len(paths)}: {', '.join(map(str, paths))}")
        return read_labelled_texts(paths[0])

    def sample(self) -> Sequence[LabelledText]:
        """Returns short reviews in which the order of the words decides."""
        return [LabelledText(label, text, f"sample {n}") for n, (label, text) in enumerate(sample.examples(), 1)]

    def read_tfds(self, dataset: TFDSDataset, split: str) -> Iterator[LabelledText]:
        """Streams any dataset that has one text and one class label."""
        from rnn_apps.data.readers.tfds import text_and_label_features

        text, label = text_and_label_features(dataset.features)
        for number, record in enumerate(dataset.records(split), 1):
            if record[label] is not None:  # a split of a challenge comes without
                yield LabelledText(str(record[label]), record[text], f"{split}, record {number}")

    def fit_processor(self, examples: Iterable[LabelledText], config: TaskConfig) -> SentimentProcessor:
        """Learns the classes and the subwords."""
        assert isinstance(config, SentimentConfig)
        data = config.data
        counts = Counter(example.label for example in examples)
        names = sorted({data.class_names.get(label, label) for label in counts})
        if len(names) < 2:
            raise DataError(
                f"Expected at least two classes. All {counts.total()} examples have the label '{names[0]}'."
            )
        if counts.total() < 2 * len(names):
            raise DataError(
                f"Expected at least two examples a class. There are {counts.total()} for {len(names)} classes; "
                "is the label in the first column?"
            )
        texts = (_clean(example.text, example.where) for example in examples)
        tokenizer = SubwordTokenizer.train(texts, data.vocabulary_size, data.lowercase)
        return SentimentProcessor(tokenizer, names, data.class_names, data.max_tokens, data.max_training_tokens)

    def build_model(self, config: TaskConfig, processor: Processor) -> Any:
        """Returns the network of `model.py`."""
        from rnn_apps.tasks.sentiment.model import build_model

        assert isinstance(config, SentimentConfig)
        assert isinstance(processor, SentimentProcessor)
        return build_model(config.model, processor.tokenizer.vocabulary_size, len(processor.class_names))

    def loss(self, outputs: Mapping[str, Any], batch: Mapping[str, Any]) -> tuple[Any, Any]:
        """Returns the summed cross-entropy of `logits` and `label`, and the number of texts."""
        from rnn_apps.training.losses import summed_cross_entropy

        return summed_cross_entropy(outputs["logits"], batch["label"])

    def language_layers(self, model: Any) -> tuple[Any, Any]:
        """Returns the embedding and the first bidirectional layer."""
        return model.get_layer("embedding"), model.get_layer("encoder").layers[0]

    def metrics(self, processor: Processor, calibration: Mapping[str, float]) -> ClassificationMetrics:
        """Returns a fresh accumulator."""
        return ClassificationMetrics(calibration.get("temperature", 1.0))

    def predictor(self, bundle: Bundle) -> SentimentPredictor:
        """Returns what answers with the bundle's graph."""
        from rnn_apps.tasks.sentiment.predictor import SentimentPredictor

        return SentimentPredictor(bundle)

    @property
    def example_inputs(self) -> Sequence[str]:
        """Three short reviews."""
        return sample.EXAMPLES

    def show(self, given: str, prediction: ClassPrediction) -> str:
        """Returns the text, and a bar for each class."""
        from rich.markup import escape

        return f"[italic]{escape(_shorten(clean(given)))}[/italic]\n{class_bars(prediction)}"

    def input_view(self, bundle: Bundle) -> InputView:
        """Returns a box whose text is classified while it is typed."""
        return InputView(TextInput(live=True), action="Classify")

    def views(self, given: str, prediction: ClassPrediction) -> Sequence[View]:
        """Returns a bar for each class."""
        return [class_view(prediction)]


def _clean(text: str, where: str) -> str:
    cleaned = clean(text)
    if not cleaned:
        raise DataError(f"{where}: the text is empty (blanks, control characters and markup do not count).")
    return cleaned


def _shorten(text: str, longest: int = 200) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
