"""Sentence pairs from files: what is read, what is left out, and what is refused."""

import gzip

import pytest

from rnn_apps.data.readers.columns import Columns
from rnn_apps.data.readers.parallel import SentencePair, read_pairs, survey_pairs
from rnn_apps.errors import DataError


@pytest.fixture
def files(tmp_path):
    """Writes files and returns their paths."""

    def write(**contents):
        paths = []
        for name, content in contents.items():
            path = tmp_path / name.replace("_", ".")
            data = content if isinstance(content, bytes) else content.encode()
            path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
            paths.append(path)
        return paths

    return write


def test_two_files(files):
    paths = files(a_en="One.\r\n two \n", b_fr_gz="Un.\ndeux\n")
    assert [(pair.source, pair.target) for pair in read_pairs(paths)] == [("One.", "Un."), ("two", "deux")]
    assert [pair.where.split(", ")[1] for pair in read_pairs(paths)] == ["line 1", "line 2"]


def test_a_tsv(files):
    (path,) = files(a_tsv="One.\tUn.\tsomebody\nTwo.\tDeux.\tsomebody\n")
    assert next(read_pairs([path])) == SentencePair("One.", "Un.", f"{path}, line 1")
    assert [pair.target for pair in read_pairs([path])] == ["Un.", "Deux."]


def test_pairs_with_an_empty_side_are_left_out_and_counted(files):
    paths = files(a_en="One\n\nThree\nFour\n", a_fr="Un\nDeux\n \nQuatre\n")
    assert [(pair.source, pair.target) for pair in read_pairs(paths)] == [("One", "Un"), ("Four", "Quatre")]
    assert survey_pairs(paths).reading == "a.en and a.fr: 4 pairs, line by line"
    assert survey_pairs(paths).warnings == ("left out 2 of 4 pairs, since one side of them is empty.",)


TABLES = {
    "a.csv": ('en,fr\n"One, two",Un\nTwo,Deux\n', Columns(), "source in 'en', target in 'fr'"),
    "b.csv": ("id;target;source\n1;Un;One, two\n2;Deux;Two\n", Columns(), "source in 'source', target in 'target'"),
    "c.jsonl": (
        '{"fr": "Un", "en": "One, two"}\n{"fr": "Deux", "en": "Two"}\n',
        Columns(("en", "fr")),
        "source in 'en'",
    ),
    "d.tsv": ("1\tUn\tOne, two\n2\tDeux\tTwo\n", Columns(("3", "2")), "source in column 3, target in column 2"),
    "e.tsv": ("One, two\tUn\nTwo\tDeux\n", Columns(), "2 pairs, no heading, source in column 1, target in column 2"),
}


@pytest.mark.parametrize("name", TABLES)
def test_tables(tmp_path, name):
    content, columns, reading = TABLES[name]
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    assert [(pair.source, pair.target) for pair in read_pairs([path], columns)] == [("One, two", "Un"), ("Two", "Deux")]
    assert reading in survey_pairs([path], columns).reading


BAD = {
    "different length": ({"a_en": "1\n2\n3\n", "a_fr": "un\ndeux\n"}, r"a\.en has\s+3, .*a\.fr has 2"),
    "the target is longer": ({"a_en": "1\n", "a_fr": "un\ndeux\n"}, r"a\.en has\s+1, .*a\.fr has 2"),
    "no tab": ({"a_tsv": "a\tb\nnothing\n"}, r"a\.tsv, line 2: expected 2 cells between tabs.*'nothing'"),
    "one side is empty throughout": ({"a_en": "1\n2\n", "a_fr": "\n\n"}, "no line has both"),
    "the same language twice": (
        {"a_en": "1\n2\n3\n", "b_en": "1\n2\ndrei\n"},
        "in 2 of 3 lines .* same language twice",
    ),
    "no UTF-8": ({"a_en": "1\n2\n", "a_fr": b"un\ncaf\xe9\n"}, r"a\.fr, line 2: expected UTF-8, found the byte 0xe9"),
    "one file without tabs": ({"a_en": "1\n"}, r"Expected two files .* or one that ends in \.tsv"),
    "three files": ({"a_en": "1\n", "b_en": "1\n", "c_en": "1\n"}, "Expected two files or a table. Received 3"),
}


@pytest.mark.parametrize("case", BAD)
def test_refused(files, case):
    contents, message = BAD[case]
    paths = files(**contents)
    with pytest.raises(DataError, match=message):
        survey_pairs(paths)


def test_the_same_file_twice(files):
    (path,) = files(a_en="1\n")
    with pytest.raises(DataError, match="twice"):
        read_pairs([path, path])


def test_a_file_that_is_not_there(tmp_path, files):
    with pytest.raises(DataError, match=r"There is no file .*b\.fr"):
        list(read_pairs([*files(a_en="1\n"), tmp_path / "b.fr"]))
