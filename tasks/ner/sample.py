"""The built-in sample: sentences written by a small grammar, with names that only their context explains.

Jordan is a person in "Jordan signed the letter", a place in "the road to Jordan" and a company in "shares of Jordan
fell"; may, apple and orange are words, too. A model that looks names up in a list stays far behind one that reads. The
sentences are made up and meant to try the program on.
"""

from __future__ import annotations

import random
import re
from functools import cache

from rnn_apps.data.readers.tagged import TaggedSentence
from rnn_apps.data.text.tags import Span, write_tags
from rnn_apps.data.text.tokens import tokenize

COUNT = 2400

EXAMPLES = (
    "Jordan moved to Paris in May, and Florence Dallas joined Orange.",
    "Shares of Jordan rose after Paris Hudson left the board on 3 April.",
    "She may eat an apple in Georgia before Apple opens its new office.",
)

# names that can be several things; each slot of a sentence decides which
_ANYTHING = (
    "Jordan", "Paris", "Florence", "Austin", "Chelsea", "Dallas", "Hudson", "Lincoln", "Sydney", "Virginia", "Georgia",
    "Madison", "Houston", "Phoenix", "Denver", "Preston", "Carson", "Bristol", "Adelaide", "Victoria",
)  # fmt: skip
_FIRST_NAMES = ("Anna", "Peter", "Maria", "John", "Yuki", "Omar", "Ines", "April", "May", "June", "Mark", "Rose")
_LAST_NAMES = ("Smith", "Keller", "Okafor", "Tanaka", "Rossi", "Novak", "Silva", "Brown", "Young", "Marsh", "Field")
_PLACES = ("Kenya", "Lisbon", "Norway", "Osaka", "Chile", "New York", "Cape Town", "Lake Turkana", "Vienna", "Hanoi")
_COMPANIES = ("Apple", "Orange", "Shell", "Target", "Northwind", "Bluefin Bank", "Delta Motors", "Harbour & Sons",
              "the University of Lisbon", "Radio Osaka", "Acme")  # fmt: skip
_MONTHS = ("January", "March", "April", "May", "June", "August", "October", "December")
_DAYS = ("Monday", "Tuesday", "Friday", "Sunday")

_SENTENCES = (
    "{PER} said that the talks would go on .",
    "{PER} moved to {LOC} in {DATE} .",
    "{PER} , who was born in {LOC} , works for {ORG} .",
    "Shares of {ORG} fell after {PER} left the board .",
    "{ORG} will open an office in {LOC} on {DATE} .",
    "The road from {LOC} to {LOC} is closed until {DATE} .",
    "{PER} and {PER} met in {LOC} .",
    "{ORG} has bought {ORG} , {PER} told reporters .",
    "It rained in {LOC} all through {DATE} .",
    "The mayor of {LOC} thanked {PER} for the gift .",
    "{ORG} pays its workers in {LOC} too little , says {PER} .",
    "On {DATE} , {PER} flew from {LOC} to {LOC} .",
    "Her sister {PER} left {ORG} in {DATE} .",
    "The chairman of {ORG} lives near {LOC} .",
    "{PER} scored twice , and {LOC} celebrated .",
    "Profits at {ORG} rose in {DATE} .",
    "The river runs through {LOC} and {LOC} .",
    "My neighbour {PER} has never been to {LOC} .",
    "{ORG} hired {PER} as its new lawyer .",
    "They may march to {LOC} if {PER} asks them to .",
    "The apple was as red as a rose , said {PER} .",
    "She may eat an orange before {ORG} opens .",
    "We hit the target by the field , and nobody minded .",
    "A shell lay on the mark in the sand .",
    "The young man may paint the door brown .",
    "Trains to {LOC} leave at noon .",
    "{PER} will speak for {ORG} on {DATE} .",
)
_SLOT = re.compile(r"\{(\w+)\}")


@cache
def sentences() -> tuple[TaggedSentence, ...]:
    """Returns the sample, without duplicates, the same at every call."""
    rng = random.Random(20030531)
    found: dict[tuple[str, ...], TaggedSentence] = {}
    while len(found) < COUNT:
        tokens, tags = _write(rng.choice(_SENTENCES), rng)
        found.setdefault(tokens, TaggedSentence(tokens, tags, f"sample {len(found) + 1}"))
    return tuple(found.values())


def _write(pattern: str, rng: random.Random) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Fills the slots of a sentence; returns its tokens and tags."""
    tokens: list[str] = []
    spans: list[Span] = []
    for word in pattern.split():
        slot = _SLOT.fullmatch(word)
        name = [token.text for token in tokenize(_name(slot[1], rng))] if slot else [word]
        if slot:
            start = len(tokens) + (name[0] == "the")
            spans.append(Span(start, len(tokens) + len(name), slot[1]))
        tokens += name
    tokens[0] = tokens[0][0].upper() + tokens[0][1:]
    return tuple(tokens), tuple(write_tags(spans, len(tokens), "BIO"))


def _name(kind: str, rng: random.Random) -> str:
    if kind == "PER":
        first = rng.choice((*_FIRST_NAMES, *_ANYTHING))
        last = rng.choice((*_LAST_NAMES, *_ANYTHING))
        return first if rng.random() < 0.4 else f"{first} {last}"
    if kind == "LOC":
        return rng.choice((*_PLACES, *_ANYTHING))
    if kind == "ORG":
        return rng.choice((*_COMPANIES, *_ANYTHING))
    day, month = rng.randint(1, 28), rng.choice(_MONTHS)
    return rng.choice((month, f"{day} {month}", rng.choice(_DAYS), f"{month} {rng.randint(1990, 2024)}"))
