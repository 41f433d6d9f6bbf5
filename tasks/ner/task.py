"""Named entity recognition, many-to-many and aligned: what it reads and how it is measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rnn_apps.data.files import only
from rnn_apps.data.readers.columns import AS_SEEN, Columns, Survey
from rnn_apps.data.readers.tagged import TaggedSentence, read_tagged, survey_tagged
from rnn_apps.data.text.tags import read_spans, write_tags
from rnn_apps.errors import DataError
from rnn_apps.inference.entities import EntityMetrics
from rnn_apps.task import Shape, Task
from rnn_apps.tasks.ner import sample
from rnn_apps.tasks.ner.processor import NerProcessor

if TYPE_CHECKING:
    from rnn_apps.data.readers.tfds import TFDSDataset
    from rnn_apps.tasks.ner.config import NerConfig  # noqa: F401 (the base names it)


class NerTask(Task["NerConfig", NerProcessor]):
    """Finds names in texts."""

    name = "ner"
    summary = "find the persons, places and other entities of a text, each with its probability"
    shape = Shape.ALIGNED
    monitor = "f1"
    config = "rnn_apps.tasks.ner.config:NerConfig"
    processor = NerProcessor
    network = "rnn_apps.tasks.ner.network:NerNetwork"
    predictor = "rnn_apps.tasks.ner.predictor:NerPredictor"

    columns = frozenset({"token", "tag", "encoding"})

    def read(self, paths: Sequence[Path], columns: Columns = AS_SEEN) -> Iterator[TaggedSentence]:
        """Streams tagged sentences: a CoNLL column file of any dialect, or texts with their spans as .jsonl."""
        return read_tagged(only(paths), columns)

    def survey(self, paths: Sequence[Path], columns: Columns = AS_SEEN) -> Survey:
        """Says how the file is read, and what in it does not fit."""
        return survey_tagged(only(paths), columns)

    def input_of(self, example: TaggedSentence) -> list[str]:
        """Returns the tokens."""
        return list(example.tokens)

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

    def metrics(self, processor: NerProcessor, calibration: Mapping[str, float]) -> EntityMetrics:
        """Returns a fresh accumulator."""
        return EntityMetrics(processor.tags, calibration.get("temperature", 1.0), processor.familiar)
