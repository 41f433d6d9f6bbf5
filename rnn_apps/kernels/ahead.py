"""Compiles a cell in a process of its own, while data is read and TensorFlow starts.

    python -m rnn_apps.kernels.ahead rnn_apps/layers/lstm.py

The file of a cell imports Keras, which takes longer than half of the compiling. So what is compiled is taken out of it:
its functions, and the activations that it imports for them.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from rnn_apps.environment import cache_folder
from rnn_apps.kernels import activations, compiler


class Cell(NamedTuple):
    """What `compiler.load` needs of a cell, as its file has it."""

    name: str
    steps: compiler.Steps
    slots: dict[str, str]


def begin(file: Path) -> None:
    """Starts to compile a cell that never was on this machine; `compiler.load` waits for it.

    Args:
        file: the Python file of the cell.
    """
    if not compiler.available():
        return
    cell = cell_in(file)
    if not compiler.kept_in(cell.steps).is_relative_to(cache_folder()):  # no other process would find it
        return
    if not compiler.announced(cell.name, cell.steps, cell.slots).exists():
        command = [sys.executable, "-P", "-m", __name__, str(file)]  # with nothing from the folder where one stands
        silent = subprocess.DEVNULL
        compiler.expect(subprocess.Popen(command, stdin=silent, stdout=silent, stderr=silent))


def cell_in(file: Path) -> Cell:
    """Returns the name of a cell's class, its steps, and the activations that stand in their slots by default.

    Args:
        file: has one class, `forward_step`, `backward_step`, and imports activations under the names of their slots.
    """
    tree = ast.parse(file.read_bytes())
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    used = [node for node in imports if node.module in ("__future__", activations.__name__)]
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    found: dict[str, Any] = {"__name__": f"rnn_apps.layers.{file.stem}"}
    exec(compile(ast.Module([*used, *functions], []), str(file), "exec"), found)
    (name,) = (node.name for node in tree.body if isinstance(node, ast.ClassDef))
    slots = {alias.asname: alias.name for node in used for alias in node.names if alias.asname}
    chosen = {slot: function for slot, function in slots.items() if function in activations.ACTIVATIONS}
    return Cell(name, (found["forward_step"], found["backward_step"]), chosen)


def _compile(file: Path) -> None:
    """Compiles the cell in a file."""
    cell = cell_in(file)
    # Numba imports the module that a function says it is of
    name = cell.steps[0].__module__
    sys.modules[name] = ModuleType(name)
    compiler.load(*cell)


if __name__ == "__main__":
    _compile(Path(sys.argv[1]))
