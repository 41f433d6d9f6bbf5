"""Answers texts with a saved model, without TensorFlow."""

from rnn_apps.inference.classification import ClassPredictor

from $name import sample
from $name.processor import CharacterProcessor


class $predictor(ClassPredictor):
    """Classifies texts; a task that does not pick one class derives from rnn_apps.Predictor."""

    examples = sample.EXAMPLES

    def __init__(self, bundle):
        processor = CharacterProcessor.load(bundle.folder)
        super().__init__(bundle, processor, processor.classes)
