"""Draws the rooms of the code, and which imports which, into docs/architecture.md.

    python docs/rooms.py            draw it anew from the imports
    python docs/rooms.py --check    fail if the drawing is not that of the code

An arrow says "imports"; one that already follows from others (a imports b, b imports c) is left out. The package is
looked up on the path, with `tasks/` inside, as `make layout` lays it out.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import grimp

PAGE = Path(__file__).with_name("architecture.md")
BEGIN, END = "<!-- rooms: python docs/rooms.py -->\n", "<!-- /rooms -->\n"
GROUND = ("errors", "arrays", "views", "progress")


def arrows() -> set[tuple[str, str]]:
    """Returns (room, room it imports) pairs; a room is a folder or a file directly below the package."""
    graph = grimp.build_graph("rnn_apps", cache_dir=None)
    rooms = sorted(graph.find_children("rnn_apps"))
    found = set()
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            pair = _room(module), _room(imported)
            if all(pair) and pair[0] != pair[1]:
                found.add(pair)
    assert {f"rnn_apps.{room}" for pair in found for room in pair} <= set(rooms)
    return found


def _room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def reduced(pairs: set[tuple[str, str]]) -> list[tuple[str, str]]:
    """Leaves out the arrows that follow from others; the pairs must hold no circle."""
    following: dict[str, set[str]] = {}
    for room, imported in pairs:
        following.setdefault(room, set()).add(imported)

    def reaches(start: str, goal: str) -> bool:
        return any(room == goal or reaches(room, goal) for room in following.get(start, ()))

    return sorted(
        (room, imported)
        for room, imported in pairs
        if not any(other != imported and reaches(other, imported) for other in following[room])
    )


def drawing() -> str:
    """Returns the drawing as a Mermaid flowchart; everything imports the ground floor, so it has one box."""
    pairs = {(room, imported) for room, imported in arrows() if imported not in GROUND and room not in GROUND}
    lines = [f"  {room} --> {imported}" for room, imported in reduced(pairs)]
    ground = f'  ground["{" · ".join(GROUND)}"]'
    lowest = {imported for _, imported in pairs} - {room for room, _ in pairs}
    return "\n".join(
        ["```mermaid", "flowchart TD", ground, *lines, *(f"  {room} --> ground" for room in sorted(lowest))]
    ) + ("\n```\n")


def main() -> None:
    """Draws, or checks what is drawn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    drawn, _, after = rest.partition(END)
    if check and drawn != drawing():
        sys.exit("The drawing in docs/architecture.md is not that of the code. Run: make rooms")
    if not check:
        PAGE.write_text(before + BEGIN + drawing() + END + after, encoding="utf-8")


if __name__ == "__main__":
    main()
