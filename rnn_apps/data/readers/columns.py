"""Which columns of a data file are the text, the label, the token and the tag: as a person says, or by their names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rnn_apps.errors import ConfigError, DataError, did_you_mean

TEXT_NAMES = frozenset(
    {
        "text",
        "review",
        "sentence",
        "content",
        "comment",
        "tweet",
        "message",
        "document",
        "body",
        "utterance",
        "phrase",
        "reviewtext",
        "review_text",
        "review_body",
        "文本",
        "内容",
        "评论",
        "句子",
        "正文",
    }
)
LABEL_NAMES = frozenset(
    {
        "label",
        "labels",
        "sentiment",
        "class",
        "category",
        "target",
        "stars",
        "rating",
        "polarity",
        "intent",
        "emotion",
        "topic",
        "标签",
        "类别",
        "情感",
        "评分",
        "星级",
        "分类",
    }
)
SOURCE_NAMES = frozenset(["source", "src", "原文"])
TARGET_NAMES = frozenset(["target", "tgt", "translation", "译文"])


@dataclass(frozen=True)
class Columns:
    """How a person says that data files are to be read; what is left out is seen in the file.

    Columns are said by their names in the heading, or by their numbers, the first being "1".

    Attributes:
        text: the column of the text; two for a text and its translation.
        label: the column of the label.
        token: the column of the token, of tagged files.
        tag: the column of the tag.
        encoding: of all files, a name that Python knows.
    """

    text: tuple[str, ...] = ()
    label: str | None = None
    token: str | None = None
    tag: str | None = None
    encoding: str | None = None


AS_SEEN = Columns()


@dataclass(frozen=True)
class Survey:
    """What a file holds as a whole.

    Attributes:
        reading: how it was read, in one line.
        warnings: what a person should know before a model learns from it, a line each.
    """

    reading: str
    warnings: tuple[str, ...]

    def lines(self) -> list[str]:
        """Returns what is to be told, a line each."""
        return list(filter(None, (self.reading, *(f"warning: {warning}" for warning in self.warnings))))


@dataclass(frozen=True)
class Role:
    """What a column is wanted for.

    Attributes:
        name: for messages: "text".
        option: the option that names it.
        given: what was said with this option.
        usual: the names that are recognised, in lower case.
    """

    name: str
    option: str
    given: str | None
    usual: frozenset[str]


def find_columns(path: Any, heading: Sequence[str], roles: Sequence[Role]) -> list[int] | None:
    """Looks the columns of all roles up in what may be a heading.

    Args:
        path: the file, for messages.
        heading: the cells of its first line, or the names of its fields.
        roles: what is wanted.

    Returns:
        the index of each role's column; None if this is no heading by which all can be found.

    Raises:
        ConfigError: for a column that was named and is not there.
        DataError: where two columns could be meant.
    """
    names = [str(name).strip().casefold() for name in heading]
    found = [_find(path, heading, names, role) for role in roles]
    missing = [n for n, index in enumerate(found) if index is None]
    others = [n for n in range(len(names)) if n not in found]
    if len(missing) == 1 and len(roles) == 2 and len(names) == 2 and found[1 - missing[0]] is not None:
        found[missing[0]] = others[0]  # of two columns, one is known: it is the other one
    indices = [index for index in found if index is not None]
    if len(indices) < len(roles):
        return None
    if len(set(indices)) < len(indices):
        both = " and ".join(role.name for role in roles)
        raise ConfigError(f"{path}: {both} are both in '{heading[indices[0]]}'. Name two columns.")
    return indices


def _find(path: Any, heading: Sequence[str], names: Sequence[str], role: Role) -> int | None:
    if role.given is not None:
        wanted = role.given.strip()
        exact = [n for n, name in enumerate(heading) if str(name).strip() == wanted]
        alike = exact or [n for n, name in enumerate(names) if name == wanted.casefold()]
        if len(alike) == 1:
            return alike[0]
        if len(alike) > 1:
            raise ConfigError(f"{path} has {len(alike)} columns '{wanted}'. Say which by its number: {role.option} N")
        if wanted.isdecimal():
            return number_of(path, wanted, len(names), role.option)
        raise ConfigError(
            f"{path} has no column '{wanted}'.{did_you_mean(wanted, [str(name) for name in heading])} "
            f"Its first line has: {shortened(heading)}."
        )
    known = [n for n, name in enumerate(names) if name in role.usual]
    if len(known) > 1:
        namesakes = len({str(heading[n]) for n in known}) < len(known)
        options = " or ".join(f"{role.option} {n + 1 if namesakes else heading[n]}" for n in known)
        raise DataError(f"{path}: the {role.name} could be in {len(known)} columns. Say which: {options}")
    return known[0] if known else None


def number_of(path: Any, given: str, count: int, option: str) -> int:
    """Returns the index of a column that was said by its number.

    Raises:
        ConfigError: if there is no such column.
    """
    index = int(given) - 1
    if not 0 <= index < count:
        raise ConfigError(f"{path} has {count} columns. Expected {option} from 1 to {count}. Received: {given}")
    return index


def shortened(cells: Sequence[Any], most: int = 80) -> str:
    """Returns cells in one short line, for messages."""
    line = ", ".join(f"'{cell}'" for cell in cells)
    return line if len(line) <= most else line[: most - 3] + "..."


def check_columns(columns: Columns, uses: frozenset[str], task: str) -> None:
    """Makes sure that a task has a use for everything that was said of its files.

    Raises:
        ConfigError: naming the first option that it has none for.
    """
    for name, value in vars(columns).items():
        if value and name not in uses:
            option = "--encoding" if name == "encoding" else f"--{name}-column"
            raise ConfigError(f"The task '{task}' has no use for {option}. Leave it out.")
