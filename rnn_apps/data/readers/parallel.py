"""Sentences in two languages, from two files that go line by line, or from one with a tab between them."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest
from pathlib import Path

from rnn_apps.data.files import data_format, read_lines
from rnn_apps.errors import DataError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SentencePair:
    """A sentence and its translation; `where` says where they came from, for messages."""

    source: str
    target: str
    where: str = ""


def read_pairs(paths: Sequence[Path]) -> Iterator[SentencePair]:
    """Streams sentence pairs from two line-aligned files, or from one .tsv of `source<TAB>target[<TAB>...]`.

    A pair with an empty side is left out; how many there were is logged once for the same files.

    Raises:
        DataError: for files of different length, a line without a tab, the same file twice, or files in which the
            source is the target.
    """
    paths = tuple(paths)
    if len(paths) == 1 and data_format(paths[0]) != "tsv":
        raise DataError(
            "Expected two files that go line by line (--data train.en --data train.fr), or one that ends in .tsv "
            f"(.gz may follow) with source<TAB>target. Received: {paths[0]}"
        )
    if len(paths) not in (1, 2):
        raise DataError(f"Expected two files or one .tsv. Received {len(paths)}: {', '.join(map(str, paths))}")
    if len(set(paths)) < len(paths):
        raise DataError(f"Expected a file of the source and one of the target. Received {paths[0]} twice.")
    _check(paths, tuple(path.stat().st_mtime_ns if path.exists() else 0 for path in paths))
    return (pair for pair in _lines(paths) if pair.source and pair.target)


@lru_cache
def _check(paths: tuple[Path, ...], modified: tuple[int, ...]) -> None:
    """Reads the files as a whole, once, for what no single line tells."""
    count = empty = same = 0
    for pair in _lines(paths):
        count += 1
        empty += not (pair.source and pair.target)
        same += pair.source == pair.target
    names = " and ".join(map(str, paths))
    if count == empty:
        raise DataError(f"{names}: no line has both a source and a target.")
    if same > count / 2:
        raise DataError(
            f"{names}: in {same:,} of {count:,} lines the target is the source itself. Is it the same language twice?"
        )
    if empty:
        logger.warning("%s: left out %d of %d pairs, since one side of them is empty.", names, empty, count)


def _lines(paths: tuple[Path, ...]) -> Iterator[SentencePair]:
    return _tsv_lines(paths[0]) if len(paths) == 1 else _two_files(*paths)


def _two_files(source: Path, target: Path) -> Iterator[SentencePair]:
    for first, second in zip_longest(read_lines(source), read_lines(target)):
        if first is None or second is None:
            counts = [sum(1 for _ in read_lines(path)) for path in (source, target)]
            raise DataError(
                f"Expected files of the same number of lines, the translation of a line in the same line. {source} has "
                f"{counts[0]:,}, {target} has {counts[1]:,}."
            )
        yield SentencePair(first[1].strip(), second[1].strip(), f"{source}, line {first[0]}")


def _tsv_lines(path: Path) -> Iterator[SentencePair]:
    for number, line in read_lines(path):
        source, tab, rest = line.partition("\t")
        if not tab:
            raise DataError(f"{path}, line {number}: expected source<TAB>target. There is no tab in {line[:60]!r}")
        yield SentencePair(source.strip(), rest.partition("\t")[0].strip(), f"{path}, line {number}")
