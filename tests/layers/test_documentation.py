"""The page about the recurrent core points to lines of code: each line still says what the page quotes."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_formula_points_to_the_line_that_computes_it():
    page = ROOT / "docs" / "recurrent-core.md"
    links = re.findall(r"\[`([^`]+)`\]\(([^)#]+)#L(\d+)\)", page.read_text(encoding="utf-8"))
    assert len(links) > 15
    for quoted, path, number in links:
        lines = (page.parent / path).resolve().read_text(encoding="utf-8").splitlines()
        assert quoted in lines[int(number) - 1], f"{path}:{number} says {lines[int(number) - 1].strip()!r}"
