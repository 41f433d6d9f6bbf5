"""Finds entities with a saved NER model, without TensorFlow."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rnn_apps.arrays import Arrays
from rnn_apps.bundle import Bundle
from rnn_apps.data.batching import pad_batch
from rnn_apps.data.text.tags import Span, read_spans, write_tags
from rnn_apps.data.text.tokens import Token, split_sentences, tokenize
from rnn_apps.errors import DataError
from rnn_apps.inference.cases import Axis, Case, Graphs, Score, tiled
from rnn_apps.inference.crf import ILLEGAL
from rnn_apps.inference.deadline import in_turn
from rnn_apps.inference.entities import Alternative, EntityDecoder
from rnn_apps.inference.options import Options, option
from rnn_apps.inference.predictor import Predictor, WarnedPrediction, batches_by_length
from rnn_apps.inference.probabilities import softmax
from rnn_apps.inference.records import Record
from rnn_apps.inference.search import best_combinations
from rnn_apps.inference.session import Session
from rnn_apps.tasks.ner import sample
from rnn_apps.tasks.ner.processor import NerProcessor
from rnn_apps.views import Heatmap, InputView, Spans, Table, Text, View
from rnn_apps.views import Span as Marked

_SENTENCES = 1024  # that are encoded at once
MAX_CLIENT_NBEST = 100
_LEAST = 1e-300  # a probability that has a logarithm


class NerOptions(Options):
    """What can be chosen beside a text."""

    nbest: int | None = option(None, "So many alternative taggings of each text.", ge=1)


class NerClientOptions(NerOptions):
    """The same for a client of the server."""

    nbest: int | None = option(None, "So many alternative taggings of each text.", ge=1, le=MAX_CLIENT_NBEST)


class Entity(Record):
    """A name in a text.

    Attributes:
        text: the name.
        type: its type.
        start: where it begins in the text, in characters.
        end: where it ends, exclusive: `given[start:end] == text`.
        probability: how likely exactly this entity is, type and both borders.
    """

    text: str
    type: str
    start: int
    end: int
    probability: float


class Tagging(Record):
    """One tagging of a whole text.

    Attributes:
        tags: a tag for each token, in BIO.
        probability: how likely all of them are together.
    """

    tags: list[str]
    probability: float


class TaggedText(WarnedPrediction):
    """The entities of a text.

    Attributes:
        entities: in the order of the text.
        tokens: the tokens of the text.
        tags: their most likely tags, in BIO.
        alternatives: the likeliest taggings with `nbest`, best first.
        warnings: why they may not be trusted.
    """

    entities: list[Entity]
    tokens: list[str]
    tags: list[str]
    alternatives: list[Tagging] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


class NerPredictor(Predictor):
    """Finds entities.

    Args:
        bundle: a verified bundle of the task `ner`.
    """

    Options = NerOptions
    ClientOptions = NerClientOptions

    def __init__(self, bundle: Bundle) -> None:
        self.processor = NerProcessor.load(bundle.folder)
        self.session = Session(bundle.folder / "model.onnx")
        self.decoder = EntityDecoder(self.processor.tags, bundle.calibration["temperature"])

    def answer(self, inputs: Sequence[str | Sequence[str]], options: NerOptions) -> list[TaggedText]:
        """Returns the entities of each input, in their order.

        Args:
            inputs: texts, or lists of tokens; offsets of the latter index the tokens joined by blanks.
            options: see `NerOptions`.

        Raises:
            DataError: for an input that is neither.
        """
        nbest = options.nbest or 0
        texts = [self._prepare(given, number) for number, given in in_turn(enumerate(inputs, 1))]
        pieces = [piece for text in texts for piece in text.sentences]
        found = iter(self._tag(pieces, nbest))
        return [self._prediction(text, [next(found) for _ in text.sentences], nbest) for text in in_turn(texts)]

    def cost(self, value: Any, options: NerOptions) -> float:
        """Letters times taggings; of characters that are tokens there are several times as many as of words."""
        tokens = 3.0 if self.processor.single_characters else 1.0
        return super().cost(value, options) * tokens * (1.0 + 0.15 * (options.nbest or 0))

    @property
    def examples(self) -> Sequence[str]:
        """Three sentences."""
        return sample.EXAMPLES

    def parse(self, text: str) -> Any:
        """Takes a JSON list of strings for ready tokens, and everything else for text."""
        if text.lstrip().startswith("["):
            try:
                given = json.loads(text)
            except (json.JSONDecodeError, RecursionError):
                return text
            if isinstance(given, list) and all(isinstance(token, str) for token in given):
                return given
        return text

    def cases(self, given: str | Sequence[str]) -> Sequence[Case]:
        """Returns each sentence with its tags; what can be explained is each entity, by the emissions of its tags."""
        text = self._prepare(given, 1)
        if not text.tokens:
            raise DataError("Expected a text to look into. There is no token in it.")
        return [self._case(sentence) for sentence in text.sentences]

    def _case(self, sentence: Sequence[str]) -> Case:
        prediction = self.answer([list(sentence)], NerOptions())[0]
        spans = read_spans(prediction.tags)
        tags = write_tags(spans, len(sentence), self.processor.scheme)
        numbers = [self.processor.tags.index(tag) for tag in tags]
        row = {**self.processor.encode_tokens(sentence), "tags": np.array(numbers, np.int32)}
        labels = [f"{' '.join(sentence[span.start : span.end])} ({span.type})" for span in spans]
        return Case(
            title=" ".join(sentence),
            answer=", ".join(labels) or "no entity",
            axes=(Axis("tokens", tuple(sentence)),),
            arrays=pad_batch([row]),
            scores=tuple(
                Score(label, tuple((step, numbers[step]) for step in range(span.start, span.end)), "emissions")
                for label, span in zip(labels, spans, strict=True)
            ),
            given=list(sentence),
            prediction=prediction,
        )

    def without(self, case: Case, ranges: Sequence[range]) -> Arrays:
        """Makes tokens unknown, their letters and pairs too: a tag has its place still."""
        batch = tiled(case.arrays, len(ranges))
        for row, steps in enumerate(ranges):
            batch["tokens"][row, steps] = self.processor.UNKNOWN
            if "pairs" in batch:  # a pair is a character and the one behind it
                batch["pairs"][row, max(steps.start - 1, 0) : steps.stop] = self.processor.UNKNOWN
            else:
                batch["letters"][row, steps] = 0
                batch["letters"][row, steps, 0] = self.processor.UNKNOWN
        return batch

    def decoding(self, case: Case, graphs: Graphs) -> Sequence[View]:
        """Returns how likely each tag of each token is, and how much each tag likes to follow another."""
        outputs = self.run_case(case.arrays, graphs)
        tags = self.processor.tags
        emissions, transitions = outputs["emissions"], outputs["transitions"][0]
        marginals = self.decoder.marginals(emissions, transitions, np.array([case.axes[0].length]))[0]
        following = softmax(np.where(transitions > ILLEGAL / 2, transitions, -np.inf))
        return [
            Heatmap(marginals, case.axes[0].steps, tags, "Probability of each tag (CRF marginals)"),
            Heatmap(
                following, [*tags, "begin"], [*tags, "end"], "Transitions of the CRF: what follows, emissions aside"
            ),
        ]

    def input_view(self) -> InputView:
        """Returns a box for a text."""
        return InputView(action="Find entities")

    def views(self, given: str | Sequence[str], prediction: TaggedText) -> Sequence[View]:
        """Returns the text with its entities marked, each with its type and probability, and the alternatives."""
        text = given if isinstance(given, str) else " ".join(given)
        marked = [Marked(entity.start, entity.end, entity.type, entity.probability) for entity in prediction.entities]
        rows = [(f"{own.probability:.1%}", _named(prediction.tokens, own.tags)) for own in prediction.alternatives]
        alternatives = [Table(("probability", "entities"), rows, "Alternatives")] if rows else []
        notes = [Text("\n".join(prediction.warnings), "Note")] if prediction.warnings else []
        return [Spans(text, marked), *alternatives, *notes]

    def _prepare(self, given: str | Sequence[str], number: int) -> _Text:
        words = self.processor.tokens(given, number) if not isinstance(given, str) else []
        if isinstance(given, str):
            tokens = tokenize(given, self.processor.single_characters)
            bounds = list(split_sentences(given, tokens))
        else:
            given, tokens = _join(words)
            bounds = [(0, len(tokens))] if tokens else []
        return _Text(given, tokens, [[token.text for token in tokens[start:end]] for start, end in bounds])

    def _tag(self, sentences: Sequence[Sequence[str]], nbest: int) -> list[_Found]:
        """Tags sentences, those of like length together."""
        if len(sentences) > _SENTENCES:
            blocks = (sentences[start : start + _SENTENCES] for start in range(0, len(sentences), _SENTENCES))
            return [found for block in blocks for found in self._tag(block, nbest)]
        results: list[_Found] = [_Found([], [], [])] * len(sentences)
        if not sentences:
            return results
        rows = [self.processor.encode_tokens(sentence) for sentence in in_turn(sentences)]
        for numbers, batch in batches_by_length(rows):
            outputs = self.session.run(batch)
            emissions, transitions = outputs["emissions"], outputs["transitions"][0]
            lengths = np.count_nonzero(batch["tokens"], axis=1)
            decoded = self.decoder.decode(emissions, transitions, lengths)
            alternatives = self.decoder.alternatives(emissions, transitions, lengths, nbest) if nbest else []
            for place, number in enumerate(numbers.tolist()):
                own = alternatives[place] if nbest else []
                results[number] = _Found(decoded.spans[place], decoded.probabilities[place], own)
        return results

    def _prediction(self, text: _Text, found: Sequence[_Found], nbest: int) -> TaggedText:
        spans: list[Span] = []
        probabilities: list[float] = []
        first = 0
        for sentence, own in zip(text.sentences, found, strict=True):
            spans += [Span(span.start + first, span.end + first, span.type) for span in own.spans]
            probabilities += own.probabilities
            first += len(sentence)
        return TaggedText(
            entities=[self._entity(text, *pair) for pair in zip(spans, probabilities, strict=True)],
            tokens=[token.text for token in text.tokens],
            tags=write_tags(spans, len(text.tokens), "BIO"),
            alternatives=self._taggings([own.alternatives for own in found], nbest) if nbest else [],
            warnings=[*_spaced(text.tokens), *self.processor.warnings(text.text)],
        )

    def _entity(self, text: _Text, span: Span, probability: float) -> Entity:
        start, end = text.tokens[span.start].start, text.tokens[span.end - 1].end
        return Entity(text=text.text[start:end], type=span.type, start=start, end=end, probability=probability)

    def _taggings(self, sentences: Sequence[Sequence[Alternative]], count: int) -> list[Tagging]:
        """Joins the best taggings of the sentences of a text to those of the text."""
        return [
            Tagging(
                tags=[tag for own in chosen for tag in self._bio(own.path)],
                probability=math.prod(own.probability for own in chosen),
            )
            for chosen in best_combinations(sentences, lambda own: math.log(max(own.probability, _LEAST)), count)
        ]

    def _bio(self, path: Any) -> list[str]:
        return write_tags(read_spans([self.processor.tags[number] for number in path]), len(path), "BIO")


@dataclass(frozen=True)
class _Text:
    """A text, its tokens with their places in it, and the words of its sentences."""

    text: str
    tokens: list[Token]
    sentences: list[list[str]]


@dataclass(frozen=True)
class _Found:
    spans: list[Span]
    probabilities: list[float]
    alternatives: list[Alternative]


def _join(words: Sequence[str]) -> tuple[str, list[Token]]:
    tokens, start = [], 0
    for word in words:
        tokens.append(Token(word, start, start + len(word)))
        start += len(word) + 1
    return " ".join(words), tokens


def _spaced(tokens: Sequence[Token]) -> list[str]:
    """Returns that what was given as tokens is hardly a list of such, where one holds blanks."""
    spaced = next((token.text for token in tokens if " " in token.text), None)
    return [] if spaced is None else [f"'{spaced}' is taken for one token, blanks and all. Give a text, or its words."]


def _named(tokens: Sequence[str], tags: Sequence[str]) -> str:
    """A tagging in one line: the entities with their types."""
    found = [f"{' '.join(tokens[span.start : span.end])} {span.type}" for span in read_spans(tags)]
    return ", ".join(found) or "no entity"
