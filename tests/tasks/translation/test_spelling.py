"""Apostrophes and capitals that a text lacks."""

import pytest

from rnn_apps.data.readers.parallel import SentencePair
from rnn_apps.tasks.translation.spelling import learn_spelling, spelt_as_usual

SENTENCES = [
    *["Yes, I don't know Tom's dog, and Tom knows I'm here."] * 150,
    *["We're told that we're here, and they were there."] * 150,
    *["In May we may march, as I said, Mark."] * 150,
    *["We mark the hell he'll see."] * 10,
]
LEARNT = learn_spelling([SentencePair(sentence, "") for sentence in SENTENCES])


def test_what_is_hardly_written_otherwise_is_learnt():
    assert LEARNT == {"i": "I", "im": "I'm", "tom": "Tom", "toms": "Tom's", "dont": "don't"}
    assert learn_spelling([]) == {}


@pytest.mark.parametrize(
    ("written", "spelt"),
    [
        ("I dont know. Dont ask, Im busy.", "I don't know. Don't ask, I'm busy."),
        ("i know tom, and i'll see toms dog", "I know Tom, and I'll see Tom's dog"),
        ("I know tom, i do.", "I know tom, i do."),  # it has a capital, so these may be meant
        ("We were in may.", "We were in may."),
        ("The IM client and don't", "The IM client and don't"),
        ("dont@im.com, http://dont.im/im and im.txt", "dont@im.com, http://dont.im/im and im.txt"),
        ("", ""),
    ],
)
def test_a_sentence_is_spelt_as_usual(written, spelt):
    assert spelt_as_usual(written, LEARNT) == spelt


def test_nothing_learnt_changes_nothing():
    assert spelt_as_usual("i dont", {}) == "i dont"
