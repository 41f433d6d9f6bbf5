"""A saved model on labelled data, in detail: each class, the mistakes, how far probabilities hold, and two models."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rnn_apps.arrays import Array
from rnn_apps.errors import ConfigError, DataError
from rnn_apps.html import VIEW_STYLE, escape, page_views
from rnn_apps.inference.metrics import Judgement, Metrics, PairedTest
from rnn_apps.model import Model, run_examples
from rnn_apps.views import File, Heatmap, Image, Table, Text, View

SAMPLES = 10_000
"""Of the bootstrap."""

_SHOWN = 20
_MOST_CLASSES = 40
_MOST_MISTAKEN = 10
_LENGTHS = (5, 10, 20, 40, 80)
_SHORT = 300


@dataclass(frozen=True)
class Evaluation:
    """How a model did on labelled examples.

    Attributes:
        model: its name.
        examples: their number.
        metrics: by name.
        headline: the metric that judgements add up to.
        groups: of each class or type (said rightly, said, right).
        familiarity: the same of what was met in training, and of what is new; nothing where that is not known.
        judgements: one for each example, in their order; none where the task judges no single example.
        inputs: what was judged, in the same order.
        confidences: of the answers, and whether they are right.
    """

    model: str
    examples: int
    metrics: dict[str, float]
    headline: str
    groups: dict[str, tuple[int, int, int]]
    judgements: list[Judgement]
    inputs: list[Any]
    confidences: tuple[Array, Array] | None
    _measure: Metrics = field(repr=False)
    familiarity: dict[str, tuple[int, int, int]] = field(default_factory=dict)

    def tables(self) -> list[View]:
        """Returns what a terminal shows."""
        return [view for view in self._views() if isinstance(view, Table)]

    def views(self) -> list[View]:
        """Returns tables and pictures of all of it.

        Raises:
            MissingExtraError: if what draws is not installed.
        """
        found = self._views()
        if self.confidences is not None and len(self.confidences[0]):
            from rnn_apps.plots import draw_reliability, require_matplotlib

            require_matplotlib()
            picture = io.BytesIO()
            draw_reliability(picture, *self.confidences)
            found.append(Image(picture.getvalue(), "Reliability: how often answers of each probability are right"))
        return found

    def weaknesses(self) -> list[Table]:
        """Returns where it errs, without a word of the examples, whose licence may not allow to show them."""
        found = self._by_group() if len(self.groups) <= _MOST_CLASSES else [self._weakest()]
        if self.headline == "accuracy" and any(own.quality < 1 for own in self.judgements):
            found.append(self._mistaken())
        if self.headline.startswith("chrF"):
            found.append(self._by_length())
        return found

    def _by_group(self) -> list[Table]:
        found = [group_table(self.groups)] if self.groups else []
        if self.familiarity:
            rows = [(name, *_scores(*own)) for name, own in self.familiarity.items()]
            found.append(Table(("", *_COLUMNS), rows, "Met in training, or new"))
        return found

    def _weakest(self) -> Table:
        rows = sorted(((name, *_scores(*own)) for name, own in self.groups.items()), key=lambda row: row[3])
        return Table(("", *_COLUMNS), rows[:_MOST_CLASSES], f"The weakest of {len(rows):,} classes")

    def _mistaken(self) -> Table:
        """Which classes are taken for which others most often."""
        pairs = Counter((own.right, own.said) for own in self.judgements if own.quality < 1)
        support = Counter(own.right for own in self.judgements)
        rows = [(*pair, count, f"{count / support[pair[0]]:.1%}") for pair, count in pairs.most_common(_MOST_MISTAKEN)]
        return Table(("right", "said", "times", "of these"), rows, "What is taken for what")

    def _views(self) -> list[View]:
        found: list[View] = [_numbers(self.metrics), *self._by_group()]
        if self.groups and self.judgements and len(self.groups) <= _MOST_CLASSES and self.headline == "accuracy":
            found += self._confusion()
        if self.headline.startswith("chrF"):
            found.append(self._by_length())
        if self.judgements:
            found.append(self._worst())
        return found

    def as_dict(self) -> dict[str, Any]:
        """Returns what `--json` prints beside the metrics."""
        pairs = Counter((own.right, own.said) for own in self.judgements) if self.headline == "accuracy" else {}
        beside = {
            "familiarity": {
                name: dict(zip(_COLUMNS, _scores(*own), strict=True)) for name, own in self.familiarity.items()
            }
        }
        return {
            **(beside if self.familiarity else {}),
            "classes": {name: dict(zip(_COLUMNS, _scores(*own), strict=True)) for name, own in self.groups.items()},
            "confusion": [{"right": right, "said": said, "count": count} for (right, said), count in pairs.items()],
        }

    def _confusion(self) -> list[View]:
        names = list(self.groups)
        counts = np.zeros((len(names), len(names)), int)
        for own in self.judgements:
            counts[names.index(own.right), names.index(own.said)] += 1
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        content = io.StringIO()
        writer = csv.writer(content)
        writer.writerows([["right \\ said", *names], *([name, *row] for name, row in zip(names, counts, strict=True))])
        rows = [(name, *row.tolist()) for name, row in zip(names, counts, strict=True)]
        return [
            Heatmap(shares, names, names, "Confusion: right answers down, what was said across (shares of each row)"),
            Table(("right \\ said", *names), rows, "Confusion, counted"),
            File("confusion.csv", content.getvalue().encode("utf-8-sig"), "text/csv"),
        ]

    def _worst(self) -> Table:
        """The mistakes that the model was surest of; of answers that are more or less good the worst."""
        graded = self.headline.startswith("chrF") or self._measure.less_is_better
        wrong = [number for number, own in enumerate(self.judgements) if own.quality < 1]
        wrong.sort(key=lambda number: self.judgements[number].quality if graded else -self.judgements[number].certainty)
        rows = [
            (
                self._shown(self.judgements[number], graded),
                self.judgements[number].said or "nothing",
                self.judgements[number].right or "nothing",
                _short(self.inputs[number]),
            )
            for number in wrong[:_SHOWN]
        ]
        first = ("error" if self._measure.less_is_better else "chrF") if graded else "probability"
        title = "The worst answers" if graded else "The mistakes that were surest"
        return Table((first, "said", "right", "input"), rows, title)

    def _shown(self, judgement: Judgement, graded: bool) -> str:
        """How bad an answer is, or how sure it was."""
        if not graded:
            return f"{judgement.certainty:.1%}"
        return f"{judgement.parts[0]:.4g}" if self._measure.less_is_better else f"{judgement.quality:.2f}"

    def _by_length(self) -> Table:
        lengths = np.array([len(own.right.split()) if " " in own.right else len(own.right) for own in self.judgements])
        qualities = np.array([own.quality for own in self.judgements])
        rows: list[tuple[str, int, float]] = []
        for low, high in zip((0, *_LENGTHS), (*_LENGTHS, 10**9), strict=True):
            some = (lengths > low) & (lengths <= high)
            if some.any():
                name = f"{low + 1} to {high}" if high < 10**9 else f"more than {low}"
                rows.append((name, int(some.sum()), float(qualities[some].mean())))
        return Table(("words", "sentences", "chrF"), rows, "By the length of the reference")


def evaluate_in_detail(model: Model, examples: Iterable[Any]) -> Evaluation:
    """Measures a model on labelled examples, and keeps how it did on each.

    Args:
        model: a saved model.
        examples: what its task reads.

    Raises:
        DataError: if there is no example, or one has a label that the model does not know.
        MissingExtraError: if what a metric needs is not installed.
    """
    processor, metrics = model.measure()
    judged: dict[int, Judgement] = {}
    inputs: dict[int, Any] = {}
    count, first, last = 0, 0, None
    for chunk, numbers, outputs, batch in run_examples(model, processor, examples):
        if chunk is not last:
            first, last = count, chunk
        metrics.update(outputs, batch)
        places = [first + number for number in numbers.tolist()]
        judged |= dict(zip(places, metrics.judge(outputs, batch), strict=False))
        inputs |= {place: model.task.input_of(chunk[place - first]) for place in places}
        count += len(places)
    if not count:
        raise DataError("Expected at least one example to evaluate on. There is none.")
    judgements = [judged[number] for number in sorted(judged)]
    judged_inputs = [inputs[number] for number in sorted(judged)]
    return Evaluation(
        model.bundle.name,
        count,
        metrics.result(),
        metrics.headline,
        dict(metrics.groups(judgements)),
        judgements,
        judged_inputs,
        _confidences(metrics, judgements),
        metrics,
        dict(metrics.by_familiarity(judgements, judged_inputs)),
    )


def _confidences(metrics: Metrics, judgements: Sequence[Judgement]) -> tuple[Array, Array] | None:
    """How sure the answers were, and whether they are right; of a class for each example, what was judged."""
    if metrics.headline != "accuracy" or not judgements:
        return metrics.confidences()
    return np.array([own.certainty for own in judgements]), np.array([own.quality == 1 for own in judgements])


@dataclass(frozen=True)
class Comparison:
    """Two models on the same examples.

    Attributes:
        first: name of a model.
        second: name of another.
        headline: what is compared.
        scores: of both.
        interval: of the difference, second less first, with 95 % of the samples in it.
        p_value: how likely a difference as large would be if the models were equally good; that of the first of
            `tests`, if there is any.
        metrics: both values by name.
        disagreements: examples on which the first was better, and on which the second was.
        less_is_better: whether a smaller score is the better one.
        tests: what a library of the field says of the same.
    """

    first: str
    second: str
    headline: str
    scores: tuple[float, float]
    interval: tuple[float, float]
    p_value: float
    metrics: dict[str, tuple[float, float]]
    disagreements: tuple[int, int]
    less_is_better: bool = False
    tests: tuple[PairedTest, ...] = ()

    def views(self) -> list[View]:
        """Returns a table, and in words what it means."""
        rows = [(name, *pair, pair[1] - pair[0]) for name, pair in self.metrics.items()]
        second_is_better = (self.scores[1] > self.scores[0]) != self.less_is_better
        better = self.second if second_is_better else self.first
        verdict = f"{better} is better" if self.p_value < 0.05 else "no difference that chance would not make"
        (low, high), (one, two) = self.interval, self.scores
        words = (
            f"{self.headline} {one:.4f} and {two:.4f}: a difference of {two - one:+.4f}, 95 % between {low:+.4f} and "
            f"{high:+.4f} (paired bootstrap, {SAMPLES:,} samples), p = {self.p_value:.4f}: {verdict}. "
            f"{self.first} alone is better on {self.disagreements[0]:,} examples, {self.second} alone on "
            f"{self.disagreements[1]:,}."
        )
        found: list[View] = [
            Table(("metric", self.first, self.second, "difference"), rows, f"{self.first} and {self.second}"),
            Text(words, "Comparison"),
        ]
        if self.tests:
            told = [(own.metric, *own.scores, own.p_value) for own in self.tests]
            found.append(Table(("metric", self.first, self.second, "p"), told, "Paired tests"))
        return found


def compare(first: Evaluation, second: Evaluation, seed: int = 0) -> Comparison:
    """Compares two models on the same examples by a paired bootstrap (Koehn, 2004, for translations; the same for all).

    Args:
        first: how a model did.
        second: how another did on the same examples.
        seed: of the samples.

    Raises:
        ConfigError: if they were measured on other examples, or their task judges no single example.
    """
    if not first.judgements or len(first.judgements) != len(second.judgements) or first.headline != second.headline:
        raise ConfigError(
            "Two models are compared on the same examples of a task that judges each. "
            f"{first.model} has {len(first.judgements):,} judgements ({first.headline}), {second.model} "
            f"{len(second.judgements):,} ({second.headline})."
        )
    parts = [np.array([own.parts for own in each.judgements]) for each in (first, second)]
    rng = np.random.default_rng(seed)
    count = len(parts[0])

    def score(sums: Array) -> float:
        return first._measure.score(sums.tolist())

    scores = score(parts[0].sum(axis=0)), score(parts[1].sum(axis=0))
    differences = np.empty(SAMPLES)
    for sample in range(SAMPLES):
        times = np.bincount(rng.integers(0, count, count), minlength=count)
        differences[sample] = score(times @ parts[1]) - score(times @ parts[0])
    low, high = np.quantile(differences, [0.025, 0.975]).tolist()
    centred = differences - differences.mean()  # as if there were no difference
    p_value = (1 + int((np.abs(centred) >= abs(scores[1] - scores[0])).sum())) / (SAMPLES + 1)
    if scores[0] == scores[1]:
        p_value = 1.0
    tests = tuple(first._measure.paired_tests(first.judgements, second.judgements))
    if tests:
        p_value = tests[0].p_value
    quality = [np.array([own.quality for own in each.judgements]) for each in (first, second)]
    return Comparison(
        first.model,
        second.model,
        first.headline,
        scores,
        (low, high),
        p_value,
        {name: (value, second.metrics[name]) for name, value in first.metrics.items() if name in second.metrics},
        (int((quality[0] > quality[1]).sum()), int((quality[1] > quality[0]).sum())),
        first._measure.less_is_better,
        tests,
    )


def report_page(title: str, evaluations: Sequence[Evaluation], comparison: Comparison | None = None) -> str:
    """Returns an HTML page that works offline."""
    parts = [page_views(comparison.views())] if comparison else []
    for own in evaluations:
        parts.append(f"<h2>{escape(own.model)}, {own.examples:,} examples</h2>{page_views(own.views())}")
    style = (
        ":root { color-scheme: light dark; } body { font: 1rem/1.5 system-ui, sans-serif; margin: 0 auto; "
        "max-width: 64rem; padding: 1rem; } img { background: #fff; } " + VIEW_STYLE
    )
    return (
        '<!doctype html>\n<html lang="en"><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width, initial-scale=1"><title>{escape(title)}</title><link rel="icon" href="data:,">'
        f"<style>{style}</style><h1>{escape(title)}</h1>{''.join(parts)}</html>\n"
    )


_COLUMNS = ("precision", "recall", "f1", "support")


def group_table(groups: dict[str, tuple[int, int, int]]) -> Table:
    """Returns precision, recall, F1 and support of each class or type, and their means."""
    rows: list[tuple[str, float, float, float, int]] = [(name, *_scores(*own)) for name, own in groups.items()]
    macro = np.array([row[1:4] for row in rows]).mean(axis=0).tolist() if rows else [0.0] * 3
    micro = _scores(*np.array(list(groups.values())).sum(axis=0).tolist())
    total = sum(row[4] for row in rows)
    rows += [("macro mean", macro[0], macro[1], macro[2], total), ("micro mean", *micro)]
    return Table(("", *_COLUMNS), rows, "By class")


def _scores(hits: int, said: int, right: int) -> tuple[float, float, float, int]:
    return hits / max(said, 1), hits / max(right, 1), 2 * hits / max(said + right, 1), right


def _numbers(metrics: dict[str, float]) -> Table:
    return Table(("metric", "value"), list(metrics.items()), "Metrics")


def _short(given: Any) -> str:
    text = given if isinstance(given, str) else " ".join(given) if isinstance(given, (list, tuple)) else ""
    return text if len(text) <= _SHORT else text[: _SHORT - 1] + "…"
