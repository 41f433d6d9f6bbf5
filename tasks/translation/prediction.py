"""What the task `translation` answers."""

from __future__ import annotations

from dataclasses import field

from rnn_apps.inference.predictor import Prediction
from rnn_apps.inference.records import Record, hidden_list
from rnn_apps.views import Heatmap


class Alternative(Record):
    """One translation of a whole text.

    Attributes:
        translation: the text.
        score: what it was found by, see `TranslatedText`.
        log_probability: how likely it is, in nats.
    """

    translation: str
    score: float
    log_probability: float


class TranslatedText(Prediction):
    """The translation of a text.

    Attributes:
        translation: line by line as the text.
        score: what the search has made as great as it could: the log-probability over the length penalty, and the
            coverage penalty; summed over the sentences of the text.
        log_probability: how likely the translation is, in nats.
        confidence: how likely the translation is good (chrF of 0.5 or more with a person's), as often as the validation
            part says; of a text that of its least sure sentence. None where the model has not learnt it.
        alternatives: the best translations with `nbest`, best first.
        warnings: why it may not be trusted.
        alignments: where the attention looked, for each sentence: a row for each subword of the translation, a column
            for each of the source. They are no part of the JSON.
    """

    translation: str
    score: float
    log_probability: float
    confidence: float | None = None
    alternatives: list[Alternative] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    alignments: list[Heatmap] = hidden_list()
