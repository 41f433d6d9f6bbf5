"""Texts of any length to sentences, and their translations back to texts with the same layout."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

import regex

from rnn_apps.data.text.cleaning import clean
from rnn_apps.data.text.tokens import split_sentences, tokenize

_CLAUSE_ENDS = frozenset(",;:.!?，、；：。！？")
_BLANKS = r"[ \t\u3000]*"
_ITEM = r"(?:[-*+•–—·>]|#{1,6}|\(?(?:\d{1,3}|[A-Za-z]|[ivx]{1,5})[.)])(?=[ \t])"
_BOX = r"\[[ xX]?\](?=[ \t])"
_MARGIN = regex.compile(f"{_BLANKS}(?:{_ITEM})?{_BLANKS}(?:{_BOX}{_BLANKS})?")
_BARS = regex.compile(r"^\s*\|\s*|\s+\|\s+|\s*\|\s*$")
_PAIRS = {"(": ")", "[": "]", "{": "}", "（": "）", "【": "】", "'": "'", "‘": "’"}
_DEEPEST = 3  # brackets in each other, each of which takes a look at the whole line
_LETTER = regex.compile(r"\p{L}")


@dataclass(frozen=True)
class Document:
    """The sentences of a text, and what makes its layout.

    Attributes:
        groups: sentences, those together that follow each other with nothing but a blank between.
        layout: what stands before the first group, between two, and behind the last, as it is written: line ends, the
            signs of items, tags and brackets around sentences, lines without any letter.
    """

    groups: list[list[str]]
    layout: list[str]

    @property
    def sentences(self) -> list[str]:
        """All sentences in their order."""
        return [sentence for group in self.groups for sentence in group]

    def join(self, translations: Iterable[str]) -> str:
        """Puts a translation where each sentence was."""
        following = iter(translations)
        joined = [join_sentences([next(following) for _ in group]) for group in self.groups]
        return "".join(chain.from_iterable(zip_longest(self.layout, joined, fillvalue="")))


def split_document(text: str, marks: Collection[str] = ()) -> Document:
    """Splits a text into lines and these into sentences; what makes the layout stays out of them.

    Args:
        text: the text.
        marks: characters that belong to the layout where they stand around a sentence, and not in it.
    """
    document = Document([], [""])
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n")):
        _keep(document, "\n" if number else "")
        margin = _margin(line)
        _keep(document, margin)
        end = len(margin)
        for bar in _BARS.finditer(line, end):
            _split_cell(document, line[end : bar.start()], marks)
            _keep(document, bar.group())
            end = bar.end()
        _split_cell(document, line[end:], marks)
    return document


def _keep(document: Document, layout: str) -> None:
    document.layout[-1] += layout


def _split_cell(document: Document, cell: str, marks: Collection[str]) -> None:
    """Adds the sentences of a line, or of a cell of a table, to a document."""
    if not cell.strip():
        return
    start, end = _inside(cell)
    _keep(document, cell[:start])
    inner = clean(cell[start:end])
    unmarked = "".join(" " if character in marks else character for character in inner)
    tokens = tokenize(unmarked)
    done = 0
    for first, last in split_sentences(unmarked, tokens):
        own = slice(tokens[first].start, tokens[last - 1].end)
        between, sentence = inner[done : own.start], inner[own]
        done = own.stop
        if not _LETTER.search(sentence):
            _keep(document, between + sentence)
        elif document.groups and not document.layout[-1] and not between.strip():
            document.groups[-1].append(sentence)
        else:
            _keep(document, between)
            document.groups.append([sentence])
            document.layout.append("")
    _keep(document, inner[done:] + cell[end:])


def _inside(cell: str) -> tuple[int, int]:
    """Where what stands in the brackets around a whole line begins and ends; all of it where there are none."""
    start, end = len(cell) - len(cell.lstrip()), len(cell.rstrip())
    for _ in range(_DEEPEST):
        if end - start < 3 or _PAIRS.get(cell[start]) != cell[end - 1] or not _is_whole(cell[start:end]):
            break
        start, end = start + 1, end - 1
    return start, end


def _is_whole(text: str) -> bool:
    """Whether the first sign of a text belongs to its last, and does not end before."""
    first, last, inner = text[0], text[-1], text[1:-1]
    if first == last:
        return first not in regex.sub(r"(?<=\w)['’](?=\w)", "", inner)
    depth = 1
    for character in inner:
        depth += (character == first) - (character == last)
        if not depth:
            return False
    return depth == 1


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
