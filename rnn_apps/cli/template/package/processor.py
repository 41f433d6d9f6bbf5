"""How an example becomes arrays: characters and labels to numbers."""

import json

import numpy as np

from rnn_apps import Processor
from rnn_apps.errors import DataError, unknown_class


class CharacterProcessor(Processor):
    """Characters and labels to numbers; 0 is padding, and a character never seen in training is left out."""

    def __init__(self, characters, classes):
        self.characters, self.classes = list(characters), list(classes)
        self._ids = {character: index for index, character in enumerate(self.characters, 1)}

    @classmethod
    def fit(cls, examples, config):
        """Learns the characters and the classes of the training examples."""
        characters, classes = set(), set()
        for example in examples:
            characters.update(example.text)
            classes.add(example.label)
        return cls(sorted(characters), sorted(classes))

    def encode(self, examples, training=False):
        """Returns `tokens` and `label` for each example."""
        for example in examples:
            if example.label not in self.classes:
                raise DataError(f"{example.where}: {unknown_class('label', example.label, self.classes)}")
        rows = self.encode_inputs([example.text for example in examples])
        labels = [np.array(self.classes.index(example.label), np.int32) for example in examples]
        return [{**row, "label": label} for row, label in zip(rows, labels, strict=True)]

    def encode_inputs(self, inputs):
        """Returns `tokens`, int32 (time,), for each text."""
        return [{"tokens": np.array([self._ids[c] for c in text if c in self._ids], np.int32)} for text in inputs]

    def save(self, folder):
        """Writes `processor.json`."""
        facts = {"characters": self.characters, "classes": self.classes}
        (folder / "processor.json").write_text(json.dumps(facts), encoding="utf-8")

    @classmethod
    def load(cls, folder):
        """Reads what `save` wrote."""
        return cls(**json.loads((folder / "processor.json").read_text(encoding="utf-8")))
