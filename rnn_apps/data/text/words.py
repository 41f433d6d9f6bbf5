"""Words and how often each occurs: what a vocabulary of subwords is learnt from, whoever has counted them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from functools import partial
from itertools import chain
from typing import Any

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from rnn_apps.data.parts import chunks, each_part, first_letters, part_count

# Words are counted in this many characters at most, so that memory does not grow with the file.
VOCABULARY_CHARACTERS = 40_000_000

_CHUNK = 10_000  # texts


def count_words(tokenizer: Tokenizer, texts: Iterable[str]) -> Counter[str]:
    """Returns how often each word occurs that a tokenizer never looks beyond, with its sign for the blank before it.

    Args:
        tokenizer: what normalizes and divides.
        texts: clean ones; of several parts the first characters of each are counted.
    """
    count = partial(_count, tokenizer, VOCABULARY_CHARACTERS // part_count(texts))
    words: Counter[str] = Counter()
    for own in each_part(count, texts):
        words.update(own)
    return words


def learn_subwords(words: Counter[str], trainer: trainers.BpeTrainer) -> dict[str, Any]:
    """Returns what is learnt, as the library writes a tokenizer: "model" has the numbers in "vocab", and "merges".

    Source: Sennrich, Haddow and Birch (2016), "Neural machine translation of rare words with subword units".
    """
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    learner.train_from_iterator((" ".join([word] * count) for word, count in words.items()), trainer)
    learnt: dict[str, Any] = json.loads(learner.to_str())
    return learnt


def with_subwords(tokenizer: Tokenizer, words: Counter[str], trainer: trainers.BpeTrainer) -> Tokenizer:
    """Returns a tokenizer that has learnt subwords of the words that it divides texts into."""
    learnt, state = learn_subwords(words, trainer), json.loads(tokenizer.to_str())
    state["added_tokens"] = learnt["added_tokens"]
    state["model"] |= {name: learnt["model"][name] for name in ("vocab", "merges")}
    return Tokenizer.from_str(json.dumps(state))


def _count(tokenizer: Tokenizer, limit: int, texts: Iterable[str]) -> Counter[str]:
    words: Counter[str] = Counter()
    for chunk in chunks(first_letters(limit, texts), _CHUNK):
        # a word never reaches over a blank, so each is divided once
        for written, count in Counter(chain.from_iterable(map(str.split, chunk))).items():
            for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(tokenizer.normalizer.normalize_str(written)):
                words[word] += count
    return words
