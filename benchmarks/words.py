"""What people type first into a translator: words, phrases, greetings and headings, none a whole sentence.

    python benchmarks/words.py [--output benchmarks/results/words.json]

Right is a translation that words.tsv accepts, in any case; a sign at the end counts.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from common import print_table, write_result

import rnn_apps

WORDS = Path(__file__).with_name("words.tsv")
MODELS = {"en": "translation", "zh": "translation-zh-en"}


def main() -> None:
    """Translates them all, and shows what is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", action="append", help="instead of those that ship, English first")
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    rows = [line.split("\t") for line in WORDS.read_text(encoding="utf-8").splitlines()]
    found: list[list[object]] = [["model", "texts", "right", "wrong and warned"]]
    for language, name in zip(MODELS, arguments.model or MODELS.values(), strict=False):
        own = [(text, accepted.casefold().split("|")) for code, text, accepted in rows if code == language]
        answers = rnn_apps.load(name).predict([text for text, _ in own])
        wrong = [
            (text, answer)
            for (text, accepted), answer in zip(own, answers, strict=True)
            if answer.translation.casefold() not in accepted
        ]
        for text, answer in wrong:
            print(f"  {text} -> {answer.translation}{' (warned)' if answer.warnings else ''}")
        warned = sum(bool(answer.warnings) for _, answer in wrong)
        found.append([name, len(own), len(own) - len(wrong), warned])
    print_table(found)
    if arguments.output:
        write_result(arguments.output, [dict(zip(found[0], row, strict=True)) for row in found[1:]])


if __name__ == "__main__":
    main()
