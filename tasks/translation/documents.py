"""Texts of any length to sentences, and their translations back to texts."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import regex

from rnn_apps.data.text.cleaning import clean
from rnn_apps.data.text.tokens import split_sentences, tokenize

_CLAUSE_ENDS = frozenset(",;:.!?，、；：。！？")


_MARGIN = regex.compile(r"[ \t\u3000]*(?:(?:[-*+•–—·>]|#{1,6}|\(?(?:\d{1,3}|[A-Za-z]|[ivx]{1,5})[.)])(?=[ \t]))?[ \t]*")


@dataclass(frozen=True)
class Document:
    """The sentences of a text, line by line.

    Attributes:
        lines: those of each line; a line without any letter or sign has none.
        margins: what stands before the first sentence of each line: blanks, the sign or the number of an item.
    """

    lines: list[list[str]]
    margins: list[str]

    @property
    def sentences(self) -> list[str]:
        """All sentences in their order."""
        return [sentence for line in self.lines for sentence in line]

    def join(self, translations: Iterable[str]) -> str:
        """Puts a translation where each sentence was: every line in its place, empty ones empty."""
        following = iter(translations)
        return "\n".join(
            margin + join_sentences([next(following) for _ in line])
            for margin, line in zip(self.margins, self.lines, strict=True)
        )


def split_document(text: str) -> Document:
    """Splits a text into lines and these into sentences; what makes the layout of a line stays out of them."""
    lines = text.replace("\r\n", "\n").split("\n")
    margins = [_margin(line) for line in lines]
    found = [_sentences(line[len(margin) :]) for margin, line in zip(margins, lines, strict=True)]
    return Document(found, [margin if own else "" for margin, own in zip(margins, found, strict=True)])


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


def _margin(line: str) -> str:
    """What stands before the words of a line; nothing of a line that is only that."""
    found = _MARGIN.match(line)
    assert found
    return found.group() if found.end() < len(line) else ""


def _sentences(line: str) -> list[str]:
    line = clean(line)
    tokens = tokenize(line)
    return [line[tokens[first].start : tokens[end - 1].end] for first, end in split_sentences(line, tokens)]
