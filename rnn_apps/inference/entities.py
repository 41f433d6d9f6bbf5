"""Entities from the outputs of a tagger with a CRF: their spans, their probabilities, and how good both are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from rnn_apps.arrays import Array
from rnn_apps.data.text.tags import Span, continuations, read_spans
from rnn_apps.inference import crf
from rnn_apps.inference.familiarity import Familiar
from rnn_apps.inference.metrics import Judgement, Metrics
from rnn_apps.inference.probabilities import best_temperature, expected_calibration_error


class Decoded(NamedTuple):
    """What a batch of sentences says.

    Attributes:
        paths: number of the tag of each token, (batch, time), 0 behind the end.
        spans: the entities of each sentence.
        probabilities: those of the entities, in the same order.
    """

    paths: Array
    spans: list[list[Span]]
    probabilities: list[list[float]]


class EntityDecoder:
    """Finds the best tags of sentences, and how probable each of their entities is.

    Args:
        tags: the tags, in the order of the model's outputs.
        temperature: what all scores are divided by; it changes probabilities, and never which tags are best.
    """

    def __init__(self, tags: Sequence[str], temperature: float = 1.0) -> None:
        self.tags, self.temperature = list(tags), temperature
        self._continuations = continuations(self.tags)

    def decode(self, emissions: Array, transitions: Array, lengths: Array) -> Decoded:
        """Decodes a padded batch; see `rnn_apps.inference.crf.viterbi` for the arguments."""
        tempered = self._tempered(emissions, transitions)
        passes = crf.forward_backward(*tempered, lengths)
        paths = _best_paths(*tempered, lengths, passes)
        spans = [self.spans(path[:length]) for path, length in zip(paths, lengths.tolist(), strict=True)]
        following = iter(self._probabilities(passes, paths, spans).tolist())
        return Decoded(paths, spans, [[next(following) for _ in own] for own in spans])

    def marginals(self, emissions: Array, transitions: Array, lengths: Array) -> Array:
        """Returns the probability of each tag of each token, (batch, time, tags)."""
        return crf.forward_backward(*self._tempered(emissions, transitions), lengths).marginals()

    def spans(self, path: Array) -> list[Span]:
        """Returns the entities of one sentence from the numbers of its tags."""
        names = self.tags
        return read_spans([names[number] for number in path.tolist()])

    def probabilities(
        self, emissions: Array, transitions: Array, lengths: Array, paths: Array, spans: Sequence[Sequence[Span]]
    ) -> Array:
        """Returns the probability of every entity of a batch, one sentence behind the other, (entities,)."""
        passes = crf.forward_backward(*self._tempered(emissions, transitions), lengths)
        return self._probabilities(passes, paths, spans)

    def _probabilities(self, passes: crf.ForwardBackward, paths: Array, spans: Sequence[Sequence[Span]]) -> Array:
        places = [(row, span.start, span.end) for row, own in enumerate(spans) for span in own]
        if not places:
            return np.zeros(0)
        rows, starts, ends = np.array(places).T
        return passes.span_probabilities(paths, rows, starts, ends, self._continuations)

    def alternatives(self, emissions: Array, transitions: Array, lengths: Array, count: int) -> list[list[Alternative]]:
        """Returns the `count` best taggings of each sentence, best first; fewer where there are no more."""
        tempered = self._tempered(emissions, transitions)
        paths, scores = crf.best_paths(*tempered, lengths, count)
        log_partition = crf.forward_backward(*tempered, lengths).log_partition
        found = []
        for row, length in enumerate(lengths.tolist()):
            possible = np.flatnonzero(np.isfinite(scores[row]))
            likely = np.exp(np.minimum(scores[row, possible] - log_partition[row], 0.0))
            found.append([Alternative(paths[row, n, :length], float(p)) for n, p in zip(possible, likely, strict=True)])
        return found

    def _tempered(self, emissions: Array, transitions: Array) -> tuple[Array, Array]:
        legal = transitions > crf.ILLEGAL / 2
        return emissions / self.temperature, np.where(legal, transitions / self.temperature, crf.ILLEGAL)


def _best_paths(emissions: Array, transitions: Array, lengths: Array, passes: crf.ForwardBackward) -> Array:
    """Returns the best path of each row, (batch, time), 0 behind the end.

    A path with a probability above one half is the best one. Mostly the likeliest tag of each step makes such a path,
    and the Viterbi algorithm is left with the other rows.
    """
    paths: Array = passes.marginals().argmax(axis=2)
    scores = crf.path_scores(emissions, transitions, paths, lengths)
    unsure = np.flatnonzero(scores - passes.log_partition <= np.log(0.51))
    if len(unsure):
        longest = int(lengths[unsure].max(initial=0))
        paths[unsure, :longest], _ = crf.viterbi(emissions[unsure, :longest], transitions, lengths[unsure])
    return paths


class Alternative(NamedTuple):
    """One tagging of a sentence: the number of each token's tag, and the probability of all of it."""

    path: Array
    probability: float


_BETWEEN = "; "


def _written(spans: Sequence[Span]) -> str:
    """Entities in a line, by the numbers of their tokens from 1: "PER 1-2; LOC 5"."""
    return _BETWEEN.join(
        f"{span.type} {span.start + 1}" + (f"-{span.end}" if span.end - span.start > 1 else "") for span in spans
    )


class EntityMetrics(Metrics):
    """Precision, recall and F1 of whole entities, and the calibration of their probabilities.

    An entity counts as found where type and both borders are right, as in seqeval's strict mode.

    Args:
        tags: the tags, in the order of the model's outputs.
        temperature: what scores are divided by.
        familiar: the entities that were met in training, if they are known.
    """

    headline = "F1"

    def __init__(self, tags: Sequence[str], temperature: float = 1.0, familiar: Familiar | None = None) -> None:
        self.familiar = familiar
        self.decoder = EntityDecoder(tags, temperature)
        self._batches: list[_Batch] = []

    def update(self, outputs: Mapping[str, Array], batch: Mapping[str, Array]) -> None:
        """Takes `emissions` (batch, time, K), `transitions` (batch, K + 1, K + 1), `tags`, `tokens` (batch, time)."""
        lengths = np.count_nonzero(batch["tokens"], axis=1)
        emissions, transitions = outputs["emissions"], outputs["transitions"][0]
        paths, _ = crf.viterbi(emissions, transitions, lengths)
        right = [self.decoder.spans(path[:n]) for path, n in zip(batch["tags"], lengths.tolist(), strict=True)]
        found = [self.decoder.spans(path[:n]) for path, n in zip(paths, lengths.tolist(), strict=True)]
        correct = [span in set(gold) for gold, own in zip(right, found, strict=True) for span in own]
        self._batches.append(
            _Batch(
                emissions,
                transitions,
                lengths,
                paths,
                found,
                np.array(correct, bool),
                sum(map(len, right)),
                batch["tags"],
            )
        )

    def judge(self, outputs: Mapping[str, Array], batch: Mapping[str, Array]) -> list[Judgement]:
        """Returns the entities of each sentence beside the right ones; of its certainty the least counts."""
        lengths = np.count_nonzero(batch["tokens"], axis=1)
        decoded = self.decoder.decode(outputs["emissions"], outputs["transitions"][0], lengths)
        judged = []
        for place, length in enumerate(lengths.tolist()):
            found, right = decoded.spans[place], self.decoder.spans(batch["tags"][place][:length])
            hits = len({*found} & {*right})
            quality = 2 * hits / (len(found) + len(right)) if found or right else 1.0
            certainty = min(decoded.probabilities[place], default=1.0)
            parts = float(hits), float(len(found)), float(len(right))
            judged.append(Judgement(_written(found), _written(right), quality, certainty, parts))
        return judged

    def score(self, sums: Sequence[float]) -> float:
        """Returns F1 over entities."""
        return 2 * sums[0] / max(sums[1] + sums[2], 1.0)

    def groups(self, judgements: Sequence[Judgement]) -> dict[str, tuple[int, int, int]]:
        """Returns the counts of each type of entities."""
        counts: dict[str, list[int]] = {}
        for own in judgements:
            said, right = (set(filter(None, text.split(_BETWEEN))) for text in (own.said, own.right))
            for spans, column in ((said & right, 0), (said, 1), (right, 2)):
                for span in spans:
                    counts.setdefault(span.split(" ")[0], [0, 0, 0])[column] += 1
        return {kind: (own[0], own[1], own[2]) for kind, own in sorted(counts.items())}

    def by_familiarity(self, judgements: Sequence[Judgement], inputs: Sequence[Any]) -> dict[str, tuple[int, int, int]]:
        """Returns the counts of entities whose words were met in training as one, of whatever type, and of others."""
        if self.familiar is None:
            return {}
        counts = {"met in training": [0, 0, 0], "new": [0, 0, 0]}
        for own, tokens in zip(judgements, inputs, strict=True):
            said, right = (set(filter(None, text.split(_BETWEEN))) for text in (own.said, own.right))
            for spans, column in ((said & right, 0), (said, 1), (right, 2)):
                for span in spans:
                    first, _, last = span.rpartition(" ")[2].partition("-")
                    words = tokens[int(first) - 1 : int(last or first)]
                    counts["met in training" if self.familiar.knows(words) else "new"][column] += 1
        return {name: (own[0], own[1], own[2]) for name, own in counts.items()}

    def calibrate(self) -> dict[str, float]:
        """Fits the temperature to the probabilities of the entities that were found.

        As in Platt (1999), each answer leaves 1 / (entities + 2) to the contrary, so that the temperature stays finite.
        """
        correct = np.concatenate([batch.correct for batch in self._batches])
        rest = 1.0 / (len(correct) + 2)
        target = np.where(correct, 1.0 - rest, rest)

        def loss(temperature: float) -> float:
            likely = np.clip(self._confidences(temperature), 1e-12, 1.0 - 1e-12)
            return float(-np.mean(target * np.log(likely) + (1.0 - target) * np.log1p(-likely)))

        if len(correct):
            self.decoder.temperature = best_temperature(loss)
        return {"temperature": self.decoder.temperature}

    def confidences(self) -> tuple[Array, Array]:
        """Returns the probability of each entity that was found, and whether it is right."""
        correct = np.concatenate([batch.correct for batch in self._batches])
        return self._confidences(self.decoder.temperature), correct

    def result(self) -> dict[str, float]:
        """Returns `f1`, `precision`, `recall`, `loss` (nats a token) and `ece` (of the probabilities of entities)."""
        confidences, correct = self.confidences()
        hits, found, right = correct.sum(), len(correct), sum(batch.right for batch in self._batches)
        nats = sum(batch.loss() for batch in self._batches)
        tokens = sum(int(batch.lengths.sum()) for batch in self._batches)
        return {
            "f1": float(2 * hits / max(found + right, 1)),
            "precision": float(hits / max(found, 1)),
            "recall": float(hits / max(right, 1)),
            "loss": nats / max(tokens, 1),
            "ece": expected_calibration_error(confidences, correct),
        }

    def _confidences(self, temperature: float) -> Array:
        decoder = EntityDecoder(self.decoder.tags, temperature)
        return np.concatenate(
            [decoder.probabilities(b.emissions, b.transitions, b.lengths, b.paths, b.found) for b in self._batches]
        )


class _Batch(NamedTuple):
    emissions: Array
    transitions: Array
    lengths: Array
    paths: Array
    found: list[list[Span]]
    correct: Array
    right: int
    tags: Array

    def loss(self) -> float:
        """Returns the negative log-likelihood of the right tags, in nats."""
        scores = crf.path_scores(self.emissions, self.transitions, self.tags, self.lengths)
        return float(
            (crf.forward_backward(self.emissions, self.transitions, self.lengths).log_partition - scores).sum()
        )
