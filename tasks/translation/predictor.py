"""Translates texts with a saved model, without TensorFlow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from rnn_apps.arrays import Array, Arrays
from rnn_apps.bundle import Bundle
from rnn_apps.data.batching import pad_batch
from rnn_apps.data.text.pieces import BLANK, END, SPECIAL_PIECES, START, UNKNOWN
from rnn_apps.data.text.scripts import IDEOGRAPHS, script
from rnn_apps.errors import DataError
from rnn_apps.inference.cases import Axis, Case, Graphs, Score, left_out
from rnn_apps.inference.deadline import in_turn
from rnn_apps.inference.predictor import Predictor
from rnn_apps.inference.search import Hypothesis, best_combinations
from rnn_apps.inference.search_tree import WatchedBeamSearch
from rnn_apps.tasks.translation import sample
from rnn_apps.tasks.translation.confidence import Confidence, doubts
from rnn_apps.tasks.translation.documents import Document
from rnn_apps.tasks.translation.glossary import glossary_of
from rnn_apps.tasks.translation.markup import Said, put_back
from rnn_apps.tasks.translation.placeholders import Hidden, is_hidden, lost, mend
from rnn_apps.tasks.translation.prediction import Alternative, TranslatedText
from rnn_apps.tasks.translation.prepared import PreparedText, prepare
from rnn_apps.tasks.translation.processor import TranslationProcessor
from rnn_apps.tasks.translation.search import (
    TranslationClientOptions,
    TranslationOptions,
    Translator,
    aligned,
    growing_batches,
)
from rnn_apps.views import Branch, Heatmap, InputView, Table, Text, TextInput, Tree, View

# beams, where what is hidden got lost
_WIDER = (20, 60)
_START_SIGN, _END_SIGN = "<s>", "</s>"
_SHOWN_BEAM = 4


class TranslationPredictor(Predictor):
    """Translates.

    Args:
        bundle: a verified bundle of the task `translation`.
    """

    Options = TranslationOptions
    ClientOptions = TranslationClientOptions

    def __init__(self, bundle: Bundle) -> None:
        self.processor = TranslationProcessor.load(bundle.folder)
        self.translator = Translator(bundle.folder, self.processor.brackets)
        self.confidence = Confidence.of(bundle.calibration)

    def answer(self, inputs: Sequence[str], options: TranslationOptions) -> list[TranslatedText]:
        """Returns the translation of each text, in their order.

        A text is split into lines and sentences, each of which is translated by itself.

        Args:
            inputs: texts of any length.
            options: see `TranslationOptions`. With `nbest`, as many translations are given as alternatives.

        Raises:
            DataError: for an input that is no text.
        """
        glossary = glossary_of(options.glossary)
        texts = [prepare(given, number, self.processor, glossary) for number, given in in_turn(enumerate(inputs, 1))]
        found = self._translate([(text, place) for text in texts for place in range(len(text.sentences))], options)
        return [
            self._prediction(text, [next(found) for _ in text.sentences], options.nbest is not None) for text in texts
        ]

    def parts(self, given: str, options: TranslationOptions) -> Iterator[TranslatedText]:
        """Yields the translation so far with every token, and last what `answer` returns.

        The first sentence is searched alone, so that something is there at once, then two together, four, and so on.
        What was said may change on the way, where another hypothesis of the beam turns out to be likelier. A partial
        translation has neither a score nor alternatives, and ends where the search has come to.
        """
        text = prepare(given, 1, self.processor, glossary_of(options.glossary))
        sentences = text.sentences
        found: list[list[Hypothesis]] = [[]] * len(sentences)
        shown = [""] * len(sentences)
        for numbers in _alike(sentences, growing_batches(len(sentences), options.width)):
            batch = pad_batch([{"source": text.sources[number]} for number in numbers])
            search = self.translator.search(batch["source"], _searching(sentences[numbers[0]], options))
            for _ in search.steps():
                for row, number in enumerate(numbers):
                    so_far = self.processor.decode(search.leading(row))
                    shown[number] = text.hidden.show(text.cases[number].restore(so_far))
                yield self._so_far(text, shown)
            for number, own in zip(numbers, search.run(), strict=True):
                found[number] = self._complete(own, text.sources[number], sentences[number], options)
                (found[number],) = self._until_said([(text, number)], [found[number]], options)
                done = self._text(found[number][0], text, number)
                shown[number] = text.hidden.show(done)
            yield self._so_far(text, shown)
        yield self._prediction(text, found, options.nbest is not None)

    def _so_far(self, text: PreparedText, shown: Sequence[str]) -> TranslatedText:
        """A partial translation, up to where the search has come to."""
        return TranslatedText(translation=text.document.join(shown).rstrip("\n"), score=0.0, log_probability=0.0)

    def cost(self, value: Any, options: TranslationOptions) -> float:
        """Letters times hypotheses."""
        return 0.5 + 0.04 * options.width * (len(value) if isinstance(value, str) else 0)

    @property
    def examples(self) -> Sequence[str]:
        """Three English sentences."""
        return sample.EXAMPLES

    def cases(self, given: str) -> Sequence[Case]:
        """Returns each sentence with its translation; what can be explained is each piece of it."""
        text = prepare(given, 1, self.processor)
        if not text.sentences:
            raise DataError("Expected a text to look into. There is no word in it.")
        found = list(self._translate([(text, place) for place in range(len(text.sentences))], TranslationOptions()))
        return [
            self._case(sentence, source, own[0])
            for sentence, source, own in zip(text.sentences, text.sources, found, strict=True)
        ]

    def _case(self, sentence: str, source: Array, found: Hypothesis) -> Case:
        following = np.append(found.tokens, np.int32(END)).astype(np.int32)
        row = {"source": source, "target_in": np.append(np.int32(START), following[:-1]), "target_out": following}
        _, spans = self.processor.source.offsets(sentence)
        sources = [sentence[start:end] for start, end in spans][: len(source) - 1]
        pieces = [*(piece.replace(BLANK, " ") for piece in self.processor.target.tokens(found.tokens)), _END_SIGN]
        translation = mend(sentence, self._found_text(found, sentence))
        return Case(
            title=sentence,
            answer=translation,
            axes=(
                Axis("source", (*sources, _END_SIGN), "encoder"),
                Axis("target", (_START_SIGN, *pieces[:-1]), "step"),
            ),
            arrays=pad_batch([row]),
            scores=tuple(
                Score(f"{step + 1} {piece.strip()}", ((step, int(number)),), step=step)
                for step, (piece, number) in enumerate(zip(pieces, following, strict=True))
            ),
            given=sentence,
            prediction=found,
        )

    def run_case(self, arrays: Arrays, graphs: Graphs) -> Arrays:
        """Reads the source once and says the target token by token; `logits` are log-probabilities, (batch, T, V)."""
        memory = graphs("encoder").run({"source": arrays["source"]})
        states = {name: memory.pop(name)[:, None] for name in list(memory) if name.startswith("state_")}
        said: list[Array] = []
        for step in range(arrays["target_in"].shape[1]):
            token = arrays["target_in"][:, step, None]
            found = graphs("step").run({"token": token, "source": arrays["source"], **memory, **states})
            states = {name: found[f"next_{name}"] for name in states}
            said.append(found["log_probabilities"][:, 0])
        return {"logits": np.stack(said, axis=1)}

    def decoding(self, case: Case, graphs: Graphs) -> Sequence[View]:
        """Returns where the attention looked, piece by piece, and the tree of the beam search."""
        source = case.arrays["source"]
        search = WatchedBeamSearch(
            self.translator.decoder_for(source, TranslationOptions()),
            {"source": source},
            [2 * source.shape[1] + 10],
            _SHOWN_BEAM,
        )
        pieces = self.processor.target.tokens
        branches = [
            Branch(node.parent, self._piece(node.token), node.log_probability, node.kept, node.best)
            for node in search.tree()
        ]
        said = [*(piece.replace(BLANK, " ").strip() or "␣" for piece in pieces(case.prediction.tokens)), _END_SIGN]
        return [
            Heatmap(case.prediction.attention, said, case.axes[0].steps, "Attention: where each piece looked"),
            Tree(branches, f"Beam search with a beam of {_SHOWN_BEAM}: log-probability of what was kept and cut"),
        ]

    def _piece(self, token: int) -> str:
        return (
            _END_SIGN if token == END else self.processor.target.tokens([token])[0].replace(BLANK, " ").strip() or "␣"
        )

    def without(self, case: Case, ranges: Sequence[range]) -> Arrays:
        """Takes pieces of the source out."""
        return left_out(case.arrays, ["source"], ranges)

    def input_view(self) -> InputView:
        """Returns a box for the text."""
        return InputView(TextInput("Text", lines=4), action="Translate")

    def views(self, given: str, prediction: TranslatedText) -> Sequence[View]:
        """Returns the translation, its alternatives as a table, and where the attention looked."""
        found: list[View] = [Text(prediction.translation)]
        if prediction.alternatives:
            rows = [(round(own.score, 3), own.translation) for own in prediction.alternatives]
            found.append(Table(("score", "translation"), rows, "Alternatives"))
        if prediction.warnings:
            found.append(Text("\n".join(prediction.warnings), "Note"))
        return [*found, *prediction.alignments]

    def _translate(
        self, places: Sequence[tuple[PreparedText, int]], options: TranslationOptions
    ) -> Iterator[list[Hypothesis]]:
        """Searches sentences of texts, each by its place in them, until all their numbers, dates and names are said."""
        return iter(self._until_said(places, self._search(places, options), options))

    def _until_said(
        self, places: Sequence[tuple[PreparedText, int]], found: list[list[Hypothesis]], options: TranslationOptions
    ) -> list[list[Hypothesis]]:
        """Searches the sentences again in which some got lost: with these hidden, and then with all of them."""
        for everything in (False, True):
            again = []
            for number, (text, place) in enumerate(places):
                said = self._found_text(found[number][0], text.sentences[place])
                if text.hide_lost(place, said, self.processor, everything):
                    again.append(number)
            for number, own in zip(again, self._search([places[number] for number in again], options), strict=True):
                found[number] = own
        return found

    def _search(
        self, places: Sequence[tuple[PreparedText, int]], options: TranslationOptions
    ) -> list[list[Hypothesis]]:
        """Searches; of what a sentence with something hidden gives, a hypothesis that has it all comes first."""
        sentences = [text.sentences[place] for text, place in places]
        sources = [text.sources[place] for text, place in places]
        found: list[list[Hypothesis]] = [[]] * len(sources)
        for numbers in _alike(sentences, [range(len(sentences))]):
            how = _searching(sentences[numbers[0]], options)
            for n, own in zip(numbers, self.translator.translate([sources[n] for n in numbers], how), strict=True):
                found[n] = self._complete(own, sources[n], sentences[n], options)
        return found

    def _complete(
        self, hypotheses: Sequence[Hypothesis], source: Array, sentence: str, options: TranslationOptions
    ) -> list[Hypothesis]:
        """Returns as many as were asked for, those with all that is hidden first.

        Where none has it, the model is urged, and then the search looks further.
        """

        def missing(hypothesis: Hypothesis) -> int:
            copied = aligned(hypothesis)[hypothesis.tokens == UNKNOWN]
            wrong = int((source[copied] != UNKNOWN).sum())  # words that are known, or signs
            return wrong + len(lost(sentence, self._found_text(hypothesis, sentence)))

        if not any(map(is_hidden, sentence)):
            return list(hypotheses)
        best = sorted(hypotheses, key=missing)
        if missing(best[0]) and options.temperature is None:
            owed = sum(map(is_hidden, sentence))
            best = sorted([*best, *self.translator.urged(source, options, owed)], key=missing)
        for beam in _WIDER if options.temperature is None else ():
            if not missing(best[0]):
                break
            wider = replace(options, beam=beam, nbest=beam)
            best = sorted([*best, *self.translator.translate([source], wider)[0]], key=missing)
        return best[: options.count]

    def _prediction(
        self, text: PreparedText, found: Sequence[Sequence[Hypothesis]], alternatives: bool
    ) -> TranslatedText:
        sentences = text.sentences
        options = [
            [self._alternative(own, text, number) for own in hypotheses] for number, hypotheses in enumerate(found)
        ]
        best, *rest = [
            replace(own, translation=text.hidden.show(own.translation)) for own in _alternatives(text.document, options)
        ]
        moved = [
            text.hidden.originals[character]
            for sentence, hypotheses in zip(sentences, found, strict=True)
            for character in lost(sentence, self._found_text(hypotheses[0], sentence))
            if character in text.hidden.originals
        ]
        sure = [self.confidence.of_hypothesis(own[0]) for own in found] if self.confidence else []
        warnings = [
            *text.warnings,
            *doubts([text.hidden.show(sentence) for sentence in sentences], sure),
            *(f"'{own}' stands where it may belong: it had no place of its own." for own in moved),
        ]
        return TranslatedText(
            **vars(best),
            confidence=min(sure, default=None),
            alternatives=[best, *rest] if alternatives else [],
            warnings=warnings,
            alignments=[
                self._alignment(sentence, hypotheses[0], text.hidden)
                for sentence, hypotheses in zip(sentences, found, strict=True)
            ],
        )

    def _alternative(self, found: Hypothesis, text: PreparedText, number: int) -> Alternative:
        said = self._text(found, text, number)
        return Alternative(translation=said, score=found.score, log_probability=found.log_probability)

    def _text(self, hypothesis: Hypothesis, text: PreparedText, number: int) -> str:
        """The translation, with all that is hidden in the sentence, in the capitals and the marks of the sentence."""
        sentence, marked = text.sentences[number], text.marked[number]
        said = text.cases[number].restore(mend(sentence, self._found_text(hypothesis, sentence)))
        if not marked:
            return said
        return put_back(said, marked, self.processor.source.offsets(sentence)[1], self._said(hypothesis, sentence))

    def _said(self, hypothesis: Hypothesis, sentence: str) -> list[Said]:
        """The words of a translation, and where they look."""
        looked = aligned(hypothesis).tolist()
        counts = range(len(hypothesis.tokens) + 1)
        said = [self.processor.decode(hypothesis.tokens[:count], looked[:count], sentence) for count in counts]
        ends = [sum(not sign.isspace() for sign in own) for own in said]
        words = _words(
            [(said[n + 1][len(said[n]) :].strip(), said[n + 1][len(said[n]) :][:1] == " ") for n in counts[:-1]]
        )
        starts = [*(first for first, _ in words), counts[-1]]
        return [
            Said(ends[first], ends[end], hypothesis.attention[first:end].mean(axis=0))
            for (first, word), end in zip(words, starts[1:], strict=True)
            if any(sign.isalnum() or is_hidden(sign) for sign in word)
        ]

    def _found_text(self, hypothesis: Hypothesis, sentence: str) -> str:
        return self.processor.decode(hypothesis.tokens, aligned(hypothesis).tolist(), sentence)

    def _alignment(self, sentence: str, hypothesis: Hypothesis, hidden: Hidden) -> Heatmap:
        """Where the attention looked, word by word: that of the pieces of a word is added up, or taken as the mean."""
        # cut from the sentence, so that unknown characters are seen as what they are
        _, spans = self.processor.source.offsets(sentence)
        sources = _words([(sentence[start:end], start > last) for (start, end), last in _with_last_end(spans)])
        pieces = self.processor.target.tokens(hypothesis.tokens)
        targets = _words([(piece.lstrip(BLANK), piece.startswith(BLANK)) for piece in pieces])
        weights = np.add.reduceat(hypothesis.attention, [*(start for start, _ in sources), len(spans)], axis=1)
        starts = [*(start for start, _ in targets), len(pieces)]
        weights = np.add.reduceat(weights, starts, axis=0) / np.diff([*starts, len(pieces) + 1])[:, None]
        columns = [*(hidden.show(word) for _, word in sources), _END_SIGN]
        rows = [
            columns[int(row.argmax())] if word == SPECIAL_PIECES[UNKNOWN] else word
            for (_, word), row in zip(targets, weights, strict=False)
        ]
        return Heatmap(weights, [*rows, _END_SIGN], columns, "Attention")


def _with_last_end(spans: Sequence[tuple[int, int]]) -> Iterator[tuple[tuple[int, int], int]]:
    return zip(spans, [0, *(end for _, end in spans)], strict=False)


def _words(pieces: Sequence[tuple[str, bool]]) -> list[tuple[int, str]]:
    """Joins pieces to words; what is no letter or digit is a word of its own.

    Args:
        pieces: each as text, and whether a blank stands before it.

    Returns:
        (number of the first piece, word) of each word.
    """
    words: list[tuple[int, str]] = []
    for number, (piece, apart) in enumerate(pieces):
        first, before = words[-1] if words else (0, "")
        within = piece[:1].isalnum() and script(piece[0]) not in IDEOGRAPHS and before[-1:].isalnum()
        if words and not apart and (within or not before):  # a blank may be a piece of its own
            words[-1] = first, before + piece
        else:
            words.append((number, piece))
    return words


def _alike(sentences: Sequence[str], groups: Iterable[Iterable[int]]) -> Iterator[list[int]]:
    """Parts each group of sentences, by their numbers, into those without and those with something hidden."""
    for group in groups:
        parts: tuple[list[int], list[int]] = [], []
        for number in group:
            parts[any(map(is_hidden, sentences[number]))].append(number)
        yield from filter(None, parts)


def _searching(sentence: str, options: TranslationOptions) -> TranslationOptions:
    """The options of a search; where something is hidden in the sentence, all hypotheses are wanted."""
    return replace(options, nbest=options.width) if any(map(is_hidden, sentence)) else options


def _alternatives(document: Document, sentences: Sequence[Sequence[Alternative]]) -> list[Alternative]:
    """Joins the best translations of the sentences of a text to as many of the text, best first."""
    count = max(map(len, sentences), default=1)
    return [
        Alternative(
            translation=document.join(own.translation for own in chosen),
            score=sum(own.score for own in chosen),
            log_probability=sum(own.log_probability for own in chosen),
        )
        for chosen in best_combinations(sentences, lambda own: own.score, count)
    ]
