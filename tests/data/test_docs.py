"""What docs/data.md says of its examples is what is said of them."""

import re
from pathlib import Path

import pytest

from rnn_apps.sources import file_source
from rnn_apps.task import find_task

PAGE = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```(\w+) (\S+)\n(.*?)^```\n\n((?:> [^\n]*\n)+)", PAGE, re.M | re.S)


@pytest.mark.parametrize("example", EXAMPLES, ids=[name for _, name, _, _ in EXAMPLES])
def test_an_example_is_read_as_the_page_says(tmp_path, example):
    task, name, content, said = example
    (tmp_path / name).write_text(content, encoding="utf-8")
    source = file_source(find_task(task), [tmp_path / name])
    assert source.survey().lines() == re.findall(r"^> (.*)", said, re.M)
    assert list(source)


def test_every_format_has_its_example():
    assert {Path(name).suffix for _, name, _, _ in EXAMPLES} >= {".csv", ".tsv", ".jsonl", ".conll"}
    assert {task for task, _, _, _ in EXAMPLES} >= {"sentiment", "ner", "translation"}
