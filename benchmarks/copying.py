"""Whether a translation keeps what is no language, and names: 360 sentences for each model, a thing to copy in each.

    python benchmarks/copying.py [--model translation] [--output benchmarks/results/copying.json]

A thing is intact where it stands in the translation once, letter for letter; a number may be in words. Beside these,
each month, day of the week, country, language and title, some times of day and ordinals in words and in digits stand in
three sentences, and are to be called what the other language calls them.
"""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from common import print_table, write_result

import rnn_apps
from rnn_apps.tasks.translation.names import Names
from rnn_apps.tasks.translation.numbers import in_digits, ordinals

SENTENCES, WORDS = (Path(__file__).with_name(name) for name in ("copied.toml", "said.toml"))
NAMED = {
    "months": {
        "en": ("I was born in {}.", "We will meet in {}.", "She left at the end of {}."),
        "zh": ("他{}出生。", "我们{}见面。", "{}很冷。"),
    },
    "days": {
        "en": ("The shop is closed on {}.", "I have a test next {}.", "On {} we went to the beach."),
        "zh": ("{}我很忙。", "我们{}去海边。", "下个{}见。"),
    },
    "cities": {
        "en": ("She lives in {}.", "I flew to {}.", "{} is a beautiful city."),
        "zh": ("她住在{}。", "我坐飞机去{}。", "{}是个美丽的城市。"),
    },
    "countries": {
        "en": ("She lives in {}.", "He comes from {}.", "{} is a beautiful country."),
        "zh": ("她住在{}。", "他来自{}。", "{}是个美丽的国家。"),
    },
    "languages": {
        "en": ("She speaks {}.", "I am learning {}.", "This book is in {}."),
        "zh": ("她会说{}。", "我在学{}。", "这本书是{}的。"),
    },
    "titles": {"en": ("{} Smith is here.", "I know {} Jackson.", "Ask {} Novak.")},
}
TIMES = {
    "en": ("I get up at {}.", "It's {}.", "The meeting begins at {}."),
    "zh": ("我{}起床。", "现在是{}。", "会议{}开始。"),
}
ORDINALS = {
    "en": ("She lives on the {} floor.", "This is my {} visit to Paris.", "He finished in {} place."),
    "zh": ("她住在{}楼。", "这是我{}次来巴黎。", "他是{}名。"),
}
# from which language to which
MODELS = {"translation": ("en", "fr"), "translation-zh-en": ("zh", "en")}


class Said(NamedTuple):
    """What one language calls otherwise than another.

    Attributes:
        kind: of it.
        words: each.
        sentences: with {} for one of them.
        is_said: tells whether one stands in a translation.
    """

    kind: str
    words: list[str]
    sentences: Sequence[str]
    is_said: Callable[[str, str], Any]


class Copied(NamedTuple):
    """A sentence, and what of it is to be copied.

    Attributes:
        kind: of the thing.
        text: the sentence.
        thing: what is to be copied.
    """

    kind: str
    text: str
    thing: str


def sentences(language: str) -> Iterator[Copied]:
    """Yields 360 sentences in a language, "en" or "zh"."""
    for kind, own in tomllib.loads(SENTENCES.read_text(encoding="utf-8")).items():
        for number, thing in enumerate(own["things"]):
            yield Copied(kind, own[language][number % len(own[language])].replace("{}", thing, 1), thing)


def measure(name: str, language: str) -> tuple[list[dict[str, Any]], list[str]]:
    """Returns, for each kind and for all, how many things there are, are intact, and stand where they belong.

    Args:
        name: of a model.
        language: that it reads.
    """
    given = list(sentences(language))
    found = rnn_apps.load(name).predict([own.text for own in given])
    rows: dict[str, dict[str, Any]] = {}
    broken = []
    for own, answer in zip(given, found, strict=True):
        said = in_digits(answer.translation, MODELS[name][1], 0) if own.kind == "number" else answer.translation
        intact = said.count(own.thing) == 1
        placed = intact and not any(own.thing in warning and "may belong" in warning for warning in answer.warnings)
        for kind in (own.kind, "all"):
            row = rows.setdefault(kind, {"kind": kind, "count": 0, "intact": 0, "placed by the model": 0})
            row["count"] += 1
            row["intact"] += intact
            row["placed by the model"] += placed
        if not intact:
            broken.append(f"{own.text} -> {answer.translation}")
    return [row | {"share": row["intact"] / row["count"]} for row in rows.values()], broken


def said_by(language: str, names: Names, other: str) -> Iterator[Said]:
    """Yields the kinds of what has a name or is counted.

    Args:
        language: that a model reads.
        names: of the model.
        other: that it writes.
    """
    for kind, sentences_of in NAMED.items():
        if names.kinds.get(kind):
            yield Said(kind, list(names.kinds[kind]), sentences_of[language], names.said)
    said = tomllib.loads(WORDS.read_text(encoding="utf-8"))
    times, ordinal_words = said["times"][language], said["ordinals"][language]
    yield Said("times", list(times), TIMES[language], lambda own, answer: times[own] in answer)

    def has_ordinal(own: str, answer: str) -> bool:
        return ordinal_words[own] in (found.value for found in ordinals(answer, other))

    yield Said("ordinals", list(ordinal_words), ORDINALS[language], has_ordinal)


def measure_said(name: str) -> tuple[list[dict[str, Any]], list[str]]:
    """Returns how much of what has a name or is counted is said as the other language says it.

    Args:
        name: of a model.
    """
    model = rnn_apps.load(name)
    language, other = MODELS[name]
    rows, misnamed = [], []
    for kind, words, own_sentences, is_said in said_by(language, model.predictor.processor.names, other):
        given = [(word, own.replace("{}", word)) for word in words for own in own_sentences]
        answers = model.predict([text for _, text in given])
        wrong = [
            f"{text} -> {answer.translation}"
            for (word, text), answer in zip(given, answers, strict=True)
            if not is_said(word, answer.translation)
        ]
        right = len(given) - len(wrong)
        rows.append({"kind": kind, "count": len(given), "right": right, "share": right / len(given)})
        misnamed += wrong
    return rows, misnamed


def main() -> None:
    """Measures the models, prints a table of each and writes both as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=list(MODELS))
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    result = {}
    for name in [arguments.model] if arguments.model else MODELS:
        rows, broken = measure(name, MODELS[name][0])
        result[name] = {"kinds": rows, "broken": broken}
        print(f"\n{name}\n")
        print_table([list(rows[0]), *(list(row.values()) for row in rows)])
        said, misnamed = measure_said(name)
        result[name] |= {"said": said, "misnamed": misnamed}
        print()
        print_table([list(said[0]), *(list(row.values()) for row in said)])
        for line in [*broken, *misnamed]:
            print(f"  {line}")
    if arguments.output:
        write_result(arguments.output, result)


if __name__ == "__main__":
    main()
