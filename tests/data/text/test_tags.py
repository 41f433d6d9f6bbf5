"""Tag schemes: read, told apart, written, and what may follow what; spans agree with seqeval."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics.sequence_labeling import get_entities
from seqeval.scheme import IOB2, IOBES, Entities

from rnn_apps.data.text.tags import (
    SchemeDetector,
    Span,
    continuations,
    legal_transitions,
    read_spans,
    split_tag,
    write_tags,
)
from rnn_apps.errors import DataError

EXPECTED = [Span(0, 1, "PER"), Span(3, 6, "LOC")]
TAGS = st.lists(st.sampled_from(["O", "B-A", "I-A", "B-B", "I-B"]), max_size=12)


@pytest.mark.parametrize(
    ("scheme", "tags"),
    [
        ("BIO", "B-PER O O B-LOC I-LOC I-LOC O"),
        ("IOB1", "I-PER O O I-LOC I-LOC I-LOC O"),
        ("BIOES", "S-PER O O B-LOC I-LOC E-LOC O"),
        ("BIOES", "S-PER O O B-LOC M-LOC E-LOC O"),
        ("BIOES", "U-PER O O B-LOC I-LOC L-LOC O"),
    ],
)
def test_schemes_are_told_apart_and_mean_the_same(scheme, tags):
    detector = SchemeDetector()
    detector.add(tags.split())
    assert (detector.scheme, detector.repairs, detector.spans) == (scheme, 0, 2)
    assert read_spans(tags.split()) == EXPECTED


def test_b_of_iob1_stands_between_spans_that_touch():
    detector = SchemeDetector()
    detector.add(["I-PER", "B-PER", "I-PER", "O", "I-LOC", "I-PER"])
    assert detector.scheme == "IOB1"
    assert read_spans(["I-PER", "B-PER", "I-PER", "O", "I-LOC", "I-PER"]) == [
        Span(0, 1, "PER"),
        Span(1, 3, "PER"),
        Span(4, 5, "LOC"),
        Span(5, 6, "PER"),
    ]


@pytest.mark.parametrize(
    ("tags", "scheme", "repairs", "spans"),
    [
        ("B-X O I-X I-X", "BIO", 1, [Span(0, 1, "X"), Span(2, 4, "X")]),
        ("B-X I-Y", "BIO", 1, [Span(0, 1, "X"), Span(1, 2, "Y")]),
        ("B-X O S-Y", "BIOES", 1, [Span(0, 1, "X"), Span(2, 3, "Y")]),
        ("S-X E-X", "BIOES", 1, [Span(0, 1, "X"), Span(1, 2, "X")]),
    ],
)
def test_faults_are_repaired_as_conlleval_does_and_counted(tags, scheme, repairs, spans):
    detector = SchemeDetector()
    detector.add(tags.split())
    assert (detector.scheme, detector.repairs) == (scheme, repairs)
    assert read_spans(tags.split()) == spans


@given(TAGS)
def test_spans_are_those_of_seqeval(tags):
    assert [(span.type, span.start, span.end - 1) for span in read_spans(tags)] == get_entities(tags)


@given(TAGS)
def test_written_tags_are_strict(tags):
    spans = read_spans(tags)
    for name, scheme in (("BIO", IOB2), ("BIOES", IOBES)):
        written = write_tags(spans, len(tags), name)
        assert read_spans(written) == spans
        strict = Entities([written], scheme).entities[0] if tags else []
        assert [(entity.start, entity.end, entity.tag) for entity in strict] == [tuple(span) for span in spans]
        legal = legal_transitions([*dict.fromkeys(written), *(["S-Z"] if name == "BIOES" else [])])
        numbers = {tag: number for number, tag in enumerate(dict.fromkeys(written))}
        path = [len(legal) - 1, *(numbers[tag] for tag in written), len(legal) - 1]
        assert all(legal[i, j] for i, j in itertools.pairwise(path)) or not tags


def test_what_may_follow_what():
    tags = ["O", "B-PER", "I-PER", "I-LOC"]
    legal = legal_transitions(tags)
    assert legal[1, 2]
    assert legal[2, 4]
    assert not legal[0, 2]
    assert not legal[4, 2]
    assert not legal[1, 3]
    bioes = legal_transitions(["O", "B-X", "I-X", "E-X", "S-X"])
    assert not bioes[1, 0]
    assert not bioes[1, 5]
    assert bioes[3, 1]
    assert continuations(tags).tolist() == [-1, 2, 2, 3]
    assert continuations(["O", "B-X", "S-X"]).tolist() == [-1, -1, -1]


@pytest.mark.parametrize("tag", ["PER", "X-PER", "B-", "", "B_PER"])
def test_unknown_scheme(tag):
    with pytest.raises(DataError, match="expected a tag such as"):
        split_tag(tag)
