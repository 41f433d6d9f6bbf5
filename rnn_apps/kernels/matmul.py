"""The matrix products of a recurrent layer, as plain NumPy.

What Numba compiles in their place is in `llvm.py`; these bodies say what those compute, and stand in for
them wherever a test runs the loops uncompiled, in float64.

A matrix that multiplies from the right is packed first: columns in panels of a fixed width, each panel contiguous,
the last one filled up with zeros. A product adds whole panels, so its result needs rows that are a whole number of
panels wide; `padded` says how wide.
"""

from __future__ import annotations

from rnn_apps.arrays import Array

PANEL = 32
"""Columns of a panel."""

TILE = 64
"""Rows of a panel that are filled at a time where a matrix is transposed into it."""


def padded(columns: int) -> int:
    """`columns` rounded up to whole panels."""
    return -(-columns // PANEL) * PANEL


def pack(matrix: Array, panels: Array) -> None:
    """Copies a matrix (rows, columns) into panels (panel, rows, PANEL)."""
    rows, columns = matrix.shape
    for p in range(panels.shape[0]):
        width = min(PANEL, columns - p * PANEL)
        for k in range(rows):
            for j in range(width):
                panels[p, k, j] = matrix[k, p * PANEL + j]
            for j in range(width, PANEL):
                panels[p, k, j] = 0


def pack_transposed(matrix: Array, panels: Array) -> None:
    """Copies the transpose of a matrix (columns, rows) into panels (panel, rows, PANEL)."""
    columns, rows = matrix.shape
    for p in range(panels.shape[0]):
        width = min(PANEL, columns - p * PANEL)
        # along the rows of the matrix, and few enough that what is written to stays in the cache
        for first in range(0, rows, TILE):
            last = min(first + TILE, rows)
            for j in range(width):
                for k in range(first, last):
                    panels[p, k, j] = matrix[p * PANEL + j, k]
            for j in range(width, PANEL):
                for k in range(first, last):
                    panels[p, k, j] = 0


def add_product(C: Array, A: Array, panels: Array) -> None:
    """C += A B, with B packed in panels.

    Args:
        C: (m, at least panels * PANEL).
        A: (m, k).
        panels: (panels, k, PANEL).
    """
    for p in range(panels.shape[0]):
        C[:, p * PANEL : (p + 1) * PANEL] += A @ panels[p]


def add_transposed_product(C: Array, A: Array, B: Array) -> None:
    """C += Aᵀ B.

    Args:
        C: (k, n) with n whole panels.
        A: (m, k).
        B: (m, at least n).
    """
    C += A.T @ B[:, : C.shape[1]]


def prefetch(matrix: Array, row: int, start: int, stop: int) -> None:
    """Asks the processor to fetch columns `start` to `stop` of a row into its cache; changes nothing."""
