"""Whole tables answered: columns kept, answers behind them, and nothing lost when the process dies."""

import csv
import json

import pytest

import rnn_apps
from rnn_apps.data.readers.columns import Columns
from rnn_apps.errors import ConfigError, OutputError
from rnn_apps.inference import table as module
from rnn_apps.inference.table import AnswerTable

TEXTS = ["A fine film.", "dull and slow", "", "I would not recommend it.", 'He said "fine",\nand left'] * 3


@pytest.fixture(scope="module")
def predictor(sentiment_model):
    return rnn_apps.load(sentiment_model).predictor


@pytest.fixture
def data(tmp_path):
    with (tmp_path / "data.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("id", "Review", "label"), *((n, text, "x") for n, text in enumerate(TEXTS))])
    return tmp_path / "data.csv"


@pytest.fixture
def answer(predictor, data, tmp_path):
    def make(output, path=None, columns=Columns(), **options):  # noqa: B008 (frozen)
        return AnswerTable(predictor, path or data, tmp_path / output, columns, {}, "model", **options)

    return make


def rows_of(path):
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    if path.suffix == ".parquet":
        parquet = pytest.importorskip("pyarrow.parquet")
        return parquet.read_table(path).to_pylist()
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t" if path.suffix == ".tsv" else ","))


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "parquet"])
def test_columns_are_kept_and_answers_come_behind_them(answer, predictor, tmp_path, ending):
    table = answer(f"out.{ending}")
    assert list(table.run())[-1] == table.count() == len(TEXTS)
    rows = rows_of(tmp_path / f"out.{ending}")
    assert [row["Review"] for row in rows] == TEXTS
    assert [row["label"] for row in rows] == ["x"] * len(TEXTS)  # the table's own
    for row, text in zip(rows, TEXTS, strict=True):
        if text:
            (expected,) = predictor.predict([text])
            assert row["predicted_label"] == expected.label
            assert float(row["probability"]) == pytest.approx(expected.probability)
        else:
            assert not row.get("predicted_label")
    assert table.failed == 3
    assert "line 4: the text is empty" in table.failures[0]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("done", [0, 1, 2])
def test_what_was_killed_goes_on_and_ends_alike(answer, predictor, monkeypatch, tmp_path, done):
    monkeypatch.setattr(module, "_CHUNK", 4)
    list(answer("whole.jsonl").run())
    killed = answer("out.jsonl").run()
    for _ in range(done + 1):
        next(killed)
    killed.close()
    with (tmp_path / ".out.jsonl.part").open("ab") as part:
        part.write(b'{"id": "half a l')  # it was writing when it died
    assert not (tmp_path / "out.jsonl").exists()
    again = answer("out.jsonl").run()
    assert next(again) == 4 * done
    list(again)
    assert rows_of(tmp_path / "out.jsonl") == rows_of(tmp_path / "whole.jsonl")


def test_no_column_is_lost_or_written_over(answer, tmp_path):
    rows = [{"text": "fine", "label": "x", "predicted_label": "y"}] * 300 + [{"text": "dull", "late": 1}]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    list(answer("out.jsonl", tmp_path / "rows.jsonl").run())
    found = rows_of(tmp_path / "out.jsonl")
    assert (found[0]["label"], found[0]["predicted_label"]) == ("x", "y")
    assert found[0]["predicted_predicted_label"] in ("positive", "negative")
    assert found[-1]["late"] == 1


def test_two_at_once_are_one_too_many(answer):
    first, second = answer("out.csv").run(), answer("out.csv").run()
    next(first)
    with pytest.raises(OutputError, match="Another run works on"):
        next(second)
    first.close()


def test_another_model_begins_anew(answer, predictor, data, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_CHUNK", 4)
    killed = answer("out.csv").run()
    assert [next(killed), next(killed)] == [0, 4]
    killed.close()
    other = AnswerTable(predictor, data, tmp_path / "out.csv", Columns(), {}, "another model")
    assert next(other.run()) == 0


def test_lines_of_a_text_file_and_a_table_of_one_column(answer, tmp_path):
    (tmp_path / "lines.txt").write_text("fine\n\ndull\n", encoding="utf-8")
    (tmp_path / "one.csv").write_text("fine\ndull\n", encoding="utf-8")
    for name, column in (("lines.txt", "text"), ("one.csv", "column 1")):
        list(answer(f"{name}.jsonl", tmp_path / name).run())
        assert [row[column] for row in rows_of(tmp_path / f"{name}.jsonl")] == ["fine", "dull"]


def test_what_cannot_be_done_is_told_before_anything_is_written(answer, data, tmp_path):
    with pytest.raises(OutputError, match=r"ends in csv, tsv, jsonl, parquet"):
        answer("out.xlsx")
    (tmp_path / "there.csv").write_text("x", encoding="utf-8")
    with pytest.raises(OutputError, match="exists"):
        answer("there.csv")
    with pytest.raises(OutputError, match="is the data itself"):
        answer("data.csv", overwrite=True)
    (tmp_path / "odd.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"which column is the input\?.*'a', 'b'"):
        answer("out.csv", tmp_path / "odd.csv")


def test_the_command_line(rnnapps, sentiment_model, data, tmp_path):
    result = rnnapps("predict", sentiment_model, "--data", data, "--output", "out.csv")
    assert (result.status, result.stdout) == (0, "out.csv\n")
    assert "data.csv: input in 'Review'" in result.stderr
    assert "warning: 3 rows were not answered" in result.stderr
    assert len(rows_of(tmp_path / "out.csv")) == len(TEXTS)
    assert rnnapps("predict", sentiment_model, "--data", data).status == 2
    assert rnnapps("predict", sentiment_model, "fine", "--encoding", "latin-1").status == 2
