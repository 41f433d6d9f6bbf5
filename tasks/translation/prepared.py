"""A text made ready to be translated: what is to be copied is hidden, and sentences are cut and encoded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import regex

from rnn_apps.arrays import Array
from rnn_apps.data.text.normalisation import in_plain_letters
from rnn_apps.errors import DataError
from rnn_apps.inference.deadline import in_turn
from rnn_apps.tasks.translation.clock_times import with_times_in_digits
from rnn_apps.tasks.translation.documents import Document, split_document, split_long
from rnn_apps.tasks.translation.glossary import Glossary
from rnn_apps.tasks.translation.letter_case import LetterCase, as_usual, case_of
from rnn_apps.tasks.translation.markup import Marked, dealt, moved, pairs, take_out
from rnn_apps.tasks.translation.placeholders import Hidden, free_characters, hide, hide_lost_numbers, hide_lost_ordinals
from rnn_apps.tasks.translation.processor import TranslationProcessor
from rnn_apps.tasks.translation.spelling import spelt_as_usual

_FEW_WORDS = 3
_WORD = regex.compile(r"[[\p{L}\p{M}]--[\p{Han}\p{Hiragana}\p{Katakana}]]+(?:['’-]\p{L}+)*", regex.V1)


@dataclass
class PreparedText:
    """A text as sentences, their encoded forms, and what is to be said about it.

    Attributes:
        document: what stands around its sentences.
        sentences: with characters for what is hidden, in the letters that are usual.
        sources: their tokens, int32 (time,) each.
        cases: the letters that each was written in.
        marked: what of each stood between tags or stars.
        warnings: what is to be said.
        hidden: what the characters stand for.
        free: characters that stand for nothing yet.
    """

    document: Document
    sentences: list[str]
    sources: list[Array]
    cases: list[LetterCase]
    marked: list[list[Marked]]
    warnings: list[str]
    hidden: Hidden
    free: Iterator[str]

    def hide_lost(self, number: int, said: str, processor: TranslationProcessor, everything: bool) -> bool:
        """Hides dates, ordinals and numbers of a sentence where its translation lacks some; returns whether so.

        Args:
            number: of the sentence.
            said: its translation.
            processor: of the model.
            everything: hide all of them then, and not only those that are lacking.
        """
        languages = processor.source_language, processor.target_language
        originals, free = self.hidden.originals, self.free
        names, sentence = processor.names, self.sentences[number]
        sentence = names.hide_lost(sentence, said, originals, free, processor.is_word, everything)
        sentence = hide_lost_ordinals(sentence, said, self.hidden, free, languages, everything)
        sentence = hide_lost_numbers(sentence, said, self.hidden, free, languages, everything)
        if sentence == self.sentences[number]:
            return False
        self.marked[number] = moved(self.marked[number], self.sentences[number], sentence)
        (row,) = processor.encode_inputs([sentence])
        self.sentences[number], self.sources[number] = sentence, row["source"]
        return True


def prepare(given: str, number: int, processor: TranslationProcessor, glossary: Glossary | None = None) -> PreparedText:
    """Makes a text ready.

    Args:
        given: the text.
        number: which of the inputs it is.
        processor: of the model.
        glossary: terms to be translated as it says.

    Raises:
        DataError: for what is no text.
    """
    if not isinstance(given, str):
        raise DataError(f"Expected texts. Input {number} is of the type {type(given).__name__}.")
    warnings = []
    text = _with_times_in_digits(in_plain_letters(given), processor.source_language, glossary)
    named = processor.names.words_in(text)  # what these are called is known

    def unknown(word: str, beside_a_name: bool) -> bool:
        return word not in named and processor.is_unknown(word, beside_a_name)

    hidden = hide(text, glossary, unknown)
    if scripts := processor.unseen_scripts(f"{hidden.text} {' '.join(hidden.names)}"):
        warnings.append(f"The model has never seen text written in {' and '.join(scripts)}: it translates what it can.")
    longest = min(processor.max_training_tokens, processor.max_tokens // 2)
    split = split_document(hidden.text, hidden.marks)
    groups: list[list[str]] = []
    cases: list[LetterCase] = []
    marked: list[list[Marked]] = []
    paired = pairs(hidden.text, hidden.originals)
    for group in in_turn(split.groups):
        groups.append([])
        for written in group:
            case = case_of(written)
            usual = spelt_as_usual(as_usual(written, case, processor.word_cost), processor.spelling)
            plain, between = take_out(processor.as_read(usual), paired)
            sentence = processor.as_read(plain)  # as it is read without the marks
            _, spans = processor.source.offsets(sentence)
            parts = [sentence] if len(spans) <= longest else split_long(sentence, spans, longest)
            marked += dealt(moved(between, plain, sentence), sentence, parts)
            cases += [case] * len(parts)
            if len(parts) > 1:
                warnings.append(
                    f"A sentence has {len(spans):,} subwords, more than {longest}: "
                    f"it is translated in {len(parts)} parts."
                )
            groups[-1] += parts
    document = replace(split, groups=groups)
    sentences = document.sentences
    if not scripts:
        unusual = processor.unusual(" ".join(sentences))
        warnings += unusual or [
            f"'{word}' was hardly met in training, if at all: its translation is a guess."
            for word in _hardly_met(" ".join(sentences), processor)
        ]
    sources = [row["source"] for row in processor.encode_inputs(sentences)]
    return PreparedText(document, sentences, sources, cases, marked, warnings, hidden, free_characters(hidden.text))


def _hardly_met(text: str, processor: TranslationProcessor) -> list[str]:
    """The words of a text of few words that a model can hardly know; in a sentence the others help."""
    words = _WORD.findall(text)
    if len(words) > _FEW_WORDS:
        return []
    return [word for word in words if not (processor.is_word(word) or processor.is_word(word.lower()))]


def _with_times_in_digits(text: str, language: str, glossary: Glossary | None) -> str:
    """A text with its times of day in digits, but for the terms of a glossary."""
    written, end = "", 0
    for term in glossary.pattern.finditer(text) if glossary else ():
        written += with_times_in_digits(text[end : term.start()], language) + term.group()
        end = term.end()
    return written + with_times_in_digits(text[end:], language)
