import importlib
import json

import pytest

import rnn_apps
from rnn_apps.cli.main import COMMANDS


def test_help_lists_every_command_and_imports_none(run_python):
    code = """
import sys
sys.argv = ["rnnapps", "--help"]
from rnn_apps.cli.main import main
try:
    main()
finally:
    print([name for name in ("numpy", "onnxruntime", "pydantic", "rich", "tensorflow") if name in sys.modules])
"""
    result = run_python(code)
    assert result.status == 0, result.stderr
    assert result.stdout.splitlines()[-1] == "[]"
    for name, summary in COMMANDS.items():
        assert f"  {name}" in result.stdout
        assert summary.split()[0] in result.stdout


def test_an_answer_in_json_imports_nothing_that_it_does_not_need(run_python, sentiment_model):
    code = """
import sys
sys.argv = ["rnnapps", "predict", sys.argv[1], "A fine film.", "--json"]
from rnn_apps.cli.main import main
main()
others = (
    "matplotlib", "pandas", "pydantic", "rich", "tensorflow", "keras", "sklearn", "onnx", "asyncio", "html",
    "rnn_apps.plots", "rnn_apps.progress", "rnn_apps.html", "rnn_apps.sources", "rnn_apps.inference.table",
    "rnn_apps.views", "socket", "difflib",
)
print([name for name in others if name in sys.modules])
"""
    result = run_python(code, sentiment_model)
    assert result.status == 0, result.stderr
    assert result.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(rnnapps, name):
    for flag in ("--help", "-h"):
        result = rnnapps(name, flag)
        assert (result.status, result.stderr) == (0, "")
        assert result.stdout.startswith(f"Usage: rnnapps {name} ")
    command = importlib.import_module(f"rnn_apps.cli.{name}").command
    for parameter in command.params:
        assert parameter.param_type_name == "argument" or parameter.help, parameter.name


def test_the_version(rnnapps):
    assert rnnapps("--version").stdout == f"rnnapps, version {rnn_apps.__version__}\n"


def test_without_a_command_the_commands_are_shown(rnnapps):
    result = rnnapps()
    assert "Commands:" in result.stdout + result.stderr


@pytest.mark.parametrize(("typed", "meant"), [("rum", "run"), ("predct", "predict"), ("model", "models")])
def test_a_command_nearly_right_is_answered_with_the_right_one(rnnapps, typed, meant):
    result = rnnapps(typed)
    assert (result.status, result.stdout) == (2, "")
    assert f"There is no command '{typed}'. Did you mean '{meant}'?" in result.stderr


def test_the_installed_command_ends_with_its_status(command, tmp_path):
    assert command("--version", cwd=tmp_path).status == 0
    assert command("rum", cwd=tmp_path).status == 2


def test_a_fault_of_the_program_shows_its_traceback(rnnapps, monkeypatch):
    def fault():
        raise ZeroDivisionError

    monkeypatch.setattr("rnn_apps.cli.tasks.task_names", fault)
    with pytest.raises(ZeroDivisionError):
        rnnapps("tasks")


def test_control_c_ends_with_status_1(rnnapps, monkeypatch):
    def interrupt():
        raise KeyboardInterrupt

    monkeypatch.setattr("rnn_apps.cli.tasks.task_names", interrupt)
    result = rnnapps("tasks")
    assert (result.status, result.stdout) == (1, "")
    assert result.stderr.strip() == "Aborted."


def test_the_tasks_are_listed(rnnapps):
    lines = rnnapps("tasks").stdout.splitlines()
    for name in rnn_apps.task_names():
        task = rnn_apps.find_task(name)
        (line,) = [line for line in lines if line.startswith(f"{name} ")]
        assert task.shape.value in line
        assert task.summary in line


class TestModels:
    def test_models_are_listed_with_their_metrics(self, rnnapps, tmp_path, digits_model, sentiment_model):
        import shutil

        shutil.copytree(digits_model, tmp_path / "saved_models" / "numbers")
        broken = shutil.copytree(sentiment_model, tmp_path / "saved_models" / "broken")
        (broken / "model.onnx").write_bytes(b"x")
        result = rnnapps("models")
        assert result.status == 0
        lines = {line.split()[0]: line for line in result.stdout.splitlines()}
        facts = json.loads((digits_model / "bundle.json").read_text())
        assert f"accuracy {facts['metrics']['accuracy']:.4f}" in lines["numbers"]
        assert f"{facts['parameters']:,} parameters" in lines["numbers"]
        assert "broken: " in lines["broken"]
        assert "was changed" in lines["broken"]
        listed = {model["name"]: model for model in json.loads(rnnapps("models", "--json").stdout)}
        assert listed["numbers"]["metrics"] == facts["metrics"]
        assert (listed["numbers"]["task"], listed["numbers"]["parameters"]) == ("digits", facts["parameters"])
        assert "was changed" in listed["broken"]["error"]

    def test_tasks_are_listed_as_json(self, rnnapps):
        shapes = {task["name"]: task["shape"] for task in json.loads(rnnapps("tasks", "--json").stdout)}
        assert shapes["digits"] == "one-to-one"
        assert len(shapes) >= 5

    def test_without_a_model_the_command_that_makes_one_is_named(self, rnnapps, monkeypatch):
        monkeypatch.setattr("rnn_apps.bundle.find_spec", lambda name: None)
        assert "There is no saved model yet. Train one with: rnnapps run TASK" in rnnapps("models").stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("rnnapps run se", {"sentiment"}),
        ("rnnapps predict sentim", {"sentiment", "sentiment-zh"}),
        ("rnnapps serve ner tr", {"translation", "translation-zh-en"}),
        ("rnnapps evaluate somewhere/", {"somewhere/"}),  # a folder, which the shell completes
    ],
)
def test_names_of_tasks_and_models_complete(command, words, expected, tmp_path):
    asked = {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1), "_RNNAPPS_COMPLETE": "bash_complete"}
    result = command(cwd=tmp_path, **asked)
    found = {line.partition(",")[2] for line in result.stdout.splitlines()}
    assert found >= expected
    assert all(name.startswith(words.split()[-1]) for name in found)  # a model of one's own may be among them
