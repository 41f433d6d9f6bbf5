import json
import runpy
import sys
import tomllib

import pytest

from rnn_apps import task


@pytest.fixture(scope="module")
def package(tmp_path_factory, command):
    """A generated package, laid out as an installer would: its modules and its metadata in one folder on the path."""
    folder = tmp_path_factory.mktemp("new")
    result = command("new", "brackets", cwd=folder)
    assert result.status == 0, result.stderr
    project = tomllib.loads((folder / "brackets" / "pyproject.toml").read_text())["project"]
    points = "".join(f"[{group}]\n" + "".join(f"{n} = {v}\n" for n, v in found.items())
                     for group, found in project["entry-points"].items())  # fmt: skip
    metadata = folder / "brackets" / f"{project['name']}-{project['version']}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    (metadata / "entry_points.txt").write_text(points)
    return folder / "brackets"


@pytest.fixture(scope="module")
def trained(package, command, tmp_path_factory):
    """A folder in which the new task was trained."""
    folder = tmp_path_factory.mktemp("trained")
    run = command("run", "brackets", cwd=folder, PYTHONPATH=str(package))
    assert run.status == 0, run.stderr
    return folder


def test_a_new_task_is_found_trains_saves_and_predicts_at_once(package, trained, command):
    path = {"PYTHONPATH": str(package)}
    assert "brackets" in command("tasks", cwd=trained, **path).stdout
    evaluated = json.loads((trained / "saved_models/brackets-sample/bundle.json").read_text())["metrics"]
    assert evaluated["accuracy"] > 0.9
    answers = command("predict", "brackets-sample", "(())", "())(", "--json", cwd=trained, **path)
    assert [answer["label"] for answer in json.loads(answers.stdout)] == ["balanced", "unbalanced"]


def test_a_bundle_of_a_task_that_is_not_installed_says_what_to_install(trained, command):
    result = command("predict", "brackets-sample", "()", cwd=trained)
    assert result.status == 2
    assert "pip install brackets" in result.stderr


def test_the_test_of_a_new_task_passes(package, monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(package)
    monkeypatch.setattr(task, "_declared", task._declared.__wrapped__)  # it remembers what was installed before
    (file,) = (package / "tests").glob("test_*.py")
    tests = [own for name, own in runpy.run_path(str(file)).items() if name.startswith("test_")]
    try:
        for own in tests:
            own(tmp_path)
    finally:
        for name in [name for name in sys.modules if name.split(".")[0] == package.name]:
            del sys.modules[name]
    assert tests


@pytest.mark.parametrize("name", ["Spam", "2fast", "sp am", "class", "../up", "sentiment", "json", "numpy", "rich"])
def test_a_name_that_cannot_be_used_is_refused_and_nothing_is_written(rnnapps, files_below, tmp_path, name):
    result = rnnapps("new", name)
    assert result.status == 2
    assert f"'{name}'" in result.stderr
    assert files_below(tmp_path) == []


def test_a_folder_that_exists_is_not_touched(rnnapps, tmp_path):
    (tmp_path / "spam").mkdir()
    result = rnnapps("new", "spam")
    assert result.status == 2
    assert "--output" in result.stderr
