"""Answers texts with a saved model, without TensorFlow."""

import numpy as np

from rnn_apps.inference.calibration import softmax
from rnn_apps.inference.classification import class_prediction
from rnn_apps.inference.predictor import Predictor, batches_by_length
from rnn_apps.inference.session import Session


class $predictor(Predictor):
    """Classifies texts."""

    def __init__(self, bundle, processor):
        self.processor = processor
        self.session = Session(bundle.folder / "model.onnx")
        self.temperature = bundle.calibration["temperature"]

    def predict(self, inputs, **options):
        """Returns the class of each text, in their order."""
        rows = self.processor.encode_inputs(inputs)
        probabilities = np.zeros((len(rows), len(self.processor.classes)))
        for numbers, batch in batches_by_length(rows):
            probabilities[numbers] = softmax(self.session.run(batch)["logits"] / self.temperature)
        return [class_prediction(self.processor.classes, row) for row in probabilities]
