"""Data in many files: held out and encoded part by part, and what a killed command had done stays done."""

import json

import numpy as np
import pytest

import rnn_apps
from rnn_apps.config import load_config
from rnn_apps.data.store import Store
from rnn_apps.errors import DataError
from rnn_apps.progress import Reporter
from rnn_apps.sources import file_source
from rnn_apps.task import find_task
from rnn_apps.training.prepare import Preparation, one_by_one

SMALL = {"model": {"units": 4, "layers": 1, "embedding": 4}, "data": {"vocabulary_size": 300}}


def write_lake(folder, parts, rows):
    folder.mkdir()
    for part in range(parts):
        lines = [
            json.dumps({"text": f"film {part} {row}", "label": ("good", "bad", "odd")[(row + part) % 3]})
            for row in range(rows)
        ]
        (folder / f"part-{part:03}.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def preparation(lake, work, **changes):
    task = find_task("sentiment")
    config = load_config(task.Config, values={**SMALL, **changes})
    work.mkdir(exist_ok=True)
    return Preparation(task, config, file_source(task, [lake]), None, work, Reporter(False))


def texts_of(examples):
    return [example.text for example in examples]


def test_every_example_is_on_one_side_and_each_part_gives_its_share(tmp_path):
    lake = write_lake(tmp_path / "lake", 20, 30)
    data = preparation(lake, tmp_path / "work", data={"vocabulary_size": 300, "validation_fraction": 0.2}).run()
    trained, held_out = map(texts_of, data.chosen)
    assert (len(data.train), len(data.valid)) == (len(trained), len(held_out))
    assert len({*trained, *held_out}) == 600
    assert len(held_out) == pytest.approx(120, abs=15)
    assert all(any(text.startswith(f"film {part} ") for text in held_out) for part in range(20))
    again = preparation(lake, tmp_path / "again", data={"vocabulary_size": 300, "validation_fraction": 0.2}).run()
    assert texts_of(again.chosen[1]) == held_out


def test_parts_of_one_example_are_enough(tmp_path):
    data = preparation(write_lake(tmp_path / "lake", 60, 1), tmp_path / "work").run()
    assert len(data.train) + len(data.valid) == 60
    assert len(data.valid) > 0


def test_classes_have_one_number_in_all_parts(tmp_path):
    lake = write_lake(tmp_path / "lake", 6, 40)
    data = preparation(lake, tmp_path / "work", training={"class_weights": {"odd": 3}}).run()
    numbers = {}
    for row, example in zip(data.train.rows(), data.chosen[0], strict=True):
        numbers.setdefault(example.label, set()).add(int(row["label"]))
        assert float(row["weight"]) == (3 if example.label == "odd" else 1)
    assert len({tuple(own) for own in numbers.values()}) == 3
    opened = data.train.open(range(6))
    for number, example in enumerate(data.chosen[0]):
        assert opened.classes[number] == {"good": 1, "bad": 2, "odd": 3}[example.label]
    assert {float(row["weight"]) for row in data.valid.rows()} == {1.0}


def test_a_class_that_every_part_holds_out_is_trained_on(tmp_path):
    lake = write_lake(tmp_path / "lake", 3, 20)
    with (lake / "part-001.jsonl").open("a") as file:
        file.write('{"text": "the only one", "label": "rarest"}\n')
    for seed in range(3):
        data = preparation(
            lake, tmp_path / f"{seed}", seed=seed, data={"vocabulary_size": 300, "validation_fraction": 0.5}
        ).run()
        assert "the only one" in texts_of(data.chosen[0])
        assert len(data.valid) > 20


def test_what_was_done_before_a_kill_is_not_done_again(tmp_path, monkeypatch):
    lake = write_lake(tmp_path / "lake", 5, 10)
    whole = preparation(lake, tmp_path / "whole").run()

    class Killed(BaseException):
        pass

    def until(function, count):
        for number in range(count):
            if number == 3 and "encode" in str(getattr(function, "args", "")):
                raise Killed
            yield function(number)

    work = tmp_path / "work"
    begun = preparation(lake, work)
    object.__setattr__(begun, "spread", until)
    with pytest.raises(Killed):
        begun.run()
    stamps = {path: path.stat().st_mtime_ns for path in (work / "train").rglob("*.bin")}
    assert len({path.parent for path in stamps}) == 3
    found = preparation(lake, work).run()
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in stamps.items())
    for one, other in ((whole.train, found.train), (whole.valid, found.valid)):
        for row, expected in zip(one.rows(), other.rows(), strict=True):
            for name in row:
                np.testing.assert_array_equal(row[name], expected[name])


def test_a_part_that_is_wrong_says_which(tmp_path):
    lake = write_lake(tmp_path / "lake", 3, 10)
    (lake / "part-001.jsonl").write_text('{"text": "fine", "label": "good"}\n{"label": "bad"}\n')
    with pytest.raises(DataError, match=r"part-001\.jsonl, line 2"):
        preparation(lake, tmp_path / "work").run()
    (lake / "part-001.jsonl").write_text("")
    with pytest.raises(DataError, match=r"part-001\.jsonl is empty"):
        preparation(lake, tmp_path / "more").run()


def test_a_large_file_is_stored_in_parts(tmp_path, monkeypatch):
    from rnn_apps.data import store

    lake = write_lake(tmp_path / "lake", 1, 100)
    whole = list(preparation(lake, tmp_path / "whole").run().train.rows())
    monkeypatch.setattr(store, "LARGEST_PART", 16)
    data = preparation(lake, tmp_path / "work").run()
    assert len(data.train.folders) == 6
    assert [row["tokens"].tolist() for row in data.train.rows()] == [row["tokens"].tolist() for row in whole]


def test_every_text_task_trains_on_many_files(tmp_path):
    lake = tmp_path / "pairs"
    lake.mkdir()
    for part in range(3):
        (lake / f"{part}.en").write_text("".join(f"the house {row} is red\n" for row in range(20)))
        (lake / f"{part}.fr").write_text("".join(f"la maison {row} est rouge\n" for row in range(20)))
    (tmp_path / "tagged").mkdir()
    for part in range(3):
        sentence = "Anna B-PER\nlives O\nin O\nParis B-LOC\n\n"
        (tmp_path / "tagged" / f"{part}.conll").write_text(sentence * 10)
    small = {"model": {"units": 4, "embedding": 4}, "training": {"epochs": 1}}
    wide = {**small, "model": {**small["model"], "attention_units": 4}, "data": {"vocabulary_size": 100}}
    for task, data, config in (
        ("translation", [lake / "*.en", lake / "*.fr"], wide),
        ("ner", tmp_path / "tagged", small),
    ):
        model = rnn_apps.train(task, data, config=config, output=tmp_path / task, progress=False)
        facts = model.bundle.manifest["data"]
        assert "(3 files)" in facts["dataset"]
        assert facts["training_examples"] + facts["validation_examples"] == {"translation": 60, "ner": 30}[task]


def test_in_this_process_parts_are_done_one_by_one():
    assert list(one_by_one(lambda number: number**2, 4)) == [0, 1, 4, 9]


def test_a_store_of_nothing_is_none(tmp_path):
    with pytest.raises(FileNotFoundError):
        Store(tmp_path)
