"""Tables of classified texts in every dialect: read as they were written and said, or refused with the place."""

import bz2
import csv
import gzip
import io
import json
import lzma
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnn_apps.data.readers.columns import Columns
from rnn_apps.data.readers.labelled import read_labelled_texts, read_texts, survey_labelled_texts
from rnn_apps.errors import ConfigError, DataError

FOUR = [("good", "a fine film"), ("bad", 'dull, "very" dull; so'), ("good", "非常好 🙂"), ("bad", "a film of no use")]
ROWS = [(label, f"{text} {n}") for n in range(3) for label, text in FOUR]


@pytest.fixture
def write(tmp_path):
    def write(name, content):
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return tmp_path / name

    return write


def pairs(path, columns=Columns()):  # noqa: B008 (frozen)
    return [(example.label, example.text) for example in read_labelled_texts(path, columns)]


def table(rows, heading=("label", "text"), **dialect):
    out = io.StringIO(newline="")
    csv.writer(out, **dialect).writerows([heading, *rows] if heading else rows)
    return out.getvalue()


PACKERS = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
}


def zipped(name, content):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, content)
    return out.getvalue()


@pytest.mark.parametrize("packing", [*PACKERS, ".zip"])
def test_every_packing(write, packing):
    content = table(ROWS).encode()
    packed = zipped("data.csv", content) if packing == ".zip" else PACKERS[packing](content)
    assert pairs(write(f"data.csv{packing}", packed)) == ROWS


def test_an_archive_of_several_files_is_refused(write):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.csv", "x")
        archive.writestr("b.csv", "x")
    with pytest.raises(DataError, match=r"expected one file in the archive\. It has 2"):
        pairs(write("data.csv.zip", out.getvalue()))


HEADINGS = ["label,text", "Label,Text", "sentiment,review", "stars,content", "CLASS,Sentence", "标签,内容"]


@pytest.mark.parametrize("heading", HEADINGS)
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("turned", [False, True])
def test_usual_names_are_recognised_in_any_order(write, heading, delimiter, turned):
    names, rows = heading.split(","), ROWS
    if turned:
        names, rows = names[::-1], [row[::-1] for row in rows]
    path = write("data.csv", table(rows, names, delimiter=delimiter))
    assert pairs(path) == ROWS
    label, text = heading.split(",")
    said = survey_labelled_texts(path).reading
    assert said == f"data.csv: 12 rows, text in '{text}', label in '{label}' (2 values: good, bad)"


def test_columns_are_said_by_name_or_number(write):
    rows = [(str(n), text, "x", label) for n, (label, text) in enumerate(ROWS)]
    path = write("data.csv", table(rows, ("id", "what they wrote", "text", "Mood")))
    for text, label in (("what they wrote", "mood"), ("2", "4"), ("what they wrote", "4")):
        assert pairs(path, Columns((text,), label))[-12:] == ROWS
    with pytest.raises(ConfigError, match=r"has no column 'moood'\. Did you mean 'Mood'"):
        pairs(path, Columns(("2",), "moood"))
    with pytest.raises(ConfigError, match=r"has 4 columns\. Expected --label-column from 1 to 4. Received: 5"):
        pairs(path, Columns(("what they wrote",), "5"))


def test_numbers_decide_where_two_names_could_be_meant(write):
    rows = [(label, text, "other") for label, text in ROWS]
    path = write("data.csv", table(rows, ("label", "review", "content")))
    assert pairs(path, Columns(("2",), "1")) == ROWS


def test_of_two_columns_one_known_name_tells_both(write):
    path = write("data.csv", table(ROWS, ("mood", "text")))
    assert pairs(path) == ROWS
    assert "label in 'mood'" in survey_labelled_texts(path).reading


def test_where_two_columns_could_be_meant_it_stops_and_names_both(write):
    rows = [(label, text, text) for label, text in ROWS]
    with pytest.raises(DataError, match="--text-column review or --text-column content"):
        pairs(write("data.csv", table(rows, ("label", "review", "content"))))


def test_a_heading_nobody_knows_stops_and_names_both_readings(write):
    path = write("data.csv", table(ROWS, ("mood", "wrote")))
    with pytest.raises(DataError, match=r"a heading or an example.*--text-column wrote --label-column mood; if"):
        pairs(path)
    assert pairs(path, Columns(("wrote",), "mood")) == ROWS
    assert pairs(path, Columns(("2",), "1")) == [("mood", "wrote"), *ROWS]
    assert "13 rows, no heading" in survey_labelled_texts(path, Columns(("2",), "1")).reading


@pytest.mark.parametrize("ending", ["csv", "tsv"])
def test_without_a_heading_the_cells_tell(write, ending):
    delimiter = "," if ending == "csv" else "\t"
    longer = [(label, f"{text} and so it was {n}") for n, (label, text) in enumerate(ROWS)]
    turned = [row[::-1] for row in longer]
    path = write(f"data.{ending}", table(turned, None, delimiter=delimiter))
    assert pairs(path) == longer
    assert "no heading, text in column 1, label in column 2" in survey_labelled_texts(path).reading


def test_headings_between_the_rows_are_left_out_and_counted(write):
    whole = table(ROWS[:4])
    path = write("data.csv", "\ufeff" + whole + "\ufeff" + whole + whole)
    assert pairs(path) == ROWS[:4] * 3
    assert survey_labelled_texts(path).reading.endswith("; 2 more headings between the rows are left out")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(write, encoding, end):
    content = table(ROWS, lineterminator="\n") + "\n\n"
    assert pairs(write("data.csv", content.replace("\n", end).encode(encoding))) == ROWS


@pytest.mark.parametrize(("encoding", "text"), [("latin-1", "très beau"), ("gb18030", "非常好"), ("cp1251", "хорошо")])
def test_an_old_encoding_is_said(write, encoding, text):
    path = write("data.tsv", f"good\t{text}\nbad\tx\n".encode(encoding))
    assert pairs(path, Columns(encoding=encoding))[0] == ("good", text)
    with pytest.raises(DataError, match=r"line 1: expected UTF-8, found the byte .* --encoding"):
        pairs(path)
    with pytest.raises(ConfigError, match="Received: 'klingon'"):
        pairs(path, Columns(encoding="klingon"))


def test_quotes_in_a_tsv_are_those_of_the_text_or_of_the_table(write):
    raw = 'good\t"Fine," he said\nbad\t"Dull"\n'
    assert pairs(write("raw.tsv", raw)) == [("good", '"Fine," he said'), ("bad", '"Dull"')]
    quoted = 'good\t"She said ""fine""\tand left"\nbad\tdull\n'
    assert pairs(write("quoted.tsv", quoted)) == [("good", 'She said "fine"\tand left'), ("bad", "dull")]
    everything = '"good"\t"fine"\n"bad"\t"dull"\n'
    assert pairs(write("all.tsv", everything)) == [("good", "fine"), ("bad", "dull")]


def test_backslashes_before_quotes(write):
    path = write("data.csv", 'label,text\ngood,"He said \\"fine\\", twice"\nbad,x\n')
    assert pairs(path) == [("good", 'He said "fine", twice'), ("bad", "x")]


def test_parquet(tmp_path):
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    rows = arrow.table({"text": [text for _, text in ROWS], "stars": [1, 2] * 6})
    parquet.write_table(rows, tmp_path / "data.parquet")
    assert [label for label, _ in pairs(tmp_path / "data.parquet")] == ["1", "2"] * 6
    (tmp_path / "data.parquet.gz").write_bytes(gzip.compress((tmp_path / "data.parquet").read_bytes()))
    assert pairs(tmp_path / "data.parquet.gz") == pairs(tmp_path / "data.parquet")
    assert "text in 'text', label in 'stars'" in survey_labelled_texts(tmp_path / "data.parquet").reading
    (tmp_path / "bad.parquet").write_bytes(b"no table")
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        pairs(tmp_path / "bad.parquet")


LABELS = {"1": "1", "1.0": "1", '"1.0"': "1", "true": "True", '"true"': "true", "0.5": "0.5", '" x "': "x"}


@pytest.mark.parametrize("written", LABELS)
def test_labels(write, written):
    assert pairs(write("data.jsonl", f'{{"text": "a", "label": {written}}}\n'))[0][0] == LABELS[written]


@pytest.mark.parametrize(
    ("written", "what"),
    [
        ("null", "null"),
        ("[1]", "a list"),
        ("{}", "an object"),
        ('""', "the label is empty"),
        ("NaN", "the label is nan"),
    ],
)
def test_labels_that_are_none_are_refused_with_their_line(write, written, what):
    path = write("data.jsonl", f'{{"text": "a", "label": "x"}}\n\n{{"text": "a", "label": {written}}}\n')
    with pytest.raises(DataError, match=r"line 3: .*label") as error:
        pairs(path)
    assert what in str(error.value)


def test_a_field_that_a_line_lacks_is_named(write):
    path = write("data.jsonl", '{"text": "a", "label": 1}\n{"text": "a"}\n')
    with pytest.raises(DataError, match=r"line 2: expected a label: .* It is missing"):
        pairs(path)


def test_rare_labels_are_told(write):
    rows = [("a", "x y")] * 500 + [("b", "x y")] * 4 + [("c", "x y")]
    once, rare = survey_labelled_texts(write("data.csv", table(rows))).warnings
    assert "1 of 3 labels occur once ('c')" in once
    assert "the label 'b' has 4 of 505 examples (0.8%)" in rare


def test_labels_that_look_alike_are_told(write):
    rows = [(label, "x y") for label in ("Very good", "very-good", "very good", "very good", "-1", "1", "C", "C++")] * 2
    (told,) = survey_labelled_texts(write("data.csv", table(rows))).warnings
    assert "the labels 'very good', 'Very good', 'very-good' differ" in told
    assert "--set 'data.class_names.Very good=very good' --set 'data.class_names.very-good=very good'" in told
    names = {"Very good": "very good", "very-good": "very good"}
    survey = survey_labelled_texts(write("data.csv", table(rows)), names=names)
    assert survey.warnings == ()
    assert "(5 values: very good, " in survey.reading


@pytest.mark.parametrize("label", ["nan", "NULL", "N/A", "?"])
def test_a_label_that_stands_for_none_is_told(write, label):
    rows = [("a", "x y"), ("b", "x y"), (label, "x y")] * 2
    (told,) = survey_labelled_texts(write("data.csv", table(rows))).warnings
    assert f"the label '{label}' (2 of 6 rows) is what programs write where there is none" in told


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("data.csv", b"PK\x03\x04" + bytes(30), "save a table as .csv"),
        ("data.csv", b"<!DOCTYPE html><html>", "a page of HTML"),
        ("data.tsv", b"\x80\x04\x95" + bytes(30), "a pickle"),
        ("data.csv", gzip.compress(b"label,text\n", mtime=0), "name it .gz"),
        ("data.csv", b"PAR1" + bytes(30), "name it .parquet"),
        ("data.csv", 'label,text\ngood,"never closed\nbad,x\n', "line 2: a quote is opened and never closed"),
        ("data.csv", 'label,text\nx,y\ngood,"one" two\n', "line 3: "),
        ("data.csv", "label,text\ngood,fine, and more\n", "line 2: expected 2 cells"),
        ("data.tsv", "label\ttext\ngood\tfine\tand more\n", "line 2: expected 2 cells"),
    ],
)
def test_what_is_no_table_is_refused(write, name, content, message):
    path = write(name, content)
    with pytest.raises(DataError) as error:
        pairs(path)
    assert message in str(error.value)
    assert str(path) in str(error.value)


def test_texts_alone_need_no_label(write):
    assert list(read_texts(write("a.jsonl", '{"text": "one"}\n{"text": "two"}\n'))) == ["one", "two"]
    assert list(read_texts(write("b.csv", "id,review\n1,one\n2,two\n"))) == ["one", "two"]
    assert list(read_texts(write("c.csv", "id,wrote\n1,one\n2,two\n"), Columns(("wrote",)))) == ["one", "two"]


# Dialects made at random

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufeff"), max_size=20)
WRITTEN = st.lists(
    st.tuples(st.sampled_from(["good", "bad", "so so"]), TEXTS.filter(lambda text: len(text.strip()) > 0)),
    min_size=1,
    max_size=6,
)


@settings(max_examples=200)
@given(
    WRITTEN,
    st.sampled_from([*HEADINGS, "id,label,text", "text,x,label"]),
    st.sampled_from(["csv", "tsv", "jsonl"]),
    st.sampled_from(",;\t|"),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.sampled_from(sorted(PACKERS)),
    st.integers(0, 3),
)
def test_any_dialect_is_read_as_it_was_written_or_refused(
    tmp_path_factory, written, heading, ending, delimiter, quoting, end, encoding, packing, blank_lines
):
    names = heading.split(",")
    at = [n for n, name in enumerate(names) if name.lower() in ("label", "sentiment", "stars", "class", "标签")]
    text_at = [n for n, name in enumerate(names) if name.lower() in ("text", "review", "content", "sentence", "内容")]
    rows = [
        [label if n in at else text if n in text_at else str(number) for n in range(len(names))]
        for number, (label, text) in enumerate(written)
    ]
    if ending == "jsonl":
        content = "".join(json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False) + end for row in rows)
    else:
        content = table(rows, names, delimiter=delimiter, quoting=quoting, lineterminator=end)
    path = tmp_path_factory.mktemp("tables") / f"data.{ending}{packing}"
    path.write_bytes(PACKERS[packing]((content + end * blank_lines).encode(encoding)))
    assert pairs(path) == written
