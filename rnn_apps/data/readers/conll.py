"""CoNLL column files of any dialect: a token a line, its tag in a column, an empty line between sentences.

    EU NNP B-NP B-ORG
    rejects VBZ B-VP O

Columns stand between tabs, or between blanks where most lines have no tab; blanks around a cell are no part of it.
A heading, comments (`# text = ...`), a column that counts the tokens and the numbers of CoNLL-U are told from the lines
themselves, and so is where the tags are: in the last column of which every cell is a tag. `-DOCSTART-` ends a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, pairwise
from pathlib import Path

from rnn_apps.data.files import fingerprint, read_lines
from rnn_apps.data.readers.columns import Columns, number_of, shortened
from rnn_apps.data.text.tags import OUTSIDE
from rnn_apps.errors import ConfigError, DataError

DOCUMENT_START = "-DOCSTART-"

_SAMPLE = 2000
_TAG = re.compile(r"([BIESMLU])[-_](\S.*)", re.IGNORECASE)
_TYPE = re.compile(r"[^\W\d_][\w./-]{0,39}")
_SETTING = re.compile(r"#\s+[\w.:-]+\s*=|#[\w.:-]+\s+=")
_HEADINGS = frozenset(
    {"token", "tokens", "word", "words", "form", "tag", "tags", "ner_tag", "ner_tags", "label", "labels"}
)
_MOST_TYPES = 60


@dataclass(frozen=True)
class Layout:
    """How the lines of a file are read.

    Attributes:
        tabs: whether tabs stand between columns, not blanks.
        count: columns.
        token: index of the token's column.
        tag: index of the tag's column.
        bare: whether tags are types without a prefix, as in PER PER O (IO).
        numbered: whether a column counts the tokens of a sentence.
        heading: whether the first line names the columns.
    """

    tabs: bool
    count: int
    token: int
    tag: int
    bare: bool = False
    numbered: bool = False
    heading: bool = False

    def cells(self, line: str) -> list[str]:
        """Cuts a line."""
        return _cut(line, self.tabs)

    def read_tag(self, cell: str) -> str:
        """Returns a tag in the form PREFIX-TYPE, or O; unchanged where it is none."""
        if cell in ("O", "o"):
            return OUTSIDE
        if self.bare:
            return f"I-{cell}"
        match = _TAG.fullmatch(cell)
        return f"{match[1].upper()}-{match[2]}" if match else cell


Sentence = tuple[tuple[str, ...], tuple[str, ...], tuple[int, ...]]


def read_sentences(path: Path, columns: Columns) -> Iterator[Sentence]:
    """Streams (tokens, tags, line numbers) of the sentences.

    Raises:
        ConfigError: for a column that was said and is not there.
        DataError: with the line for one that has no token or no tag, or another number of columns.
    """
    layout = find_layout(path, columns, fingerprint(path))
    tokens: list[str] = []
    tags: list[str] = []
    lines: list[int] = []
    expect_heading = layout.heading
    for number, line in read_lines(path, columns.encoding):
        if not line.strip() or line.startswith(DOCUMENT_START):
            if tokens:
                yield tuple(tokens), tuple(tags), tuple(lines)
                tokens, tags, lines = [], [], []
            continue
        cells = layout.cells(line)
        if line.startswith("#") and _is_comment(line, cells, layout):
            continue
        if expect_heading:
            expect_heading = False
            continue
        if len(cells) != layout.count:
            raise DataError(
                f"{path}, line {number}: expected {layout.count} columns, as the others have. Received {len(cells)}: "
                f"{line[:60]!r}. Mend the line; a token that holds blanks needs tabs between the columns."
            )
        if layout.numbered and not cells[0].isdecimal():  # 3-4, a word of several tokens; 5.1, one that is left out
            continue
        if not cells[layout.token]:
            raise DataError(f"{path}, line {number}: the token is empty. Delete the line.")
        if cells[layout.token].startswith(DOCUMENT_START):
            continue
        tokens.append(cells[layout.token])
        tags.append(layout.read_tag(cells[layout.tag]))
        lines.append(number)
    if tokens:
        yield tuple(tokens), tuple(tags), tuple(lines)


def _cut(line: str, tabs: bool) -> list[str]:
    return [cell.strip() or cell.strip(" ") for cell in line.split("\t")] if tabs else line.split()


def _is_comment(line: str, cells: Sequence[str], layout: Layout) -> bool:
    """Tells `# text = ...` from a token that begins with the sign."""
    if _SETTING.match(line):
        return True
    fits = len(cells) == layout.count and _is_tag(layout.read_tag(cells[layout.tag]))
    return not fits and (len(cells) == 1 or line[1:2].isspace())


def _is_tag(cell: str) -> bool:
    return cell in ("O", "o") or _TAG.fullmatch(cell) is not None


def _is_type(cell: str) -> bool:
    return _TYPE.fullmatch(cell) is not None and _TAG.fullmatch(cell) is None


@lru_cache
def find_layout(path: Path, columns: Columns, stamp: str) -> Layout:
    """Finds how a file is read from its first lines; `stamp` changes when the file does.

    Raises:
        ConfigError: for a column that was said and is not there.
        DataError: if nothing in it can be read as tokens and tags.
    """
    lines = [
        (number, line)
        for number, line in islice(read_lines(path, columns.encoding), 2 * _SAMPLE)
        if line.strip() and not line.startswith(DOCUMENT_START) and not _SETTING.match(line)
    ][:_SAMPLE]
    plain = [(number, line) for number, line in lines if not line.startswith("#")] or lines
    if not plain:
        raise DataError(f"{path} has no sentence. Expected lines of a token and its tag.")
    tabs = sum("\t" in line for _, line in plain) * 2 > len(plain)
    rows = [(number, _cut(line, tabs)) for number, line in plain]
    counts = [len(cells) for _, cells in rows]
    count = max(set(counts), key=lambda n: (counts.count(n), n))
    if count < 2:
        number, line = plain[0]
        raise DataError(
            f"{path}, line {number}: expected a token and its tag, between a tab or blanks. Received: {line[:60]!r}"
        )
    whole = [cells for _, cells in rows if len(cells) == count]
    heading = len(whole) > 1 and {cell.casefold() for cell in whole[0]} & _HEADINGS and not _is_tag(whole[0][-1])
    body = whole[1:] if heading else whole
    numbered = count > 2 and _counts_tokens([cells[0] for cells in body])
    token = _said(path, columns.token, whole[0], bool(heading), "--token-column")
    token = int(numbered) if token is None else token
    tag = _said(path, columns.tag, whole[0], bool(heading), "--tag-column")
    if tag is not None:
        bare = not all(_is_tag(cells[tag]) for cells in body)
    else:
        tag, bare = _find_tags(path, rows, body, token)
    if tag == token:
        raise ConfigError(f"{path}: token and tag are both in column {tag + 1}. Say two columns.")
    return Layout(tabs, count, token, tag, bare, numbered, bool(heading))


def _said(path: Path, given: str | None, first: Sequence[str], heading: bool, option: str) -> int | None:
    if given is None:
        return None
    if heading and given.casefold() in [cell.casefold() for cell in first]:
        return [cell.casefold() for cell in first].index(given.casefold())
    if not given.isdecimal():
        raise ConfigError(f"Expected {option} to be the number of a column, from 1. Received: '{given}'")
    return number_of(path, given, len(first), option)


def _counts_tokens(cells: Sequence[str]) -> bool:
    """Whether a column counts up within sentences: 0 or 1, 2, 3, ... with CoNLL-U's 3-4 and 5.1 between."""
    numbers = [int(cell) for cell in cells if cell.isdecimal()]
    if not numbers or not all(re.fullmatch(r"\d+([-.]\d+)?", cell) for cell in cells):
        return False
    return all(after == before + 1 or after <= 1 for before, after in pairwise(numbers))


def _find_tags(
    path: Path, rows: Sequence[tuple[int, Sequence[str]]], body: Sequence[Sequence[str]], token: int
) -> tuple[int, bool]:
    """Returns the column of the tags, and whether they are types alone."""
    count = len(body[0])
    tagged = [n for n in range(count) if n != token and all(_is_tag(cells[n]) for cells in body)]
    if tagged:  # the last, as CoNLL has it: chunks such as B-NP stand before
        return tagged[-1], False
    types = {cells[-1] for cells in body}
    if OUTSIDE in types and len(types) <= _MOST_TYPES and all(_is_type(kind) for kind in types):
        return count - 1, True
    share = [sum(_is_tag(cells[n]) for cells in body) / len(body) for n in range(count)]
    likely = max(range(count), key=lambda n: (share[n], n))
    if share[likely] > 0.5:
        number, cells = next(
            (number, cells) for number, cells in rows if len(cells) == count and not _is_tag(cells[likely])
        )
        raise DataError(
            f"{path}, line {number}: expected a tag such as O, B-PER or I-PER (BIO, IOB1, BIOES) in column "
            f"{likely + 1}. Received: '{cells[likely]}'."
        )
    raise DataError(
        f"{path}, line {rows[0][0]}: expected a token and a tag such as O, B-PER or I-PER (BIO, IOB1, BIOES or IO). "
        f"Received: {shortened(rows[0][1])}. Say where they are with --token-column and --tag-column."
    )
