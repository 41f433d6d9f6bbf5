"""Text to subword numbers, the same for every language."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self, TypeVar

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from rnn_apps.arrays import Floats
from rnn_apps.data.text import growing
from rnn_apps.data.text.scripts import known_scripts
from rnn_apps.data.text.words import count_words, with_subwords

Int32Array = npt.NDArray[np.int32]
Row = TypeVar("Row", Int32Array, list[str])

PADDING, START, END = "<pad>", "<s>", "</s>"
SPECIAL_TOKENS = (PADDING, START, END)


class TrainedTokenizer:
    """What has learnt a vocabulary from texts, in a file of the tokenizers library.

    Args:
        tokenizer: a `tokenizers.Tokenizer`, as the classmethods make it.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        # a "<pad>" that somebody writes is text like any other
        self._tokenizer.encode_special_tokens = True

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads what `save` wrote."""
        return cls(Tokenizer.from_file(str(path)))

    def save(self, path: Path) -> None:
        """Writes a file that the tokenizers library reads anywhere."""
        self._tokenizer.save(str(path), pretty=False)

    @property
    def vocabulary_size(self) -> int:
        """Number of different subwords, the special ones included."""
        return int(self._tokenizer.get_vocab_size())

    def grown(self, texts: Iterable[str], most: int, least: int = 2) -> tuple[Self, str]:
        """Returns a tokenizer with new subwords of other texts behind its own, and in words what they are.

        Args:
            texts: clean ones.
            most: how many are added.
            least: how often one must occur.
        """
        found = growing.grown(self._tokenizer, texts, most, least)
        return type(self)(found), growing.grown_by(self._tokenizer, found)

    def start_new_rows(self, vectors: Floats, before: Self) -> None:
        """Gives each subword that `before` did not have the mean vector of those that it was written with.

        Args:
            vectors: (subwords, features), those of `before` in front; changed in place.
            before: the tokenizer that this one has grown from.
        """
        growing.start_new_rows(vectors, before._tokenizer, self._tokenizer)

    def encode_batch(self, texts: Sequence[str]) -> list[Int32Array]:
        """Returns the subword numbers of each clean text, (tokens,) each, on all cores."""
        encodings = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [np.array(encoding.ids, np.int32) for encoding in encodings]

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Returns the number of subwords of each clean text."""
        return [len(encoding) for encoding in self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]


class SubwordTokenizer(TrainedTokenizer):
    """Byte-level byte-pair encoding: any text in any script can be written with it, nothing is unknown.

    Number 0 is padding, 1 and 2 mark a start and an end.
    """

    @classmethod
    def train(cls, texts: Iterable[str], vocabulary_size: int, lowercase: bool) -> SubwordTokenizer:
        """Learns a vocabulary of at most `vocabulary_size` subwords (the 256 bytes among them) from clean texts."""
        tokenizer = Tokenizer(models.BPE())
        steps: list[normalizers.Normalizer] = [normalizers.NFKC()]
        if lowercase:
            steps.append(normalizers.Lowercase())
        tokenizer.normalizer = normalizers.Sequence(steps)
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
        tokenizer.decoder = decoders.ByteLevel()  # for other programs that read the file
        trainer = trainers.BpeTrainer(
            vocab_size=vocabulary_size,
            special_tokens=list(SPECIAL_TOKENS),
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            min_frequency=2,
            show_progress=False,
        )
        return cls(with_subwords(tokenizer, count_words(tokenizer, texts), trainer))

    def scripts(self) -> frozenset[str]:
        """Returns the scripts that the texts were written in from which the vocabulary was learnt."""
        bytes_of = {ord(sign): byte for byte, sign in _signs_of_bytes().items()}
        # of a pair of bytes or more; between two subwords stands what is no part of a character
        subwords = "\n".join(
            name for name in self._tokenizer.get_vocab() if len(name) > 1 and name not in SPECIAL_TOKENS
        )
        return known_scripts([subwords.translate(bytes_of).encode("latin-1").decode("utf-8", "ignore")])

    def encode(self, text: str) -> Int32Array:
        """Returns the subword numbers of one clean text, shape (tokens,)."""
        return np.array(self._tokenizer.encode(text, add_special_tokens=False).ids, np.int32)

    def pieces(self, text: str) -> list[str]:
        """Returns the part of a clean text that each of its subwords stands for."""
        offsets = self._tokenizer.encode(text, add_special_tokens=False).offsets
        return [text[start:end] for start, end in offsets]


def _signs_of_bytes() -> dict[int, str]:
    """The sign that stands for each byte in a byte-level vocabulary: itself if it can be seen, else one from 256 on."""
    seen = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in set(seen)]
    return {byte: chr(byte) for byte in seen} | {byte: chr(256 + n) for n, byte in enumerate(others)}


def cut_middle(ids: Row, longest: int) -> Row:
    """Returns `ids` with at most `longest` of them: of a longer text the first quarter of that and the last three.

    A text often says at its end what it comes to.
    """
    if len(ids) <= longest:
        return ids
    head = longest // 4
    tail = len(ids) - (longest - head)
    if isinstance(ids, list):
        return ids[:head] + ids[tail:]
    return np.concatenate([ids[:head], ids[tail:]])
