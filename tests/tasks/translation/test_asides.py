"""Asides in brackets, from which a model learns to keep them."""

import pytest

from rnn_apps.config import load_config
from rnn_apps.data.readers.parallel import SentencePair
from rnn_apps.progress import Reporter
from rnn_apps.sources import file_source
from rnn_apps.task import find_task
from rnn_apps.tasks.translation import asides as asides_module
from rnn_apps.tasks.translation.asides import Asides
from rnn_apps.training.prepare import Preparation

PAIRS = [
    SentencePair(f"He {verb} {thing}.", f"Il {said} {called}.")
    for verb, said in (("sees", "voit"), ("has", "a"), ("wants", "veut"), ("takes", "prend"))
    for thing, called in (("it and he knows", "ça et il sait"), ("bread", "du pain"), ("tea", "du thé"))
]
OTHERS = [
    SentencePair("Tom came.", "Tom vint."),
    SentencePair("Has he come?", "Est-il venu ?"),
    SentencePair("Does Tom know?", "Est-ce que Tom sait ?"),
]


@pytest.fixture(autouse=True)
def _few_pairs_are_enough(monkeypatch):
    monkeypatch.setattr(asides_module, "_FEWEST", 4)


def test_few_pairs_get_none():
    assert Asides.learn(PAIRS[:3]).pool == ()


def test_asides_are_short_statements_that_may_begin_small():
    asides = Asides.learn([*PAIRS * 2, *OTHERS]).pool
    assert ("he has tea", "il a du thé") in [(own.source, own.target) for own in asides]
    assert len(asides) == len(PAIRS) * 2
    assert not any("Tom" in own.source or own.source.endswith(("?", ".")) for own in asides)
    assert not Asides.learn([*OTHERS, *OTHERS]).pool
    assert Asides.learn([*OTHERS, *reversed(PAIRS * 2)]).pool == asides


def test_some_pairs_get_one_on_both_sides():
    asides = Asides([SentencePair("he has tea", "il a du thé")])
    pairs = [SentencePair(f"We have {n} cats!", f"Nous avons {n} chats !") for n in range(100)]
    found = [asides.beside(pair) for pair in pairs]
    joined = [(pair, own) for pair, own in zip(pairs, found, strict=True) if own != pair]
    assert 3 < len(joined) < 20
    for pair, own in joined:
        assert own.source == pair.source[:-1] + " (he has tea)!"
        assert own.target == pair.target[:-2] + " (il a du thé) !"
    assert [asides.beside(pair) for pair in pairs] == found
    assert list(map(Asides().beside, pairs)) == pairs


def test_in_tokenised_texts_blanks_stand_around_brackets():
    asides = Asides.learn(
        [SentencePair("he has tea .", "il a du thé .")] * 6 + [SentencePair("oh he , il", "he , il")] * 5
    )
    found = [asides.beside(SentencePair(f"we have {n} cats .", "b .")) for n in range(50)]
    assert any(own.source.endswith("cats ( he has tea ) .") and own.target == "b ( il a du thé ) ." for own in found)


def test_an_aside_stands_behind_a_name_where_both_sides_have_one():
    asides = Asides([SentencePair("他喝茶", "he drinks tea")], {"汤姆": "Tom"})
    pairs = [SentencePair(f"昨天汤姆买了{n}本书。", f"Yesterday Tom bought {n} books.") for n in range(100)]
    joined = [own for pair in pairs if (own := asides.beside(pair)) != pair]
    assert joined
    assert all("汤姆（他喝茶）买" in own.source and "Tom (he drinks tea) bought" in own.target for own in joined)


def test_a_training_meets_asides_and_unknown_names_and_its_model_has_none_of_them(tmp_path):
    """What a processor has learnt for training alone gets to whoever encodes, and into no saved model."""
    verbs = {"来了": "came", "走了": "left", "睡了": "slept", "笑了": "laughed", "哭了": "cried", "很高": "is tall"}
    lines = [
        f"{front}{name}{said}{n}。\t{'today ' if front else ''}he and {called} {verb} {n}."
        for n in range(30)
        for front in ("", "今天")
        for name, called in {"汤姆": "Tom", "玛丽": "Mary"}.items()
        for said, verb in verbs.items()
    ]
    short = [f"他有{n}本书。\the has {n} books." for n in range(60)]
    (tmp_path / "pairs.tsv").write_text("\n".join(lines + short), encoding="utf-8")
    task = find_task("translation")
    values = {"data": {"source_language": "zh", "target_language": "en", "vocabulary_size": 400}}
    config = load_config(task.Config, values=values)
    (tmp_path / "work").mkdir()
    source = file_source(task, [tmp_path / "pairs.tsv"])
    data = Preparation(task, config, source, None, tmp_path / "work", Reporter(False)).run()
    rows = list(data.train.rows())
    read = [data.processor.source.tokens(row["source"]) for row in rows]
    said = [data.processor.target.tokens(row["target_out"]) for row in rows]
    assert sum("（" in own for own in read) == sum("▁(" in own for own in said) > 20
    assert sum("<unk>" in own for own in read) == sum("<unk>" in own for own in said) > 50
    data.processor.save(tmp_path)
    assert "he has" not in (tmp_path / "processor.json").read_text(encoding="utf-8")
