"""Months, days, countries, languages and dates come out right, whatever the model knows of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rnn_apps
from rnn_apps.data.readers.parallel import SentencePair
from rnn_apps.tasks.translation.names import Names

FRENCH, CHINESE = Names.between("en", "fr"), Names.between("zh", "en")


def hidden(names, sentence, translation="", words=(), everything=False, **originals):
    """The sentence with dates hidden, shown as the other language writes them in brackets."""
    found = {"\ue0ff": originals.get("year", "")}
    free = map(chr, range(0xE000, 0xE0FF))
    text = names.hide_lost(sentence, translation, found, free, lambda word: word in words, everything)
    return text.translate({ord(character): f"[{shown}]" for character, shown in found.items()})


@pytest.mark.parametrize(
    ("names", "sentence", "shown"),
    [
        (FRENCH, "We met in July.", "We met in [juillet]."),
        (FRENCH, "Closed on Sundays and on Tuesday.", "Closed on [dimanche] and on [mardi]."),
        (FRENCH, "It is on May 15.", "It is on [15 mai]."),
        (FRENCH, "It is on March 3rd, 2005.", "It is on [3 mars 2005]."),
        (FRENCH, "Born on the 12th of June 1990.", "Born on the [12 juin 1990]."),
        (FRENCH, "The Julys of old", "The [juillet] of old"),
        (FRENCH, "Mayor Marchand may march to Sundance.", "Mayor Marchand may march to Sundance."),
        (CHINESE, "我12月去,星期天回来。", "我[December]去,[Sunday]回来。"),
        (CHINESE, "会议在1990年5月15日。", "会议在[May 15, 1990]。"),
        (CHINESE, "礼拜三和周五", "[Wednesday]和[Friday]"),
        (FRENCH, "From Saudi Arabia's coast to New Zealand", "From [Arabie saoudite]'s coast to [Nouvelle-Zélande]"),
        (FRENCH, "Myanmar and Burma", "[Myanmar] and [Myanmar]"),
        (FRENCH, "Jordan lives in Germantown.", "Jordan lives in Germantown."),
        (FRENCH, "She learns Danish.", "She learns [danois]."),
        (CHINESE, "他会说丹麦语和俄文。", "他会说[Danish]和[Russian]。"),
        (CHINESE, "德国人住在印度尼西亚。", "德国人住在[Indonesia]。"),
        (Names.between("fr", "en"), "Lundi, le 14 juillet", "[Monday], le [July 14]"),
        (FRENCH, "Mr. Smith, Mrs Jones and the Dr. \ue0ff met.", "[M.] Smith, [Mme] Jones and the [Dr] [] met."),
        (FRENCH, "Mr. and Mrs. smiled at the doctor.", "Mr. and Mrs. smiled at the doctor."),
        (Names.between("fr", "de"), "Madame Curie, oui madame.", "[Frau] Curie, oui madame."),
        (
            FRENCH,
            "From Moscow to New York, Mexico City and Singapore",
            "From [Moscou] to [New York], [Mexico] and [Singapour]",
        ),
        (CHINESE, "北京和慕尼黑", "[Beijing]和[Munich]"),
        (FRENCH, "Beijing and Munich", "Beijing and Munich"),
        (Names.between("fr", "en"), "de Londres à Pékin", "de [London] à Pékin"),
        (CHINESE, "莫斯科和檀香山，胜利马上就来", "[Moscow]和[Honolulu]，胜利马上就来"),
        (Names.between("en", "es"), "on May 5, 2020", "on [5 de mayo de 2020]"),
    ],
)
def test_dates_are_written_as_the_other_language_does(names, sentence, shown):
    assert hidden(names, sentence) == shown


def test_a_year_that_is_hidden_belongs_to_its_date():
    assert hidden(FRENCH, "It was on May 15, \ue0ff.", year="1990") == "It was on [15 mai 1990]."
    assert hidden(FRENCH, "On May 15th, \ue0ff came.", year="Zyx") == "On [15 mai], [Zyx] came."
    assert hidden(CHINESE, "\ue0ff年5月15日", year="Zyx") == "[Zyx]年[May 15]"


@pytest.mark.parametrize(
    ("sentence", "translation", "shown"),
    [
        ("In May and in June", "en mai", "In May and in [juin]"),
        ("Jack London saw Moscow", "Jack London a vu Moscou", "Jack London saw Moscow"),
        ("In May and in June", "en juin et en mai", "In May and in June"),
        ("In May and in May", "en mai", "In [mai] and in [mai]"),
        ("On Tuesdays", "les mardis", "On Tuesdays"),
        ("On May 15", "le 5 mai", "On [15 mai]"),
        ("On May 15", "le 15 mai", "On May 15"),
        ("In March", "à Marseille", "In [mars]"),
        ("A French woman and a Danish one", "une femme française et une Danish", "A French woman and a [danois] one"),
    ],
)
def test_what_stands_in_the_translation_is_left(sentence, translation, shown):
    assert hidden(FRENCH, sentence, translation) == shown


def test_all_are_hidden_if_asked_for_but_only_where_one_is_lacking():
    assert hidden(FRENCH, "In May and in June", "en mai", everything=True) == "In [mai] and in [juin]"
    assert hidden(FRENCH, "In May and in June", "juin, mai", everything=True) == "In May and in June"


def test_a_word_that_begins_a_sentence_is_no_month():
    assert hidden(FRENCH, "May I come in?", words={"may"}) == "May I come in?"
    assert hidden(FRENCH, 'He asked: "May I?"', words={"may"}) == 'He asked: "May I?"'
    assert hidden(FRENCH, "July is hot.", words={"may"}) == "[juillet] is hot."
    assert hidden(FRENCH, "May 3 is a holiday.", words={"may"}) == "[3 mai] is a holiday."
    assert hidden(FRENCH, "Polish it! I speak Polish.") == "Polish it! I speak [polonais]."


def test_forms_of_a_name_count():
    names = Names.between("en", "ru")
    assert hidden(names, "on Wednesday", "в среду") == "on Wednesday"


@pytest.mark.parametrize("language", ["de", "es", "ja", "ru", "ar", "sw", "la", "yi", "zh-TW", "pt-BR", "th"])
def test_every_language_of_the_cldr_is_read(language):
    there, back = Names.between("en", language), Names.between(language, "en")
    for names in (there, back):
        assert len(names.kinds["months"]) >= 12
        assert all(all(said) for said in names.called.values())
        assert not hidden(names, "nothing to see").count("[")
    assert back.called[there.called["Friday"][0]] == ["Friday"]


def test_names_that_the_pairs_call_otherwise_are_left_to_the_model():
    called = {"美国": "America", "德国": "Germany", "俄罗斯": "Russian", "法国": "England"}
    pairs = [SentencePair(f"他在{name}。", f"He is in {said}.", "") for name, said in called.items()] * 4
    confirmed = CHINESE.confirmed([*pairs, SentencePair("他在日本", "something", "")])
    assert set(CHINESE.called) - set(confirmed.called) == {"美国", "法国"}
    assert CHINESE.words_in("在美国和丹麦") == {"美国", "丹麦"}
    assert FRENCH.words_in("African music of South Africa in May") == {"South", "Africa", "May"}
    taught = FRENCH.confirmed([SentencePair("I ate French fries in May.", "frites, français, mai", "")] * 60)
    assert set(FRENCH.called) - set(taught.called) == {"French"}
    beginning = [SentencePair("May I? Please. May I?", "Puis-je ?", "")] * 9
    assert FRENCH.confirmed(beginning).called == FRENCH.called


@pytest.mark.parametrize("languages", [("", "fr"), ("en", ""), ("en", "qq"), ("english", "fr"), ("en", "en")])
def test_other_languages_have_no_names(languages):
    names = Names.between(*languages)
    assert names.called == {}
    assert hidden(names, "In May") == "In May"


def test_it_is_written_and_read():
    again = Names.of(FRENCH.as_json())
    assert hidden(again, "It is on May 15.") == "It is on [15 mai]."
    assert Names.of({}).called == {}


@given(st.text(st.sampled_from("May 15,年月日0123\ue0ffsunday一二"), max_size=60))
def test_no_text_is_lost(text):
    for names in (FRENCH, CHINESE):
        found = {"\ue0ff": "2001"}
        free = map(chr, range(0xE000, 0xE0FF))
        cut = names.hide_lost(text, "", found, free, lambda word: False)
        kept = [character for character in cut if character not in found]
        assert all(character in text for character in kept)
        assert len(cut) <= len(text)


@pytest.mark.parametrize(
    ("model", "sentence", "shown"),
    [
        ("translation", "I was born in July.", "Je suis né en juillet."),
        ("translation", "It's already November!", "déjà novembre"),
        ("translation", "May I come in?", "Puis-je entrer ?"),
        ("translation-zh-en", "他7月出生。", "He was born in July."),
        ("translation", "She lives in Belgium.", "Belgique"),
        ("translation-zh-en", "她住在墨西哥。", "She lives in Mexico."),
        ("translation", "He comes from Saudi Arabia.", "Arabie saoudite"),
        ("translation", "She speaks Danish.", "Elle parle danois."),
        ("translation", "I like French food.", "J'aime la nourriture française."),
        ("translation-zh-en", "她会说荷兰语。", "She can speak Dutch."),
    ],
)
def test_the_shipped_models_know_all_names(model, sentence, shown):
    (found,) = rnn_apps.load(model).predict([sentence])
    assert shown in found.translation
