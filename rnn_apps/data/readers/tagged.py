"""Sentences with a tag for each token: out of CoNLL column files, or of texts with their spans."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from rnn_apps.data.files import data_format, fingerprint
from rnn_apps.data.readers.alike import alike
from rnn_apps.data.readers.columns import AS_SEEN, Columns, Survey, shortened
from rnn_apps.data.readers.conll import find_layout, read_sentences
from rnn_apps.data.readers.spans import Misfits, read_span_texts
from rnn_apps.data.text.tags import SchemeDetector, read_spans, write_tags
from rnn_apps.errors import DataError

_LONG = 200  # of Chinese ones, a character a token, 48 is usual
_MOST_NAMED = 10
_AS_COLUMNS = "a token and its tag a line, between a tab, and an empty line between sentences."
_INSTEAD = dict.fromkeys(("csv", "parquet", "xlsx"), _AS_COLUMNS) | {
    "spacy": '{"text": doc.text, "entities": [[e.start_char, e.end_char, e.label_] for e in doc.ents]} a line, for '
    "each doc of DocBin().from_disk(FILE).get_docs(nlp.vocab)."
}


@dataclass(frozen=True, slots=True)
class TaggedSentence:
    """A sentence with a tag for each token.

    Attributes:
        tokens: its tokens.
        tags: their tags, in BIO.
        path: the file it comes from, or a name for where it comes from.
        lines: the line of each token; empty where there are none.
    """

    tokens: tuple[str, ...]
    tags: tuple[str, ...]
    path: str = ""
    lines: tuple[int, ...] = ()

    def where(self, place: int) -> str:
        """Returns where the token at `place` stands, for messages."""
        return f"{self.path}, line {self.lines[place]}" if self.lines else f"{self.path}, token {place + 1}"


def read_tagged(path: Path, columns: Columns = AS_SEEN) -> Iterator[TaggedSentence]:
    """Streams tagged sentences: of a .jsonl or .json with texts and spans, or of a CoNLL column file by any other name.

    A tag that its scheme does not allow, such as an I-PER behind an O, is repaired as conlleval reads it.

    Args:
        path: the file.
        columns: where token and tag stand, and how the file is encoded; as seen in the file where left out.

    Raises:
        ConfigError: for a column that was said and is not there.
        DataError: with file and line for what does not fit.
    """
    kind = data_format(path)
    if kind in _INSTEAD:
        raise DataError(
            f"{path}: expected a CoNLL column file, or a .jsonl of texts with spans. A .{kind} file is not read: "
            f"write {_INSTEAD[kind]}"
        )
    if kind in ("jsonl", "json"):
        for tokens, tags, line in read_span_texts(path, columns):
            yield TaggedSentence(tokens, tags, str(path), (line,) * len(tokens))
        return
    for tokens, tags, lines in read_sentences(path, columns):
        try:
            repaired = write_tags(read_spans(tags), len(tags), "BIO")
        except DataError:
            raise _explained(path, tags, lines) from None
        yield TaggedSentence(tokens, tuple(repaired), str(path), lines)


def survey_tagged(path: Path, columns: Columns = AS_SEEN) -> Survey:
    """Reads a file as a whole, once, and says how it is read and what in it does not fit.

    Raises:
        ConfigError: as `read_tagged`.
        DataError: as `read_tagged`; if there is no sentence.
    """
    return _survey(path, columns, fingerprint(path))


@lru_cache
def _survey(path: Path, columns: Columns, stamp: str) -> Survey:
    types: Counter[str] = Counter()
    sentences = tokens = longest = 0
    for sentence in read_tagged(path, columns):
        sentences, tokens = sentences + 1, tokens + len(sentence.tokens)
        longest = max(longest, len(sentence.tokens))
        types.update(span.type for span in read_spans(sentence.tags))
    if not sentences:
        raise DataError(f"{path} has no sentence. Expected lines of a token and its tag.")
    named = ", ".join(sorted(types)[:_MOST_NAMED]) + (", ..." if len(types) > _MOST_NAMED else "")
    found = f"{types.total():,} entities of {len(types)} types ({named})" if types else "no entity"
    warnings = [] if types else [f"{path.name} has no entity: precision, recall and F1 are 0 or undefined."]
    for group in alike(types):
        warnings.append(
            f"the types {shortened(group)} differ in case or in what joins their words alone, and count as types "
            "of their own. If they are one, write them alike."
        )
    if data_format(path) in ("jsonl", "json"):
        misfits = Misfits()
        for _ in read_span_texts(path, columns, misfits):
            pass
        how, warnings = "texts with spans", [*misfits.warnings(), *warnings]
    else:
        how, repairs = _scheme(path, columns, stamp)
        warnings = [*repairs, *warnings]
        if tokens > _LONG * sentences:
            warnings.append(
                f"its sentences have {tokens / sentences:,.0f} tokens on average, the longest {longest:,}. An empty "
                "line sets sentences apart; is it lacking?"
            )
    counted = f"{sentences:,} sentence{'s' * (sentences > 1)}, {tokens:,} tokens"
    return Survey(f"{path.name}: {counted}, {how}, {found}", tuple(warnings))


def _scheme(path: Path, columns: Columns, stamp: str) -> tuple[str, list[str]]:
    """Returns how a column file is read, and a warning for tags that do not follow its scheme."""
    layout = find_layout(path, columns, stamp)
    detector = SchemeDetector()
    for _, tags, _ in read_sentences(path, columns):
        detector.add(tags)
    scheme = "IO" if layout.bare else detector.scheme
    how = f"token in column {layout.token + 1}, tag in column {layout.tag + 1} of {layout.count} ({scheme})"
    if not detector.repairs:
        return how, []
    return how, [
        f"{detector.repairs:,} tags do not follow the scheme {detector.scheme}, such as an I- without a B- before it; "
        "read as conlleval does."
    ]


def _explained(path: Path, tags: tuple[str, ...], lines: tuple[int, ...]) -> DataError:
    """Names the line of the first tag that is none."""
    for tag, line in zip(tags, lines, strict=True):
        try:
            read_spans([tag])
        except DataError as error:
            return DataError(f"{path}, line {line}: {error}")
    raise AssertionError
