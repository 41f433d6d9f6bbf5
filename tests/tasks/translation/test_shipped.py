"""The translators that ship: they translate, and copy what they cannot read."""

import pytest

import rnn_apps


@pytest.fixture(scope="module")
def translate():
    return lambda name, text: rnn_apps.load(name).predict([text])[0]


def test_from_english_to_french(translate):
    assert translate("translation", "Where is the station?").translation == "Où est la gare ?"


def test_from_chinese_to_english(translate):
    assert translate("translation-zh-en", "我喜欢音乐。").translation == "I like music."


@pytest.mark.parametrize(
    ("name", "text", "plain"),
    [
        ("translation", "Ｗｈｅｒｅ is the 𝐬𝐭𝐚𝐭𝐢𝐨𝐧?", "Where is the station?"),
        ("translation-zh-en", "我有１４只猫，ＯＫ。", "我有14只猫，OK。"),
    ],
)
def test_letters_of_another_width_or_style_are_read(translate, name, text, plain):
    assert translate(name, text) == translate(name, plain)


@pytest.mark.parametrize(("text", "name"), [("Анна is happy.", "Анна"), ("Where is 北京?", "北京")])
def test_names_that_cannot_be_read_are_copied(translate, text, name):
    found = translate("translation", text)
    assert found.translation.split().count(name) == 1
    assert "has never seen text written in" in found.warnings[0]


@pytest.mark.parametrize(
    ("name", "text", "kept"),
    [
        ("translation", "I have 14 cats. It weighs 64 kilos.", ["14", "64"]),
        ("translation-zh-en", "我有14只猫。她15岁了。", ["14", "15"]),
        ("translation", "Fifty-six people came. She is forty-two.", ["56", "42"]),
        ("translation-zh-en", "她四十二岁。", ["42"]),
        ("translation", "I bought a Tesla in Leeds.", ["Tesla", "Leeds"]),
        ("translation", "She lives at 12 Baker Street.", ["12 Baker Street"]),
        ("translation", "THE TRAIN LEAVES IN 45 MINUTES. She works for IKEA.", ["LE TRAIN PART", "45 MINUTES", "IKEA"]),
    ],
)
def test_small_numbers_and_names_never_met_are_copied(name, text, kept):
    model = rnn_apps.load(name)
    (found,) = model.predict([text])
    assert all(found.translation.count(own) == 1 for own in kept)
    *_, last = model.stream(text)
    assert last.translation == found.translation


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("translation", "It's half past six.", ["6:30"]),
        ("translation", "She lives on the nineteenth floor.", ["19e étage"]),
        ("translation", "He was born in the 19th century.", ["19e siècle"]),
        ("translation", "Mr. Smith is here.", ["M. "]),
        ("translation", "She flew to Moscow.", ["Moscou"]),
        ("translation", "“I love you,” she said.", ["« Je", "aime"]),
        ("translation", "He is tall (but I am not).", ["grand (mais je", ")."]),
        ("translation", "i dont know tom", ["Je ne", "pas Tom"]),
        ("translation-zh-en", "会议六点半开始。", ["6:30"]),
        ("translation-zh-en", "他是第十二名。", ["12th"]),
        ("translation-zh-en", "她住在莫斯科。", ["Moscow"]),
        ("translation-zh-en", "他喜欢火车（他很高）。", ["train", " (he", ")."]),
    ],
)
def test_what_few_texts_have_is_said_all_the_same(translate, name, text, said):
    found = translate(name, text).translation
    assert all(own in found for own in said), found


@pytest.mark.parametrize(
    ("text", "translation"),
    [
        ("**Where is the station?**", "**Où est la gare ?**"),
        ("_I am tired._", "_Je suis fatigué._"),
        ("(I am tired.)", "(Je suis fatigué.)"),
        ("I am tired. :-(", "Je suis fatigué. :-("),
        (":) I love you. <3", ":) Je t'aime. <3"),
        ("<p>I am tired.</p>", "<p>Je suis fatigué.</p>"),
        ("<b>I am tired.</b> He is late.", "<b>Je suis fatigué.</b> Il est en retard."),
        ("| I am tired. | He is late. |", "| Je suis fatigué. | Il est en retard. |"),
        ("- [x] I am tired.", "- [x] Je suis fatigué."),
        ("1\n00:00:01,000 --> 00:00:03,000\nI am tired.", "1\n00:00:01,000 --> 00:00:03,000\nJe suis fatigué."),
        ("2024\n100%\n???\nhttps://example.com", "2024\n100%\n???\nhttps://example.com"),
    ],
)
def test_what_makes_the_layout_stays_around_what_is_translated(translate, text, translation):
    found = translate("translation", text)
    assert (found.translation, found.warnings) == (translation, [])


@pytest.mark.parametrize(
    ("name", "text", "translation"),
    [
        ("translation", "I am <b>very</b> tired.", "Je suis <b>très</b> fatigué."),
        ("translation", "**Warning:** the door is open.", "**Attention** : la porte est ouverte."),
        ("translation", "She bought a _red car_ and a house.", "Elle a acheté une _voiture rouge_ et une maison."),
        ("translation", "The *old* man and the *young* woman.", "Le *vieil* homme et la *jeune* femme."),
        ("translation", "<b>My brother</b> never drinks coffee.", "<b>Mon frère</b> ne boit jamais de café."),
        ("translation", "I have **14 cats** and 2 dogs.", "J'ai **14 chats** et 2 chiens."),
        ("translation", 'I said "**no**" to him.', "J'ai dit « **non** » à lui."),
        ("translation", "Visit [our page](a.html) today.", "Visit [notre page](a.html) aujourd'hui."),
        ("translation", "HE IS <b>VERY</b> TIRED.", "IL EST <b>TRÈS</b> FATIGUÉ."),
        ("translation", "Why is there </p> in the text?", "Pourquoi y a-t-il </p> dans le texte ?"),
        ("translation-zh-en", "她<b>非常</b>漂亮。", "She's <b>very</b> beautiful."),
        ("translation-zh-en", "她买了**一辆红色的车**。", "She bought **a red car**."),
    ],
)
def test_marks_come_around_the_same_words(name, text, translation):
    model = rnn_apps.load(name)
    assert model.predict([text])[0].translation == translation
    *_, last = model.stream(text)
    assert last.translation == translation


@pytest.mark.parametrize(
    ("name", "text", "translation"),
    [
        ("translation", "house", "maison"),
        ("translation", "House", "Maison"),
        ("translation", "HOUSE", "MAISON"),
        ("translation", "the old man", "le vieil homme"),
        ("translation", "The Old Man", "Le Vieil Homme"),
        ("translation", "to sleep", "dormir"),
        ("translation", "Good morning", "Bonjour"),
        ("translation", "Chapter 7", "Chapitre 7"),
        ("translation", "| Name | Price |", "| Nom | Prix |"),
        ("translation-zh-en", "房子", "house"),
        ("translation-zh-en", "红色的车", "red car"),
        ("translation-zh-en", "早上好", "Good morning"),
    ],
)
def test_no_sentence_is_made_of_a_word(translate, name, text, translation):
    found = translate(name, text)
    assert (found.translation, found.warnings) == (translation, [])


def test_a_word_that_was_hardly_met_is_told(translate):
    (warning, *_) = translate("translation", "the currencies").warnings
    assert warning == "'currencies' was hardly met in training, if at all: its translation is a guess."
    assert not any("hardly met" in own for own in translate("translation", "He collects old currencies.").warnings)


def test_marks_of_a_long_sentence_are_not_lost(translate):
    text = "I saw " + ", ".join(["a <b>red</b> house near the old station"] * 16) + "."
    found = translate("translation", text)
    assert any("parts" in warning for warning in found.warnings)
    assert found.translation.count("<b>") == found.translation.count("</b>") == 16
