import re
import shlex

import numpy as np
import pytest

import rnn_apps
from rnn_apps import task as task_module
from rnn_apps.config import TaskConfig
from rnn_apps.data.processor import Processor
from rnn_apps.errors import NotFoundError, RnnAppsError
from rnn_apps.inference.predictor import Predictor
from rnn_apps.task import Network, Shape, Task, find_task, task_names

NAMES = task_names()


def test_the_tasks_are_found_in_alphabetical_order():
    assert {"digits", "sentiment"} <= set(NAMES)
    assert sorted(NAMES) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_task_keeps_the_contract(name):
    task = find_task(name)
    assert isinstance(task, Task)
    assert task.name == name
    assert task.summary
    assert task.shape in Shape
    assert task.monitor_mode in ("max", "min")
    assert isinstance(task.Config(), TaskConfig)
    assert issubclass(task.processor, Processor)
    assert issubclass(task.predictor_class, Predictor)
    assert isinstance(task.new_network(), Network)


@pytest.mark.parametrize("name", NAMES)
def test_an_example_can_be_typed_at_the_command_line(name):
    predictor = rnn_apps.load(name).predictor
    (argument,) = shlex.split(predictor.example_argument)
    assert len(predictor.examples) >= 3
    assert np.array_equal(predictor.parse(argument), predictor.examples[0])


@pytest.mark.parametrize("name", NAMES)
def test_the_sample_is_the_same_every_time(name):
    first, second = (list(find_task(name).sample())[:50] for _ in range(2))
    assert str(first) == str(second)
    assert len(first) == 50


@pytest.mark.parametrize("name", NAMES)
def test_a_processor_comes_back_from_its_files(name, tmp_path):
    task = find_task(name)
    examples = list(task.sample())[:200]
    processor = task.processor.fit(examples, task.Config())
    processor.save(tmp_path)
    loaded = task.processor.load(tmp_path)
    for before, after in zip(processor.encode(examples[:20]), loaded.encode(examples[:20]), strict=True):
        assert before.keys() == after.keys()
        for key in before:
            np.testing.assert_array_equal(before[key], after[key])
            assert before[key].dtype == after[key].dtype


def test_a_name_nearly_right_is_answered_with_the_right_one():
    with pytest.raises(
        NotFoundError, match=r"There is no task 'sentimant'\. Did you mean 'sentiment'\? Installed: dig"
    ):
        find_task("sentimant")


@pytest.mark.parametrize("place", ["no_such_package.task:PoetryTask", "rnn_apps.task:PoetryTask", "!"])
def test_a_task_that_cannot_be_imported_is_told(monkeypatch, place):
    monkeypatch.setattr(task_module, "_declared", lambda: {"poetry": place})
    with pytest.raises(RnnAppsError, match=rf"The task 'poetry' \({place}\) cannot be imported"):
        find_task("poetry")


def test_a_task_of_another_package_is_found(tmp_path, run_python):
    (tmp_path / "poetry.py").write_text(
        "from rnn_apps.tasks.digits.task import DigitsTask\nclass PoetryTask(DigitsTask):\n    name = 'poetry'\n"
    )
    information = tmp_path / "poetry-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: poetry\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[rnn_apps.tasks]\npoetry = poetry:PoetryTask\n")
    code = "import rnn_apps; print(rnn_apps.task_names(), rnn_apps.find_task('poetry').name)"
    result = run_python(code, PYTHONPATH=str(tmp_path))
    assert result.stdout.split() == [*str(sorted([*NAMES, "poetry"])).split(), "poetry"], result.stderr


def test_a_task_whose_name_is_taken_is_passed_over_and_said_to_be(tmp_path, run_python):
    for number, name in enumerate(["digits", "poetry", "poetry"]):
        information = tmp_path / f"p{number}-1.0.dist-info"
        information.mkdir()
        (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: p{number}\nVersion: 1.0\n")
        (information / "entry_points.txt").write_text(f"[rnn_apps.tasks]\n{name} = p{number}:OwnTask\n")
    code = "import rnn_apps; print(rnn_apps.task_names())"
    result = run_python(code, PYTHONPATH=str(tmp_path))
    assert result.stdout.strip() == str(sorted([*NAMES, "poetry"])), result.stderr
    first, second = sorted(result.stderr.splitlines())
    assert first.startswith("The task 'digits' of p0:OwnTask is passed over: rnn_apps.tasks.digits.task:DigitsTask has")
    assert re.fullmatch(r"The task 'poetry' of p\d:OwnTask is passed over: p\d:OwnTask has that name\..*", second)


def test_a_task_without_tfds_says_so():
    class Plain(find_task("digits").__class__):
        read_tfds = Task.read_tfds

    with pytest.raises(RnnAppsError, match="does not read TensorFlow datasets"):
        Plain().read_tfds(None, "train")
