"""What docs/data.md, in each language, says of its examples is what is said of them."""

import re
from pathlib import Path

import pytest

from rnn_apps.data.readers.columns import AS_SEEN
from rnn_apps.sources import file_source
from rnn_apps.task import find_task

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLES = [
    (language, *example)
    for language in (".", "zh")
    for example in re.findall(
        r"^```(\w+) (\S+)\n(.*?)^```\n\n((?:> [^\n]*\n)+)",
        (DOCS / language / "data.md").read_text(encoding="utf-8"),
        re.M | re.S,
    )
]


@pytest.mark.parametrize(
    "example",
    EXAMPLES,
    ids=[f"{language}-{number}-{example[1]}" for number, (language, *example) in enumerate(EXAMPLES)],
)
def test_an_example_is_read_as_the_page_says(tmp_path, example):
    _, task, name, content, said = example
    (tmp_path / name).write_text(content, encoding="utf-8")
    found, paths = find_task(task), [tmp_path / name]
    settings = found.settled(found.Config(), paths, AS_SEEN)
    source = file_source(found.adapted(settings.model_dump()), paths)
    assert source.survey().lines() == re.findall(r"^> (.*)", said, re.M)
    assert list(source)


@pytest.mark.parametrize("language", [".", "zh"])
def test_every_format_has_its_example(language):
    own = [example for example in EXAMPLES if example[0] == language]
    assert {Path(name).suffix for _, _, name, _, _ in own} >= {".csv", ".tsv", ".jsonl", ".conll"}
    assert {task for _, task, _, _, _ in own} >= {"sentiment", "ner", "translation"}
