"""Sentences to arrays: numbers of words, of their letters, of pairs of characters, and of tags."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rnn_apps.arrays import Array, Arrays
from rnn_apps.data.parts import Mapped, counted, each_part
from rnn_apps.data.processor import Processor
from rnn_apps.data.readers.tagged import TaggedSentence
from rnn_apps.data.text.cleaning import clean
from rnn_apps.data.text.normalisation import compatible
from rnn_apps.data.text.scripts import known_scripts, warnings_of
from rnn_apps.data.text.tags import Span, read_spans, split_tag, write_tags
from rnn_apps.data.text.tokens import tokenize
from rnn_apps.data.text.vectors import read_vectors
from rnn_apps.data.text.wording import Wording, words_of
from rnn_apps.errors import DataError, unknown_class
from rnn_apps.inference.familiarity import Familiar

if TYPE_CHECKING:
    from rnn_apps.tasks.ner.config import NerConfig

_DIGIT = re.compile(r"\d")
_UNKNOWN = 1
_FIRST = 2  # the first number of a vocabulary; 0 is padding
_END = "\n"  # stands for the end of a sentence in a pair; no token holds it


class NerProcessor(Processor):
    """Turns sentences into arrays.

    Args:
        words: the words of the vocabulary, normalised, without padding and the unknown word.
        letters: the characters that words are made of.
        pairs: pairs of neighbouring characters, where every token is one character.
        tags: the tags in the order of the model's outputs.
        single_characters: whether every token is one character.
        longest_word: letters of a word at most; of a longer one the middle is left out.
        max_training_tokens: longer training sentences are cut, never inside an entity.
        vocabulary_size: words at most.
        vector_size: dimension of the word vectors that the model starts from; 0 without.
        lowercased: share of the training sentences that are read in small letters.
    """

    UNKNOWN = _UNKNOWN

    def __init__(
        self,
        words: Sequence[str],
        letters: Sequence[str],
        pairs: Sequence[str],
        tags: Sequence[str],
        single_characters: bool,
        longest_word: int,
        max_training_tokens: int,
        vocabulary_size: int,
        vector_size: int = 0,
        lowercased: float = 0.0,
    ) -> None:
        self.words, self.letters, self.pairs, self.tags = list(words), list(letters), list(pairs), list(tags)
        self.single_characters = single_characters
        self.longest_word, self.max_training_tokens = longest_word, max_training_tokens
        self.vocabulary_size, self.vector_size = vocabulary_size, vector_size
        self.lowercased = lowercased
        self.scheme = "BIOES"
        self.familiar: Familiar | None = None
        self.wording = Wording({})
        self._number()

    def _number(self) -> None:
        self._word_numbers = {word: number for number, word in enumerate(self.words, _FIRST)}
        self._letter_numbers = {letter: number for number, letter in enumerate(self.letters, _FIRST)}
        small = [self._letter_numbers.get(letter.lower(), _UNKNOWN) for letter in self.letters]
        self._small = np.array([*range(_FIRST), *small], np.int32)
        self._pair_numbers = {pair: number for number, pair in enumerate(self.pairs, _FIRST)}
        self._tag_numbers = {tag: number for number, tag in enumerate(self.tags)}
        self._types = {split_tag(tag)[1] for tag in self.tags}
        self._spelled: dict[str, tuple[int, Array]] = {}

    @property
    def word_count(self) -> int:
        """Words, padding and the unknown word included."""
        return len(self.words) + _FIRST

    @property
    def letter_count(self) -> int:
        """Characters, padding and the unknown one included."""
        return len(self.letters) + _FIRST

    @property
    def pair_count(self) -> int:
        """Pairs of characters, padding and the unknown one included."""
        return len(self.pairs) + _FIRST

    @cached_property
    def scripts(self) -> frozenset[str]:
        """The scripts that the training sentences were written in."""
        return known_scripts([*self.words, *self.letters])

    # Fitting

    @classmethod
    def fit(cls, examples: Iterable[TaggedSentence], config: NerConfig) -> NerProcessor:
        """Learns the vocabulary and the tags from training sentences."""
        settings = config.data
        tokens = counted(_tokens, examples)
        types, familiar = _entities(examples)
        single = settings.token == "characters" or (settings.token == "auto" and _single_characters(tokens))
        words, letters = Counter[str](), Counter[str]()
        for token, count in tokens.items():
            words[normalize(token)] += count
            letters.update(compatible(token))
        tags = ["O", *(f"{prefix}-{kind}" for kind in sorted(types) for prefix in "BIES")]
        processor = cls(
            _frequent(words, settings.min_count, settings.vocabulary_size),
            [] if single else _frequent(letters, settings.min_count, settings.vocabulary_size),
            _frequent(counted(_all_pairs, examples), settings.min_count, settings.pairs) if single else [],
            tags,
            single,
            settings.longest_word,
            settings.max_training_tokens,
            settings.vocabulary_size,
            lowercased=settings.lowercased,
        )
        processor.familiar = familiar
        if settings.vectors:
            processor.learn_vectors(Path(settings.vectors))
        processor.wording = processor._wording_of(examples)
        return processor

    def extended(self, examples: Iterable[TaggedSentence], config: NerConfig) -> tuple[NerProcessor, str]:
        """Adds types of entities, words and letters that occur twice, and pairs as far as there is room for more."""
        types, met = _entities(examples)
        words, letters = Counter[str](), Counter[str]()
        for token, count in counted(_tokens, examples).items():
            words[normalize(token)] += count
            if not self.single_characters:
                for letter in compatible(token):
                    letters[letter] += count
        pairs = counted(_all_pairs, examples) if self.single_characters else Counter()
        new_types = sorted(types - {split_tag(tag)[1] for tag in self.tags})
        news = [
            [part for part, count in found.most_common() if count > 1 and part not in known]
            for found, known in (
                (words, self._word_numbers),
                (letters, self._letter_numbers),
                (pairs, self._pair_numbers),
            )
        ]
        news[2] = news[2][: max(config.data.pairs - len(self.pairs), 0)]
        extended = NerProcessor(
            [*self.words, *news[0]],
            [*self.letters, *news[1]],
            [*self.pairs, *news[2]],
            [*self.tags, *(f"{prefix}-{kind}" for kind in new_types for prefix in "BIES")],
            self.single_characters,
            self.longest_word,
            self.max_training_tokens,
            max(self.vocabulary_size, len(self.words) + len(news[0])),
            self.vector_size,
            config.data.lowercased,
        )
        extended.wording = extended._wording_of(examples)
        extended.familiar = self.familiar.joined(met) if self.familiar else met
        told = [f"the types {', '.join(new_types)}"] if new_types else []
        told += [f"{len(own):,} {name}" for own, name in zip(news, ("words", "letters", "pairs"), strict=True) if own]
        return extended, ", ".join(told)

    def learn_texts(self, texts: Iterable[str]) -> None:
        """Fills the vocabulary up with the words of texts without labels, the most frequent first."""
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(normalize(token.text) for token in tokenize(clean(text), self.single_characters))
        known = set(self.words)
        self._extend(word for word, count in counts.most_common() if count > 1 and word not in known)

    def learn_vectors(self, path: Path) -> None:
        """Fills the vocabulary up with the words of a file of vectors, in its order, and notes their dimension."""
        found = dict.fromkeys(self.words)
        for word, vector in read_vectors(path):
            self.vector_size = len(vector)
            found.setdefault(normalize(word))
        self._extend(list(found)[len(self.words) :])

    def vectors(self, path: Path) -> dict[int, Array]:
        """Returns the vectors of the words that a file has, by the number of the word."""
        found: dict[int, Array] = {}
        for word, vector in read_vectors(path):
            number = self._word_numbers.get(normalize(word))
            # of several spellings of a word the one in small letters counts, else the first
            if number is not None and (number not in found or word == normalize(word)):
                found[number] = vector
        if not found:
            raise DataError(f"{path} has no vector for any word of the training data. Is it of the same language?")
        return found

    def _extend(self, words: Iterable[str]) -> None:
        room = max(self.vocabulary_size - len(self.words), 0)
        self.words += [word for word, _ in zip(words, range(room), strict=False)]
        self._number()

    # Encoding

    def encode(self, examples: Sequence[TaggedSentence], training: bool = False) -> list[Arrays]:
        """Returns the arrays of `encode_tokens` and `tags`, int32 (time,), for each sentence.

        Long training sentences become several.
        """
        rows = []
        for sentence in examples:
            spans = read_spans(sentence.tags)
            for span in spans:
                if span.type not in self._types:
                    known = sorted(self._types - {""})
                    raise DataError(f"{sentence.where(span.start)}: {unknown_class('type', span.type, known)}")
            names = write_tags(spans, len(sentence.tokens), self.scheme)
            tags = np.array([self._tag_numbers[name] for name in names], np.int32)
            row = {**self.encode_tokens(sentence.tokens), "tags": tags}
            rows += _cut(row, spans, self.max_training_tokens) if training else [row]
        return rows

    def augment(self, row: Arrays, rng: np.random.Generator) -> Arrays:
        """Reads some sentences in small letters, so that a name is found without its capital, too."""
        if "letters" not in row or rng.random() >= self.lowercased:
            return row
        return row | {"letters": self._small[row["letters"]]}

    def encode_inputs(self, inputs: Sequence[str | Sequence[str]]) -> list[Arrays]:
        """Returns the arrays of each input, a text (its markup left out) or a list of tokens, as one sentence."""
        cleaned = [clean(given) if isinstance(given, str) else given for given in inputs]
        return [self.encode_tokens(self.tokens(given, number)) for number, given in enumerate(cleaned, 1)]

    def tokens(self, given: str | Sequence[str], number: int) -> list[str]:
        """Returns the tokens of a text, or a list of tokens as it is, after a check."""
        if isinstance(given, str):
            return [token.text for token in tokenize(given, self.single_characters)]
        if isinstance(given, (list, tuple)) and all(isinstance(token, str) and token for token in given):
            return list(given)
        raise DataError(f"Expected a text or a list of tokens. Input {number} is {str(given)[:60]!r}.")

    def encode_tokens(self, tokens: Sequence[str]) -> Arrays:
        """Returns `tokens`, int32 (time,), and `letters`, int32 (time, letters), or `pairs`, int32 (time,)."""
        if self.single_characters:
            words = [self._word_numbers.get(normalize(token), _UNKNOWN) for token in tokens]
            pairs = [self._pair_numbers.get(pair, _UNKNOWN) for pair in _pairs(tokens)]
            return {"tokens": np.array(words, np.int32), "pairs": np.array(pairs, np.int32)}
        spelled = [self._spell(token) for token in tokens]
        longest = max((len(letters) for _, letters in spelled), default=1)
        letters = np.zeros((len(tokens), longest), np.int32)
        for place, (_, own) in enumerate(spelled):
            letters[place, : len(own)] = own
        return {"tokens": np.array([number for number, _ in spelled], np.int32), "letters": letters}

    def _spell(self, token: str) -> tuple[int, Array]:
        """Returns the number of a word and those of its letters."""
        if token not in self._spelled:
            if len(self._spelled) > _REMEMBERED:
                self._spelled.clear()
            half = self.longest_word // 2
            plain = compatible(token)
            kept = plain if len(plain) <= self.longest_word else plain[: self.longest_word - half] + plain[-half:]
            letters = np.array([self._letter_numbers.get(letter, _UNKNOWN) for letter in kept], np.int32)
            self._spelled[token] = self._word_numbers.get(normalize(token), _UNKNOWN), letters
        return self._spelled[token]

    # What it does not know

    def warnings(self, text: str) -> list[str]:
        """Returns why the answer to a text may not be trusted: its script, or its words."""
        return warnings_of(text, self.scripts) or self.wording.warnings(clean(text), self._unknown_words)

    def _wording_of(self, examples: Iterable[TaggedSentence]) -> Wording:
        between = "" if self.single_characters else " "
        texts = Mapped(lambda own: (between.join(sentence.tokens) for sentence in own), examples)
        return Wording.fit(texts, self._unknown_words)

    def _unknown_words(self, parts: Sequence[str]) -> list[int]:
        """How many words of each part of a text are unknown, names and all."""
        if self.single_characters:
            return [sum(not self._knows(word) for word in words_of(part)) for part in parts]
        return [sum(normalize(token.text) not in self._word_numbers for token in tokenize(part)) for part in parts]

    def _knows(self, word: str) -> bool:
        """Whether an ideograph was met in training, or what a word in letters is written with, two by two."""
        pairs = [normalize(one + other) for one, other in pairwise(word)]
        return all(pair in self._pair_numbers for pair in pairs) if pairs else normalize(word) in self._word_numbers

    # Saving

    def save(self, folder: Path) -> None:
        """Writes `processor.json`, and digests of the entities of the training sentences."""
        if self.familiar:
            self.familiar.save(folder)
        facts = {
            "words": self.words,
            "letters": self.letters,
            "pairs": self.pairs,
            "tags": self.tags,
            "single_characters": self.single_characters,
            "longest_word": self.longest_word,
            "max_training_tokens": self.max_training_tokens,
            "vocabulary_size": self.vocabulary_size,
            "vector_size": self.vector_size,
            "lowercased": self.lowercased,
            "wording": self.wording.as_json(),
        }
        (folder / "processor.json").write_text(json.dumps(facts, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> NerProcessor:
        """Reads what `save` wrote."""
        facts = json.loads((folder / "processor.json").read_text(encoding="utf-8"))
        wording = Wording.of(facts.pop("wording", {}))
        processor = cls(**facts)
        processor.wording = wording
        processor.familiar = Familiar.load(folder)
        return processor


_REMEMBERED = 100_000


def normalize(token: str) -> str:
    """Returns a token as the vocabulary has it: compatible characters unified, in small letters, every digit a 0."""
    return _DIGIT.sub("0", compatible(token).lower())


def _tokens(sentences: Iterable[TaggedSentence]) -> Iterator[str]:
    return chain.from_iterable(sentence.tokens for sentence in sentences)


def _all_pairs(sentences: Iterable[TaggedSentence]) -> Iterator[str]:
    return chain.from_iterable(_pairs(sentence.tokens) for sentence in sentences)


def _entities(sentences: Iterable[TaggedSentence]) -> tuple[set[str], Familiar]:
    """The types of all entities, and what they are called."""
    types, familiar = set[str](), Familiar.of([])
    for own_types, own in each_part(_entities_of_part, sentences):
        types, familiar = types | own_types, familiar.joined(own)
    if not types:
        raise DataError("Expected entities to learn from. All tags of the training sentences are O.")
    return types, familiar


def _entities_of_part(sentences: Iterable[TaggedSentence]) -> tuple[set[str], Familiar]:
    types, names = set[str](), set[tuple[str, ...]]()
    for sentence in sentences:
        for span in read_spans(sentence.tags):
            types.add(span.type)
            names.add(tuple(sentence.tokens[span.start : span.end]))
    return types, Familiar.of(names)


def _pairs(tokens: Sequence[str]) -> Iterator[str]:
    """Each token with the one behind it."""
    spelled = [normalize(token) for token in tokens]
    return (a + b for a, b in zip(spelled, [*spelled[1:], _END], strict=True)) if spelled else iter(())


def _single_characters(tokens: Mapping[str, int]) -> bool:
    """Whether nearly all tokens are single characters, most of them of a script that is written without blanks."""
    total = sum(tokens.values())
    single = sum(count for token, count in tokens.items() if len(token) == 1)
    east = sum(count for token, count in tokens.items() if len(token) == 1 and token >= "\u2e80")
    return single > 0.98 * total and east > 0.5 * total


def _frequent(counts: Counter[str], least: int, most: int) -> list[str]:
    """The most frequent ones; where nothing occurs `least` times, all that there are."""
    frequent = [word for word, count in counts.most_common(most) if count >= least]
    return frequent or [word for word, _ in counts.most_common(most)]


def _cut(row: Arrays, spans: Sequence[Span], longest: int) -> list[Arrays]:
    """Cuts a sentence into pieces of at most `longest` tokens, or more where an entity would be cut."""
    length = len(row["tags"])
    pieces, start = [], 0
    while length - start > longest:
        stop = start + longest
        inside = next((span for span in spans if span.start < stop < span.end), None)
        if inside:
            stop = inside.start if inside.start > start else inside.end
        pieces.append((start, stop))
        start = stop
    pieces.append((start, length))
    return [{name: array[start:stop] for name, array in row.items()} for start, stop in pieces if stop > start]
