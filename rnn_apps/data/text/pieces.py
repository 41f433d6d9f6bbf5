"""Sentences to subwords of characters and back: what a translation is written with.

A blank is part of the subword behind it, as "▁"; a sign that is no letter or digit stands alone, and so does each
Chinese or Japanese character, so that no language needs a word segmentation. Characters too rare to learn are unknown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

from rnn_apps.data.text.subwords import Int32Array, TrainedTokenizer
from rnn_apps.data.text.words import count_words, with_subwords

PADDING, UNKNOWN, START, END = range(4)
SPECIAL_PIECES = ("<pad>", "<unk>", "<s>", "</s>")
BLANK = "▁"

_RARE = 3  # a character that occurs less often is unknown
_ALONE = rf"{BLANK}?[\p{{Han}}\p{{Hiragana}}\p{{Katakana}}]|{BLANK}?[^{BLANK}\p{{L}}\p{{M}}\p{{N}}]"

Span = tuple[int, int]


class PieceTokenizer(TrainedTokenizer):
    """Byte-pair encoding over characters (Sennrich et al., arXiv:1508.07909), with an unknown piece.

    Numbers 0 to 3 are padding, the unknown piece, a start and an end. Neighbouring unknown characters are one piece.
    """

    @classmethod
    def train(cls, texts: Iterable[str], vocabulary_size: int, lowercase: bool = False) -> PieceTokenizer:
        """Learns at most `vocabulary_size` pieces from clean texts."""
        tokenizer = Tokenizer(models.BPE(unk_token=SPECIAL_PIECES[UNKNOWN], fuse_unk=True))
        steps: list[normalizers.Normalizer] = [normalizers.NFC()]
        if lowercase:
            steps.append(normalizers.Lowercase())
        tokenizer.normalizer = normalizers.Sequence(steps)
        blanks = pre_tokenizers.Metaspace(replacement=BLANK, prepend_scheme="always")
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([blanks, pre_tokenizers.Split(Regex(_ALONE), "isolated")])
        words, letters = count_words(tokenizer, texts), Counter[str]()
        for word, count in words.items():
            letters.update({letter: count * word.count(letter) for letter in set(word)})
        trainer = trainers.BpeTrainer(
            vocab_size=vocabulary_size,
            special_tokens=list(SPECIAL_PIECES),
            limit_alphabet=min(sum(count >= _RARE for count in letters.values()), vocabulary_size // 2),
            min_frequency=2,
            show_progress=False,
        )
        return cls(with_subwords(tokenizer, words, trainer))

    def offsets(self, text: str) -> tuple[Int32Array, list[Span]]:
        """Returns the numbers of the pieces of a text, and the place of each in it without the blank before it."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        spans = []
        for token, (start, end) in zip(encoding.tokens, encoding.offsets, strict=True):
            while start < end and text[start].isspace():
                start += 1
            if token == BLANK:  # the library gives it the place of the character behind where no blank stands
                end = start
            spans.append((start, end))
        return np.array(encoding.ids, np.int32), spans

    def tokens(self, ids: Iterable[int]) -> list[str]:
        """Returns each piece as text, with "▁" for the blank before it."""
        return [str(self._tokenizer.id_to_token(int(number))) for number in ids]


def join_pieces(pieces: Iterable[str]) -> str:
    """Returns the text that pieces make."""
    return "".join(pieces).replace(BLANK, " ").strip()
