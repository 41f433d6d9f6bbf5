import csv
import gzip
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_apps.data.files import read_lines
from rnn_apps.data.readers.labelled import read_labelled_texts, read_texts
from rnn_apps.errors import DataError

ROWS = [("good", "a fine film"), ("bad", 'dull, "very" dull'), ("good", "非常好 🙂"), ("bad", "שלום, עולם")]


def as_tsv(rows):
    return "".join(f"{label}\t{text}\n" for label, text in rows)


def as_csv(rows):
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerows([("label", "text"), *rows])
    return out.getvalue()


def as_jsonl(rows):
    return "".join(json.dumps({"label": label, "text": text}) + "\n" for label, text in rows)


FORMATS = {"tsv": as_tsv, "csv": as_csv, "jsonl": as_jsonl}


@pytest.fixture
def write(tmp_path):
    def write(name, content):
        path = tmp_path / name
        content = content.encode() if isinstance(content, str) else content
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return path

    return write


def pairs(path):
    return [(example.label, example.text) for example in read_labelled_texts(path)]


def complaint_about(path):
    try:
        assert all(label and text for label, text in pairs(path))
    except DataError as error:
        return str(error)
    return None


@pytest.mark.parametrize("packed", ["", ".gz"])
@pytest.mark.parametrize("form", FORMATS)
def test_every_format_gives_the_same_examples(write, form, packed):
    assert pairs(write(f"data.{form}{packed}", FORMATS[form](ROWS))) == ROWS


@pytest.mark.parametrize("form", FORMATS)
def test_a_byte_order_mark_and_windows_line_ends_are_dropped(write, form):
    content = "\ufeff" + FORMATS[form](ROWS).replace("\r\n", "\n").replace("\n", "\r\n")
    assert pairs(write(f"data.{form}", content)) == ROWS


texts = st.text(
    st.characters(codec="utf-8", exclude_characters="\t\r\n\x00", exclude_categories=["Cc"]), min_size=1, max_size=30
)
rows_strategy = st.lists(st.tuples(texts.map(str.strip), texts), min_size=1, max_size=6).filter(
    lambda rows: all(label and text.strip() for label, text in rows) and rows[0] != ("label", "text")
)


@given(rows_strategy, st.sampled_from(sorted(FORMATS)))
def test_any_text_comes_back(tmp_path_factory, rows, form):
    path = tmp_path_factory.mktemp("data") / f"data.{form}"
    path.write_text(FORMATS[form](rows), encoding="utf-8", newline="")
    assert pairs(path) == rows


@given(st.binary(max_size=80), st.sampled_from(["tsv", "csv", "jsonl", "tsv.gz", "csv.gz", "txt"]))
def test_any_bytes_give_examples_or_a_data_error(tmp_path_factory, content, ending):
    path = tmp_path_factory.mktemp("data") / f"data.{ending}"
    path.write_bytes(content)
    complaint = complaint_about(path)
    assert complaint is None or str(path) in complaint


@given(st.binary(max_size=40), st.integers(0, 59), st.sampled_from(sorted(FORMATS)))
def test_damage_in_the_middle_gives_examples_or_a_data_error(tmp_path_factory, junk, place, form):
    path = tmp_path_factory.mktemp("data") / f"data.{form}"
    whole = FORMATS[form](ROWS).encode()
    path.write_bytes(whole[:place] + junk + whole[place:])
    complaint = complaint_about(path)
    assert complaint is None or f"{path}, line " in complaint


def test_a_line_knows_its_place(write):
    path = write("data.tsv", as_tsv(ROWS))
    assert [example.where for example in read_labelled_texts(path)][2] == f"{path}, line 3"


def test_further_columns_and_a_header_of_a_tsv_are_left_out(write):
    assert pairs(write("data.tsv", "label\ttext\tid\ngood\tfine\t7\n")) == [("good", "fine")]


def test_columns_of_a_csv_may_stand_in_any_order(write):
    assert pairs(write("data.csv", "id,text,label\n7,fine,good\n")) == [("good", "fine")]


def test_a_quoted_field_of_a_csv_may_go_over_lines(write):
    path = write("data.csv", 'label,text\ngood,"two\nlines"\nbad,x\n')
    assert pairs(path) == [("good", "two\nlines"), ("bad", "x")]
    assert [example.where for example in read_labelled_texts(path)] == [f"{path}, line 2", f"{path}, line 4"]


def test_a_number_may_be_a_label_in_jsonl(write):
    assert pairs(write("data.jsonl", '{"label": 1, "text": "fine"}\n')) == [("1", "fine")]


def test_line_separators_of_unicode_do_not_end_a_line(write):
    assert pairs(write("data.tsv", "good\tone\u2028still one\x0b\x85\n")) == [("good", "one\u2028still one\x0b\x85")]


def test_a_text_of_a_megabyte_is_read(write):
    text = "very " * 200_000
    for form, formatted in FORMATS.items():
        assert pairs(write(f"data.{form}", formatted([("good", text)]))) == [("good", text)]


def test_reading_streams(write):
    path = write("data.tsv", as_tsv(ROWS * 300) + "no tab\n")
    examples = read_labelled_texts(path)
    assert [next(examples).label for _ in ROWS * 300] == [label for label, _ in ROWS] * 300
    with pytest.raises(DataError):
        next(examples)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("data.tsv", "good\tfine\nno tab here\n", "line 2: expected 2 cells between tabs, as line 1 has. Received 1"),
        ("data.tsv", "fine\n", "line 1: expected a label and a text"),
        ("data.tsv", "\tfine\n", "line 1: the label is empty"),
        ("data.tsv", "good\t  \n", "line 1: the text is empty"),
        ("data.tsv", b"good\tfine\nbad\tcaf\xe9\n", "line 2: expected UTF-8, found the byte 0xe9 at position 8"),
        ("data.tsv", "", "is empty"),
        ("data.csv", "a,b\n1,2\n", "which columns are the text and the label? Say it with --text-column"),
        ("data.csv", "label,text\ngood\n", "line 2: expected 2 cells between ',', as line 1 has"),
        ("data.jsonl", '{"label": "good", "text": "a"}\n{"label": "good"}\n', "line 2: expected a text. It is missing"),
        ("data.jsonl", "[1]\n", "line 1: expected"),
        ("data.jsonl", '{"label": "good", "text": 3}\n', "line 1: expected"),
        ("data.jsonl", "{\n", "line 1: expected one JSON object a line"),
        ("data.jsonl", '{"text": "a", "label": ' + "9" * 5000 + "}\n", "line 1: expected one JSON object a line"),
        ("data.jsonl", "[" * 100_000 + "\n", "line 1: expected one JSON object a line"),
        ("data.jsonl", '{"text": "a", "label": "\\ud83d"}\n', "line 1: the label"),
        ("data.txt", "good\tfine\n", "Expected a file that ends in .tsv, .csv, .jsonl, .json or .parquet"),
        ("data.gz", "good\tfine\n", "Expected a file that ends in .tsv, .csv, .jsonl, .json or .parquet"),
    ],
)
def test_what_does_not_fit_is_named_with_its_place(write, name, content, message):
    path = write(name, content)
    with pytest.raises(DataError) as caught:
        pairs(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_long_line_is_not_printed_whole(write):
    with pytest.raises(DataError) as caught:
        pairs(write("data.tsv", "x" * 10_000))
    assert len(str(caught.value)) < 500


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    for path, message in ((tmp_path / "none.tsv", "There is no file"), (tmp_path, "is a folder")):
        with pytest.raises(DataError, match=message) as caught:
            list(read_lines(path))
        assert str(path) in str(caught.value)


def test_a_name_that_is_too_long_is_no_file(tmp_path):
    with pytest.raises(DataError):
        list(read_lines(tmp_path / ("x" * 5000)))


def test_a_damaged_gzip_stream_is_named(write):
    path = write("data.tsv.gz", as_tsv(ROWS * 500))
    whole = path.read_bytes()
    for damaged in (whole[: len(whole) // 2], whole[:-8] + b"x" * 8, b"not gzip at all"):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match="damaged"):
            pairs(path)


def test_texts_without_labels_come_from_any_text_file(write):
    assert list(read_texts(write("texts.txt", "one\n\n two\n"))) == ["one", " two"]
    assert list(read_texts(write("texts.tsv", as_tsv(ROWS)))) == [text for _, text in ROWS]
