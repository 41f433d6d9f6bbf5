"""`rnnapps new NAME`: a package with a task that works, to start from."""

from __future__ import annotations

import keyword
import re
import sys
from importlib.metadata import distributions
from importlib.resources import files
from importlib.resources.abc import Traversable
from importlib.util import find_spec
from pathlib import Path
from string import Template

import click

from rnn_apps.errors import ConfigError, OutputError
from rnn_apps.task import task_names


@click.command("new")
@click.argument("name")
@click.option(
    "--output", type=click.Path(path_type=Path), metavar="DIR", help="Where the package goes. Default: ./NAME"
)
def command(name: str, output: Path | None) -> None:
    """Write an installable package with a new task called NAME."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise ConfigError(f"Expected a name of small letters, digits and underscores, such as spam. Received: '{name}'")
    if name in task_names():
        raise ConfigError(f"There is a task '{name}' already. Choose another name.")
    if taken := _taken(name):
        raise ConfigError(f"'{name}' is the name of {taken}, which Python would import instead. Choose another name.")
    folder = output or Path(name)
    if folder.exists():
        raise OutputError(f"{folder} exists. Choose another --output.")
    title = name.title().replace("_", "")
    words = {"name": name, "class": f"{title}Task", "network": f"{title}Network", "predictor": f"{title}Predictor"}
    try:
        _write(files("rnn_apps.cli") / "template", folder, words)
    except OSError as error:
        raise OutputError(f"{folder} cannot be written: {error.strerror or error}.") from error
    click.echo(f"Wrote {folder}. Next:\n  pip install -e {folder}\n  rnnapps run {name}")


def _taken(name: str) -> str:
    """Says what a name is taken by; "" if it is free."""
    if name in sys.stdlib_module_names:
        return "a module of Python"
    spec = find_spec(name)
    if spec is not None and spec.loader is not None:  # a folder that is no package has none
        return f"an installed package ({name})"
    installed = {re.sub(r"[-_.]+", "_", distribution.name.lower()) for distribution in distributions()}
    return f"an installed package ({name})" if name in installed else ""


def _write(template: Traversable, folder: Path, words: dict[str, str]) -> None:
    """Copies a folder of the template, with names put in where it says $name and the like."""
    folder.mkdir(parents=True)
    for entry in template.iterdir():
        if entry.is_dir():
            _write(entry, folder / (words["name"] if entry.name == "package" else entry.name), words)
        elif not entry.name.endswith(".pyc"):
            text = Template(entry.read_text(encoding="utf-8")).substitute(words)
            target = f"test_{words['name']}.py" if entry.name == "test_task.py" else entry.name
            (folder / target).write_text(text, encoding="utf-8")
