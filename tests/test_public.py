import importlib
import json
import pkgutil
from importlib.metadata import version
from pathlib import Path

import pytest

import rnn_apps
from rnn_apps.task import task_names

HEAVY = ("tensorflow", "keras", "onnx", "matplotlib", "sklearn", "numba", "tensorflow_datasets", "scipy", "h5py")

# modules that are allowed to import TensorFlow when they are imported
TRAINING_ONLY = (
    "rnn_apps.kernels",
    "rnn_apps.layers",
    "rnn_apps.backward",
    "rnn_apps.course",
    "rnn_apps.training",
    "rnn_apps.export",
    "rnn_apps.tasks",
    "rnn_apps.saved_models",
    "rnn_apps.sklearn",
    "rnn_apps.cluster.tuning",  # imports Ray
)


def light_modules():
    names = ["rnn_apps"]
    for module in pkgutil.walk_packages(rnn_apps.__path__, "rnn_apps.", onerror=lambda name: None):
        if not module.name.startswith(TRAINING_ONLY) and "template" not in module.name:
            names.append(module.name)
    for task in task_names():
        names += [f"rnn_apps.tasks.{task}.task", f"rnn_apps.tasks.{task}.predictor"]
    return names


BLOCK = f"""
import sys

class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {HEAVY}:
            raise ImportError(name + " is blocked")

sys.meta_path.insert(0, Block())
"""


def test_the_public_names_are_listed_and_exist():
    assert sorted(rnn_apps.__all__) == rnn_apps.__all__
    for name in rnn_apps.__all__:
        assert getattr(rnn_apps, name).__name__ == name
        assert getattr(rnn_apps, name).__doc__
    assert dir(rnn_apps) == sorted([*rnn_apps.__all__, "__version__"])


def test_every_public_name_stands_where_its_module_says():
    for name in rnn_apps.__all__:
        value = getattr(rnn_apps, name)
        assert getattr(importlib.import_module(value.__module__), name) is value


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'rnn_apps' has no attribute 'lood'"):
        _ = rnn_apps.lood


def test_the_version_is_that_of_the_installed_package():
    assert rnn_apps.__version__ == version("rnn-apps")


def test_types_are_announced():
    assert (Path(rnn_apps.__file__).parent / "py.typed").exists()


def test_no_module_outside_training_imports_tensorflow(run_python):
    names = light_modules()
    assert {"rnn_apps.cli.run", "rnn_apps.data.readers.tfds", "rnn_apps.inference.session", "rnn_apps.model"} <= set(
        names
    )
    code = """
import sys, json, importlib
for name in json.loads(sys.argv[1]):
    importlib.import_module(name)
print(json.dumps([name for name in json.loads(sys.argv[2]) if name in sys.modules]))
"""
    result = run_python(code, json.dumps(names), json.dumps(HEAVY))
    assert result.status == 0, result.stderr
    assert json.loads(result.stdout) == []


def test_predicting_loads_no_tensorflow(run_python, digits_model, sentiment_model):
    code = """
import sys, json, rnn_apps
for folder, text in zip(sys.argv[1:3], ("a fine film", None)):
    model = rnn_apps.load(folder)
    inputs = [text] if text else model.predictor.examples
    assert model.predict(inputs)
print(json.dumps([name for name in json.loads(sys.argv[3]) if name in sys.modules]))
"""
    result = run_python(code, sentiment_model, digits_model, json.dumps(HEAVY))
    assert result.status == 0, result.stderr
    assert json.loads(result.stdout) == []


def test_predicting_and_evaluating_need_the_base_dependencies_only(run_python, sentiment_model, reviews, tmp_path):
    code = BLOCK + "from rnn_apps.cli.main import main; main()"
    result = run_python(code, "predict", sentiment_model, "a fine film", "--json", cwd=tmp_path)
    assert result.status == 0, result.stderr
    assert json.loads(result.stdout)[0]["label"] in ("positive", "negative")
    result = run_python(code, "evaluate", sentiment_model, "--data", reviews, "--json", cwd=tmp_path)
    assert result.status == 0, result.stderr
    assert json.loads(result.stdout)["examples"] == 240


@pytest.mark.parametrize("task", ["sentiment", "digits"])
def test_training_without_its_extra_names_the_pip_command_and_leaves_nothing(run_python, tmp_path, files_below, task):
    result = run_python(BLOCK + "from rnn_apps.cli.main import main; main()", "run", task, cwd=tmp_path)
    assert result.status == 2
    assert result.stdout == ""
    assert result.stderr.splitlines()[-1].endswith('Run: pip install "rnn-apps[train]"')
    assert "Traceback" not in result.stderr
    assert files_below(tmp_path) == []


def test_the_keras_model_without_the_extra_names_the_pip_command(run_python, sentiment_model):
    code = BLOCK + "import rnn_apps\ntry: rnn_apps.load(sys.argv[1]).keras_model()\nexcept ImportError as e: print(e)"
    assert 'pip install "rnn-apps[train]"' in run_python(code, sentiment_model).stdout
