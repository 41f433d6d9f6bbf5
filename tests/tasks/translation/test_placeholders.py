"""What is no language comes out of a translation as it went in."""

import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rnn_apps
from rnn_apps.tasks.translation.placeholders import (
    free_characters,
    hide,
    hide_lost_numbers,
    hide_lost_ordinals,
    is_hidden,
    lost,
    mend,
)

KEPT = {
    "Please visit https://example.org/a?b=1&c=2 today.": ["https://example.org/a?b=1&c=2"],
    "See www.example.org, or write to first.last@example.co.uk!": ["www.example.org", "first.last@example.co.uk"],
    "You have {count} of ${total} {{new}} messages.": ["{count}", "${total}", "{{new}}"],
    "Hello %s, %(name)s and %1$s: 50% done": ["%s", "%(name)s", "%1$s", "50%"],
    "You owe $1,234.56 or 3.50 €.": ["$1,234.56", "3.50 €"],
    "Call +33 1 23 45 67 89 at 10:30.": ["+33 1 23 45 67 89", "10:30"],
    "Come at 5pm, 10:30 AM or 7 p.m. sharp, I am 5 and amused.": ["5pm", "10:30 AM", "7 p.m."],
    "Open C:\\Users\\me\\file.txt or /usr/bin/env.": ["C:\\Users\\me\\file.txt", "/usr/bin/env"],
    "Use the <b>red</b> button<br/>.": ["<b>", "</b>", "<br/>"],
    "Version v2.0.1 came on 2024-05-06, in 1987 and 10/11/12.": ["v2.0.1", "2024-05-06", "1987", "10/11/12"],
    "Ask @anna about #rnn &amp; more.": ["@anna", "#rnn", "&amp;"],
    "Drive 5 km at 100 km/h with 3,5kg of 16 GB at 25°C or 7 °": ["5 km", "100 km/h", "3,5kg", "16 GB", "25°C", "7 °"],
    "E = mc2, x=3+4 and 2 × 3, in C++ or C#: 5 more, 3 gifts, 9 metres": ["E = mc2", "x=3+4", "2 × 3", "C++", "C#"],
    "I ate 3 apples and/or 42 pears: a < b, it's 5-year-old.": [],
    "Open report_final.pdf, archive.tar.gz and example.com.": ["report_final.pdf", "archive.tar.gz", "example.com"],
    "Mr.Smith went home.Then the U.S.A. and Washington D.C. e.g. won, on the 5th at 5 o'clock in the 1990s.": [],
    "Press Ctrl+C, run `make test` with --help, in room 12B or an A320-200.": [
        "Ctrl+C",
        "`make test`",
        "--help",
        "12B",
        "A320-200",
    ],
    "Version 2.1.0-beta of /etc/app/ is fun 😀👍🏽!": ["2.1.0-beta", "/etc/app/", "😀👍🏽"],
    "See https://example.org/a_(b). (And https://example.org/c)": [
        "https://example.org/a_(b)",
        "https://example.org/c",
    ],
    "我在https://example.org/x?y=1看到1987年的%s本书，写给anna@example.org吧。": [
        "https://example.org/x?y=1",
        "1987",
        "%s",
        "anna@example.org",
    ],
}


@pytest.mark.parametrize("text", KEPT)
def test_what_is_kept(text):
    hidden = hide(text)
    assert list(hidden.originals.values()) == KEPT[text]
    assert hidden.show(hidden.text) == text


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("He met Zyrgon Blathersby in Oslo.", ["Zyrgon Blathersby"]),
        ("Zyrgon Blathersby met Anna.", ["Zyrgon Blathersby"]),
        ("Unforeseeable things happen.", []),
        ("Zyrgon things happen. Zyrgon!", ["Zyrgon", "Zyrgon"]),
        ("THE CAT SEES ZYRGON.", []),
        ("Anna Sees Zyrgon Things\nAnna sees Blathersby.", ["Blathersby"]),
        ("她喜欢Zyrgon和Anna。", ["Zyrgon"]),
        ("Anna Zyrgon met Anna.", ["Zyrgon"]),
        ("They live in Zyrgon Street, Oslo Street.", ["Zyrgon Street"]),
        ("We saw Blathersby Anna Zyrgon.", ["Blathersby", "Zyrgon"]),
    ],
)
def test_unknown_names_are_kept(text, names):
    known = {"He", "Oslo", "Anna", "unforeseeable", "THE", "CAT", "SEES", "They", "We", "Street"}
    hidden = hide(text, unknown=lambda word, beside: word not in known or (beside and word == "Street"))
    assert list(hidden.originals.values()) == hidden.names == names
    assert hidden.show(hidden.text) == text


@pytest.mark.parametrize(
    ("sentence", "translation", "numbers"),
    [
        ("I have 14 cats.", "J'ai deux chats.", ["14"]),
        ("I have 14 cats.", "J'ai 14 chats.", []),
        ("I have 14 cats.", "J'ai quatorze chats.", []),
        ("12 and 12 are 24.", "12 et 24.", ["12", "12"]),
        ("2 cats", "deux chats", []),  # one digit is left to the model
        ("她5岁了。", "She is thirty.", ["5"]),
        ("他6点起床。", "He got up at six.", []),
        ("At 10 o'clock on 3-12-20, 4.50 or in 12b", "A", ["10"]),
        ("At eleven o'clock", "à onze heures", []),
        ("World War II and Louis XIV, I and IVF", "XIV", ["II"]),
    ],
)
def test_a_number_that_got_lost_is_kept_the_second_time(sentence, translation, numbers):
    hidden = hide("\ue000 of the user")
    found = hide_lost_numbers(sentence, translation, hidden, free_characters(hidden.text), ("en", "fr"))
    assert list(hidden.originals.values()) == numbers
    assert "\ue000" not in found
    assert hidden.show(found) == sentence
    assert (found == sentence) == (not numbers)


@pytest.mark.parametrize(
    ("sentence", "numbers"),
    [
        ("I have twenty-three cats and one dog.", ["23"]),
        ("Fifty-six of the 14 left at ten o'clock.", ["56", "14", "10"]),
        ("I was born in nineteen ninety.", ["1990"]),
        ("I said five ten.", []),
        ("There are hundreds of dialects and thousands of people.", []),
        ("It costs three hundred dollars, not one hundred and five.", ["300", "105"]),
        ("我有二十三只猫，十分好，十二月。", ["23"]),
        ("来了一万两千零五个人。", ["12005"]),
    ],
)
def test_a_number_in_words_that_got_lost_is_kept_in_digits(sentence, numbers):
    hidden = hide("")
    found = hide_lost_numbers(sentence, "", hidden, free_characters(""), ("en", "fr"), everything=True)
    assert list(hidden.originals.values()) == numbers
    assert all(number in hidden.show(found) for number in numbers)


@pytest.mark.parametrize(
    ("sentence", "translation", "ordinals"),
    [
        ("On the third floor of the 21st house", "au troisième étage", ["21e"]),
        ("On the third floor of the 21st house", "au premier étage", ["3e", "21e"]),
        ("My first, second and 1st", "Mon", ["1er"]),
        ("第十二楼，第一次，第100天", "first", ["12e", "100e"]),
    ],
)
def test_an_ordinal_that_got_lost_is_written_as_the_other_language_does(sentence, translation, ordinals):
    hidden = hide(sentence)
    found = hide_lost_ordinals(sentence, translation, hidden, free_characters(hidden.text), ("en", "fr"))
    assert sorted(hidden.originals.values()) == sorted(ordinals)
    assert all(own in hidden.show(found) for own in ordinals)
    again = hide_lost_ordinals(found, translation, hidden, free_characters(found), ("en", "fr"))
    assert again == found


@pytest.mark.parametrize(
    "text",
    [
        "a+" * 20_000,
        "5 " * 20_000,
        "a." * 20_000,
        "/" * 40_000,
        "Ab " * 20_000,
        "x@" * 20_000,
        "http://" + "(" * 40_000,
        "1-" * 20_000,
    ],
)
def test_a_hostile_text_takes_no_longer_than_another(text):
    started = time.process_time()
    hide(text, unknown=lambda word, beside: True)
    assert time.process_time() - started < 5


def test_where_words_cannot_be_read_numbers_in_digits_are(monkeypatch):
    monkeypatch.setitem(sys.modules, "text_to_num", None)
    hidden = hide("")
    found = hide_lost_numbers("twenty-three of 14", "", hidden, free_characters(""), ("en", "fr"))
    assert hidden.show(found) == "twenty-three of 14"
    assert list(hidden.originals.values()) == ["14"]


@given(st.text(max_size=60))
def test_everything_hidden_can_be_shown_again(text):
    hidden = hide(text)
    assert hidden.show(hidden.text) == text


A, B = "\ue000", "\ue001"


@given(st.lists(st.sampled_from([A, B, "\ue002", "word", "."]), max_size=6), st.text("ab\ue000\ue001 .", max_size=12))
def test_a_mended_translation_has_everything_once(source, translation):
    text = " ".join(dict.fromkeys(source))
    assert lost(text, mend(text, translation)) == []


def test_where_a_lost_one_is_put():
    assert mend(f"the {A}red{B} one", f"le {A}rouge, oui") == f"le {A}rouge{B}, oui"
    assert mend(f"of {A}.", "de.") == f"de {A}."
    assert mend(f"{A} came", f"{A} de {A} vint") == f"{A} de vint"
    assert not any(map(is_hidden, mend("a", "b")))


@pytest.mark.parametrize(
    "text", ["a", "1", "1,", "a.", "{", "<a ", "http://", "http://.", "+1 ", "/a", "@", "&a", "a@", "%(", "1:", "C:\\"]
)
def test_a_hostile_text_costs_no_more_than_another(text):
    long = text * (200_000 // len(text))
    hidden = hide(long)
    assert hidden.show(hidden.text) == long


@pytest.fixture(scope="module")
def model():
    return rnn_apps.load("translation")


@pytest.mark.parametrize("text", [text for text, kept in KEPT.items() if kept])
def test_a_translation_has_all_of_it_or_says_so(model, text):
    (found,) = model.predict([text])
    assert all(found.translation.count(own) >= 1 for own in KEPT[text])
    assert not any(map(is_hidden, found.translation))
    *_, streamed = model.stream(text)
    assert (streamed.translation, streamed.warnings) == (found.translation, found.warnings)


def test_private_characters_of_the_text_itself_stay(model):
    (found,) = model.predict(["The \ue000 is 3.14."])
    assert "3.14" in found.translation
