"""The task: what it reads, what it is made of, how it is measured."""

from rnn_apps import Shape, Task
from rnn_apps.data.files import only
from rnn_apps.data.readers.columns import AS_SEEN
from rnn_apps.data.examples import LabelledText
from rnn_apps.data.readers.labelled import read_labelled_texts, survey_labelled_texts
from rnn_apps.inference.classification import ClassificationMetrics

from $name import sample
from $name.processor import CharacterProcessor


class $class(Task):
    """Says whether brackets are balanced."""

    name = "$name"
    summary = "tell balanced brackets from unbalanced ones"
    shape = Shape.MANY_TO_ONE
    monitor = "accuracy"
    config = "$name.config:Config"
    processor = CharacterProcessor
    network = "$name.network:$network"
    predictor = "$name.predictor:$predictor"

    columns = frozenset({"text", "label", "encoding"})

    def read(self, paths, columns=AS_SEEN):
        """Streams a table of labelled texts."""
        return read_labelled_texts(only(paths), columns)

    def survey(self, paths, columns=AS_SEEN):
        """Says how the table is read."""
        return survey_labelled_texts(only(paths), columns)

    def sample(self):
        """Returns the built-in sample."""
        return [LabelledText(label, text, f"sample {n}") for n, (label, text) in enumerate(sample.examples(), 1)]

    def metrics(self, processor, calibration):
        """Returns a fresh accumulator."""
        return ClassificationMetrics(calibration.get("temperature", 1.0), processor.classes)
