"""What docs/architecture.md says of the code is so."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
WALKS = [walk.split("\n## ")[0] for walk in PAGE.split("\n### ")[1:]]
STEP = re.compile(r"^\d+\. `([\w/]+\.py)`, (.+?)(?=^\d+\.|\Z)", re.M | re.S)


def defined(path):
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}


@pytest.mark.parametrize("walk", WALKS, ids=[walk.splitlines()[0] for walk in WALKS])
def test_a_walk_goes_through_at_most_ten_functions_that_are_there(walk):
    steps = STEP.findall(walk)
    assert 5 <= len(steps) <= 10
    for path, about in steps:
        first = re.findall(r"`(\w+)`", about)[0]
        assert first in defined(path), (path, first)


def test_three_walks_are_told():
    assert len(WALKS) == 3


def test_every_room_is_named():
    rooms = {path.stem if path.suffix else f"{path.name}/" for path in (ROOT / "rnn_apps").iterdir()}
    rooms = {room if room.endswith("/") else f"{room}.py" for room in rooms} - {"__init__.py", "__pycache__/", "py.py"}
    table = PAGE.split("## Where to begin")[0]
    assert {room for room in rooms if f"`{room}`" not in table} == set()
