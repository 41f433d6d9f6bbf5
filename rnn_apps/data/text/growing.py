"""More subwords for a vocabulary that is there, where a model goes on to other texts.

Byte-pair encoding goes on where it had stopped: words are written in the subwords that there are, and those that stand
side by side most often are joined. Numbers that were given stay as they are, and new merges come behind the old ones.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable
from itertools import groupby
from typing import Any

from tokenizers import Tokenizer, trainers

from rnn_apps.arrays import Array
from rnn_apps.data.text.words import count_words, learn_subwords

_FIRST_SIGN = 0xF0000  # of those that Unicode leaves to private use
_RARE = 3  # a character that occurs less often stays unknown


def grown(tokenizer: Tokenizer, texts: Iterable[str], most: int, least: int) -> Tokenizer:
    """Returns a tokenizer with new subwords behind its own.

    Args:
        tokenizer: with byte-pair encoding.
        texts: clean ones, in which the new subwords occur.
        most: of them.
        least: how often one must occur.
    """
    words = count_words(tokenizer, texts)
    vocabulary = tokenizer.get_vocab()
    letters = Counter[str]()
    for word, count in words.items():
        letters.update({letter: count * word.count(letter) for letter in set(word) if letter not in vocabulary})
    new = [letter for letter, count in letters.most_common() if count >= _RARE]
    state = json.loads(tokenizer.to_str())
    model: dict[str, Any] = state["model"]
    numbers: dict[str, int] = model["vocab"]
    for name in [*new, *_joined(tokenizer, words, new, most, least, model["merges"])]:
        numbers.setdefault(name, len(numbers))
    return Tokenizer.from_str(json.dumps(state))


def _joined(
    tokenizer: Tokenizer, words: Counter[str], letters: list[str], most: int, least: int, merges: list[list[str]]
) -> list[str]:
    """The subwords that are joined anew; what is joined is added to `merges`.

    Each subword is written as one sign, so that the library's trainer takes it for a letter.
    """
    names = [name for name, _ in sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])] + letters
    signs = {name: chr(_FIRST_SIGN + number) for number, name in enumerate(names)}
    known, written = tokenizer.get_vocab().keys(), Counter[str]()
    for word, count in words.items():
        for part in _parts(tokenizer, word, known, letters):
            written["".join(signs[name] for name in part)] += count
    trainer = trainers.BpeTrainer(
        vocab_size=len(set("".join(written))) + most, min_frequency=least, show_progress=False
    )
    found = []
    for pair in learn_subwords(written, trainer)["model"]["merges"]:
        first, second = ("".join(names[ord(sign) - _FIRST_SIGN] for sign in side) for side in pair)
        merges.append([first, second])
        found.append(first + second)
    return found


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
