"""Ordinals in digits, in words and in ideographs."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_apps.tasks.translation.numbers import as_ordinal, ordinals


@pytest.mark.parametrize(
    ("language", "text", "found"),
    [
        ("en", "the nineteenth century", {"nineteenth": 19}),
        ("en", "her twenty-first, the 2nd and the 103rd", {"twenty-first": 21, "2nd": 2, "103rd": 103}),
        ("en", "one hundred and third street", {"one hundred and third": 103}),
        ("en", "two thirds, one third, a fifth and twenty second breaks", {}),
        (
            "fr",
            "le vingt et unième siècle, le premier, le 19e et la 1re",
            {"vingt et unième": 21, "premier": 1, "19e": 19, "1re": 1},
        ),
        ("de", "im neunzehnten und im 21. Jahrhundert", {"neunzehnten": 19, "21.": 21}),
        ("es", "la tercera vez, el 3.º", {"tercera": 3, "3.º": 3}),
        ("zh", "第十二次，第3楼，十九世纪，21世紀", {"第十二": 12, "第3": 3, "十九": 19, "21": 21}),
        ("fi", "the third", {}),
    ],
)
def test_ordinals_are_found_where_they_stand(language, text, found):
    assert {text[own.start : own.end]: own.value for own in ordinals(text, language)} == found


@given(
    value=st.integers(1, 9999), language=st.sampled_from(["da", "de", "en", "es", "fr", "it", "ja", "nl", "pt", "zh"])
)
def test_an_ordinal_is_read_as_it_is_written(value, language):
    text = as_ordinal(value, language)
    assert [own.value for own in ordinals(f"{text} x", language)] == [value]


def test_how_some_languages_write_ordinals():
    assert [as_ordinal(value, "en") for value in (1, 2, 3, 4, 11, 12, 13, 21, 112, 122)] == (
        ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "112th", "122nd"]
    )
    assert [as_ordinal(1, "fr"), as_ordinal(19, "fr"), as_ordinal(19, "zh"), as_ordinal(19, "ru")] == [
        "1er",
        "19e",
        "第19",
        "",
    ]


def test_where_words_cannot_be_read_digits_are(monkeypatch):
    monkeypatch.setitem(sys.modules, "text_to_num", None)
    assert [own.value for own in ordinals("the third and the 19th", "en")] == [19]
