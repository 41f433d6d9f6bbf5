"""The built-in sample: English sentences and their French translations, written by a small grammar of both.

Translating word by word fails on nearly all of them: most adjectives stand behind the noun in French and agree with it
in gender and number, "not" becomes "ne ... pas" around the verb, an object pronoun moves before the verb, articles and
"ne" lose their vowel before another one. The sentences are made up and meant to try the program on.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from rnn_apps.data.readers.parallel import SentencePair

COUNT = 3000

EXAMPLES = (
    "The black cat does not see the small birds.",
    "My sister is happy, but her brothers are not tired.",
    "Does the young teacher like the white houses?",
)

_VOWELS = frozenset("aeéêiouhô")


@dataclass(frozen=True)
class Noun:
    """A noun: English singular and plural, French singular and plural, gender, and what kind of thing it is."""

    one: str
    many: str
    un: str
    des: str
    gender: str
    kind: str = "thing"


@dataclass(frozen=True)
class Adjective:
    """An adjective: English, two French forms, what it is said of, and whether it stands before a French noun."""

    english: str
    masculine: str
    feminine: str
    kinds: tuple[str, ...]
    before: bool = False

    def french(self, noun: Noun, plural: bool) -> str:
        """The form that agrees with the noun."""
        form = self.feminine if noun.gender == "f" else self.masculine
        return form if not plural or form[-1] in "sx" else form + "s"


@dataclass(frozen=True)
class Verb:
    """A verb that takes an object: to do, does, il fait, ils font."""

    base: str
    third: str
    il: str
    ils: str


_NOUNS = tuple(
    Noun(*line.split())
    for line in (
        "cat cats chat chats m animal", "dog dogs chien chiens m animal", "bird birds oiseau oiseaux m animal",
        "horse horses cheval chevaux m animal", "mouse mice souris souris f animal", "cow cows vache vaches f animal",
        "house houses maison maisons f", "car cars voiture voitures f", "book books livre livres m",
        "letter letters lettre lettres f", "apple apples pomme pommes f", "tree trees arbre arbres m",
        "flower flowers fleur fleurs f", "table tables table tables f", "chair chairs chaise chaises f",
        "boat boats bateau bateaux m", "garden gardens jardin jardins m", "school schools école écoles f",
        "church churches église églises f", "hotel hotels hôtel hôtels m", "key keys clé clés f",
        "coat coats manteau manteaux m", "dress dresses robe robes f", "picture pictures image images f",
        "boy boys garçon garçons m person", "girl girls fille filles f person", "friend friends ami amis m person",
        "brother brothers frère frères m person", "sister sisters sœur sœurs f person",
        "teacher teachers professeur professeurs m person", "farmer farmers fermier fermiers m person",
        "woman women femme femmes f person", "man men homme hommes m person", "child children enfant enfants m person",
    )
)  # fmt: skip

_THINGS, _LIVING = ("thing",), ("animal", "person")
_ADJECTIVES = (
    Adjective("black", "noir", "noire", ("animal", "thing")),
    Adjective("white", "blanc", "blanche", ("animal", "thing")),
    Adjective("green", "vert", "verte", _THINGS),
    Adjective("blue", "bleu", "bleue", _THINGS),
    Adjective("red", "rouge", "rouge", _THINGS),
    Adjective("expensive", "cher", "chère", _THINGS),
    Adjective("heavy", "lourd", "lourde", _THINGS),
    Adjective("strange", "étrange", "étrange", (*_LIVING, "thing")),
    Adjective("French", "français", "française", ("person", "thing")),
    Adjective("happy", "heureux", "heureuse", _LIVING),
    Adjective("tired", "fatigué", "fatiguée", _LIVING),
    Adjective("famous", "célèbre", "célèbre", ("person", "thing")),
    Adjective("small", "petit", "petite", (*_LIVING, "thing"), before=True),
    Adjective("tall", "grand", "grande", ("person",), before=True),
    Adjective("young", "jeune", "jeune", _LIVING, before=True),
)

_OF_ANIMALS = 5
_VERBS = (
    Verb("see", "sees", "voit", "voient"),
    Verb("like", "likes", "aime", "aiment"),
    Verb("look for", "looks for", "cherche", "cherchent"),
    Verb("find", "finds", "trouve", "trouvent"),
    Verb("hate", "hates", "déteste", "détestent"),
    Verb("buy", "buys", "achète", "achètent"),
    Verb("sell", "sells", "vend", "vendent"),
    Verb("paint", "paints", "peint", "peignent"),
    Verb("lose", "loses", "perd", "perdent"),
    Verb("choose", "chooses", "choisit", "choisissent"),
    Verb("carry", "carries", "porte", "portent"),
)

# English, then French for masculine, feminine and plural; before a vowel the singular is another
_DETERMINERS = (
    ("the", "le", "la", "les"),
    ("the", "le", "la", "les"),
    ("my", "mon", "ma", "mes"),
    ("her", "son", "sa", "ses"),
    ("this", "ce", "cette", "ces"),
)
_PLURALS = {"this": "these"}
_BEFORE_VOWEL = {"le": "l'", "la": "l'", "ma": "mon", "sa": "son", "ce": "cet"}
_TIMES = (("today", "aujourd'hui"), ("every day", "tous les jours"), ("in the evening", "le soir"))


@dataclass(frozen=True)
class Phrase:
    """A noun with what belongs to it, in both languages, and whether it is several."""

    english: str
    french: str
    plural: bool


@cache
def pairs() -> tuple[SentencePair, ...]:
    """Returns the sample: `COUNT` different pairs, the same every time."""
    rng = random.Random(6)
    found: dict[str, str] = {}
    sentences = _sentences(rng)
    while len(found) < COUNT:
        english, french = next(sentences)
        if english not in EXAMPLES:
            found.setdefault(english, french)
    return tuple(SentencePair(*pair, f"sample {number}") for number, pair in enumerate(found.items(), 1))


def _sentences(rng: random.Random) -> Iterator[tuple[str, str]]:
    while True:
        kind = rng.choices((_statement, _question, _description, _contrast, _pronoun), (5, 2, 3, 2, 2))[0]
        english, french, end = kind(rng)
        yield (
            english[0].upper() + english[1:] + end,
            french[0].upper() + french[1:] + (end if end == "." else f" {end}"),
        )


def _statement(rng: random.Random) -> tuple[str, str, str]:
    """The cat (does not) see(s) the bird."""
    subject, verb = _acting(rng)
    thing = _phrase(rng, rng.choice(_NOUNS))
    english, french = _predicate(rng, subject, verb)
    english, french = f"{subject.english} {english} {thing.english}", f"{subject.french} {french} {thing.french}"
    if rng.random() < 0.25:
        when = rng.choice(_TIMES)
        return f"{english} {when[0]}", f"{french} {when[1]}", "."
    return english, french, "."


def _question(rng: random.Random) -> tuple[str, str, str]:
    """Does the cat see the bird?"""
    subject, verb = _acting(rng)
    thing = _phrase(rng, rng.choice(_NOUNS))
    english = f"{'do' if subject.plural else 'does'} {subject.english} {verb.base} {thing.english}"
    french = f"est-ce que {subject.french} {verb.ils if subject.plural else verb.il} {thing.french}"
    return english, french, "?"


def _pronoun(rng: random.Random) -> tuple[str, str, str]:
    """The boys (do not) see them."""
    subject, verb = _acting(rng)
    english, french = _predicate(rng, subject, verb, object_before="les ")
    return f"{subject.english} {english} them", f"{subject.french} {french}", "."


def _description(rng: random.Random) -> tuple[str, str, str]:
    """The cat is (not) black."""
    english, french = _being(rng)
    return english, french, "."


def _contrast(rng: random.Random) -> tuple[str, str, str]:
    """The cat is black, but the dogs are not black."""
    first, second = _being(rng), _being(rng)
    return f"{first[0]}, but {second[0]}", f"{first[1]}, mais {second[1]}", "."


def _acting(rng: random.Random) -> tuple[Phrase, Verb]:
    """Somebody and what they do; animals do less than persons."""
    noun = rng.choice([noun for noun in _NOUNS if noun.kind != "thing"])
    return _phrase(rng, noun), rng.choice(_VERBS if noun.kind == "person" else _VERBS[:_OF_ANIMALS])


def _predicate(rng: random.Random, subject: Phrase, verb: Verb, object_before: str = "") -> tuple[str, str]:
    french = object_before + (verb.ils if subject.plural else verb.il)
    if rng.random() < 0.4:
        return f"{'do' if subject.plural else 'does'} not {verb.base}", f"{_elided('ne', french)} pas"
    return verb.base if subject.plural else verb.third, french


def _being(rng: random.Random) -> tuple[str, str]:
    noun = rng.choice(_NOUNS)
    subject = _phrase(rng, noun, plain=0.8)
    adjective = rng.choice([adjective for adjective in _ADJECTIVES if noun.kind in adjective.kinds])
    english, french = ("are", "sont") if subject.plural else ("is", "est")
    if rng.random() < 0.4:
        english, french = f"{english} not", f"{_elided('ne', french)} pas"
    quality = adjective.french(noun, subject.plural)
    return f"{subject.english} {english} {adjective.english}", f"{subject.french} {french} {quality}"


def _phrase(rng: random.Random, noun: Noun, plain: float = 0.4) -> Phrase:
    """A determiner, the noun, and an adjective unless it stays plain."""
    plural = rng.random() < 0.4
    english_determiner, masculine, feminine, several = rng.choice(_DETERMINERS)
    english, french = (noun.many, noun.des) if plural else (noun.one, noun.un)
    if rng.random() >= plain:
        adjective = rng.choice([adjective for adjective in _ADJECTIVES if noun.kind in adjective.kinds])
        english = f"{adjective.english} {english}"
        agreeing = adjective.french(noun, plural)
        french = f"{agreeing} {french}" if adjective.before else f"{french} {agreeing}"
    if plural:
        english_determiner, determiner = _PLURALS.get(english_determiner, english_determiner), several
    else:
        determiner = feminine if noun.gender == "f" else masculine
    if french[0] in _VOWELS:
        determiner = _BEFORE_VOWEL.get(determiner, determiner)
    gap = "" if determiner.endswith("'") else " "
    return Phrase(f"{english_determiner} {english}", f"{determiner}{gap}{french}", plural)


def _elided(word: str, following: str) -> str:
    """A word that loses its last vowel before another one: n'aime."""
    return f"{word[:-1]}'{following}" if following[0] in _VOWELS else f"{word} {following}"
