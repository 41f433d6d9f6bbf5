"""Answers texts with a saved model, without TensorFlow."""

from brackets.task import CharacterProcessor
from rnn_apps.inference.classification import ClassPredictor


class BracketsPredictor(ClassPredictor):
    """Classifies texts; a task that does not pick one class derives from rnn_apps.inference.predictor.Predictor."""

    def __init__(self, bundle):
        processor = CharacterProcessor.load(bundle.folder)
        super().__init__(bundle, processor, processor.classes)
