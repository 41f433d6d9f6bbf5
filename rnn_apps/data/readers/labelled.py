"""Classified texts out of tables, and texts without labels.

Which columns they stand in is said by `Columns` or told by the heading. A table without a heading that can be read has
the label first where it is a .tsv, or is refused where that is not plain from its cells.

A label is text as it stands; a whole number is written without a fraction, so 1, 1.0 and "1.0" are one label, and true
is another: "True". Where a text can have several labels, they are a list by nature (.jsonl, .parquet), a list
written in the cell (`["a", "b"]`), or stand in the cell with a separator between them.
"""

from __future__ import annotations

import ast
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from rnn_apps.data.examples import LabelledText, read_number
from rnn_apps.data.files import data_format, fingerprint, read_lines
from rnn_apps.data.readers.alike import alike
from rnn_apps.data.readers.columns import AS_SEEN, LABEL_NAMES, TEXT_NAMES, Columns, Role, Survey, shortened
from rnn_apps.data.readers.tables import FORMATS, MISSING, SAMPLE, Selection, Table, open_table, select
from rnn_apps.data.text.normalisation import LONE_SURROGATE
from rnn_apps.errors import DataError

_WHOLE = re.compile(r"[+-]?\d+\.0+")
_NO_VALUE = frozenset({"nan", "null", "n/a", "#n/a", "?"})
_RARE = 0.01
_MOST_NAMED = 10


def read_labelled_texts(path: Path, columns: Columns = AS_SEEN, separator: str | None = None) -> Iterator[LabelledText]:
    """Streams the classified texts of a .tsv, .csv, .jsonl, .json or .parquet, compressed or not.

    Args:
        path: the file.
        columns: where text and label stand, and how the file is encoded; as seen in the file where left out.
        separator: what stands between the labels of a cell, where a text can have several or none; None where it has
            one.

    Raises:
        ConfigError: for a column that was named and is not there.
        DataError: with file and line for what does not fit; where two readings are possible, it names both.
    """
    selection = _labelled(path, columns, fingerprint(path))
    for number, (text, label) in selection.rows():
        where = selection.table.where(number)
        labels = None if separator is None else _labels(label, where, separator)
        joined = read_label(label, where) if labels is None else ", ".join(labels)
        yield LabelledText(joined, _text(text, where), where, labels)


def has_lists(path: Path, columns: Columns = AS_SEEN) -> bool:
    """Whether the first label of a table is a list.

    Raises:
        ConfigError: as `read_labelled_texts`.
        DataError: as `read_labelled_texts`.
    """
    _, (_, label) = next(_labelled(path, columns, fingerprint(path)).rows(), (0, (None, None)))
    return _list_in(label) is not None


def read_texts(path: Path, columns: Columns = AS_SEEN) -> Iterator[str]:
    """Streams texts without labels: the text column of a table, or each line of any other file but empty ones."""
    if data_format(path) not in FORMATS:
        yield from (line for _, line in read_lines(path, columns.encoding) if line.strip())
        return
    table = open_table(path, columns)
    selection = select(table, [_text_role(columns)]) or _labelled(path, columns, fingerprint(path))
    for number, (text, *_) in selection.rows():
        yield _text(text, table.where(number))


Description = tuple[int, str, tuple[str, ...]]
"""Number of examples, what their labels are in a few words, and what one should know of them."""


def survey_labelled_texts(
    path: Path,
    columns: Columns = AS_SEEN,
    separator: str | None = None,
    describe: Callable[[Iterable[LabelledText]], Description] | None = None,
    names: Mapping[str, str] | None = None,
) -> Survey:
    """Reads a file as a whole, once, and says how it is read and what of its labels one should know.

    Args:
        path: the file.
        columns: as for `read_labelled_texts`.
        separator: as for `read_labelled_texts`.
        describe: what is said of the labels; as classes, if left out.
        names: of the classes, by the labels that stand for them; other labels are names.

    Raises:
        ConfigError: as `read_labelled_texts`.
        DataError: as `read_labelled_texts`.
    """
    renamed = tuple((names or {}).items())
    return _survey(path, columns, separator, describe or describe_classes, renamed, fingerprint(path))


@lru_cache
def _survey(
    path: Path,
    columns: Columns,
    separator: str | None,
    describe: Callable[[Iterable[LabelledText]], Description],
    renamed: tuple[tuple[str, str], ...],
    stamp: str,
) -> Survey:
    examples = read_labelled_texts(path, columns, separator)
    if renamed:
        examples = _renamed(examples, dict(renamed))
    count, values, warnings = describe(examples)
    selection = _labelled(path, columns, stamp)
    text, label = selection.names
    if not count:
        raise DataError(f"{path} has no example.")
    heading = "" if selection.heading else ", no heading"
    reading = f"{path.name}: {count:,} rows{heading}, text in {text}, label in {label} ({values})"
    if (headings := selection.headings()) > 1:
        reading += f"; {headings - 1:,} more headings between the rows are left out"
    return Survey(reading, warnings)


def _renamed(examples: Iterable[LabelledText], names: Mapping[str, str]) -> Iterator[LabelledText]:
    for example in examples:
        labels = None if example.labels is None else tuple(names.get(label, label) for label in example.labels)
        yield replace(example, label=names.get(example.label, example.label), labels=labels)


def describe_classes(examples: Iterable[LabelledText]) -> Description:
    """Counts the classes of examples that have one each."""
    counts = Counter(example.label for example in examples)
    return counts.total(), f"{len(counts):,} values: {_named(counts)}", tuple(_label_warnings(counts, counts.total()))


def describe_labels(examples: Iterable[LabelledText]) -> Description:
    """Counts the labels of examples that have several each."""
    counts: Counter[str] = Counter()
    sizes: Counter[int] = Counter()
    for example in examples:
        labels = example.labels or ()
        counts.update(labels)
        sizes[len(labels)] += 1
    least, most = min(sizes, default=0), max(sizes, default=0)
    warnings = list(_label_warnings(counts, sizes.total()))
    if most == 1 and (other := _other_separator(counts)):
        warnings.append(
            f"no text has two labels, and many labels have '{other}' in them. If it stands between labels, say "
            f"--set 'data.label_separator={other}'"
        )
    return sizes.total(), f"{least} to {most} of {len(counts):,} labels: {_named(counts)}", tuple(warnings)


def describe_numbers(examples: Iterable[LabelledText]) -> Description:
    """Sums up labels that are numbers."""
    values = [read_number(example) for example in examples]
    if not values:
        return 0, "", ()
    return len(values), f"{min(values):g} to {max(values):g}, on average {math.fsum(values) / len(values):.4g}", ()


def _other_separator(counts: Counter[str]) -> str:
    """What stands in a tenth of the labels or more and could be between labels; "" for nothing."""
    for sign in ",;/":
        if sum(count for name, count in counts.items() if sign in name) > 0.1 * counts.total():
            return sign
    return ""


def _named(counts: Counter[str]) -> str:
    named = ", ".join(name if len(name) <= 30 else name[:27] + "..." for name, _ in counts.most_common(_MOST_NAMED))
    return named + (", ..." if len(counts) > _MOST_NAMED else "")


def _label_warnings(counts: Counter[str], total: int) -> Iterator[str]:
    for usual, *others in alike(counts):
        renaming = " ".join(f"--set 'data.class_names.{other}={usual}'" for other in others[:_MOST_NAMED])
        yield (
            f"the labels {shortened([usual, *others])} differ in case or in what joins their words alone, and "
            f"count as classes of their own. If they are one, write them alike, or say: {renaming}"
        )
    for label, count in counts.items():
        if label.casefold() in _NO_VALUE:
            yield (
                f"the label '{label}' ({count:,} of {total:,} rows) is what programs write where there is none, and "
                "counts as a class. Leave these rows out if they have no label."
            )
    once = [label for label, count in counts.items() if count == 1]
    if once:
        named = shortened(once[:_MOST_NAMED])
        yield (
            f"{len(once):,} of {len(counts):,} labels occur once ({named}): too little to learn such a class, or to "
            "measure it."
        )
    for label, count in counts.items():
        if 1 < count < _RARE * total:
            yield (
                f"the label '{label}' has {count:,} of {total:,} examples ({count / total:.1%}): the accuracy says "
                "little about it."
            )


def _labels(value: Any, where: str, separator: str) -> tuple[str, ...]:
    """The labels of a cell, each once; nothing in it is none."""
    parts = _list_in(value)
    if parts is None:
        parts = [value] if value is not None else []
        if isinstance(value, str):
            parts = [part for part in value.split(separator) if part.strip()]
    return tuple(dict.fromkeys(read_label(part, where) for part in parts))


def _list_in(value: Any) -> list[Any] | None:
    """The list that a cell is, or that is written in it; None for anything else."""
    if isinstance(value, str) and value.strip().startswith("[") and value.strip().endswith("]"):
        try:
            value = ast.literal_eval(value.strip())
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            return None
    return value if isinstance(value, list) else None


def read_label(value: Any, where: str) -> str:
    """Returns a label as text; see the module for the rule.

    Raises:
        DataError: for nothing, null, an empty text, a list, an object, or a number that is none.
    """
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, (int, float)):
        if isinstance(value, float) and not math.isfinite(value):
            raise DataError(f"{where}: the label is {value}. Delete the row, or give it a label.")
        return str(int(value)) if value == int(value) else str(value)
    if isinstance(value, str):
        label = value.strip()
        if not label:
            raise DataError(f"{where}: the label is empty. Delete the row, or give it a label.")
        if LONE_SURROGATE.search(label):
            raise DataError(
                f"{where}: the label {label!r} has half a character (a lone surrogate). Delete the row or mend it."
            )
        return str(int(label.partition(".")[0])) if _WHOLE.fullmatch(label) else label
    kinds = {list: "a list", dict: "an object", type(None): "null"}
    kind = "missing" if value is MISSING else kinds.get(type(value), f"a {type(value).__name__}")
    raise DataError(f"{where}: expected a label: a text, a whole number, true or false. It is {kind}.")


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        kind = "missing" if value is MISSING else "null" if value is None else f"a {type(value).__name__}"
        raise DataError(f"{where}: expected a text. It is {kind}.")
    if not value.strip():
        raise DataError(f"{where}: the text is empty. Delete the row.")
    return value


def _text_role(columns: Columns) -> Role:
    return Role("text", "--text-column", columns.text[0] if columns.text else None, TEXT_NAMES)


@lru_cache
def _labelled(path: Path, columns: Columns, stamp: str) -> Selection:
    """Finds text and label; `stamp` changes when the file does."""
    table = open_table(path, columns)
    roles = [_text_role(columns), Role("label", "--label-column", columns.label, LABEL_NAMES)]
    selection = select(table, roles)
    if selection is not None:
        return selection
    first = table.first
    if table.has_fields or columns.text or columns.label:
        raise DataError(
            f"{path}: which columns are the text and the label? Say it with --text-column and --label-column. It has: "
            f"{shortened(first)}"
        )
    return _without_heading(table)


def _without_heading(table: Table) -> Selection:
    """Tells text and label of a table whose first row names neither, by what stands in the columns."""
    rows = [cells for _, cells in islice(table.rows(), SAMPLE)]
    first, rest = rows[0], rows[1:]
    if len(first) < 2:
        raise DataError(
            f"{table.path}, line 1: expected a label and a text, between tabs or commas. Received: {shortened(first)}"
        )
    likely = [n for n in range(len(first)) if _like_labels([row[n] for row in rest])]
    texts = [n for n in range(len(first)) if _like_texts([row[n] for row in rest])]
    if data_format(table.path) == "tsv" and not (1 in likely and 0 in texts):
        text, label = 1, 0  # label<TAB>text
    elif len(likely) == 1 and len(texts) == 1:
        text, label = texts[0], likely[0]
    elif len(first) == 2 and len(likely) == 1:
        text, label = 1 - likely[0], likely[0]
    else:
        raise DataError(
            f"{table.path}: which columns are the text and the label? Say it with --text-column and --label-column, by "
            f"number where there is no heading. Its first line has: {shortened(first)}"
        )
    _refuse_a_heading(table, first, rest, text, label)
    return Selection(table, (text, label), False, (f"column {text + 1}", f"column {label + 1}"))


def _like_labels(cells: Sequence[str]) -> bool:
    """Whether cells are few and short words that come again."""
    return bool(cells) and len(set(cells)) <= max(2, len(cells) // 2) and max(map(len, cells)) <= 40


def _like_texts(cells: Sequence[str]) -> bool:
    """Whether cells are longer than a word, and mostly differ."""
    blanks = sum(" " in cell.strip() or len(cell) > 12 for cell in cells)
    return bool(cells) and blanks > len(cells) / 2 and len(set(cells)) > len(cells) / 2


def _refuse_a_heading(table: Table, first: Sequence[str], rest: Sequence[Sequence[str]], text: int, label: int) -> None:
    """Makes sure that the first row is an example.

    Raises:
        DataError: if it could as well be a heading: its label comes never again while the others do, and its text is a
            word.
    """
    others = Counter(row[label].strip() for row in rest)
    again = bool(others) and min(others.values()) > 1 and len(others) < len(rest) / 2
    if again and first[label].strip() not in others and len(first[text].split()) == 1 and len(first[text]) <= 30:
        raise DataError(
            f"{table.path}: is its first line a heading or an example? {shortened(first)}. If a heading, say "
            f"--text-column {first[text]} --label-column {first[label]}; if an example, --text-column {text + 1} "
            f"--label-column {label + 1}."
        )
