"""What is learnt of examples in parts is what is learnt of all of them."""

import pytest

from rnn_apps.data.examples import LabelledText
from rnn_apps.data.parts import Mapped, counted, each_part, first_letters, part_count
from rnn_apps.errors import DataError
from rnn_apps.task import find_task


def test_items_in_parts_come_again_and_again_in_their_order(in_parts):
    parts = in_parts([[1, 2], [], [3]])
    doubled = Mapped(lambda own: (2 * item for item in own), parts)
    for _ in range(2):
        assert list(parts) == [1, 2, 3]
        assert list(doubled) == [2, 4, 6]
        assert list(each_part(sum, doubled)) == [6, 0, 6]
    assert (part_count(parts), part_count(doubled), part_count([1])) == (3, 3, 1)
    assert list(each_part(sum, [1, 2])) == [3]


def test_what_came_first_is_counted_first(in_parts):
    assert list(counted(iter, in_parts(["ba", "ab", "c"])).items()) == [("b", 2), ("a", 2), ("c", 1)]


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("name", ["sentiment", "ner", "translation", "music", "digits"])
def test_a_processor_learns_the_same_of_parts(name, in_parts, tmp_path):
    task = find_task(name)
    assert_learns_the_same(task, task.Config(), list(task.sample())[:120], in_parts, tmp_path)


@pytest.mark.parametrize("target", ["number", "labels", "ordered"])
def test_so_does_each_target(target, in_parts, tmp_path):
    examples = [LabelledText(f"{n % 4}", f"a text of {n} words", f"line {n}") for n in range(40)]
    task = find_task("sentiment").adapted({"data": {"target": target, "label_separator": "|"}})
    assert_learns_the_same(task, task.Config(data={"target": target}), examples, in_parts, tmp_path)


def assert_learns_the_same(task, config, examples, in_parts, folder):
    third = len(examples) // 3
    parts = in_parts([examples[:third], examples[third : 2 * third], examples[2 * third :]])
    for name, given in {"one": examples, "parts": parts}.items():
        (folder / name).mkdir()
        task.processor.fit(given, config).save(folder / name)
    assert files(folder / "one") == files(folder / "parts")


def test_a_fault_in_a_part_is_told_as_in_one(in_parts):
    task = find_task("ner")
    tagless = [type(example)(example.tokens, ["O"] * len(example.tokens)) for example in task.sample()]
    with pytest.raises(DataError, match="All tags of the training sentences are O"):
        task.processor.fit(in_parts([tagless[:3], tagless[3:6]]), task.Config())


@pytest.mark.parametrize(("most", "count"), [(1, 1), (5, 1), (6, 2), (99, 3)])
def test_the_first_letters_are_whole_texts_and_never_none(most, count):
    assert list(first_letters(most, ["abcde", "fgh", "i"])) == ["abcde", "fgh", "i"][:count]
