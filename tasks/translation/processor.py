"""Sentence pairs to numbers and numbers to sentences: the subwords of two languages."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import regex

from rnn_apps.arrays import Array, Arrays
from rnn_apps.data.parts import Mapped, counted
from rnn_apps.data.processor import Processor
from rnn_apps.data.readers.parallel import SentencePair
from rnn_apps.data.text.cleaning import clean
from rnn_apps.data.text.pieces import BLANK, END, PADDING, SPECIAL_PIECES, START, UNKNOWN, PieceTokenizer, join_pieces
from rnn_apps.data.text.scripts import IDEOGRAPHS, script, unseen_form, usual_forms, warnings_of
from rnn_apps.data.text.wording import Wording
from rnn_apps.errors import DataError
from rnn_apps.tasks.translation.asides import Asides
from rnn_apps.tasks.translation.letter_case import NAME_INSIDE
from rnn_apps.tasks.translation.names import Names
from rnn_apps.tasks.translation.numbers import in_digits
from rnn_apps.tasks.translation.phrases import Phrases
from rnn_apps.tasks.translation.placeholders import is_hidden
from rnn_apps.tasks.translation.signs import apart, closed_up, replacements, with_known_signs
from rnn_apps.tasks.translation.spelling import learn_spelling
from rnn_apps.tasks.translation.unknowns import with_something_unknown

if TYPE_CHECKING:
    from rnn_apps.tasks.translation.config import TranslationConfig

__all__ = ["END", "PADDING", "START", "UNKNOWN", "TranslationProcessor"]

_SAME_ALPHABET = 0.5  # share of the letters that two languages have in common to get one vocabulary
_RARE_SCRIPT = 0.001
_MET = 4  # sources in which a word of several pieces stands before it is known
_PIECES = 2  # of a name that was hardly met; a word of one piece was frequent enough to be learnt
_BRACKETS = frozenset("()（）")
_MANY_PIECES = 3  # of another word: one of fewer may be understood from its parts
_KEPT = 0.25  # share of the names hardly met that the targets write alike, for others to be copied
_FEWEST = 20  # names hardly met, to know it
_APOSTROPHE = re.compile("['’]")
_LETTER = r"(?![\p{Han}\p{Hiragana}\p{Katakana}])[\p{L}\p{M}]"
_PERHAPS_A_NAME = regex.compile(rf"(?<!{_LETTER})(?:\p{{Lu}}|[a-z])(?:['’-]?{_LETTER})+")


class TranslationProcessor(Processor):
    """Sentences to the numbers of their subwords, and back.

    Args:
        source: pieces of the source language.
        target: pieces of the target language; the same object where the vocabulary is joint.
        facts: `source_language`, `target_language`, `max_tokens`, `max_training_tokens`, `bleu_tokenize`, `lowercase`
            as in `TranslationDataConfig`; `scripts`, those that the training sources are written in; `known_words`,
            those with a capital or in Latin letters that are known though they are several pieces; `name_pieces`, of
            how many another word with a capital is copied: none where the targets write such words otherwise.
    """

    def __init__(self, source: PieceTokenizer, target: PieceTokenizer, facts: dict[str, Any]) -> None:
        self.source, self.target = source, target
        self.facts = facts
        self.source_language: str = facts["source_language"]
        self.target_language: str = facts["target_language"]
        self.max_tokens: int = facts["max_tokens"]
        self.max_training_tokens: int = facts["max_training_tokens"]
        self.bleu_tokenize: str = facts["bleu_tokenize"]
        self.lowercase: bool = facts["lowercase"]
        self.scripts = frozenset(facts["scripts"])
        self.wording = Wording.of(facts.get("wording", {}))
        self.names = Names.of(facts.get("names", {}))
        self.spelling: Mapping[str, str] = facts.get("spelling", {})
        self.tokenised: bool = facts.get("tokenised", True)  # older bundles do not say: nothing is changed
        self.asides, self.phrases = Asides(), Phrases()
        self._signs = replacements(lambda sign: UNKNOWN not in source.encode_batch([sign])[0])
        known = facts.get("known_words")  # older bundles do not say
        self._known_words = None if known is None else frozenset(known)
        self._name_pieces: int | None = facts.get("name_pieces", _MANY_PIECES)

    @property
    def joint(self) -> bool:
        """Whether both languages have one vocabulary."""
        return self.source is self.target

    @classmethod
    def fit(cls, examples: Iterable[SentencePair], config: TranslationConfig) -> TranslationProcessor:
        """Learns the pieces of both languages from training examples, which are iterated several times."""
        data = config.data
        asides = Asides.learn(examples)
        letters = [_letters(examples, side) for side in ("source", "target")]
        joint = data.vocabulary == "joint"
        if data.vocabulary == "auto":
            joint = _common_share(*letters) >= _SAME_ALPHABET
        sides: tuple[tuple[str, ...], ...] = (("source", "target"),) if joint else (("source",), ("target",))
        tokenizers = [
            PieceTokenizer.train(_texts(asides.with_brackets(examples), names), data.vocabulary_size, data.lowercase)
            for names in sides
        ]
        facts = _said(config) | {"lowercase": data.lowercase, "scripts": _scripts(letters[0])}
        facts |= _words_met(examples, tokenizers[0])
        facts |= _learnt(examples, config) | {"tokenised": asides.tokenised}
        facts |= {"wording": Wording.fit(_texts(examples, ("source",)), tokenizers[0].lengths).as_json()}
        processor = cls(tokenizers[0], tokenizers[-1], facts)
        processor.asides, processor.phrases = asides, Phrases.learn(examples) if data.phrases else Phrases()
        return processor

    def extended(self, examples: Iterable[SentencePair], config: TranslationConfig) -> tuple[TranslationProcessor, str]:
        """Adds pieces of the new texts, whose languages may be others."""
        sides = (("source", "target"),) if self.joint else (("source",), ("target",))
        asides = Asides.learn(examples)
        texts = asides.with_brackets(examples)
        grown = [
            getattr(self, names[0]).grown(_texts(texts, names), getattr(self, names[0]).vocabulary_size // 2)
            for names in sides
        ]
        scripts = _scripts(_letters(examples, "source"))
        met = _words_met(examples, grown[0][0])
        facts = self.facts | _said(config) | {"scripts": sorted({*self.scripts, *scripts})} | met
        facts |= _learnt(examples, config) | {"tokenised": asides.tokenised}
        facts |= {"known_words": sorted({*(self._known_words or ()), *met["known_words"]})}
        facts |= {"name_pieces": met["name_pieces"] and self._name_pieces}
        facts |= {"wording": Wording.fit(_texts(examples, ("source",)), grown[0][0].lengths).as_json()}
        told = ", ".join(dict.fromkeys(news for _, news in grown if news))
        extended = TranslationProcessor(grown[0][0], grown[-1][0], facts)
        extended.asides, extended.phrases = asides, Phrases.learn(examples) if config.data.phrases else Phrases()
        return extended, told

    def is_unknown(self, word: str, beside_a_name: bool = False) -> bool:
        """Whether a word was hardly met in training, so that it is rather copied than translated if it is a name.

        Args:
            word: with or without a capital.
            beside_a_name: whether such a word stands beside it, as in "Baktre Street": then one of several pieces
                belongs to it, though it was met elsewhere.
        """
        if self._known_words is None or self._name_pieces is None:
            return False
        if word in self._known_words and not beside_a_name:
            return False
        small = word.lower()
        if word.isupper() and len(word) > 1 and (small in self._known_words or self.word_cost(small)[0] < _PIECES):
            return False  # a word in CAPITALS
        if in_digits(small, self.source_language, 0) != small:
            return False  # Fifty-six
        stem = _APOSTROPHE.split(word)[0]
        least = self._name_pieces if word[0].isupper() else _MANY_PIECES
        return self.word_cost(word)[0] >= least and (stem == word or self.is_unknown(stem, beside_a_name))

    def is_word(self, word: str) -> bool:
        """Whether a word was met in training as it is."""
        return self._known_words is None or word in self._known_words or self.word_cost(word)[0] < _PIECES

    def warnings(self, text: str) -> list[str]:
        """Returns why the translation of a text may not be trusted: its script, or its words."""
        return warnings_of(text, self.scripts) or self.unusual(text)

    def unusual(self, text: str) -> list[str]:
        """Returns the warning that the words of a text are not those of the source language, if they are not."""
        return self.wording.warnings(clean(text), self.source.lengths)

    def word_cost(self, word: str) -> tuple[int, ...]:
        """How badly a word behind a blank is known: in how many pieces it is written, then how rare these are."""
        numbers = self.source.encode_batch([word])[0].tolist()
        return len(numbers) + numbers.count(UNKNOWN) * _MANY_PIECES, *numbers

    def encode(self, examples: Sequence[SentencePair], training: bool = False) -> list[Arrays]:
        """Returns `source`, `target_in` and `target_out`, int32 (time,), for each pair.

        `target_in` is the target behind a start sign, `target_out` the same with an end sign behind it: what follows
        each. To measure translations with, there are `source_text` and `reference` beside, the two texts in UTF-8,
        uint8 (bytes,). In training some words that both sides have are unknown, so that copying them is learnt (see
        `unknowns`), some pairs have an aside in brackets (see `asides`), and phrases may stand among them
        (see `phrases`).
        """
        longest = self.max_training_tokens if training else self.max_tokens
        if training:
            languages = self.source_language, self.target_language
            names = self.asides.counterparts
            pairs = map(self.asides.beside, self.phrases.among(examples))
            examples = [with_something_unknown(pair, names, languages, self.names) for pair in pairs]
        sources = self._source_rows([pair.source for pair in examples], longest)
        rows = []
        targets = self.target.encode_batch([self._as_said(pair.target) for pair in examples])
        for pair, source, target in zip(examples, sources, targets, strict=True):
            # a target that is cut has no end that could be learnt
            following = np.append(target, np.int32(END))[:longest]
            row = {"source": source, "target_in": np.append(np.int32(START), following[:-1]), "target_out": following}
            if not training:
                row |= {"source_text": to_bytes(pair.source), "reference": to_bytes(pair.target)}
            rows.append(row)
        return rows

    def encode_inputs(self, inputs: Sequence[str]) -> list[Arrays]:
        """Returns `source`, int32 (time,) with an end sign behind, for each text; a longer one is cut."""
        for number, text in enumerate(inputs, 1):
            if not isinstance(text, str):
                raise DataError(f"Expected texts. Input {number} is of the type {type(text).__name__}.")
        return [{"source": row} for row in self._source_rows(inputs, self.max_tokens)]

    @property
    def brackets(self) -> tuple[list[int], list[int]]:
        """The pieces of the source that are brackets, and those of the target."""
        source, target = (
            [number for number, piece in enumerate(own.tokens(range(own.vocabulary_size))) if _BRACKETS & set(piece)]
            for own in (self.source, self.target)
        )
        return source, target

    def as_read(self, text: str) -> str:
        """Returns a source as the vocabulary reads it; read again it stays as it is."""
        return with_known_signs(clean(text), self._signs)

    def _as_said(self, target: str) -> str:
        return clean(target) if self.tokenised else apart(clean(target))

    def _source_rows(self, texts: Sequence[str], longest: int) -> list[Array]:
        rows = self.source.encode_batch([self.as_read(text) for text in texts])
        return [np.append(row[: longest - 1], np.int32(END)) for row in rows]

    def decode(self, tokens: Iterable[int], aligned: Sequence[int] | None = None, source_text: str = "") -> str:
        """Returns the text of target tokens.

        Args:
            tokens: their numbers; padding, start and end are left out.
            aligned: for each token the place in the source that the attention looked at most.
            source_text: the text that was translated. What stands there at an unknown token's place is copied;
                without it, unknown tokens are left out.
        """
        numbers = [int(number) for number in tokens]
        pieces = self.target.tokens(numbers)
        if UNKNOWN in numbers:
            copied = self._copied(numbers, aligned, source_text)
            pieces = [copied.get(place, piece) for place, piece in enumerate(pieces)]
        shown = (piece for piece, n in zip(pieces, numbers, strict=True) if n not in (PADDING, START, END))
        return join_pieces(shown) if self.tokenised else closed_up(join_pieces(shown))

    def _copied(self, numbers: Sequence[int], aligned: Sequence[int] | None, source_text: str) -> dict[int, str]:
        """What stands in for each unknown token, by its place."""
        places = [place for place, number in enumerate(numbers) if number == UNKNOWN]
        if aligned is None or not source_text:
            return dict.fromkeys(places, "")
        text = self.as_read(source_text)
        ids, spans = self.source.offsets(text)
        unknown = {at for own, span in zip(ids, spans, strict=True) if own == UNKNOWN for at in range(*span)}
        words: dict[int, str] = {}
        looked: dict[int, tuple[int, int]] = {}
        for place in places:
            start, end = spans[aligned[place]] if aligned[place] < len(spans) else (0, 0)
            if end - start == 1 and is_hidden(text[start]):  # it is a word of its own
                glued = place > 0 and _ends_in_word(self.target.tokens([numbers[place - 1]])[0])
                words[place] = BLANK + text[start] if glued else text[start]
                continue
            # the rest of a word that is known in part, and signs that stand alone but are unknown one like the other
            while 0 < start < end and _in_one_word(text, start - 1, unknown):
                start -= 1
            while start < end < len(text) and _in_one_word(text, end, unknown):
                end += 1
            words[place], looked[place] = text[start:end].replace(" ", BLANK), (start, end)
        # unknown subwords one behind the other, a blank between or none, that look at one word write it once
        pieces = self.target.tokens(numbers)
        for last, place in pairwise(places):
            between = range(last + 1, place)
            once = place in looked and looked[place] == looked.get(last)
            if once and all(pieces[own] == BLANK for own in between):
                words |= dict.fromkeys([last, *between], "")
        return words

    def unseen_scripts(self, text: str) -> list[str]:
        """Returns the scripts of a text that no training source was written in, "CYRILLIC" or "TRADITIONAL CHINESE"."""
        found = {script(c) for c in text if c.isalpha()} - self.scripts
        form = unseen_form(text, self.scripts)
        return sorted(found | {f"{form} CHINESE"} if form else found)

    def aids(self) -> Any:
        """Returns the asides and phrases, which are texts of the training data."""
        return {"asides": self.asides.as_json(), "phrases": self.phrases.as_json()}

    def take_aids(self, aids: Any) -> None:
        """Takes the asides and phrases."""
        self.asides, self.phrases = Asides.of(aids["asides"]), Phrases.of(aids["phrases"])

    def save(self, folder: Path) -> None:
        """Writes `processor.json` and the pieces: `pieces.json`, or one file a language."""
        text = json.dumps(self.facts | {"joint": self.joint}, ensure_ascii=False)
        (folder / "processor.json").write_text(text, encoding="utf-8")
        if self.joint:
            self.source.save(folder / "pieces.json")
        else:
            self.source.save(folder / "source_pieces.json")
            self.target.save(folder / "target_pieces.json")

    @classmethod
    def load(cls, folder: Path) -> TranslationProcessor:
        """Reads what `save` wrote."""
        facts = json.loads((folder / "processor.json").read_text(encoding="utf-8"))
        if facts.pop("joint"):
            both = PieceTokenizer.load(folder / "pieces.json")
            return cls(both, both, facts)
        source, target = (PieceTokenizer.load(folder / f"{side}_pieces.json") for side in ("source", "target"))
        return cls(source, target, facts)


def _said(config: TranslationConfig) -> dict[str, Any]:
    """The facts that are settings."""
    names = ("source_language", "target_language", "max_tokens", "max_training_tokens", "bleu_tokenize")
    return {name: getattr(config.data, name) for name in names}


def _learnt(examples: Iterable[SentencePair], config: TranslationConfig) -> dict[str, Any]:
    """The facts `names`, of the two languages as far as the examples have no others, and `spelling`."""
    names = Names.between(config.data.source_language, config.data.target_language).confirmed(examples)
    return {"names": names.as_json(), "spelling": learn_spelling(examples)}


def _words_met(examples: Iterable[SentencePair], source: PieceTokenizer) -> dict[str, Any]:
    """The facts `known_words` and `name_pieces`.

    Known is what stands in enough sources to be learnt. Of the names that do not, which part stands in the target as it
    is tells whether others are to be copied: half of the English or French ones do, of German nouns a twentieth.
    """
    counts = counted(_perhaps_names, examples)
    words = sorted(word for word, count in counts.items() if count >= _MET)
    pieces = source.encode_batch(words)
    known = [word for word, own in zip(words, pieces, strict=True) if len(own) >= _PIECES or UNKNOWN in own]
    rare = frozenset(word for word, count in counts.items() if count < _MET and word[0].isupper())
    found = counted(partial(_what_becomes_of, rare), examples)
    copied = found.total() < _FEWEST or found["kept"] >= _KEPT * found.total()
    return {"known_words": known, "name_pieces": _PIECES if copied else None}


def _perhaps_names(examples: Iterable[SentencePair]) -> Iterator[str]:
    return chain.from_iterable(set(_PERHAPS_A_NAME.findall(clean(pair.source))) for pair in examples)


def _what_becomes_of(names: frozenset[str], examples: Iterable[SentencePair]) -> Iterator[str]:
    """For each of these names inside a source, whether its target keeps it."""
    for pair in examples:
        for name in names.intersection(NAME_INSIDE.findall(clean(pair.source))):
            yield "kept" if name in pair.target else "written otherwise"


def _scripts(letters: Counter[str]) -> list[str]:
    """The scripts of texts in which these letters stand, but for those that hardly occur."""
    found: Counter[str] = Counter()
    for letter, count in letters.items():
        found[script(letter)] += count
    notable = {name for name, count in found.items() if count >= _RARE_SCRIPT * found.total()}
    return sorted(notable | usual_forms(letters))


def _texts(examples: Iterable[SentencePair], sides: Sequence[str]) -> Mapped:
    """One side of the examples, or both."""
    return Mapped(lambda own: (clean(getattr(pair, side)) for pair in own for side in sides), examples)


def _ends_in_word(piece: str) -> bool:
    """Whether a piece ends in a letter or a digit of a script that is written with blanks."""
    return piece not in SPECIAL_PIECES and piece[-1:].isalnum() and script(piece[-1]) not in IDEOGRAPHS


def _in_one_word(text: str, at: int, unknown: set[int]) -> bool:
    """Whether the character there belongs to the word of the one beside it; ideographs are words of their own."""
    if is_hidden(text[at]):
        return False
    return at in unknown or (text[at].isalnum() and script(text[at]) not in IDEOGRAPHS)


def to_bytes(text: str) -> Array:
    """Returns a text as an array, uint8 (bytes,)."""
    return np.frombuffer(text.encode("utf-8", "replace"), np.uint8)


def to_text(array: Array) -> str:
    """Returns the text of such an array, whatever padding stands behind it."""
    return bytes(array).rstrip(b"\0").decode("utf-8")


def _letters(examples: Iterable[SentencePair], side: str) -> Counter[str]:
    """How often each letter occurs."""
    counts = counted(lambda own: chain.from_iterable(getattr(pair, side) for pair in own), examples)
    return Counter({character: count for character, count in counts.items() if character.isalpha()})


def _common_share(first: Counter[str], second: Counter[str]) -> float:
    """The share that two distributions of letters have in common, from 0 to 1."""
    totals = max(first.total(), 1), max(second.total(), 1)
    return sum(min(first[letter] / totals[0], second[letter] / totals[1]) for letter in first)
