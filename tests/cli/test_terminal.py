import io

from rich.console import Console

from rnn_apps.cli.terminal import draw
from rnn_apps.views import Bars, Heatmap, Image, Span, Spans, Table, Text


def lines(given, *views):
    screen = Console(file=io.StringIO(), width=200, highlight=False, soft_wrap=True)
    screen.print(*draw(given, views), sep="\n")
    return screen.file.getvalue().splitlines()


def test_bars_stand_below_the_text_and_take_nothing_for_markup():
    text, first, second = lines("[i]a  text", Bars({"[red]": 0.6, "[/]": 0.3}))
    assert text == "[i]a text"
    assert first.split()[:2] == ["[red]", "60.0%"]
    assert first.count("█") == 18
    assert second.split()[:2] == ["[/]", "30.0%"]


def test_a_text_does_not_steer_the_terminal():
    assert lines("a", Spans("\x1b[31m Ada", [Span(6, 9, "PER", 0.5)]))[0].startswith("\ufffd[31m [Ada]")
    assert "\x1b" not in "".join(lines("\x1b[31mred", Text("\x1b[31mred")))


def test_of_many_bars_the_likeliest_are_drawn():
    assert len(lines(None, Bars({str(n): 0.1 for n in range(10)}))) == 5


def test_entities_have_brackets_so_that_they_are_seen_without_colour():
    assert lines("Ada sat", Spans("Ada sat", [Span(0, 3, "PER", 0.987)])) == ["[Ada] PER 99% sat"]


def test_texts_tables_and_notes():
    found = lines("Hi", Text("Salut"), Table(("score", "text"), [(-1.5, "Salut"), (-2.0, "Allô")]), Text("odd", "Note"))
    assert found == ["Hi", "Salut", "    -1.50  Salut", "    -2.00  Allô", "  Note: odd"]


def test_what_a_terminal_cannot_draw_is_left_out():
    assert lines(None, Heatmap([[1.0]], ["a"], ["b"]), Image(b"", "a picture"), Text("said")) == ["said"]
