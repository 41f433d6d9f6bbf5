"""CoNLL column files: a token a line, its tag in the last column, an empty line between sentences.

    EU NNP B-NP B-ORG
    rejects VBZ B-VP O

Columns stand between tabs, or between blanks where a line has no tab. Lines that begin with -DOCSTART- are left out.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from rnn_apps.data.files import read_lines
from rnn_apps.data.text.tags import SchemeDetector, read_spans, write_tags
from rnn_apps.errors import DataError

DOCUMENT_START = "-DOCSTART-"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TaggedSentence:
    """A sentence with a tag for each token.

    Attributes:
        tokens: its tokens.
        tags: their tags, in BIO.
        path: the file it comes from, or a name for where it comes from.
        lines: the line of each token; empty where there are none.
    """

    tokens: tuple[str, ...]
    tags: tuple[str, ...]
    path: str = ""
    lines: tuple[int, ...] = ()

    def where(self, place: int) -> str:
        """Returns where the token at `place` stands, for messages."""
        return f"{self.path}, line {self.lines[place]}" if self.lines else f"{self.path}, token {place + 1}"


def read_conll(path: Path) -> Iterator[TaggedSentence]:
    """Streams the sentences of a column file, their tags converted to BIO.

    A tag that its scheme does not allow, such as an I-PER behind an O, is repaired as conlleval reads it; how many
    there were is logged once a file.

    Raises:
        DataError: with file and line for lines with differing numbers of columns and for tags of no known scheme;
            for a file without any sentence or any entity.
    """
    status = path.stat() if path.exists() else None
    _check(path, status.st_mtime_ns if status else 0)
    for tokens, tags, lines in _sentences(path):
        repaired = write_tags(read_spans(tags), len(tags), "BIO")
        yield TaggedSentence(tokens, tuple(repaired), str(path), lines)


@lru_cache
def _check(path: Path, modified: int) -> None:
    """Reads a file as a whole, once, for what no single sentence tells."""
    detector = SchemeDetector()
    count = 0
    for _, tags, lines in _sentences(path):
        count += len(tags)
        try:
            detector.add(tags)
        except DataError:
            _name_line(path, tags, lines)
            raise
    if not count:
        raise DataError(f"{path} has no sentence. Expected lines of a token and its tag.")
    if not detector.spans:
        raise DataError(
            f"{path} has no entity: all {count:,} tags are O. Expected tags such as B-PER in the last column."
        )
    if detector.repairs:
        logger.warning(
            "%s: %d tags do not follow the scheme %s, such as an I- without a B- before it; read as conlleval does.",
            path,
            detector.repairs,
            detector.scheme,
        )


def _name_line(path: Path, tags: Sequence[str], lines: Sequence[int]) -> None:
    for tag, line in zip(tags, lines, strict=True):
        try:
            read_spans([tag])
        except DataError as error:
            raise DataError(f"{path}, line {line}: {error}") from None


def _sentences(path: Path) -> Iterator[tuple[tuple[str, ...], tuple[str, ...], tuple[int, ...]]]:
    """Streams (tokens, tags, line numbers) as they stand in the file."""
    columns, first = 0, 0
    tokens: list[str] = []
    tags: list[str] = []
    lines: list[int] = []
    for number, line in read_lines(path):
        if not line.strip():
            if tokens:
                yield tuple(tokens), tuple(tags), tuple(lines)
                tokens, tags, lines = [], [], []
            continue
        if line.startswith(DOCUMENT_START):
            continue
        cells = line.split("\t") if "\t" in line else line.split(" ")
        cells = [cell for cell in cells if cell] if "\t" not in line else cells
        if len(cells) < 2:
            raise DataError(
                f"{path}, line {number}: expected a token and its tag, between a tab or blanks. Received: {line[:60]!r}"
            )
        if columns and len(cells) != columns:
            raise DataError(
                f"{path}, line {number}: expected {columns} columns, as line {first} has. Received {len(cells)}: "
                f"{line[:60]!r}. Mend the line; a token that holds blanks needs tabs between the columns."
            )
        if not cells[0]:
            raise DataError(f"{path}, line {number}: the token is empty. Delete the line.")
        columns, first = len(cells), first or number
        tokens.append(cells[0])
        tags.append(cells[-1].strip())
        lines.append(number)
    if tokens:
        yield tuple(tokens), tuple(tags), tuple(lines)
