"""Whether a translation keeps what is no language, and names: 360 sentences for each model, a thing to copy in each.

    python benchmarks/copying.py [--model translation] [--output benchmarks/results/copying.json]

A thing is intact where it stands in the translation once, letter for letter; a number may be in words. Beside these,
each month, day of the week, country and language stands in three sentences, and is to be called what the other
language calls it.
"""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from common import print_table, write_result

import rnn_apps
from rnn_apps.tasks.translation.numbers import in_digits

SENTENCES = Path(__file__).with_name("copied.toml")
NAMED = {
    "months": {
        "en": ("I was born in {}.", "We will meet in {}.", "She left at the end of {}."),
        "zh": ("他{}出生。", "我们{}见面。", "{}很冷。"),
    },
    "days": {
        "en": ("The shop is closed on {}.", "I have a test next {}.", "On {} we went to the beach."),
        "zh": ("{}我很忙。", "我们{}去海边。", "下个{}见。"),
    },
    "countries": {
        "en": ("She lives in {}.", "He comes from {}.", "{} is a beautiful country."),
        "zh": ("她住在{}。", "他来自{}。", "{}是个美丽的国家。"),
    },
    "languages": {
        "en": ("She speaks {}.", "I am learning {}.", "This book is in {}."),
        "zh": ("她会说{}。", "我在学{}。", "这本书是{}的。"),
    },
}
# from which language to which
MODELS = {"translation": ("en", "fr"), "translation-zh-en": ("zh", "en")}


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


def measure_names(name: str, language: str) -> tuple[list[dict[str, Any]], list[str]]:
    """Returns how many of the names that every language has are said as the other language says them.

    Args:
        name: of a model.
        language: that it reads.
    """
    model = rnn_apps.load(name)
    names = model.predictor.processor.names
    rows, misnamed = [], []
    for kind, sentences_of in NAMED.items():
        given = [(word, own.replace("{}", word)) for word in names.kinds[kind] for own in sentences_of[language]]
        answers = model.predict([text for _, text in given])
        wrong = [
            f"{text} -> {answer.translation}"
            for (word, text), answer in zip(given, answers, strict=True)
            if not names.said(word, answer.translation)
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
        names, misnamed = measure_names(name, MODELS[name][0])
        result[name] |= {"names": names, "misnamed": misnamed}
        print()
        print_table([list(names[0]), *(list(row.values()) for row in names)])
        for line in [*broken, *misnamed]:
            print(f"  {line}")
    if arguments.output:
        write_result(arguments.output, result)


if __name__ == "__main__":
    main()
