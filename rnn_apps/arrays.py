"""What arrays and tensors are called in type annotations; imports nothing of this project."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
"""An array of any dtype."""

Arrays: TypeAlias = dict[str, Array]
"""Arrays by name: an encoded example, a batch, what a graph takes or gives."""

Floats: TypeAlias = npt.NDArray[np.floating[Any]]
Ints: TypeAlias = npt.NDArray[np.integer[Any]]

Tensor: TypeAlias = Any
"""A tensor of Keras' backend, which carries no type of its own."""

MASKED = -1e9
"""A score that stands for minus infinity: its softmax is 0, and it stays a number when others are added to it."""
