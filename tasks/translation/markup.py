"""Tags, links and stars in a sentence: taken out before it is translated, and put around the words they stood around.

The attention says which words of the translation those are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

import numpy as np
import regex

from rnn_apps.arrays import Array

_NAME = r"(?<name>[A-Za-z][A-Za-z0-9]*+)"
_TAGS = rf"(?<ends></){_NAME}[^<>]*> | (?<begins><){_NAME}[^<>]*(?<!/)>"
_MARK = regex.compile(rf"{_TAGS} | (?<begins>!?\[) | (?<ends>\]\(.*\)) | [*_~]+", regex.VERBOSE)
_DEEPEST = 50  # marks that wait for their other
_SHORT_FORM = regex.compile(r"(?:['’](?:t|s|re|ve|ll|d|m)\b)?")  # don't
_LONG = 2000  # characters of a sentence
_BELONGS = 0.5  # of the attention of a word


@dataclass(frozen=True)
class Marked:
    """A part of a sentence that stands between two marks.

    Attributes:
        start: its first character.
        end: the last + 1.
        opening: what stands before it; "" where that is outside of the sentence.
        closing: what stands behind it; "" likewise.
    """

    start: int
    end: int
    opening: str
    closing: str


@dataclass(frozen=True)
class Said:
    """A word of a translation.

    Attributes:
        start: its first character, blanks not counted.
        end: the last + 1.
        weights: of the attention to each piece of the source, (pieces,).
    """

    start: int
    end: int
    weights: Array


def pairs(text: str, originals: Mapping[str, str]) -> dict[str, str]:
    """Returns for each character of a text that stands for the beginning of something marked the one for its end.

    Args:
        text: with a character for each mark.
        originals: what the characters stand for.
    """
    found: dict[str, str] = {}
    begun: list[tuple[str, str, int]] = []  # what it is called, its character, and how many letters stand before
    letters = 0
    for character in text:
        if character == "\n":
            begun = [own for own in begun if own[0].isalnum()]  # stars end with their line
        mark = _MARK.fullmatch(originals.get(character, ""))
        if not mark:
            letters += character.isalnum() or character in originals
            continue
        name = mark["name"].lower() if mark["name"] else "[" if mark["begins"] or mark["ends"] else mark[0]
        place = next((n for n in reversed(range(len(begun))) if begun[n][0] == name), None)
        if place is not None and not mark["begins"]:
            if begun[place][2] < letters:
                found[begun[place][1]] = character
            del begun[place:]
        elif not mark["ends"]:
            begun = [*begun[-_DEEPEST:], (name, character, letters)]
    return found


def take_out(sentence: str, paired: Mapping[str, str]) -> tuple[str, list[Marked]]:
    """Returns a sentence without the marks that have their other, and what stood between them, the outer ones first."""
    closing = {character: own for own, character in paired.items()}
    plain, begun = "", dict[str, int]()
    ended: list[Marked] = []
    taken = False
    for character in sentence:
        if character in paired:
            begun[character] = len(plain)
        elif character in closing:
            start = begun.pop(closing[character], None)
            opening = "" if start is None else closing[character]
            ended.append(Marked(start or 0, len(plain), opening, character))
        elif not (taken and character == " " and plain[-1:] in ("", " ")):
            plain += character
        taken = character in paired or character in closing
    ended += [Marked(start, len(plain), character, "") for character, start in begun.items()]
    ended.reverse()  # of those in the same place the outer one ends last
    return plain, sorted(ended, key=lambda own: (own.start, -own.end))


def dealt(marked: Sequence[Marked], sentence: str, parts: Sequence[str]) -> list[list[Marked]]:
    """Returns what stands between marks in each of the parts that a sentence is cut into."""
    found: list[list[Marked]] = []
    before = 0
    for number, part in enumerate(parts):
        start = sentence.index(part, before)
        end = len(sentence) + 1 if number == len(parts) - 1 else start + len(part)
        found.append([])
        for own in marked:
            begins, ends = before <= own.start < end, before < own.end <= end
            if begins or ends:
                first = max(own.start - start, 0) if begins else 0
                last = min(own.end - start, len(part)) if ends else len(part)
                found[-1].append(
                    Marked(first, max(first, last), own.opening if begins else "", own.closing if ends else "")
                )
        before = end
    return found


def put_back(text: str, marked: Sequence[Marked], spans: Sequence[tuple[int, int]], words: Sequence[Said]) -> str:
    """Puts marks around the words of a translation that look at what they stood around.

    Args:
        text: the translation.
        marked: what stood between marks in the source, the outer first.
        spans: first and last + 1 character of each piece of the source.
        words: those of the translation.
    """
    letters = [place for place, character in enumerate(text) if not character.isspace()]
    if not letters:
        return "".join([own.opening for own in marked] + [own.closing for own in reversed(marked)])
    words = [word for word in words if word.end <= len(letters)]
    before, behind = [""] * (len(text) + 1), [""] * (len(text) + 1)
    for own in marked:
        start, end = 0, len(text)  # all of it, where there is no word
        if words:
            inside = [place for place, (begin, stop) in enumerate(spans) if begin < own.end and stop > own.start]
            weights = [float(word.weights[inside].sum()) for word in words]
            chosen = [number for number, weight in enumerate(weights) if weight >= _BELONGS]
            first, last = _longest_run(chosen or [int(np.argmax(weights))])
            start, end = letters[words[first].start], letters[words[last].end - 1] + 1
            end += len(_SHORT_FORM.match(text[end:])[0])
        before[start] += own.opening
        behind[end] = own.closing + behind[end]
    signs = [*text, ""]
    return "".join(last + first + sign for last, first, sign in zip(behind, before, signs, strict=True))


def _longest_run(numbers: Sequence[int]) -> tuple[int, int]:
    """The first and the last of the longest stretch of numbers in which at most one is lacking between two."""
    runs = [[numbers[0], numbers[0]]]
    for number in numbers[1:]:
        if number - runs[-1][1] <= 2:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    first, last = max(runs, key=lambda run: run[1] - run[0])
    return first, last


def moved(marked: Sequence[Marked], before: str, after: str) -> list[Marked]:
    """Returns what stands between marks in a sentence in which something has changed."""
    if not marked or before == after:
        return list(marked)
    if len(before) > _LONG:  # to compare them would take as long as their square
        last = len(after)
        return [replace(own, start=min(own.start, last), end=min(own.end, last)) for own in marked]
    changes = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()

    def place(old: int, end: bool) -> int:
        for kind, start, stop, new_start, new_stop in changes:
            if start <= old < stop or (end and old == stop):
                return new_start + old - start if kind == "equal" else (new_stop if end else new_start)
        return len(after)

    return [Marked(place(own.start, False), place(own.end, True), own.opening, own.closing) for own in marked]
