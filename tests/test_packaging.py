"""What is installed is what is in the tree."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
SETUPTOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]


def packages_below(folder, name):
    inner = {path.parent.relative_to(folder) for path in folder.rglob("__init__.py")}
    return {".".join([name, *path.parts]) for path in inner if "template" not in path.parts}


def test_every_folder_of_modules_is_a_package_that_is_installed():
    expected = packages_below(ROOT / "rnn_apps", "rnn_apps") | packages_below(ROOT / "tasks", "rnn_apps.tasks")
    assert set(SETUPTOOLS["packages"]) == expected | {"rnn_apps.saved_models"}


def test_every_module_stands_in_a_package():
    for folder in (ROOT / "rnn_apps", ROOT / "tasks"):
        for module in folder.rglob("*.py"):
            if "template" not in module.parts:
                assert (module.parent / "__init__.py").exists(), module


def test_the_data_of_the_package_is_there():
    for pattern in SETUPTOOLS["package-data"]["rnn_apps"]:
        assert any((ROOT / "rnn_apps").glob(pattern)), pattern
