"""The built-in sample: scikit-learn's bundled 8 x 8 handwritten digits, and three digits drawn for this project."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rnn_apps.errors import MissingExtraError

Image = npt.NDArray[np.float32]


def examples() -> list[tuple[str, Image]]:
    """Returns (label, image) pairs; images are (8, 8) with ink from 0 to 16.

    Source: E. Alpaydin and C. Kaynak, "Optical recognition of handwritten digits", UCI repository (CC BY 4.0), the
    part that scikit-learn bundles.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise MissingExtraError("The built-in sample of 'digits'", "train") from None
    digits = load_digits()
    return [(str(label), image.astype(np.float32)) for label, image in zip(digits.target, digits.images, strict=True)]


def _drawn(picture: str) -> Image:
    """Reads an image written as lines of `.` (no ink), `+` (some) and `#` (full)."""
    ink = {".": 0, "+": 8, "#": 16}
    return np.array([[ink[pixel] for pixel in line] for line in picture.split()], np.float32)


ZERO = """
..+##+..
.+#++#+.
.##..##.
.#+..+#.
.#+..+#.
.##..##.
.+#++#+.
..+##+..
"""

ONE = """
...+#+..
..+##+..
.+###+..
.+.##+..
...##+..
...##+..
...##+..
..+##++.
"""

SEVEN = """
.+####+.
.+++##+.
....+#+.
...+##..
.+#####.
..+##++.
..+##...
..+#+...
"""

EXAMPLES = tuple(map(_drawn, (ZERO, ONE, SEVEN)))
