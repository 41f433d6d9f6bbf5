"""Training pairs from which copying is learnt."""

from rnn_apps.data.readers.parallel import SentencePair
from rnn_apps.tasks.translation.names import Names
from rnn_apps.tasks.translation.unknowns import NEVER_KNOWN, learn_counterparts, with_something_unknown

VERBS = {"来了": "came", "走了": "left", "睡了": "slept", "笑了": "laughed", "哭了": "cried", "很高": "is tall"}
LANGUAGES = "fr", "en"
NO_NAMES = Names({}, {})
NAMES = {"汤姆": "Tom", "玛丽": "Mary"}
PAIRS = [
    SentencePair(f"{front}{name}{said}{n}。", f"{'Today ' if front else ''}{called} {verb} {n}.")
    for n in range(4)
    for front in ("", "今天")
    for name, called in NAMES.items()
    for said, verb in VERBS.items()
]


def test_names_are_found_by_what_stands_beside_them():
    assert learn_counterparts(PAIRS) == NAMES
    assert learn_counterparts([SentencePair("Tom came.", "And Tom vint.")] * 20) == {}


def test_what_is_hidden_when_translating_is_hidden_in_training():
    pair = with_something_unknown(SentencePair("Il est né en 1987.", "He was born in 1987."), {}, LANGUAGES, NO_NAMES)
    assert pair.source == f"Il est né en {NEVER_KNOWN}."
    assert pair.target == f"He was born in {NEVER_KNOWN}."
    kept = SentencePair("Il a 1987 livres.", "He has many books.")
    assert with_something_unknown(kept, {}, LANGUAGES, NO_NAMES) == kept


def test_some_numbers_are_hidden_on_both_sides():
    words = ["treize", "quatorze", "quinze", "seize", "vingt-trois", "vingt-quatre", "quarante", "43", "soixante", "76"]
    called = ["thirteen", "14", "fifteen", "16", "twenty-three", "24", "forty", "forty-three", "60", "seventy-six"]
    pairs = [
        SentencePair(f"Il a {one} chats.", f"He has {other} cats.") for one, other in zip(words, called, strict=True)
    ]
    found = [with_something_unknown(pair, {}, LANGUAGES, NO_NAMES) for pair in pairs]
    hidden = [pair for pair in found if NEVER_KNOWN in pair.source]
    assert 2 <= len(hidden) <= 8
    assert {(pair.source, pair.target) for pair in hidden} == {
        (f"Il a {NEVER_KNOWN} chats.", f"He has {NEVER_KNOWN} cats.")
    }
    assert all(pair in pairs for pair in found if pair not in hidden)
    other = [SentencePair(pair.source, "He has 99 cats.") for pair in pairs]
    assert [with_something_unknown(pair, {}, LANGUAGES, NO_NAMES) for pair in other] == other


def test_some_ordinals_dates_and_titles_are_hidden_on_both_sides():
    names = Names.between("fr", "en")
    pairs = [
        SentencePair(
            f"M. Dupont {verb} le 14 juillet au troisième étage.", f"Mr. Dupont {said} on July 14 on the 3rd floor."
        )
        for verb, said in zip(
            ["vint", "alla", "vit", "lut", "but", "dort"],
            ["came", "went", "saw", "read", "drank", "sleeps"],
            strict=True,
        )
    ]
    found = [with_something_unknown(pair, {}, LANGUAGES, names) for pair in pairs]
    hidden = [pair for pair in found if pair.source.count(NEVER_KNOWN) >= 2]
    assert 0 < len(hidden) < len(pairs)
    assert all("troisième" not in pair.source and "3rd" not in pair.target for pair in hidden)
    assert all("M. " not in pair.source and "Mr. " not in pair.target for pair in hidden)


def test_times_are_hidden_on_both_sides():
    pair = with_something_unknown(
        SentencePair("Il est six heures et demie.", "It's half past six."), {}, LANGUAGES, NO_NAMES
    )
    assert (pair.source, pair.target) == (f"Il est {NEVER_KNOWN}.", f"It's {NEVER_KNOWN}.")


def test_some_names_are_hidden_on_both_sides():
    found = [with_something_unknown(pair, NAMES, LANGUAGES, NO_NAMES) for pair in PAIRS]
    hidden = [pair for pair in found if NEVER_KNOWN in pair.source]
    assert 0.05 * len(PAIRS) < len(hidden) < 0.5 * len(PAIRS)
    assert all(NEVER_KNOWN in pair.target for pair in hidden)
    assert not any(name in pair.source or called in pair.target for pair in hidden for name, called in NAMES.items())
    assert found == [with_something_unknown(pair, NAMES, LANGUAGES, NO_NAMES) for pair in PAIRS]
