"""Training examples in parts, such as the files of a folder: what is counted in them is counted in all at once.

A processor that iterates over its examples is right, too; one that asks `each_part` reads in all workers of a run. What
comes back is in the order of the parts, so that the sum is the same whoever did them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

Result = TypeVar("Result")
Item = TypeVar("Item")


class Parts(ABC):
    """Items in parts; iterated, they come one part behind the other, as often as wanted.

    Attributes:
        count: of the parts.
    """

    count: int

    @abstractmethod
    def each(self, function: Callable[[Iterable[Any]], Result]) -> Iterable[Result]:
        """Returns what a function returns for the items of each part, in their order."""

    def __iter__(self) -> Iterator[Any]:
        for part in self.each(iter):
            yield from part


class Mapped(Parts):
    """What a function makes of the items of each part, again and again.

    Args:
        function: takes items, and returns others.
        items: in parts, or any.
    """

    def __init__(self, function: Callable[[Iterable[Any]], Iterable[Any]], items: Iterable[Any]) -> None:
        self.function, self.items = function, items
        self.count = part_count(items)

    def each(self, function: Callable[[Iterable[Any]], Result]) -> Iterable[Result]:
        """Returns what a function returns for what was made of each part."""
        made = self.function
        return each_part(lambda own: function(made(own)), self.items)


def each_part(function: Callable[[Iterable[Any]], Result], items: Iterable[Any]) -> Iterable[Result]:
    """Returns what a function returns for the items of each part; what has no parts is one.

    Args:
        function: what it returns may come from another process; an iterator may come as a list.
        items: in parts, or any.
    """
    return items.each(function) if isinstance(items, Parts) else [function(items)]


def part_count(items: Iterable[Any]) -> int:
    """Returns in how many parts some items are; 1 for those that have none."""
    return items.count if isinstance(items, Parts) else 1


def size(items: Iterable[Any]) -> int:
    """Returns how many items there are."""
    return sum(each_part(_size, items))


def _size(items: Iterable[Any]) -> int:
    return sum(1 for _ in items)


def counted(function: Callable[[Iterable[Any]], Iterable[str]], items: Iterable[Any]) -> Counter[str]:
    """Returns how often each string occurs in what a function makes of some items; those that came first in front."""
    total: Counter[str] = Counter()
    for own in each_part(lambda part: Counter(function(part)), items):
        total.update(own)
    return total


def first_letters(most: int, texts: Iterable[str]) -> Iterator[str]:
    """Streams the first texts, up to the one with which they have a number of letters."""
    letters = 0
    for text in texts:
        yield text
        letters += len(text)
        if letters >= most:
            return


def chunks(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Streams lists of `size` items, the last one maybe shorter."""
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
