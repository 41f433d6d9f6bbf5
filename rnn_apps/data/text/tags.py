"""Tags of spans: the schemes BIO, IOB1 and BIOES, how they are told apart, read and written.

    token    Anna   lives  in   New    York   City   .
    BIO      B-PER  O      O    B-LOC  I-LOC  I-LOC  O     (also called IOB2)
    IOB1     I-PER  O      O    I-LOC  I-LOC  I-LOC  O     (B- only where two spans of one type touch)
    BIOES    S-PER  O      O    B-LOC  I-LOC  E-LOC  O     (also written BMES, or BILOU)

All are read by the rules of the CoNLL evaluation script (`conlleval`), which make sense of any sequence of tags.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rnn_apps.errors import DataError

OUTSIDE = "O"

# other letters for the same thing
_PREFIXES = {"B": "B", "I": "I", "E": "E", "S": "S", "M": "I", "L": "E", "U": "S"}


class Span(NamedTuple):
    """Tokens `start` to `end` (exclusive) form an entity of a type."""

    start: int
    end: int
    type: str


def split_tag(tag: str) -> tuple[str, str]:
    """Returns (prefix, type) of a tag, the prefix one of O, B, I, E, S; the type of O is empty.

    Raises:
        DataError: for a tag of no known scheme.
    """
    if tag == OUTSIDE:
        return OUTSIDE, ""
    prefix, dash, kind = tag.partition("-")
    if not dash or not kind or prefix not in _PREFIXES:
        raise DataError(
            f"expected a tag such as O, B-PER or I-PER (BIO, IOB1 or BIOES). Received: '{tag}'. "
            "Is the tag in the last column?"
        )
    return _PREFIXES[prefix], kind


def read_spans(tags: Sequence[str]) -> list[Span]:
    """Returns the spans of one sentence, whatever its scheme, by the rules of conlleval.

    A span begins at B or S, and at an I or E that continues nothing; it ends at E or S, and before whatever does not
    continue it.

    Raises:
        DataError: for a tag of no known scheme.
    """
    spans: list[Span] = []
    start, open_type = 0, ""
    for place, tag in enumerate(tags):
        prefix, kind = split_tag(tag)
        if open_type and (prefix not in "IE" or kind != open_type):
            spans.append(Span(start, place, open_type))
            open_type = ""
        if prefix == OUTSIDE:
            continue
        if not open_type:
            start, open_type = place, kind
        if prefix in "ES":
            spans.append(Span(start, place + 1, kind))
            open_type = ""
    if open_type:
        spans.append(Span(start, len(tags), open_type))
    return spans


def write_tags(spans: Iterable[Span], length: int, scheme: str) -> list[str]:
    """Returns the tags of a sentence of `length` tokens in the scheme BIO or BIOES; spans do not overlap."""
    tags = [OUTSIDE] * length
    for start, end, kind in spans:
        tags[start:end] = [f"I-{kind}"] * (end - start)
        tags[start] = f"B-{kind}"
        if scheme == "BIOES":
            tags[end - 1] = f"E-{kind}" if end - start > 1 else f"S-{kind}"
    return tags


class SchemeDetector:
    """Finds out, sentence by sentence, which scheme a file is written in and what does not fit it.

    Attributes:
        spans: number of spans seen so far.
    """

    def __init__(self) -> None:
        self.spans = 0
        self._has_ends = False  # E or S, of BIOES
        self._needless_b = 0  # B where IOB1 would write I
        self._bare_i = 0  # I at the start of a span, a fault in BIO
        self._unlike_bioes = 0  # tags that BIOES would write otherwise

    def add(self, tags: Sequence[str]) -> None:
        """Takes the tags of one sentence.

        Raises:
            DataError: for a tag of no known scheme.
        """
        pairs = [split_tag(tag) for tag in tags]
        found = read_spans(tags)
        self.spans += len(found)
        ends = {span.end: span.type for span in found}
        for start, _, kind in found:
            touches = ends.get(start) == kind
            self._needless_b += pairs[start][0] == "B" and not touches
            self._bare_i += pairs[start][0] in "IE"
        self._has_ends |= any(prefix in "ES" for prefix, _ in pairs)
        expected = [split_tag(tag) for tag in write_tags(found, len(tags), "BIOES")]
        self._unlike_bioes += sum(given != right for given, right in zip(pairs, expected, strict=True))

    @property
    def scheme(self) -> str:
        """The scheme that fits: "BIO", "IOB1" or "BIOES"."""
        if self._has_ends:
            return "BIOES"
        return "IOB1" if self._bare_i and not self._needless_b else "BIO"

    @property
    def repairs(self) -> int:
        """Number of tags that break the rules of the scheme, which reading repairs."""
        return {"BIO": self._bare_i, "IOB1": 0, "BIOES": self._unlike_bioes}[self.scheme]


def legal_transitions(tags: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Returns which tag may follow which, in BIO or BIOES.

    Args:
        tags: all tags of a model, K of them; with an E- or S- tag among them the scheme is BIOES.

    Returns:
        (K + 1, K + 1): true at [i, j] where tag j may follow tag i; the number K stands for the outside of the
        sentence: row K says which tags may begin it, column K which may end it.
    """
    pairs = [split_tag(tag) for tag in tags]
    closing = "OES" if any(prefix in "ES" for prefix, _ in pairs) else "OBI"
    ends = np.array([prefix in closing for prefix, _ in pairs] + [True])
    starts = np.array([prefix in "OBS" for prefix, _ in pairs] + [True])
    legal: npt.NDArray[np.bool_] = ends[:, None] & starts[None, :]
    for i, (before, before_type) in enumerate(pairs):
        for j, (after, after_type) in enumerate(pairs):
            legal[i, j] |= before in "BI" and after in "IE" and before_type == after_type
    return legal


def continuations(tags: Sequence[str]) -> npt.NDArray[np.int64]:
    """Returns, for each tag that may stand last in a span, the tag that would make the span longer; -1 if none can.

    In BIO that is I-X for B-X and I-X; a span in BIOES closes itself.
    """
    pairs = [split_tag(tag) for tag in tags]
    if any(prefix in "ES" for prefix, _ in pairs):
        return np.full(len(tags), -1, np.int64)
    numbers = {tag: number for number, tag in enumerate(tags)}
    return np.array([numbers.get(f"I-{kind}", -1) if kind else -1 for _, kind in pairs], np.int64)
