"""Texts with the spans of their entities, as annotation tools write them: a JSON object a line, or a list of them.

    doccano        {"text": "Anna lives in Oslo", "label": [[0, 4, "PER"]]}     or "entities" with start_offset
    Prodigy        {"text": ..., "spans": [{"start": 0, "end": 4, "label": "PER"}]}
    spaCy          {"text": ..., "entities": [[0, 4, "PER"]]}                   or [text, {"entities": [...]}]
    Label Studio   {"data": {"text": ...}, "annotations": [{"result": [{"value": {"start": ..., "labels": [...]}}]}]}

Places count code points; where a span brings its text along and that counts UTF-16, as browsers do, the text decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rnn_apps.data.files import data_format
from rnn_apps.data.readers.columns import Columns
from rnn_apps.data.readers.json_records import read_json
from rnn_apps.data.text.tags import Span, write_tags
from rnn_apps.data.text.tokens import Token, split_sentences, tokenize
from rnn_apps.errors import DataError

_KEYS = ("entities", "spans", "label", "labels")
_FORM = '{"text": "...", "entities": [[start, end, "TYPE"], ...]}'


@dataclass
class Misfits:
    """Spans that do not fall on tokens, or into each other.

    Attributes:
        cut: lines of spans that cut a token; they are widened to the whole of it.
        nested: lines of spans inside of others; the longest is kept.
    """

    cut: list[int] = field(default_factory=list)
    nested: list[int] = field(default_factory=list)

    def warnings(self) -> Iterator[str]:
        """Says how many there are, and where the first is."""
        if self.cut:
            yield f"{len(self.cut):,} spans cut a token, the first in line {self.cut[0]}; they are widened."
        if self.nested:
            yield (
                f"{len(self.nested):,} spans overlap others, the first in line {self.nested[0]}; the longest is kept, "
                "since a token has one tag."
            )


def read_span_texts(
    path: Path, columns: Columns, misfits: Misfits | None = None
) -> Iterator[tuple[tuple[str, ...], tuple[str, ...], int]]:
    """Streams (tokens, tags in BIO, line) of the sentences of the texts.

    Args:
        path: a .jsonl with a text a line, or a .json with a list of them.
        columns: how the file is encoded.
        misfits: takes down what does not fit.

    Raises:
        DataError: with the line for what is no text with spans, or a span outside of its text.
    """
    misfits = misfits or Misfits()
    for line, record in read_json(path, columns.encoding):
        where = f"{path}, line {line}" if data_format(path) == "jsonl" else f"{path}, text {line}"
        text, given = _text_and_spans(record, where)
        tokens = tokenize(text)
        spans = _on_tokens(tokens, [_span(text, span, where) for span in given], misfits, line)
        for first, last in _sentences(text, tokens, spans):
            inside = [Span(s.start - first, s.end - first, s.type) for s in spans if first <= s.start < last]
            yield (
                tuple(token.text for token in tokens[first:last]),
                tuple(write_tags(inside, last - first, "BIO")),
                line,
            )


def _text_and_spans(record: Any, where: str) -> tuple[str, list[Any]]:
    if isinstance(record, list) and len(record) == 2 and isinstance(record[1], dict):  # spaCy's training pairs
        record = {"text": record[0], **record[1]}
    if isinstance(record, dict) and isinstance(record.get("data"), dict):
        return _label_studio(record, where)
    text = record.get("text") if isinstance(record, dict) else None
    keys = [key for key in _KEYS if isinstance(record, dict) and key in record]
    spans = record[keys[0]] if len(keys) == 1 else None
    if not isinstance(text, str) or not isinstance(spans, list):
        said = f"Its spans could be in {' or '.join(keys)}." if len(keys) > 1 else ""
        raise DataError(f"{where}: expected a text with its spans, such as {_FORM}. {said}".rstrip())
    return text, spans


def _label_studio(record: dict[str, Any], where: str) -> tuple[str, list[Any]]:
    data = record["data"]
    texts = [value for value in data.values() if isinstance(value, str)]
    text = data.get("text", texts[0] if len(texts) == 1 else None)
    annotations = record.get("annotations") or record.get("completions") or []
    if not isinstance(text, str) or not isinstance(annotations, list):
        raise DataError(f"{where}: expected data with a text, and annotations, as Label Studio exports them.")
    if len(annotations) > 1:
        raise DataError(f"{where}: {len(annotations)} annotations of one text. Keep one of each.")
    results = annotations[0].get("result", []) if annotations and isinstance(annotations[0], dict) else []
    values = [result.get("value", {}) for result in results if isinstance(result, dict)]
    return text, [value | {"label": value["labels"]} for value in values if isinstance(value.get("labels"), list)]


def _span(text: str, given: Any, where: str) -> Span:
    if isinstance(given, dict):
        start, end = (given.get(key, given.get(f"{key}_offset")) for key in ("start", "end"))
        kind, said = given.get("label", given.get("type")), given.get("text")
    elif isinstance(given, list) and len(given) == 3:
        (start, end, kind), said = given, None
    else:
        start = end = kind = said = None
    if isinstance(kind, list) and len(kind) == 1:
        kind = kind[0]
    if type(start) is not int or type(end) is not int or not isinstance(kind, str) or not kind.strip():
        raise DataError(f'{where}: expected a span such as [0, 4, "PER"], with one type. Received: {str(given)[:60]}')
    if isinstance(said, str) and text[start:end] != said:
        start, end = (
            len(text.encode("utf-16-le")[: 2 * place].decode("utf-16-le", "ignore")) for place in (start, end)
        )
        if text[start:end] != said:
            raise DataError(f"{where}: the span {str(given)[:60]} does not hold its text, '{said[:30]}'.")
    if not 0 <= start < end <= len(text):
        raise DataError(f"{where}: the span from {start} to {end} is not inside of its text of {len(text)} characters.")
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start == end:
        raise DataError(f"{where}: the span {str(given)[:60]} holds nothing but blanks.")
    return Span(start, end, kind.strip())


def _on_tokens(tokens: Sequence[Token], spans: Sequence[Span], misfits: Misfits, line: int) -> list[Span]:
    """Turns spans of characters into spans of tokens, the longest where several meet."""
    taken = [False] * len(tokens)
    kept: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start - span.end, span.start)):
        touched = [n for n, token in enumerate(tokens) if token.start < span.end and token.end > span.start]
        first, last = touched[0], touched[-1] + 1
        if any(taken[first:last]):
            misfits.nested.append(line)
            continue
        if tokens[first].start < span.start or tokens[last - 1].end > span.end:
            misfits.cut.append(line)
        taken[first:last] = [True] * (last - first)
        kept.append(Span(first, last, span.type))
    return sorted(kept)


def _sentences(text: str, tokens: Sequence[Token], spans: Sequence[Span]) -> Iterator[tuple[int, int]]:
    """Cuts a text into sentences, never inside of a span."""
    inside = {place for span in spans for place in range(span.start + 1, span.end)}
    start = 0
    for _, end in split_sentences(text, tokens):
        if end not in inside:
            yield start, end
            start = end
