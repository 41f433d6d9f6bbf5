"""Signs that a model knows, and words apart from what opens before them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_apps.data.readers.parallel import SentencePair
from rnn_apps.tasks.translation.signs import apart, are_tokenised, closed_up, replacements, with_known_signs

ENGLISH = replacements("\"'()!?:;,.-abc".__contains__)
CHINESE = replacements("“”，。！？：（）、".__contains__)


def test_a_sign_that_is_lacking_gives_way_to_one_of_its_kind():
    assert {ENGLISH[sign] for sign in "“”„«»「」"} == {'"'}
    assert {ENGLISH[sign] for sign in "‘’"} == {"'"}
    assert [ENGLISH[sign] for sign in "…：；"] == ["...", ":", ";"]
    assert [CHINESE[sign] for sign in "「»；…"] == ["“", "”", "，", "，"]
    assert not set(ENGLISH) & set("\"'()!?:;,.-[]{}@")
    assert not set(CHINESE) & set("“”，。！？：（）、")
    assert replacements(lambda sign: False) == replacements(lambda sign: True) == {}


@pytest.mark.parametrize(
    ("replaced", "text", "shown"),
    [
        (ENGLISH, "“Come here,” he said (but “they” left).", '" Come here," he said ( but " they" left).'),
        (ENGLISH, "He said 'no' ... Well… it's Tom/Mary’s", "He said ' no' ... Well... it's Tom/ Mary's"),
        (ENGLISH, "It's 5\" (12 cm), f(x), rock'n'roll", "It's 5\" (12 cm), f(x), rock'n'roll"),
        (CHINESE, "「嗯……我累了；」他（她）说", "“嗯，我累了，”他（她）说"),
        ({}, "（but）", "（but）"),
    ],
)
def test_a_text_is_written_as_it_is_read(replaced, text, shown):
    assert with_known_signs(text, replaced) == shown


@given(text=st.text("ab1 \"'“”()[]…/—。，；人", max_size=12))
def test_what_was_read_is_read_again_as_it_is_and_no_letter_changes(text):
    for replaced in (ENGLISH, CHINESE):
        once = with_known_signs(text, replaced)
        assert with_known_signs(once, replaced) == once
        assert [sign for sign in once if sign.isalnum()] == [sign for sign in text if sign.isalnum()]


def test_tokenised_texts_are_told_from_others():
    assert are_tokenised([SentencePair("", "He left ."), SentencePair("", "Yes .")])
    assert not are_tokenised([SentencePair("", "Il est là."), SentencePair("", "Oui !"), SentencePair("", "Ah .")])
    assert not are_tokenised([])


@given(text=st.text("ab ()[1人", max_size=12).filter(lambda text: "( " not in text and "[ " not in text))
def test_a_target_is_shown_as_it_was(text):
    assert closed_up(apart(text)) == text
