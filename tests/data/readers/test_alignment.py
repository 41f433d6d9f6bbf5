"""Files that have slipped are told; those that go together are not, whatever their order."""

import numpy as np
import pytest

from rnn_apps.data.readers.alignment import Traits, slips
from rnn_apps.data.readers.parallel import survey_pairs

WORDS = [
    "a",
    "dog",
    "runs",
    "over",
    "the",
    "green",
    "hill",
    "while",
    "two",
    "men",
    "look",
    "at",
    "it",
    "from",
    "afar",
    "and",
    "say",
    "nothing",
]


def pairs(count, seed=0):
    """Sentences of 2 to 16 words beside what is about as long and asks where they do."""
    rng = np.random.default_rng(seed)
    lengths, asking = rng.integers(2, 16, count), rng.uniform(size=count) < 0.2
    translated = np.maximum(1, lengths + rng.integers(-1, 3, count))
    return [
        [
            " ".join(rng.choice(WORDS, length)) + (mark if asks else ".")
            for length, asks in zip(own, asking, strict=True)
        ]
        for own, mark in ((lengths, "?"), (translated, " ?"))
    ]


def told(source, target):
    sides = Traits(), Traits()
    for side, texts in zip(sides, (source, target), strict=True):
        for text in texts:
            side.add(text)
    return slips(*sides)


@pytest.mark.parametrize("order", ["as they come", "by length"])
def test_lines_that_go_together(order):
    source, target = pairs(950)
    if order == "by length":
        by_length = sorted(range(950), key=lambda n: len(source[n]))
        source, target = [[texts[n] for n in by_length] for texts in (source, target)]
    assert told(source, target) == []


def test_lines_that_have_nothing_to_do_with_each_other():
    assert told(pairs(950)[0], pairs(950, 1)[1]) == []


@pytest.mark.parametrize("count", [0, 1, 99])
def test_a_few_lines_tell_nothing(count):
    source, target = pairs(count)
    assert told(source, [*target[1:], *target[:1]]) == []


@pytest.mark.parametrize("slip", [-3, -1, 1, 2])
def test_a_whole_file_that_has_slipped(slip):
    source, target = pairs(950)
    assert told(source, np.roll(target, slip).tolist()) == [(1, 950, slip)]


def test_from_a_line_that_is_lacking_on(tmp_path):
    source, target = pairs(950)
    del target[300]
    target.insert(700, "the end.")
    for name, texts in (("a.en", source), ("a.fr", target)):
        (tmp_path / name).write_text("".join(f"{text}\n" for text in texts))
    (warning,) = survey_pairs([tmp_path / "a.en", tmp_path / "a.fr"]).warnings
    assert warning.startswith(
        "pairs 301 to 700 seem to have slipped: the translation of a line stands about 1 line further up, "
    )
