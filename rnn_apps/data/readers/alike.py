"""Names of classes that look alike: a person writes "Good" and "good" and means one."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict

_BETWEEN_WORDS = re.compile(r"(?<=\w)[\s_-]+(?=\w)")


def alike(counts: Counter[str]) -> list[list[str]]:
    """Returns the names that differ in case or in what joins their words alone, such as "Very good" and "very-good".

    Args:
        counts: how often there is each.

    Returns:
        groups of two names or more, the most frequent of each in front.
    """
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for name, _ in counts.most_common():
        groups[_BETWEEN_WORDS.sub(" ", unicodedata.normalize("NFKC", name).casefold())].append(name)
    return [group for group in groups.values() if len(group) > 1]
