"""Translation, many-to-many and unaligned: what it reads and how it is measured."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rnn_apps.data.readers.columns import AS_SEEN, Columns, Survey
from rnn_apps.data.readers.parallel import SentencePair, read_pairs, survey_pairs
from rnn_apps.errors import DataError
from rnn_apps.task import Shape, Task
from rnn_apps.tasks.translation import sample
from rnn_apps.tasks.translation.metrics import TranslationMetrics
from rnn_apps.tasks.translation.processor import TranslationProcessor
from rnn_apps.tasks.translation.search import Translator

if TYPE_CHECKING:
    from rnn_apps.data.readers.tfds import TFDSDataset
    from rnn_apps.tasks.translation.config import TranslationConfig  # noqa: F401 (the base names it)


class TranslationTask(Task["TranslationConfig", TranslationProcessor]):
    """Translates sentences."""

    name = "translation"
    summary = "translate from one language into another, with alternatives and the alignment of the words"
    shape = Shape.UNALIGNED
    monitor = "nll"
    monitor_mode = "min"
    config = "rnn_apps.tasks.translation.config:TranslationConfig"
    processor = TranslationProcessor
    network = "rnn_apps.tasks.translation.network:TranslationNetwork"
    predictor = "rnn_apps.tasks.translation.predictor:TranslationPredictor"

    columns = frozenset({"text", "encoding"})

    def read(self, paths: Sequence[Path], columns: Columns = AS_SEEN) -> Iterator[SentencePair]:
        """Streams two files that go line by line, or a table with a column for each language."""
        return read_pairs(paths, columns)

    def survey(self, paths: Sequence[Path], columns: Columns = AS_SEEN) -> Survey:
        """Says how the files are read, and how many pairs are left out."""
        return survey_pairs(paths, columns)

    def input_of(self, example: SentencePair) -> str:
        """Returns the source."""
        return example.source

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

    def metrics(self, processor: TranslationProcessor, calibration: Mapping[str, float]) -> TranslationMetrics:
        """Returns a fresh accumulator."""
        return TranslationMetrics(processor, calibration)

    def runner(self, folder: Path) -> Translator:
        """Returns the search that `predict` uses too."""
        return Translator(folder, TranslationProcessor.load(folder).brackets)


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
