"""Marks inside a sentence: none is lost, and each comes around the words that look at what it stood around."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rnn_apps
from rnn_apps.tasks.translation.markup import Marked, Said, dealt, moved, pairs, put_back, take_out
from rnn_apps.tasks.translation.placeholders import hide, is_hidden
from rnn_apps.tasks.translation.prepared import prepare


def paired(text):
    """What the beginning and the end of each pair are."""
    hidden = hide(text)
    return [
        (hidden.originals[first], hidden.originals[last])
        for first, last in pairs(hidden.text, hidden.originals).items()
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("I am <b>very</b> tired.", [("<b>", "</b>")]),
        ('<p>In <a href="x">a house</a>.</p>', [('<a href="x">', "</a>"), ("<p>", "</p>")]),
        ("The *old* and **the _new_ one**", [("*", "*"), ("_", "_"), ("**", "**")]),
        ("<p>One line.\nAnother line.</p>", [("<p>", "</p>")]),
        ("<b>one <i>two</b> three</i>", [("<b>", "</b>")]),
        ("Write <br/> or <br>, </p> and <p>.", []),
        ("<td></td> is empty.", []),
        ("*one\ntwo*", []),
        ("2 * 3 * 4, snake_case_name, a*b*c", []),
        ("我**不**喜欢。", [("**", "**")]),
        ("See [our page](a.html) or ![it](b.png).", [("[", "](a.html)"), ("![", "](b.png)")]),
        ("It is [here] (see below).", []),
    ],
)
def test_what_belongs_together(text, found):
    assert paired(text) == found


def test_what_was_taken_out():
    hidden = hide("I am <b>very <i>very</i> </b> tired.")
    plain, marked = take_out(hidden.text, pairs(hidden.text, hidden.originals))
    assert plain == "I am very very tired."
    assert [(plain[own.start : own.end].strip(), hidden.originals[own.opening]) for own in marked] == [
        ("very very", "<b>"),
        ("very", "<i>"),
    ]


def test_what_begins_or_ends_outside_of_the_sentence():
    hidden = hide("<b>Note</b> it. I <i>say it</i>")
    found = pairs(hidden.text, hidden.originals)
    first, last = hidden.text.index("N"), hidden.text.rindex("t") + 1
    plain, marked = take_out(hidden.text[first:last], found)
    assert plain == "Note it. I say it"
    assert [(plain[own.start : own.end], own.opening == "", own.closing == "") for own in marked] == [
        ("Note", True, False),
        ("say it", False, True),
    ]


def said(text, looks):
    """Words of a text, each of which looks at one piece of the source only."""
    words, place = [], 0
    for word, piece in zip(text.split(), looks, strict=True):
        words.append(Said(place, place + len(word.removesuffix("'s")), np.eye(10)[piece]))
        place += len(word)
    return words


SPANS = [(0, 3), (4, 7), (8, 11), (12, 15)]  # of "one two dog cat"


@pytest.mark.parametrize(
    ("marked", "text", "looks", "found"),
    [
        ([(4, 7)], "un deux chien", (0, 1, 2), "un <deux> chien"),
        ([(4, 11)], "un chien deux", (0, 2, 1), "un <chien deux>"),
        ([(4, 11), (8, 11)], "un deux chien", (0, 1, 2), "un <deux <chien>>"),
        ([(0, 3)], "un de deux", (0, 9, 0), "<un de deux>"),
        ([(0, 3)], "un a b c un un", (0, 9, 9, 9, 0, 0), "un a b c <un un>"),
        ([(12, 15)], "un deux", (0, 1), "<un> deux"),
        ([(0, 3)], "", (), "<>"),
        ([(0, 3)], "un's deux", (0, 1), "<un's> deux"),
    ],
)
def test_marks_come_around_the_words_that_look_there(marked, text, looks, found):
    assert put_back(text, [Marked(*own, "<", ">") for own in marked], SPANS, said(text, looks)) == found


@given(st.data())
def test_no_mark_is_lost(data):
    text = " ".join(data.draw(st.lists(st.sampled_from(["un", "deux", "le", "chat"]), max_size=6)))
    looks = [data.draw(st.integers(0, 4)) for _ in text.split()]
    ends = data.draw(st.lists(st.tuples(st.integers(0, 14), st.integers(1, 15)), max_size=4))
    marked = [Marked(start, max(start + 1, end), f"<{n}>", f"</{n}>") for n, (start, end) in enumerate(ends)]
    found = put_back(text, sorted(marked, key=lambda own: (own.start, -own.end)), SPANS, said(text, looks))
    for own in marked:
        assert found.count(own.opening) == found.count(own.closing) == 1
        assert found.index(own.opening) < found.index(own.closing)
        found = found.replace(own.opening, "").replace(own.closing, "")
    assert found == text


def test_a_sentence_that_has_changed_is_marked_in_the_same_place():
    before = "It is on May 15, 2024 at noon."
    marked = [Marked(before.index("May"), before.index(" at"), "<", ">")]
    after = before.replace("May 15, 2024", "\ue005")
    (own,) = moved(marked, before, after)
    assert after[own.start : own.end] == "\ue005"
    assert moved(marked, before, before) == marked


@given(st.lists(st.tuples(st.integers(0, 11), st.integers(1, 12)), max_size=4))
def test_marks_are_dealt_to_the_parts_of_a_sentence(ends):
    marked = [Marked(start, max(start + 1, end), f"<{n}>", f"</{n}>") for n, (start, end) in enumerate(ends)]
    dealt_out = dealt(marked, "one two, six", ["one", "two,", "six"])
    assert sorted(own.opening for part in dealt_out for own in part if own.opening) == [
        f"<{n}>" for n in range(len(ends))
    ]
    assert sorted(own.closing for part in dealt_out for own in part if own.closing) == [
        f"</{n}>" for n in range(len(ends))
    ]
    for part, owns in zip(["one", "two,", "six"], dealt_out, strict=True):
        assert all(0 <= own.start <= own.end <= len(part) for own in owns)


@pytest.fixture(scope="module")
def processor():
    return rnn_apps.load("translation").predictor.processor


PARTS = [
    "I",
    "house",
    "Anna",
    '"',
    "(",
    ")",
    "<b>",
    "</b>",
    "**",
    "_",
    "[",
    "](x)",
    ",",
    ".",
    " ",
    " ",
    "?",
    "\n",
    "5",
    "'",
]


@given(st.lists(st.sampled_from(PARTS), max_size=25).map("".join))
def test_a_sentence_without_its_marks_is_as_the_model_reads_it(processor, text):
    prepared = prepare(text, 1, processor)
    for sentence, source, marked in zip(prepared.sentences, prepared.sources, prepared.marked, strict=True):
        assert processor.as_read(sentence) == sentence
        assert len(processor.source.offsets(sentence)[1]) == len(source) - 1
        assert all(0 <= own.start <= own.end <= len(sentence) for own in marked)
    taken = [mark for own in prepared.marked for marked in own for mark in (marked.opening, marked.closing) if mark]
    left = "".join(prepared.document.layout) + "".join(prepared.sentences)
    assert sorted([*taken, *filter(is_hidden, left)]) == sorted(filter(is_hidden, prepared.hidden.text))
