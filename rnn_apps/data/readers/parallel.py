"""Sentences in two languages, from two files that go line by line, or from a table with a column for each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest
from pathlib import Path
from typing import Any

from rnn_apps.data.files import data_format, fingerprint, read_lines
from rnn_apps.data.readers.alignment import Traits, slips
from rnn_apps.data.readers.columns import AS_SEEN, SOURCE_NAMES, TARGET_NAMES, Columns, Role, Survey, shortened
from rnn_apps.data.readers.tables import FORMATS, MISSING, Selection, open_table, select
from rnn_apps.errors import DataError

_LANGUAGE = re.compile(r"[a-z]{2,3}([-_][a-z]{2,4})?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SentencePair:
    """A sentence and its translation; `where` says where they came from, for messages."""

    source: str
    target: str
    where: str = ""


def read_pairs(paths: Sequence[Path], columns: Columns = AS_SEEN) -> Iterator[SentencePair]:
    """Streams sentence pairs from two line-aligned files, or from a table with a column for each side.

    In a table they are the columns that were said, those called source and target, the only two, or, in a .tsv without
    a heading, the first two. A pair with an empty side is left out.

    Raises:
        ConfigError: for a column that was said and is not there.
        DataError: for files of different length, a row that lacks a side, the same file twice, or another ending.
    """
    paths = tuple(paths)
    if len(paths) == 1 and data_format(paths[0]) not in FORMATS:
        raise DataError(
            "Expected two files that go line by line (--data train.en --data train.fr), or one that ends in .tsv, "
            f".csv, .jsonl, .json or .parquet with a column for each language. Received: {paths[0]}"
        )
    if len(paths) not in (1, 2):
        raise DataError(f"Expected two files or a table. Received {len(paths)}: {', '.join(map(str, paths))}")
    if len(set(paths)) < len(paths):
        raise DataError(f"Expected a file of the source and one of the target. Received {paths[0]} twice.")
    return (pair for pair in _all_pairs(paths, columns) if pair.source and pair.target)


def survey_pairs(paths: Sequence[Path], columns: Columns = AS_SEEN) -> Survey:
    """Reads the files as a whole, once, and says how they are read and how many pairs are left out.

    Raises:
        ConfigError: as `read_pairs`.
        DataError: as `read_pairs`; if no pair is whole, or the target is the source in most.
    """
    return _survey(tuple(paths), columns, tuple(fingerprint(path) for path in paths))


@lru_cache
def _survey(paths: tuple[Path, ...], columns: Columns, stamps: tuple[str, ...]) -> Survey:
    count = empty = same = 0
    sources, targets = Traits(), Traits()
    read_pairs(paths, columns)
    for pair in _all_pairs(paths, columns):
        count += 1
        sources.add(pair.source)
        targets.add(pair.target)
        empty += not (pair.source and pair.target)
        same += pair.source == pair.target
    names = " and ".join(map(str, paths))
    if count == empty:
        raise DataError(f"{names}: no line has both a source and a target.")
    if same > count / 2:
        raise DataError(
            f"{names}: in {same:,} of {count:,} lines the target is the source itself. Is it the same language twice?"
        )
    short = " and ".join(path.name for path in paths)
    if len(paths) == 1:
        selection = _columns_of(paths[0], columns, stamps[0])
        source, target = selection.names
        heading = "" if selection.heading else ", no heading"
        reading = f"{short}: {count:,} pairs{heading}, source in {source}, target in {target}"
    else:
        reading = f"{short}: {count:,} pairs, line by line"
    warnings = [f"left out {empty:,} of {count:,} pairs, since one side of them is empty."] if empty else []
    if found := slips(sources, targets):
        first, last, slip = found[0]
        warnings.append(
            f"pairs {first:,} to {last:,} seem to have slipped: the translation of a line stands about {abs(slip)} "
            f"line{'s' * (abs(slip) > 1)} further {'down' if slip > 0 else 'up'}, as lengths and question marks tell"
            f"{f' ({len(found):,} such places)' if len(found) > 1 else ''}. Look for a line that one side lacks."
        )
    return Survey(reading, tuple(warnings))


def _all_pairs(paths: tuple[Path, ...], columns: Columns) -> Iterator[SentencePair]:
    if len(paths) == 2:
        return _two_files(*paths, columns.encoding)
    return _table(paths[0], columns)


def _two_files(source: Path, target: Path, encoding: str | None) -> Iterator[SentencePair]:
    for first, second in zip_longest(read_lines(source, encoding), read_lines(target, encoding)):
        if first is None or second is None:
            counts = [sum(1 for _ in read_lines(path, encoding)) for path in (source, target)]
            raise DataError(
                f"Expected files of the same number of lines, the translation of a line in the same line. {source} has "
                f"{counts[0]:,}, {target} has {counts[1]:,}."
            )
        yield SentencePair(first[1].strip(), second[1].strip(), f"{source}, line {first[0]}")


def _table(path: Path, columns: Columns) -> Iterator[SentencePair]:
    selection = _columns_of(path, columns, fingerprint(path))
    for number, (source, target) in selection.rows():
        where = selection.table.where(number)
        yield SentencePair(_side(source, where), _side(target, where), where)


def _side(value: Any, where: str) -> str:
    if value is None or value is MISSING:
        return ""
    if not isinstance(value, str):
        raise DataError(f"{where}: expected a sentence. Received a {type(value).__name__}.")
    return value.strip()


@lru_cache
def _columns_of(path: Path, columns: Columns, stamp: str) -> Selection:
    """Finds source and target; `stamp` changes when the file does."""
    table = open_table(path, columns)
    if columns.text and len(columns.text) != 2:
        raise DataError(f"{path}: expected --text-column twice, for the source and for the target.")
    given = columns.text or (None, None)
    roles = [
        Role("source", "--text-column", given[0], SOURCE_NAMES),
        Role("target", "--text-column", given[1], TARGET_NAMES),
    ]
    selection = select(table, roles)
    if selection is not None:
        return selection
    first, kind = table.first, data_format(path)
    heading = table.has_fields or all(_LANGUAGE.fullmatch(name) for name in first[:2])
    if len(first) == 2 or (kind == "tsv" and len(first) > 2 and not heading):
        names = tuple(f"'{name}'" for name in first[:2]) if heading else ("column 1", "column 2")
        return Selection(table, (0, 1), heading, names)
    raise DataError(
        f"{path}: which columns are the source and the target? Say it with --text-column, twice. It "
        f"has: {shortened(first)}"
    )
