import base64
import html.parser

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rnn_apps.html import page_error, page_views
from rnn_apps.views import Audio, Bars, File, Heatmap, Image, Span, Spans, Table, Text

TAGS = {"a", "audio", "div", "h3", "img", "mark", "p", "section", "small", "span"} | {
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
}


class Reader(html.parser.HTMLParser):
    """What a browser finds in a page; asserts that every element is closed where it should be."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.text, self._open = [], "", []
        self.feed(page)
        self.close()
        assert not self._open

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag != "img":
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def attributes(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30) | st.sampled_from(
    ["<script>alert(1)</script>", '" onload="alert(1)', "&lt;", "</p>", "${alert(1)}", "{{value}}"]
)


@given(texts, texts)
def test_every_text_is_shown_and_none_is_obeyed(first, second):
    page = page_views(
        [
            Text(first, second),
            Bars({first: 0.25}),
            Table([first], [[second]], first),
            Heatmap(np.ones((1, 1)), [first], [second]),
            Spans(first + second, [Span(0, len(first), second, 1.0)]),
            Image(b"", first),
            Audio(b"", second),
            File(first, b"", "text/plain"),
        ]
    )
    reader = Reader(page)
    assert {tag for tag, _ in reader.elements} <= TAGS
    assert not [name for _, attributes in reader.elements for name in attributes if name.startswith("on")]
    assert reader.attributes("img")[0]["alt"] == first
    assert reader.attributes("audio")[0]["aria-label"] == second
    assert reader.attributes("a")[0]["download"] == first
    assert first in reader.text
    assert second in reader.text


@given(texts)
def test_an_error_is_read_out(message):
    reader = Reader(page_error(message))
    assert reader.text == message
    assert reader.attributes("p") == [{"class": "error", "role": "alert"}]


def test_a_lone_surrogate_does_not_break_the_page():
    assert Reader(page_views([Text("a\ud800b")])).text == "a?b"


def test_bars_have_their_lengths_and_the_likeliest_stands_out():
    reader = Reader(page_views([Bars({"yes": 0.905, "no": 0.095})]))
    assert reader.text == "yes90.5%no9.5%"
    assert [a["style"] for a in reader.attributes("span") if a["class"] == "ink"] == ["width: 90.50%", "width: 9.50%"]
    assert [a["class"] for a in reader.attributes("div")[1:]] == ["bar likely", "bar"]


def test_spans_leave_the_text_as_it_is_and_kinds_differ_in_colour():
    spans = [Span(0, 3, "PER", 0.9), Span(4, 6, "ORG", 0.5), Span(7, 10, "PER", 1.0)]
    reader = Reader(page_views([Spans("Ada of IBM sat", spans)]))
    assert reader.text == "AdaPER 90% ofORG 50% IBMPER 100% sat"
    hues = [attributes["style"] for attributes in reader.attributes("mark")]
    assert hues[0] == hues[2] != hues[1]


def test_a_heatmap_says_each_weight():
    reader = Reader(page_views([Heatmap(np.array([[0.25, 1.5]]), ["chat"], ["the", "cat"], "Attention")]))
    cells = [attributes for attributes in reader.attributes("td") if attributes]
    assert [cell["title"] for cell in cells] == ["0.250", "1.000"]
    assert [cell["style"] for cell in cells] == ["--share:25%", "--share:100%"]
    assert reader.text == "Attentionthecatchat"


def test_a_table_rounds_numbers():
    assert Reader(page_views([Table(["a", "b"], [["x", 0.123456], ["y", 7]])])).text == "abx0.123y7"


def test_files_and_sounds_come_with_the_page():
    reader = Reader(page_views([Audio(b"RIFF", "a tune"), File("a.mid", b"x" * 2500, "audio/midi"), Image(b"P", "i")]))
    assert reader.attributes("audio")[0]["src"] == "data:audio/wav;base64," + base64.b64encode(b"RIFF").decode()
    assert reader.attributes("a")[0]["href"].startswith("data:audio/midi;base64,eHh4")
    assert reader.attributes("img")[0]["src"] == "data:image/png;base64,UA=="
    assert reader.text == "Save a.mid (2 kB)"
