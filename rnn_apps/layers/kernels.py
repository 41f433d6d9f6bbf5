"""Compiles a cell's loops, once for each processor and version, and only when a layer first runs.

The machine code is kept on disk in a folder of its own below the user's cache folder (`RNN_APPS_CACHE` names another),
which is named after the sources it was made from: Numba by itself looks at one file only, and would not notice a
change in what that file imports.
"""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
import threading
import types as python_types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from rnn_apps.layers import loops, packing, products, scalar

logger = logging.getLogger("rnn_apps")

# NaN and infinity must come through: a training loop tells a diverged run by them
FAST_MATH = {"contract", "reassoc", "nsz", "arcp"}
_lock = threading.RLock()


@dataclass(frozen=True)
class Kernels:
    """The compiled functions of one cell, named as in `loops`, `products` and `packing`."""

    forward: Callable[..., None]
    backward: Callable[..., None]
    pack: Callable[..., None]
    pack_transposed: Callable[..., None]
    index_steps: Callable[..., None]
    clear_masked: Callable[..., None]


def available() -> bool:
    """Whether Numba is installed."""
    from importlib.util import find_spec

    return find_spec("numba") is not None


@cache
def _cached_kernels(
    name: str, steps: tuple[Callable[..., None], Callable[..., None]], slots: tuple[tuple[str, str], ...]
) -> Kernels:
    import numba
    from numba.extending import register_jitable

    from rnn_apps.layers import products_llvm  # noqa: F401  registers the products

    folder = cache_folder()
    label = "-".join([name, *(activation for _, activation in slots)])
    done = folder / f"{label}.done"
    if not done.exists():
        logger.warning("Compiling the %s layer for this processor, once (about 10 s; kept in %s).", name, folder)
    for function in (f for pair in scalar.ACTIVATIONS.values() for f in pair):
        register_jitable(function)

    parts: dict[str, Any] = {}
    for slot, activation in slots:
        parts[slot], parts[f"{slot}_slope"] = scalar.ACTIVATIONS[activation]

    def compiled(function: Any, parts: Mapping[str, Any], signature: Any = None, **options: Any) -> Any:
        copy = _with_globals(function, f"{function.__name__}_{label.replace('-', '_')}", parts)
        return numba.njit(signature, nogil=True, error_model="numpy", **options)(copy)

    t = numba.types
    matrix, read = t.Array(t.float32, 2, "C"), t.Array(t.float32, 2, "C", readonly=True)
    panels, vector, indices = t.Array(t.float32, 3, "C"), t.Array(t.float32, 1, "C"), t.Array(t.int64, 1, "C")
    mask = t.Array(t.boolean, 2, "C", readonly=True)
    number, flag = t.int64, t.boolean
    with _numba_cache(folder):
        steps_compiled = {
            role: compiled(step, parts, fastmath=FAST_MATH)
            for role, step in zip(("forward_step", "backward_step"), steps, strict=True)
        }
        result = Kernels(
            forward=compiled(
                loops.forward,
                steps_compiled,
                t.void(
                    read,
                    indices,
                    indices,
                    panels,
                    panels,
                    vector,
                    number,
                    matrix,
                    matrix,
                    matrix,
                    flag,
                    matrix,
                    number,
                    matrix,
                ),
                cache=True,
            ),
            backward=compiled(
                loops.backward,
                steps_compiled,
                t.void(
                    read,
                    indices,
                    indices,
                    panels,
                    panels,
                    number,
                    read,
                    read,
                    read,
                    number,
                    matrix,
                    matrix,
                    flag,
                    matrix,
                    matrix,
                    vector,
                    matrix,
                    matrix,
                    matrix,
                ),
                cache=True,
            ),
            pack=compiled(products.pack, {}, t.void(read, panels), cache=True),
            pack_transposed=compiled(products.pack_transposed, {}, t.void(read, panels), cache=True),
            index_steps=compiled(packing.index_steps, {}, t.void(mask, indices, indices, flag, indices), cache=True),
            clear_masked=compiled(packing.clear_masked, {}, t.void(mask, indices, matrix), cache=True),
        )
    done.touch()
    return result


def load(name: str, steps: tuple[Callable[..., None], Callable[..., None]], slots: Mapping[str, str]) -> Kernels:
    """The compiled loops of a cell, from memory, from disk, or from the compiler.

    Args:
        name: the cell's name.
        steps: its step and its backward step.
        slots: names of activations in the steps, and which of `scalar.ACTIVATIONS` stands in each.
    """
    with _lock:
        return _cached_kernels(name, steps, tuple(slots.items()))


def _with_globals(function: Any, name: str, parts: Mapping[str, Any]) -> Any:
    """A copy of a function that sees `parts` in the place of globals of those names."""
    copy = python_types.FunctionType(function.__code__, {**function.__globals__, **parts}, name)
    copy.__qualname__ = name
    copy.__module__ = function.__module__
    return copy


@cache
def cache_folder() -> Path:
    """The folder of the machine code; a temporary one if none can be written."""
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    base = os.environ.get("RNN_APPS_CACHE") or Path(
        os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "rnn_apps"
    )
    folder = Path(base, f"kernels-{digest.hexdigest()[:12]}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return Path(tempfile.mkdtemp(prefix="rnn_apps-"))


class _numba_cache:
    """Lets functions compiled inside this context keep their machine code in a folder of ours."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> None:
        from numba.core import config

        self.before = config.CACHE_DIR
        config.CACHE_DIR = str(self.folder)

    def __exit__(self, *exception: Any) -> None:
        from numba.core import config

        config.CACHE_DIR = self.before
