"""More subwords for a vocabulary that is there, where a model goes on to other texts.

Byte-pair encoding goes on where it had stopped: words are written in the subwords that there are, and those that stand
side by side most often are joined. Numbers that were given stay as they are, and new merges come behind the old ones.
Texts like those that the vocabulary was learnt from are written hardly shorter with more of it: it then stays as it is.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from tokenizers import Tokenizer, trainers

from rnn_apps.arrays import Array
from rnn_apps.data.text.words import count_words, learn_subwords

_FIRST_SIGN = 0xF0000  # of those that Unicode leaves to private use
_RARE = 3  # a character that occurs less often stays unknown
_WORTH = 0.05  # share of the subwords of the new texts that new ones have to save


def grown(tokenizer: Tokenizer, texts: Iterable[str], most: int, least: int) -> Tokenizer:
    """Returns a tokenizer with new subwords behind its own, where those make the texts notably shorter.

    Args:
        tokenizer: with byte-pair encoding.
        texts: clean ones, in which the new subwords occur.
        most: of them.
        least: how often one must occur.
    """
    words = count_words(tokenizer, texts)
    known = tokenizer.get_vocab()
    counts = Counter[str]()
    for word, count in words.items():
        counts.update({letter: count * word.count(letter) for letter in set(word) if letter not in known})
    letters = [letter for letter, count in counts.most_common() if count >= _RARE]
    written = Counter[tuple[str, ...]]()
    for word, count in words.items():
        for part in _parts(tokenizer, word, known, letters):
            written[tuple(part)] += count
    names = sorted(known, key=known.__getitem__) + letters
    found = _with(tokenizer, letters, _merges(names, written, most, least))
    before = sum(len(part) * count for part, count in written.items())
    after = sum(len(found.model.tokenize("".join(part))) * count for part, count in written.items())
    return found if after <= (1 - _WORTH) * before else _with(tokenizer, letters, [])


def _merges(
    names: Sequence[str], written: Mapping[tuple[str, ...], int], most: int, least: int
) -> list[tuple[str, str]]:
    """The pairs of subwords that are joined anew, in words as they are written now.

    Each subword is written as one sign, so that the library's trainer takes it for a letter.
    """
    signs = {name: chr(_FIRST_SIGN + number) for number, name in enumerate(names)}
    words = Counter({"".join(map(signs.__getitem__, part)): count for part, count in written.items()})
    trainer = trainers.BpeTrainer(vocab_size=len(set("".join(words))) + most, min_frequency=least, show_progress=False)
    return [
        (
            "".join(names[ord(sign) - _FIRST_SIGN] for sign in first),
            "".join(names[ord(sign) - _FIRST_SIGN] for sign in second),
        )
        for first, second in learn_subwords(words, trainer)["model"]["merges"]
    ]


def _with(tokenizer: Tokenizer, letters: Sequence[str], merges: Sequence[tuple[str, str]]) -> Tokenizer:
    """The tokenizer with more letters, and with more merges behind its own."""
    state = json.loads(tokenizer.to_str())
    model: dict[str, Any] = state["model"]
    numbers: dict[str, int] = model["vocab"]
    for name in [*letters, *map("".join, merges)]:
        numbers.setdefault(name, len(numbers))
    model["merges"] += map(list, merges)
    return Tokenizer.from_str(json.dumps(state))


def _parts(tokenizer: Tokenizer, word: str, known: Collection[str], new: Collection[str] = ()) -> list[list[str]]:
    """A word in the names of its subwords; between two parts stands a character that is neither known nor new."""
    parts: list[list[str]] = [[]]
    for is_known, run in groupby(word, key=known.__contains__):
        if is_known:
            parts[-1] += [token.value for token in tokenizer.model.tokenize("".join(run))]
            continue
        for letter in run:
            if letter in new:
                parts[-1].append(letter)
            else:
                parts.append([])
    return [part for part in parts if part]


def start_new_rows(new: Array, before: Tokenizer, after: Tokenizer) -> None:
    """Gives the vector of each new subword the mean of those that it was written with before.

    A subword of new letters alone keeps its first value.

    Args:
        new: the table of vectors, (subwords, features), the known ones in front; changed in place.
        before: the tokenizer that had only these.
        after: the grown one.
    """
    numbers = before.get_vocab()
    first = len(numbers)
    for name, number in after.get_vocab().items():
        if number < first:
            continue
        parts = [numbers[own] for part in _parts(before, name, numbers) for own in part]
        if parts:
            new[number] = new[parts].mean(axis=0)


def grown_by(before: Tokenizer, after: Tokenizer) -> str:
    """Returns in words what was added; "" for nothing."""
    first = before.get_vocab_size()
    names = [name for name, number in sorted(after.get_vocab().items(), key=lambda item: item[1]) if number >= first]
    longest = sorted(names, key=len)[-3:]
    return f"{len(names):,} subwords, such as {', '.join(longest)}" if names else ""
