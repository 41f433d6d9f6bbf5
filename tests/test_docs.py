"""The pages stay true: their commands are commands, their links lead somewhere, both languages say the same."""

import re
import shlex
import subprocess
from itertools import pairwise
from pathlib import Path

import click
import pytest

from rnn_apps.cli.main import cli

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
BLOCK = re.compile(r"^```[^\n]*\n(.*?)^```", re.M | re.S)
_TRACKED = subprocess.run(["git", "ls-files", "saved_models/*/bundle.json"], cwd=ROOT, capture_output=True, text=True)
SHIPPED = {Path(line).parent.name for line in _TRACKED.stdout.splitlines()}  # and not what somebody has trained here

# they train, need a file or a network, or do not end by themselves: only how they are written is looked at
NOT_RUN = ("run", "train", "evaluate", "generate", "serve", "export", "new", "learn", "tune", "join")


def commands_of(page):
    """The calls of `rnnapps` in the code of a page, each as a list of arguments."""
    for block in BLOCK.findall(page.read_text(encoding="utf-8")):
        for line in block.replace("\\\n", " ").splitlines():
            if found := re.match(r"(?:\$ )?rnnapps (.*)", line):
                words = shlex.split(found[1], comments=True)
                yield words[: words.index("<")] if "<" in words else words


COMMANDS = [(page.relative_to(ROOT).as_posix(), words) for page in PAGES for words in commands_of(page)]


def test_there_are_commands():
    assert len(COMMANDS) > 50


@pytest.mark.parametrize(("page", "words"), COMMANDS, ids=[f"{page}-{' '.join(words)}" for page, words in COMMANDS])
def test_a_command_of_a_page_is_one(page, words):
    with click.Context(cli, **cli.context_settings) as context:
        name, command, rest = cli.resolve_command(context, words)
        command.make_context(name, rest, parent=context)


@pytest.mark.parametrize(
    "words",
    [
        pytest.param([*words], id=" ".join(words))
        for words in dict.fromkeys(tuple(words) for _, words in COMMANDS)
        if words[0] not in NOT_RUN and not {"-", "--data"} & {*words}
    ],
)
def test_a_command_that_answers_at_once_does(rnnapps, words):
    result = rnnapps(*words)
    assert (result.status, result.stderr) == (0, "")
    assert result.stdout


def test_both_languages_have_the_same_commands():
    english, chinese = (ROOT / name for name in ("README.md", "README.zh-CN.md"))
    own = [words for words in commands_of(chinese) if not any(name.endswith(("-zh", "-zh-en")) for name in words)]
    assert own == [*commands_of(english)]
    assert code_of(chinese) == code_of(english)
    assert english.read_text(encoding="utf-8").splitlines()[0].endswith("[简体中文](README.zh-CN.md)")


def code_of(page):
    """The blocks of Python, without comments."""
    blocks = re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)
    return [[re.sub(r" *#.*", "", line) for line in block.splitlines()] for block in blocks]


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_table_of_models_says_what_was_measured(name):
    from rnn_apps.model import load

    text = (ROOT / name).read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([\w-]+)` \|.*\|(.*)\|$", text, re.M))
    assert {*rows} >= SHIPPED > {"sentiment", "ner"}
    for model in SHIPPED:
        metrics = load(model).bundle.manifest["metrics"]
        for number in re.findall(r"\d+\.\d+", rows[model]):
            digits = len(number.partition(".")[2])
            assert number in [f"{value:.{digits}f}" for value in metrics.values()], model


@pytest.mark.parametrize("page", PAGES, ids=[page.relative_to(ROOT).as_posix() for page in PAGES])
def test_links_lead_somewhere(page):
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not re.match(r"\w+:", target):
            place, _, anchor = target.partition("#")
            path = (page.parent / place) if place else page
            assert path.exists(), target
            assert not anchor or path.suffix != ".md" or anchor in anchors_of(path), target


def anchors_of(page):
    titles = re.findall(r"^#+ (.*)", BLOCK.sub("", page.read_text(encoding="utf-8")), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=[page.relative_to(ROOT).as_posix() for page in PAGES])
def test_nothing_is_taken_for_markup(page):
    text = re.sub(r"`[^`\n]+`", "", BLOCK.sub("", page.read_text(encoding="utf-8")))
    assert re.findall(r"<(?!!--|/?details|/?summary|https?:)[^>\n]{1,30}>", text) == []


def test_headings_go_down_one_by_one():
    for page in PAGES:
        levels = [len(found) for found in re.findall(r"^(#+) ", BLOCK.sub("", page.read_text(encoding="utf-8")), re.M)]
        assert levels[0] == 1, page
        assert all(later - earlier <= 1 for earlier, later in pairwise(levels)), page
