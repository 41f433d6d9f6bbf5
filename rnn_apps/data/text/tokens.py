"""Text to tokens and sentences that know their place in the text.

Tokens are cut as in the Penn Treebank and the CoNLL corpora: words with inner hyphens and full stops stay whole, `'s`
and `n't` stand alone, and so does every other sign. Each Chinese or Japanese character is a token. Marks belong to the
letter or sign that they stand on, in every script, and a sequence of emoji that is one picture is one token. They are
cut out of the normalised text (`rnn_apps.data.text.normalisation`), so canonically equal texts have the same tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import regex

from rnn_apps.data.text.normalisation import normalise

_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_WORD = rf"(?:(?![{_CJK}])[\p{{L}}\p{{M}}\p{{N}}])"
_PICTURE = r"\p{ExtPict}[\p{EMod}\p{M}]*"

_ONE = rf"""
      \p{{RI}}\p{{RI}}                                          # a flag
    | {_PICTURE}(?:\u200D{_PICTURE})*                           # a family, of several persons
    | (?![\x1C-\x1F])\S\p{{M}}*
"""
_TOKEN = regex.compile(
    rf"""
      [{_CJK}]\p{{M}}*
    | (?:[A-Za-z]\.){{2,}}                                    # U.S., a.m.
    | \p{{Lu}}\.(?=\s*\p{{Lu}})                               # the J. of J. Smith
    | (?:Mr|Mrs|Ms|Dr|St|Jr|Sr|Prof|Gen|Sen|Rep|Gov|Inc|Corp|Co|Ltd|vs|No)\.(?=\s)
    | [+-]?\d+(?:[.,:/-]\d+)*{_WORD}*                         # 12.5, 1996-08-22, 3-2, 21st
    | {_WORD}+?(?=n['’]t\b)                                   # the do of don't
    | n['’]t\b
    | ['’](?:s|S|re|ve|ll|d|m)\b
    | [DdLlO]['’]{_WORD}+(?:-{_WORD}+)*                       # O'Neill
    | {_WORD}+(?:[-&./]{_WORD}+)*                             # Anglo-American, AT&T
    | \.\.+
    | {_ONE}
    """,
    regex.VERBOSE,
)
_SINGLE = regex.compile(_ONE, regex.VERBOSE)
_SENTENCE_END = frozenset(".!?。！？…।۔؟።")
_CLOSING = frozenset("\"'”’)]»」』）")


class Token(NamedTuple):
    """A piece of a text: `text[start:end]`."""

    text: str
    start: int
    end: int


def tokenize(text: str, single_characters: bool = False) -> list[Token]:
    """Returns the tokens of a text; `text[token.start:token.end] == token.text` for each.

    Args:
        text: any text.
        single_characters: every character that is no blank is a token, as in Chinese corpora.
    """
    pattern = _SINGLE if single_characters else _TOKEN
    normalised, starts, ends = normalise(text)
    places = ((starts[match.start()], ends[match.end() - 1]) for match in pattern.finditer(normalised))
    return [Token(text[start:end], start, end) for start, end in places]


def split_sentences(text: str, tokens: Sequence[Token]) -> Iterator[tuple[int, int]]:
    """Cuts a tokenised text into sentences: behind a full stop or the like, and at the end of a line.

    Yields:
        (first, last + 1) numbers of the tokens of each sentence; together they are all tokens.
    """
    start, closed = 0, False
    for number in range(1, len(tokens)):
        before, token = tokens[number - 1], tokens[number]
        gap = text[before.end : token.start]
        # behind an end sign, closing quotes and brackets let be
        closed = before.text in _SENTENCE_END or (closed and before.text in _CLOSING)
        cjk = before.text in "。！？।۔؟።"
        begins = token.text not in _CLOSING and token.text not in _SENTENCE_END
        if "\n" in gap or (closed and begins and (cjk or (gap and not token.text[0].islower()))):
            yield start, number
            start = number
    if tokens:
        yield start, len(tokens)
