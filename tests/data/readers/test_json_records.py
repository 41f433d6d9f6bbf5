"""JSON however it is laid out: the same values, and one clear line for what is none."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_apps.data.readers.json_records import read_json
from rnn_apps.data.readers.labelled import read_labelled_texts
from rnn_apps.errors import DataError

RECORDS = [{"text": "good", "label": 1, "of": ["a"]}, {"text": "bad\u2028", "label": 0}]

LAYOUTS = {
    "a value a line": ("d.jsonl", "".join(json.dumps(row) + "\n\n" for row in RECORDS)),
    "a list on one line": ("d.json", json.dumps(RECORDS)),
    "a list on many lines": ("d.json", json.dumps(RECORDS, indent=2)),
    "a value a line by another name": ("d.json", "\n".join(json.dumps(row) for row in RECORDS)),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_every_layout_has_the_same_values(tmp_path, layout, encoding):
    name, content = LAYOUTS[layout]
    (tmp_path / name).write_text(content, encoding=encoding)
    assert [value for _, value in read_json(tmp_path / name)] == RECORDS
    assert [example.label for example in read_labelled_texts(tmp_path / name)] == ["1", "0"]


def test_one_value_and_texts_alone(tmp_path):
    path = tmp_path / "d.json"
    path.write_text(json.dumps(RECORDS[0], indent=1))
    assert list(read_json(path)) == [(1, RECORDS[0])]
    path.write_text('["good", "bad"]')
    assert list(read_json(path)) == [(1, "good"), (2, "bad")]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("d.json", '[{"text": "a"},', r"d\.json: expected a list of JSON objects"),
        ("d.json", '{"text": "a"}\n{"text": \n', r"d\.json, line 2: expected one JSON object a line"),
        ("d.jsonl", '{"text": "a"}\n\n[1,', r"d\.jsonl, line 3: expected one JSON object a line"),
        (
            "d.json",
            '{"text": ["a", "b"], "label": [0, 1]}',
            r"one object of lists or objects: 'text', 'label'\. pandas",
        ),
        ("d.json", "plain text\nof two lines\n", r"d\.json: expected a list of JSON objects"),
        ("d.json", '<?xml version="1.0"?>', r"This is XML: write its texts as \.jsonl"),
        ("d.json", "[" * 100_000, "expected a list of JSON objects"),
    ],
)
def test_what_is_no_json_is_told(tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=message):
        list(read_json(tmp_path / name))


@given(st.text(max_size=60))
def test_any_text_is_read_or_told(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / "d.json"
    path.write_text(content, encoding="utf-8")
    with contextlib.suppress(DataError):
        list(read_json(path))
