"""The built-in sample: strings of brackets, balanced or not."""

import random

EXAMPLES = ("(()())", "(()", "())(()")


def examples():
    """Returns (label, text) pairs, the same ones every time; half of the texts are balanced."""
    rng = random.Random(0)
    texts = set()
    while len(texts) < 1500:
        balanced = _balanced(rng, rng.randint(1, 8))
        texts.add(balanced)
        texts.add(_swapped(rng, balanced))
    pairs = [("balanced" if _is_balanced(text) else "unbalanced", text) for text in sorted(texts)]
    rng.shuffle(pairs)
    return pairs


def _balanced(rng, pairs):
    text = ""
    for _ in range(pairs):
        place = rng.randint(0, len(text))
        text = text[:place] + "()" + text[place:]
    return text


def _swapped(rng, text):
    """Returns the text with two characters in each other's place: as many brackets of each kind, another order."""
    characters = list(text)
    i, j = rng.randrange(len(text)), rng.randrange(len(text))
    characters[i], characters[j] = characters[j], characters[i]
    return "".join(characters)


def _is_balanced(text):
    depth = 0
    for character in text:
        depth += 1 if character == "(" else -1
        if depth < 0:
            return False
    return depth == 0
