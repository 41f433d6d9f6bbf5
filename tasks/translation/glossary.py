"""Terms that are to be translated in a certain way: what a person says of them stands, whatever the model would say."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import regex

from rnn_apps.data.files import decode_lines
from rnn_apps.data.text.scripts import IDEOGRAPHS, script
from rnn_apps.errors import ConfigError, DataError

MOST_TERMS = 10_000


class Glossary:
    """Finds terms in a text, whole words in any case, and knows what they are called in the other language.

    Args:
        terms: what is to be said, by the term.

    Raises:
        ConfigError: if there is none, an empty one, or more than `MOST_TERMS`.
    """

    def __init__(self, terms: Mapping[str, str]) -> None:
        if not terms or len(terms) > MOST_TERMS:
            raise ConfigError(f"Expected a glossary of 1 to {MOST_TERMS:,} terms. Received: {len(terms):,}.")
        for term, said in terms.items():
            if not isinstance(term, str) or not isinstance(said, str) or not term.strip() or not said.strip():
                raise ConfigError(f"Expected terms and what they are called, as texts. Received: {term!r}: {said!r}.")
        self._said = {_key(term): said.strip() for term, said in terms.items()}
        longest_first = sorted(self._said, key=lambda term: (-len(term), term))
        self.pattern = regex.compile("|".join(map(_bounded, longest_first)), regex.IGNORECASE)

    def said(self, found: str) -> str:
        """Returns what a term that the pattern has found is called."""
        return self._said[_key(found)]


def glossary_of(given: Any) -> Glossary | None:
    """Returns the glossary in a mapping or a file; None for None.

    Raises:
        ConfigError: if it is neither.
        DataError: with the line, if a file cannot be read as one.
    """
    if given is None:
        return None
    if isinstance(given, Mapping):
        return _made_of(tuple(given.items()))
    if isinstance(given, (str, os.PathLike)):
        return read_glossary(Path(given))
    raise ConfigError(f"Expected a glossary: a mapping of terms, or a file. Received: {type(given).__name__}.")


@lru_cache(maxsize=8)
def _made_of(terms: tuple[tuple[str, str], ...]) -> Glossary:
    """A glossary of a mapping's items; clients send the same one with every text."""
    return Glossary(dict(terms))


def read_glossary(path: Path) -> Glossary:
    """Reads a glossary: in each line a term, a tab, and what it is called.

    Raises:
        DataError: with the line, if it cannot be read as one.
    """
    try:
        with path.open("rb") as file:
            lines = list(decode_lines(file, path.name))
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from None
    terms: dict[str, str] = {}
    for number, line in lines:
        if not line.strip():
            continue
        parts = line.split("\t")
        if len(parts) != 2 or not parts[0].strip() or not parts[1].strip():
            raise DataError(
                f"{path}, line {number}: expected a term, a tab, and what it is called. Received: {line[:60]!r}"
            )
        terms[parts[0]] = parts[1]
    return Glossary(terms)


def _key(term: str) -> str:
    return " ".join(term.casefold().split())


def _bounded(term: str) -> str:
    """A pattern of whole words; signs that are written without blanks have no borders."""
    words = r"\s+".join(regex.escape(word) for word in term.split(" "))
    before = "" if script(term[0]) in IDEOGRAPHS or not term[0].isalnum() else r"(?<!\w)"
    after = "" if script(term[-1]) in IDEOGRAPHS or not term[-1].isalnum() else r"(?!\w)"
    return f"{before}{words}{after}"
