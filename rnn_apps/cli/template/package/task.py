"""The task: what it reads, how an example becomes arrays, how it is measured."""

import json

import numpy as np
from pydantic import PositiveInt

from rnn_apps.config import Section, TaskConfig, TrainingConfig
from rnn_apps.data.readers.tables import LabelledText, read_labelled_texts
from rnn_apps.errors import DataError
from rnn_apps.inference.classification import ClassificationMetrics, class_bars
from rnn_apps.task import Processor, Shape, Task

from $name import sample


class ModelConfig(Section):
    """The network's settings: `rnnapps run $name --set model.units=64`."""

    embedding: PositiveInt = 8
    units: PositiveInt = 32


class Config(TaskConfig):
    """All settings, with defaults that work."""

    model: ModelConfig = ModelConfig()
    training: TrainingConfig = TrainingConfig(epochs=20, learning_rate=1e-2, patience=5)


class CharacterProcessor(Processor):
    """Characters and labels to numbers; 0 is padding, and a character never seen in training is left out."""

    def __init__(self, characters, classes):
        self.characters, self.classes = list(characters), list(classes)
        self._numbers = {character: number for number, character in enumerate(self.characters, 1)}

    def encode(self, examples, training=False):
        """Returns `tokens` and `label` for each example."""
        for example in examples:
            if example.label not in self.classes:
                raise DataError(f"{example.where}: the label '{example.label}' was not in the training data.")
        rows = self.encode_inputs([example.text for example in examples])
        labels = [np.array(self.classes.index(example.label), np.int32) for example in examples]
        return [{**row, "label": label} for row, label in zip(rows, labels, strict=True)]

    def encode_inputs(self, inputs):
        """Returns `tokens`, int32 (time,), for each text."""
        return [{"tokens": np.array([self._numbers[c] for c in t if c in self._numbers], np.int32)} for t in inputs]

    def save(self, folder):
        """Writes `processor.json`."""
        facts = {"characters": self.characters, "classes": self.classes}
        (folder / "processor.json").write_text(json.dumps(facts), encoding="utf-8")

    @classmethod
    def load(cls, folder):
        """Reads what `save` wrote."""
        return cls(**json.loads((folder / "processor.json").read_text(encoding="utf-8")))


class $class(Task):
    """Says whether brackets are balanced."""

    name = "$name"
    summary = "tell balanced brackets from unbalanced ones"
    shape = Shape.MANY_TO_ONE
    monitor = "accuracy"
    Config = Config
    processor_class = CharacterProcessor
    example_inputs = sample.EXAMPLES

    def read(self, paths):
        """Streams a .tsv, .csv or .jsonl of labelled texts."""
        return read_labelled_texts(paths[0])

    def sample(self):
        """Returns the built-in sample."""
        return [LabelledText(label, text, f"sample {n}") for n, (label, text) in enumerate(sample.examples(), 1)]

    def fit_processor(self, examples, config):
        """Learns the characters and the classes."""
        characters, classes = set(), set()
        for example in examples:
            characters.update(example.text)
            classes.add(example.label)
        return CharacterProcessor(sorted(characters), sorted(classes))

    def build_model(self, config, processor):
        """Returns the network of `model.py`."""
        from $name.model import build_model

        return build_model(config.model, len(processor.characters) + 1, len(processor.classes))

    def loss(self, outputs, batch):
        """Returns the summed loss and the number of texts."""
        from rnn_apps.training.losses import summed_cross_entropy

        return summed_cross_entropy(outputs["logits"], batch["label"])

    def metrics(self, processor, calibration):
        """Returns a fresh accumulator."""
        return ClassificationMetrics(calibration.get("temperature", 1.0))

    def predictor(self, bundle):
        """Returns what answers with the bundle's graph."""
        from $name.predictor import $predictor

        return $predictor(bundle)

    def show(self, given, prediction):
        """Returns the text and a bar for each class."""
        return f"{given}\n{class_bars(prediction)}"
