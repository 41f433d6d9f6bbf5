"""Texts of any length to sentences, and their translations back to texts."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rnn_apps.data.text.cleaning import clean
from rnn_apps.data.text.tokens import split_sentences, tokenize

_CLAUSE_ENDS = frozenset(",;:.!?，、；：。！？")


@dataclass(frozen=True)
class Document:
    """The sentences of a text, line by line.

    Attributes:
        lines: those of each line; a line without any letter or sign has none.
    """

    lines: list[list[str]]

    @property
    def sentences(self) -> list[str]:
        """All sentences in their order."""
        return [sentence for line in self.lines for sentence in line]

    def join(self, translations: Iterable[str]) -> str:
        """Puts a translation where each sentence was: every line in its place, empty ones empty."""
        following = iter(translations)
        return "\n".join(join_sentences([next(following) for _ in line]) for line in self.lines)


def split_document(text: str) -> Document:
    """Splits a text into lines and these into sentences."""
    return Document([_sentences(line) for line in text.replace("\r\n", "\n").split("\n")])


def split_long(sentence: str, spans: Sequence[tuple[int, int]], longest: int) -> list[str]:
    """Cuts a sentence into parts of at most `longest` pieces: behind a comma or the like, or else before a word.

    Args:
        sentence: a clean text.
        spans: first and last + 1 character of each of its pieces, without blanks around.
        longest: pieces of a part at most, at least 1.
    """
    parts, start = [], 0
    while len(spans) - start > longest:
        ends = range(start + longest, start + longest // 2, -1)
        behind_clause = (end for end in ends if sentence[spans[end - 1][1] - 1] in _CLAUSE_ENDS)
        before_word = (end for end in ends if spans[end - 1][1] < spans[end][0])
        end = next(behind_clause, None) or next(before_word, start + longest)
        parts.append(sentence[spans[start][0] : spans[end - 1][1]])
        start = end
    if start < len(spans):
        parts.append(sentence[spans[start][0] : spans[-1][1]])
    return parts


def join_sentences(sentences: Iterable[str]) -> str:
    """Joins sentences by a blank, or by none behind the wide signs of East Asia."""
    text = ""
    for sentence in filter(None, sentences):
        wide = text and unicodedata.east_asian_width(text[-1]) in "WF"
        text += sentence if wide or not text else f" {sentence}"
    return text


def _sentences(line: str) -> list[str]:
    line = clean(line)
    tokens = tokenize(line)
    return [line[tokens[first].start : tokens[end - 1].end] for first, end in split_sentences(line, tokens)]
